namespace CasPaxos.Simulation.Tests;

public sealed class MutantTests
{
    [Fact]
    public void There_are_at_least_eighteen_mutants_each_with_a_name_of_its_own()
    {
        var names = MutantCatalog.All.Select(mutant => mutant.Name).ToList();

        Assert.True(names.Count >= 18);
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(MutantCatalog.All, mutant => Assert.EndsWith(".", mutant.Sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_patch_fits_the_code_as_it_is_today()
    {
        Assert.All(MutantCatalog.All, mutant => Assert.NotEmpty(MutantCompiler.Apply(mutant)));
    }

    [Fact]
    public void A_patch_that_fits_nowhere_is_an_error_and_not_a_survivor()
    {
        var stale = new Mutant(
            "stale", "Changes code that is not there.", new Patch("core/Acceptor.cs", "no such text", ""));

        var failure = Assert.Throws<InvalidOperationException>(() => MutantRunner.Run(stale, first: 1));

        Assert.Contains("the mutant must follow", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_patch_that_fits_twice_is_an_error()
    {
        var vague = new Mutant("vague", "Changes anything.", new Patch("core/Acceptor.cs", "Ballot", "Ballot"));

        Assert.Throws<InvalidOperationException>(() => MutantCompiler.Apply(vague));
    }

    [Theory]
    [InlineData("accept-quorum-one-short")]
    [InlineData("silence-is-harmless")]
    public void A_mutant_is_caught_by_the_checker_and_replayed(string name)
    {
        var mutant = MutantCatalog.Find(name)!;

        var result = MutantRunner.Run(mutant, first: 1);
        var words = MutantRunner.Explain(mutant, result.Seed!.Value);

        Assert.Equal("checker", result.CaughtBy);
        Assert.Contains("The checker:", words, StringComparison.Ordinal);
        Assert.Contains("The messages around it", words, StringComparison.Ordinal);
    }

    /// <summary>What compiles and runs as a mutant is the real thing, if nothing is changed.</summary>
    [Fact]
    public void A_mutant_that_changes_nothing_survives()
    {
        var harmless = new Mutant(
            "harmless", "Changes a comment.", new Patch("core/Acceptor.cs", "// Fence first:", "// Fence:"));
        var campaign = MutantCompiler.Load(harmless).GetType(typeof(Campaign).FullName!)!;
        var entry = campaign.GetMethod(nameof(Campaign.FindViolation))!;

        var found = (string[])entry.Invoke(null, [1L, 200, 0])!;

        Assert.Empty(found);
    }
}
