using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// Callers that are far from a busy register: when their operation arrives, the register has moved on by more than its
/// ids show. From then on it shows so many more changes, by fingerprints (rule 12).
/// </summary>
public sealed class DistantCallerTests
{
    private const int Far = 100; // Changes while a call is on its way; a record shows 16 without fingerprints.

    private readonly Cluster _cluster = new();
    private readonly ProposerDriver _proposer;
    private int _wanted;

    public DistantCallerTests()
    {
        _proposer = _cluster.Proposer();
        _proposer.Do(Put("o"));
    }

    private ETag Position => _proposer.Core.Position!.Value;

    private RecentOperations Recent => _proposer.Core.Seen!.Recent;

    [Fact]
    public void The_second_try_of_a_distant_caller_is_applied_and_so_are_all_that_follow()
    {
        Assert.True(IsOvertaken(Arrive(Wanted(Append("x")) with { KnownSince = Position })));

        for (var i = 0; i < 5; i++)
        {
            var outcome = Arrive(Wanted(Append("x")) with { KnownSince = Position });
            Assert.False(Assert.IsType<Outcome.Applied>(outcome).Recovered);
        }

        Assert.Equal(5, _cluster.Read().Count(letter => letter == 'x'));
    }

    // The register itself shows them: whoever made the changes, and wherever the caller comes to.
    [Fact]
    public void It_does_not_matter_which_proposer_is_asked()
    {
        var other = _cluster.Proposer(counter: 1_000);
        Attract();

        for (var i = 0; i < 3; i++)
        {
            var wanted = Wanted(Append("x")) with { KnownSince = Position };
            _proposer.DoMany(Far, "o");
            Assert.IsType<Outcome.Applied>(other.Do(wanted));
        }
    }

    // The trap of FollowedTryTests: another silo applies the second try while the first one is on its way.
    [Fact]
    public void A_try_on_its_way_is_not_applied_when_another_silo_has_applied_the_other()
    {
        Attract();
        var since = Position;
        var operation = Wanted(Append("x"));
        _cluster.Proposer(counter: 1_000).Do(operation with { RetrySince = since });

        var outcome = Arrive(operation with { KnownSince = since });

        Assert.True(IsOvertaken(outcome));
        Assert.Equal(1, _cluster.Read().Count(letter => letter == 'x'));
    }

    [Fact]
    public void A_retry_that_only_a_fingerprint_is_left_of_stays_unknown()
    {
        Attract();
        var since = Position;
        var operation = Wanted(Append("x")) with { RetrySince = since };
        _cluster.Proposer(counter: 1_000).Do(operation);

        Assert.Equal(since, Assert.IsType<Outcome.Unknown>(Arrive(operation)).Since);
        Assert.Equal(1, _cluster.Read().Count(letter => letter == 'x'));
    }

    // The ids have forgotten that the operation was settled: no change of it is to be found, and none may be made.
    [Fact]
    public void A_try_on_its_way_does_not_come_up_when_its_retry_was_refused_for_good()
    {
        Attract();
        var since = Position;
        var operation = Wanted(new Change.Create(Bytes("x")));
        var settled = _cluster.Proposer(counter: 1_000).Do(operation with { RetrySince = since });
        Assert.True(Assert.IsType<Outcome.Refused>(settled).Final);
        _proposer.DoMany(Far, "o");
        _proposer.Do(new Change.Delete(null, At: 7));

        var outcome = _proposer.Do(operation with { KnownSince = since });

        Assert.True(Assert.IsType<Outcome.Refused>(outcome).Recovered);
        Assert.Equal("", _cluster.Read());
    }

    // The next life of the register begins above all versions of the one before, and shows none of its changes.
    [Fact]
    public void Nothing_is_shown_of_a_register_before_it_was_erased()
    {
        Attract();
        var since = Position;
        _proposer.Do(new Change.Delete(null, At: 7));
        Assert.Equal(ErasureResult.Erased, _cluster.Eraser(counter: 100_000).Erase());
        _cluster.Proposer(counter: 200_000).Do(Put("o"));

        Assert.True(IsOvertaken(Arrive(Wanted(Append("x")) with { KnownSince = since })));
    }

    [Fact]
    public void Nothing_more_is_shown_for_callers_who_come_from_too_far_back_to_be_helped()
    {
        _proposer.DoMany(RecentOperations.ReachMax + (2 * RecentOperations.IdsMin), "o");

        Assert.True(IsOvertaken(Arrive(Wanted(Append("x")) with { KnownSince = ETag.Absent })));
        Assert.Equal(0, Recent.Reach);
    }

    [Fact]
    public void Twice_of_what_was_missing_is_shown_and_less_when_nobody_comes_from_so_far_any_more()
    {
        Attract();
        var reach = 2 * (Far - RecentOperations.IdsMin);
        Assert.Equal(reach, Recent.Reach);
        _proposer.DoMany(4 * Far, "o");
        Assert.Equal(reach, Recent.Fingerprints.Length);

        _proposer.DoMany(16 * reach, "o");

        Assert.Equal(reach / 2, Recent.Reach);
        Assert.Equal(reach / 2, Recent.Fingerprints.Length);
        _proposer.DoMany(32 * reach, "o");
        Assert.Empty(Recent.Fingerprints);
    }

    // Two ids may be alike: then the operation begins again from where the register stands, as if it had been hidden.
    [Fact]
    public void An_operation_that_is_like_a_fingerprint_by_chance_is_overtaken_once()
    {
        var twin = Enumerable.Range(1, int.MaxValue - 1).First(
            number => Op(number).Fingerprint == Wanted(Append("x"), -1).Id.Fingerprint);
        Attract();
        var since = Position;
        _proposer.Do(_proposer.Operation(Append("o"), twin));
        var operation = Wanted(Append("x"), -1);

        Assert.True(IsOvertaken(Arrive(operation with { KnownSince = since })));
        Assert.IsType<Outcome.Applied>(Arrive(operation with { KnownSince = Position }));
    }

    private Operation Wanted(Change change, int? number = null) =>
        _proposer.Operation(change, number ?? 9_000_000 + _wanted++);

    private static bool IsOvertaken(Outcome outcome) => outcome is Outcome.Unavailable { Overtaken: true };

    /// <summary>Somebody comes from far back, so that from now on more changes are shown.</summary>
    private void Attract() => Assert.True(IsOvertaken(Arrive(Wanted(Append("-")) with { KnownSince = Position })));

    /// <summary>An operation arrives when many others have been applied since it was sent.</summary>
    private Outcome Arrive(Operation operation)
    {
        _proposer.DoMany(Far, "o");
        return _proposer.Do(operation);
    }
}
