namespace CasPaxos.Tests;

/// <summary>All interleavings of a few messages, with the real acceptors and the real proposers.</summary>
public sealed class ExhaustiveTests
{
    // Two cold proposers, one change each; every message may be late or lost, and one reply may be lost.
    [Theory]
    [InlineData(1, 2, 1, 2, 1)]
    [InlineData(1, 2, 1, 4, 0)]
    [InlineData(2, 3, 1, 2, 0)] // The first goes on by the one-round-trip path.
    public void No_interleaving_chooses_two_records_of_one_version(
        int changesOne, int phasesOne, int changesTwo, int phasesTwo, int losses)
    {
        int[] changes = [changesOne, changesTwo];
        int[] phases = [phasesOne, phasesTwo];
        var model = new ExhaustiveModel(Make.Cluster(3), changes, phases, timersMax: [0, 0]) { LossesMax = losses };

        model.Explore(statesMax: 300_000);

        Assert.True(model.Complete, $"Stopped after {model.States} states.");
        Assert.True(model.Chosen >= 2, "Hardly anything was ever chosen, so hardly anything was checked.");
    }

    // An acceptor that forgets its promises is a bug that the search must find, or it finds nothing.
    [Fact]
    public void The_search_finds_what_a_forgotten_promise_does()
    {
        var model = new ExhaustiveModel(Make.Cluster(3), [1, 1], [2, 2], timersMax: [0, 0]) { ForgetsPromises = true };

        Assert.Throws<InvalidOperationException>(() => model.Explore(statesMax: 300_000));
    }
}
