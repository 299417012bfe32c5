using CasPaxos.Registers;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

[Collection(SharedServer.Name)]
public sealed class RaceTests(SharedServer shared)
{
    [SkippableFact]
    public async Task Of_two_first_writers_with_one_ballot_exactly_one_wins_a_hundred_times() // T-O2, T-O1, case 64
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        for (var round = 0; round < 100; round++)
        {
            var key = $"race/{round}";
            AcceptorReply[] replies = await Task.WhenAll(
                acceptor.AcceptAsync(key, B(1), "left"), acceptor.AcceptAsync(key, B(1), "right"));

            var winner = replies[0] is AcceptorReply.Accepted ? "left" : "right";
            Assert.Single(replies, reply => reply is AcceptorReply.Accepted);
            Assert.Single(replies, reply => reply is AcceptorReply.Refused);
            Replies.AssertEqual(new AcceptorReply.Report(B(1), Bytes(winner)), await acceptor.ReadAsync(key));
        }
    }

    [SkippableFact]
    public async Task Of_two_first_prepares_with_one_ballot_exactly_one_is_promised_a_hundred_times()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        for (var round = 0; round < 100; round++)
        {
            AcceptorReply[] replies = await Task.WhenAll(
                acceptor.PrepareAsync($"race/{round}", B(1)), acceptor.PrepareAsync($"race/{round}", B(1)));

            Assert.Single(replies, reply => reply is AcceptorReply.Promised);
        }
    }

    [SkippableFact]
    public async Task Racing_writers_of_rising_ballots_leave_the_highest_that_was_accepted()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        for (var round = 0; round < 40; round++)
        {
            var key = $"race/{round}";
            var ballots = Enumerable.Range(1, 6).Select(counter => B(counter)).ToArray();
            Random.Shared.Shuffle(ballots);

            var replies = await Task.WhenAll(ballots.Select(ballot => acceptor.AcceptAsync(key, ballot, $"{ballot}")));

            var highest = ballots.Zip(replies)
                .Where(pair => pair.Second is AcceptorReply.Accepted)
                .Max(pair => pair.First);
            Assert.Equal(B(6), highest);
            Replies.AssertEqual(new AcceptorReply.Report(highest, Bytes($"{highest}")), await acceptor.ReadAsync(key));
        }
    }

    [SkippableFact]
    public async Task Batches_in_opposite_orders_never_deadlock_and_every_batch_takes_effect_whole()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var keys = Enumerable.Range(0, 30).Select(i => $"k{i}").ToArray();

        async Task WriteAsync(int writer)
        {
            var random = new Random(writer);
            for (var round = 1; round <= 40; round++)
            {
                var mine = keys.ToArray();
                random.Shuffle(mine);

                // Some keys twice: the call-by-call path locks in the same order as the other.
                var batch = mine.Select(key => AcceptCall(key, B((round * 10) + writer), $"{writer}/{round}"));
                if (round % 3 == 0)
                {
                    batch = batch.Concat(mine.Take(5).Select(key => PrepareCall(key, B((round * 10) + writer))));
                }

                var replies = await acceptor.Acceptor.AskAsync([.. batch], default);
                Assert.All(replies, reply => Assert.True(reply is AcceptorReply.Accepted or AcceptorReply.Refused));
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(WriteAsync));

        Assert.DoesNotContain("deadlock detected", shared.Server.ReadLog(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Epoch_learners_erasers_and_writers_at_once_never_deadlock()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var epoch = 1L;

        async Task WorkAsync(int worker)
        {
            var random = new Random(worker);
            for (var round = 0; round < 40; round++)
            {
                var mine = random.Next(8) == 0 ? Interlocked.Increment(ref epoch) : Interlocked.Read(ref epoch);
                var keys = Enumerable.Range(0, 4).Select(_ => $"k{random.Next(6)}").ToArray();
                AcceptorCall[] batch = random.Next(4) switch
                {
                    0 => [.. keys.Select(key => EraseCall(key, Ballot.Zero, mine))],
                    1 => [.. keys.Select(key => ReadCall(key, mine))],
                    2 => [AcceptCall(keys[0], B((round * 10) + worker), "v", epoch: mine)],
                    _ => [.. keys.Select(key => PrepareCall(key, B((round * 10) + worker), mine))],
                };
                await acceptor.Acceptor.AskAsync(batch, default);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(WorkAsync));

        Assert.Equal(epoch, (await acceptor.MarksAsync()).Epoch);
        Assert.DoesNotContain("deadlock detected", shared.Server.ReadLog(), StringComparison.Ordinal);
    }
}
