using CasPaxos.Registers;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>
/// The rule in SQL is the rule in C#: random sequences through both, with few distinct ballots, values and keys so that
/// ties and repetitions are common (rule 2).
/// </summary>
[Collection(SharedServer.Name)]
public sealed class RuleEquivalenceTests(SharedServer shared)
{
    private const int Batches = 700;

    private static readonly string[] Keys = ["a", "b", "\U0001F600", "\uFFFD", "a\0"];
    private static readonly Ballot[] Ballots =
    [
        Ballot.Zero, B(1), B(1, P2), B(2), B(2, P2), B(3), B(4, P2), B(7), B(9), B(9, P2), B(12), B(40, P2), B(1000),
        B(Ballot.CounterMax, P2), new(0, P1),
    ];

    private static readonly string[] Values = ["", "x", "y", new string('z', 9000)];

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Random_sequences_through_SQL_and_through_the_rule_give_the_same_replies_and_rows(int seed)
    {
        await using var sql = await shared.NewAcceptorAsync();
        var model = new Model();
        var random = new Random(seed);

        for (var step = 0; step < Batches; step++)
        {
            // Late in a sequence the ballots rise, so that it does not end up refusing everything.
            var batch = NextBatch(random, model.Epoch, step);
            var expected = batch.Select(call => Replies.Text(model.Ask(call))).ToList();
            var actual = (await sql.Acceptor.AskAsync(batch, default)).Select(Replies.Text).ToList();

            var context = $"seed {seed}, batch {step}: {string.Join("; ", batch)}";
            Assert.True(expected.SequenceEqual(actual), $"{context}\nrule: {string.Join("; ", expected)}\n"
                + $"SQL: {string.Join("; ", actual)}");
            if (step % 10 == 0 || step == Batches - 1)
            {
                await AssertSameStateAsync(model, sql, context);
            }
        }
    }

    private static AcceptorCall[] NextBatch(Random random, long epoch, int step)
    {
        var lane = random.Next(10) switch { < 7 => Lane.Write, < 9 => Lane.Read, _ => Lane.Erase };
        var stale = random.Next(40) == 0;
        var newer = random.Next(150) == 0;
        // One call and several take different functions, and each must go on from what the other left.
        var batch = new AcceptorCall[random.Next(2) == 0 ? 1 : random.Next(2, 5)];
        for (var i = 0; i < batch.Length; i++)
        {
            batch[i] = new AcceptorCall(
                new RegisterKey(Keys[random.Next(Keys.Length)]),
                NextRequest(random, lane, epoch - (stale ? 1 : 0) + (newer ? 2 : 0), step));
        }

        return batch;
    }

    private static AcceptorRequest NextRequest(Random random, Lane lane, long epoch, int step)
    {
        var ballot = NextBallot(random, step);
        return lane switch
        {
            Lane.Read => new AcceptorRequest.Read(epoch),
            Lane.Erase => new AcceptorRequest.Erase(
                epoch, random.Next(4) == 0 ? Ballot.Zero : ballot, NextVersion(random, step)),
            _ when random.Next(3) == 0 => new AcceptorRequest.Prepare(epoch, ballot),
            _ => new AcceptorRequest.Accept(
                epoch,
                ballot,
                Bytes(Values[random.Next(Values.Length)]),
                random.Next(2) == 0 ? Ballot.Zero : NextBallot(random, step)),
        };
    }

    private static Ballot NextBallot(Random random, int step) => random.Next(200) == 0
        ? Ballots[random.Next(Ballots.Length)]
        : random.Next(10) == 0
            ? Ballot.Zero
            : new Ballot((step / 15) + random.Next(4), random.Next(2) == 0 ? P1 : P2);

    /// <summary>Rising, like the ballots, so that floors go on rising; and far below and at the end at times.</summary>
    private static long NextVersion(Random random, int step) => random.Next(10) switch
    {
        0 => 0,
        1 when step > Batches - 20 => RegisterRecord.VersionMax,
        _ => random.Next(step + 2),
    };

    private static async Task AssertSameStateAsync(Model model, TestAcceptor sql, string context)
    {
        Assert.True((model.Epoch, model.Floor, model.VersionFloor) == await sql.MarksAsync(), context);
        foreach (var key in Keys)
        {
            var row = await sql.RowAsync(key);
            Assert.True(Replies.Text(model.Row(key)) == Replies.Text(row), $"{context}\nkey {key}");
        }
    }

    /// <summary>The reference: one database of rows, decided by the rule.</summary>
    private sealed class Model
    {
        private readonly Dictionary<RegisterKey, AcceptorRow> _rows = [];

        public long Epoch { get; private set; } = 1;

        public Ballot Floor { get; private set; }

        public long VersionFloor { get; private set; }

        public AcceptorRow? Row(string key) => _rows.GetValueOrDefault(new RegisterKey(key));

        public AcceptorReply Ask(AcceptorCall call)
        {
            var (reply, persist) = Acceptor.Decide(
                new AcceptorState(Epoch, Floor, _rows.GetValueOrDefault(call.Key), VersionFloor), call.Request);
            if (persist is { } state)
            {
                (Epoch, Floor, VersionFloor) = (state.Epoch, state.Floor, state.VersionFloor);
                if (state.Row is { } row)
                {
                    _rows[call.Key] = row;
                }
                else
                {
                    _rows.Remove(call.Key);
                }
            }

            return reply;
        }
    }
}
