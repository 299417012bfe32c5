using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// Callers that are far from a busy register: when their operation arrives, the register has moved on by more than its
/// ids show. From the second time on it shows so many more changes, by fingerprints (rule 12).
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
    public void The_third_try_of_a_distant_caller_is_applied_and_so_are_all_that_follow()
    {
        var wanted = Wanted(Append("x"));
        Assert.True(IsOvertaken(Arrive(wanted with { KnownSince = Position })));
        Assert.True(IsOvertaken(Arrive(wanted with { KnownSince = Position, Overtaken = true })));
        Assert.IsType<Outcome.Applied>(Arrive(wanted with { KnownSince = Position, Overtaken = true }));

        for (var i = 0; i < 5; i++)
        {
            var outcome = Arrive(Wanted(Append("x")) with { KnownSince = Position });
            Assert.False(Assert.IsType<Outcome.Applied>(outcome).Recovered);
        }

        Assert.Equal(6, _cluster.Read().Count(letter => letter == 'x'));
    }

    // Each distance beyond the ids: what is shown must last for more than one call.
    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(300)]
    public void Callers_from_any_distance_are_seldom_overtaken(int distance)
    {
        var overtaken = 0;
        for (var i = 0; i < 50; i++)
        {
            var wanted = Wanted(Append("x"));
            for (var tries = 0; tries == 0 || IsOvertaken(Arrive()); tries++)
            {
                overtaken += Math.Min(tries, 1);
                wanted = wanted with { KnownSince = Position, Overtaken = tries > 0 };
            }

            Outcome Arrive()
            {
                _proposer.DoMany(distance, "o");
                return _proposer.Do(wanted);
            }
        }

        Assert.InRange(overtaken, 2, 8);
    }

    // It comes from far back since it was away for long, and not from far away: it is told where the register stands.
    [Fact]
    public void A_caller_that_was_away_for_long_makes_the_record_no_longer()
    {
        var wanted = Wanted(Append("x"));

        Assert.True(IsOvertaken(Arrive(wanted with { KnownSince = ETag.Absent })));
        Assert.IsType<Outcome.Applied>(_proposer.Do(wanted with { KnownSince = Position, Overtaken = true }));
        Assert.Equal(0, Recent.Reach);
    }

    // It comes from the same position for ever, so that showing more would never be enough.
    [Fact]
    public void A_retry_makes_the_record_no_longer()
    {
        var wanted = Wanted(Append("x")) with { RetrySince = Position, Overtaken = true };

        for (var i = 0; i < 5; i++)
        {
            Assert.IsType<Outcome.Unknown>(Arrive(wanted));
        }

        Assert.Equal(0, Recent.Reach);
    }

    // The versions below its first change are those of other registers that were erased.
    [Fact]
    public void A_register_that_has_dropped_no_id_shows_no_more_than_it_has()
    {
        _cluster.WriteAndDelete("other").DoMany(500, "o");
        var other = _cluster.Proposer("other", counter: 1_000);
        other.Do(new Change.Delete(null, At: 8));
        Assert.Equal(ErasureResult.Erased, _cluster.Eraser("other", counter: 100_000).Erase());
        var fresh = _cluster.Proposer("fresh");

        fresh.Do(Wanted(Append("x")) with { KnownSince = ETag.Absent, Overtaken = true });

        Assert.Equal(0, fresh.Core.Seen!.Recent.Reach);
        Assert.Equal(0, fresh.Core.Statistics.AcceptRounds);
    }

    // What is settled is kept for as long as the changes since are shown; where there is no room for that, fewer are.
    [Fact]
    public void Retries_that_are_refused_find_as_much_room_as_without_fingerprints()
    {
        Attract();
        for (var i = 0; i < 100; i++)
        {
            var since = Position;
            _proposer.DoMany(4, "o");
            var create = Wanted(new Change.Create(Bytes("x"))) with { RetrySince = since };
            Assert.True(Assert.IsType<Outcome.Refused>(_proposer.Do(create)).Final);
            Assert.True(Assert.IsType<Outcome.Refused>(_proposer.Do(create)).Recovered);
        }

        Assert.InRange(Recent.Settled.Length, 1, RecentOperations.IdsMin);
        Assert.InRange(Recent.Shown, RecentOperations.IdsMin, 6 * RecentOperations.IdsMin); // Of 200 that it reaches.
        Assert.All(Recent.Settled, settled => Assert.True(settled.Version >= Position.Version - Recent.Shown));
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

        Assert.True(IsOvertaken(Arrive(Wanted(Append("x")) with { KnownSince = ETag.Absent, Overtaken = true })));
        Assert.Equal(0, Recent.Reach);
    }

    [Fact]
    public void Twice_as_many_are_shown_as_were_asked_for_and_fewer_when_nobody_comes_from_so_far_any_more()
    {
        Attract();
        const int Reach = 2 * Far;
        Assert.Equal(Reach, Recent.Reach);
        _proposer.DoMany(4 * Far, "o");
        Assert.Equal(Reach, Recent.Fingerprints.Length);

        _proposer.DoMany(16 * Reach, "o");

        Assert.Equal(Reach / 2, Recent.Reach);
        Assert.Equal(Reach / 2, Recent.Fingerprints.Length);
        _proposer.DoMany(32 * Reach, "o");
        Assert.Empty(Recent.Fingerprints);
    }

    // Callers that cannot be helped, or ask for less, do not keep it from falling.
    [Fact]
    public void Fewer_are_shown_even_while_others_come_from_too_far_or_not_so_far()
    {
        Attract();
        var reach = Recent.Reach;
        for (var i = 0; i < 40 * reach / Far; i++)
        {
            Arrive(Wanted(Append("x")) with { KnownSince = ETag.Absent });
        }

        Assert.InRange(Recent.Reach, 0, reach / 2);
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
    private void Attract() => Assert.True(IsOvertaken(Arrive(
        Wanted(Append("-")) with { KnownSince = Position, Overtaken = true })));

    /// <summary>An operation arrives when many others have been applied since it was sent.</summary>
    private Outcome Arrive(Operation operation)
    {
        _proposer.DoMany(Far, "o");
        return _proposer.Do(operation);
    }
}
