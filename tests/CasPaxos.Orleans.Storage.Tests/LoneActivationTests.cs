using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>Random losses: an activation that is alone never meets a conflict, and what it was told is true.</summary>
public sealed class LoneActivationTests
{
    private const int Steps = 60;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public async Task A_lone_activation_never_conflicts_with_itself_and_is_told_the_truth(int seed, bool delete)
    {
        var random = new Random(seed);
        var cluster = new MemoryCluster();
        CasPaxosGrainStorageOptions? options = null;
        var storage = cluster.Storage(own => (options, own.DeleteStateOnClear) = (own, delete));
        var witness = cluster.Storage();
        var (grain, state) = (NewGrain(), NewState());
        var (unknown, done) = (0, 0);
        for (var step = 0; step < Steps; step++)
        {
            Break(cluster, random);
            options!.Timeout = TimeSpan.FromMilliseconds(40);
            var text = $"{seed}/{step / 2}"; // Each twice, so that some are retries and some are not.
            var clear = random.Next(4) == 0;
            var before = (state.ETag, state.RecordExists);

            var failure = await Record.ExceptionAsync(
                () => clear ? storage.ClearAsync(grain, state) : storage.WriteAsync(grain, state, text));

            Array.ForEach(cluster.Acceptors, Mend);
            if (failure is null)
            {
                done++;
                var stored = await witness.ActivateAsync(grain);
                var told = $"seed {seed}, step {step}, {(clear ? "clear" : text)}: {stored.State!.Text}";
                Assert.True(stored.RecordExists == !clear && stored.ETag == state.ETag, told);
                Assert.True(clear || stored.State!.Text == text, told);
                continue;
            }

            Assert.True(
                failure is GrainStateOutcomeUnknownException or GrainStateUnavailableException,
                $"seed {seed}, step {step}: {failure}");
            Assert.Equal(before, (state.ETag, state.RecordExists));
            unknown += failure is GrainStateOutcomeUnknownException ? 1 : 0;
        }

        options!.Timeout = TimeSpan.FromSeconds(20);
        await storage.WriteAsync(grain, state, "at last");
        Assert.Equal("at last", (await witness.ActivateAsync(grain)).State!.Text);
        Assert.True(unknown > 5 && done > 5, $"seed {seed}: {unknown} were unknown and {done} done.");
    }

    private static void Break(MemoryCluster cluster, Random random)
    {
        foreach (var acceptor in cluster.Acceptors)
        {
            var choice = random.Next(10);
            acceptor.Down = choice == 0;
            acceptor.DropsAccepts = choice == 1;
            acceptor.LosesAnswers = choice is 2 or 3;
        }
    }

    private static void Mend(FaultyAcceptor acceptor) =>
        (acceptor.Down, acceptor.DropsAccepts, acceptor.LosesAnswers) = (false, false, false);
}
