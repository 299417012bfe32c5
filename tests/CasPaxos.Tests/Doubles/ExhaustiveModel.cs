using System.Collections.Immutable;

namespace CasPaxos.Tests;

/// <summary>
/// Explores every order in which requests can reach acceptors, breadth first and each state once. A request that is
/// delivered is answered at once, or its reply is lost; one that is not delivered is late, or lost. (That second copies
/// change no acceptor is proven apart.) A proposer is made again from what it was told. Bounded: so many phases of each
/// proposer, so many timers, so many lost replies.
/// </summary>
internal sealed class ExhaustiveModel(Configuration configuration, int[] changes, int[] phasesMax, int[] timersMax)
{
    private readonly Dictionary<(int Proposer, int Slot, long Attempt, string Reply), int> _told = [];
    private readonly Names<AcceptorState> _acceptors = new();
    private readonly Names<AcceptorRequest.Accept> _accepts = new();
    private readonly Names<ModelProposer> _proposers = new();
    private readonly HashSet<string> _chosen = [];

    public int LossesMax { get; init; }

    /// <summary>Breaks the acceptors, to show that the search can fail.</summary>
    public bool ForgetsPromises { get; init; }

    public bool Complete { get; private set; }

    public int States { get; private set; }

    /// <summary>How many different records were ever chosen.</summary>
    public int Chosen => _chosen.Count;

    private int Slots => configuration.Slots;

    public void Explore(int statesMax)
    {
        var acceptor = Name(default(AcceptorState));
        var first = default(World);
        for (var slot = 0; slot < Slots; slot++)
        {
            first = first with { Acceptors = Set(first.Acceptors, slot, acceptor) };
        }

        for (var i = 0; i < changes.Length; i++)
        {
            var proposer = Name(new ModelProposer(configuration, i, changes[i], []));
            first = first with { Proposers = Set(first.Proposers, i, proposer) };
        }

        var seen = new HashSet<World> { first };
        var queue = new Queue<World>([first]);
        while (seen.Count <= statesMax && queue.TryDequeue(out var world))
        {
            States++;
            foreach (var next in Steps(world))
            {
                if (seen.Add(next))
                {
                    Check(next);
                    queue.Enqueue(next);
                }
            }
        }

        Complete = queue.Count == 0;
    }

    private IEnumerable<World> Steps(World world)
    {
        for (var i = 0; i < changes.Length; i++)
        {
            var proposer = _proposers[Get(world.Proposers, i)];
            foreach (var letter in proposer.Letters)
            {
                var bit = 1UL << ((i * 32) + (((int)letter.Attempt - 1) * Slots) + letter.Slot);
                if ((world.Delivered & bit) == 0 && letter.Attempt <= phasesMax[i])
                {
                    var (after, reply) = Deliver(world with { Delivered = world.Delivered | bit }, letter);
                    var counts = letter.Attempt == proposer.Letters[^1].Attempt;
                    if (counts)
                    {
                        yield return Tell(after, i, new Telling(letter.Slot, letter.Attempt, reply));
                    }

                    if (!counts || world.Losses < LossesMax)
                    {
                        yield return after with { Losses = world.Losses + (counts ? 1 : 0) };
                    }
                }
            }

            if (proposer.Timers < timersMax[i])
            {
                yield return Tell(world, i, new Telling(0, proposer.Timer, Reply: null));
            }
        }
    }

    private (World After, AcceptorReply Reply) Deliver(World world, Letter letter)
    {
        var state = _acceptors[Get(world.Acceptors, letter.Slot)];
        if (ForgetsPromises && state.Row is { } row)
        {
            state = state with { Row = row with { Promised = row.Accepted } };
        }

        var decision = Acceptor.Decide(state, letter.Request);
        var acceptors = Set(world.Acceptors, letter.Slot, Name(decision.Persist ?? state));
        var accepted = decision.Reply is AcceptorReply.Accepted && letter.Request is AcceptorRequest.Accept accept
            ? UInt128.One << ((_accepts.Of($"{accept.Ballot} {Hex(accept.Value)}", accept) * Slots) + letter.Slot)
            : UInt128.Zero;
        Assert.True(_accepts.Count * Slots <= 128, "Too many accepts for the set that holds them.");
        return (world with { Acceptors = acceptors, Accepted = world.Accepted | accepted }, decision.Reply);
    }

    private World Tell(World world, int i, Telling telling)
    {
        var before = Get(world.Proposers, i);
        var key = (before, telling.Slot, telling.Attempt, ModelProposer.Show(telling));
        if (!_told.TryGetValue(key, out var after))
        {
            var told = _proposers[before].Told.Add(telling);
            _told.Add(key, after = Name(new ModelProposer(configuration, i, changes[i], told)));
        }

        return world with { Proposers = Set(world.Proposers, i, after) };
    }

    /// <summary>Of one version at most one record is chosen, and whatever was acknowledged is chosen.</summary>
    private void Check(World world)
    {
        var chosen = new List<RegisterRecord>();
        for (var i = 0; i < _accepts.Count; i++)
        {
            var slots = (ulong)(world.Accepted >> (i * Slots)) & ((1UL << Slots) - 1);
            if (ulong.PopCount(slots) >= (ulong)configuration.AcceptQuorum)
            {
                chosen.Add(RecordCodec.Decode(_accepts[i].Value));
            }
        }

        foreach (var version in chosen.GroupBy(record => record.Version))
        {
            var records = version.Select(record => string.Join(',', record.Recent.Ids)).Distinct().ToList();
            _chosen.UnionWith(records);
            if (records.Count > 1)
            {
                throw new InvalidOperationException($"Two records of version {version.Key} are chosen.");
            }
        }

        for (var i = 0; i < changes.Length; i++)
        {
            foreach (var (id, etag) in _proposers[Get(world.Proposers, i)].Applied)
            {
                if (!chosen.Any(record => record.Version >= etag.Version && record.Recent.Age(id) is not null))
                {
                    throw new InvalidOperationException($"{id} is acknowledged and not chosen.");
                }
            }
        }
    }

    private static string Hex(ReadOnlyMemory<byte> value) => Convert.ToHexString(value.Span);

    private static int Get(ulong packed, int index) => (int)(packed >> (index * 21)) & 0x1fffff;

    private static ulong Set(ulong packed, int index, int value) =>
        (packed & ~(0x1fffffUL << (index * 21))) | ((ulong)value << (index * 21));

    private int Name(AcceptorState state) =>
        _acceptors.Of($"{state.Promised} {state.Accepted} {Hex(state.Row?.Value ?? default)}", state);

    private int Name(ModelProposer proposer) => _proposers.Of(proposer.Key, proposer);

    private readonly record struct World(
        ulong Acceptors, ulong Delivered, UInt128 Accepted, ulong Proposers, int Losses);

    /// <summary>Small numbers for things that are equal when their keys are.</summary>
    private sealed class Names<TThing>
    {
        private readonly Dictionary<string, int> _numbers = [];
        private readonly List<TThing> _things = [];

        public int Count => _things.Count;

        public TThing this[int number] => _things[number];

        public int Of(string key, TThing thing)
        {
            if (!_numbers.TryGetValue(key, out var number))
            {
                _numbers.Add(key, number = _things.Count);
                _things.Add(thing);
            }

            return number;
        }
    }
}

/// <summary>A reply that a proposer was given, or, without one, that its timer fired.</summary>
internal sealed record Telling(int Slot, long Attempt, AcceptorReply? Reply);

/// <summary>A real proposer that submitted its changes one after the other and was told all this.</summary>
internal sealed class ModelProposer
{
    private static readonly ChangeCatalog Catalog = new();

    public ModelProposer(Configuration configuration, int number, int changes, ImmutableArray<Telling> told)
    {
        Told = told;
        var id = new ProposerId(Make.Id(number + 1));
        var proposer = new Proposer(id, 0, configuration, Catalog, ProposerSettings.Default, new Random(number));
        var waits = false;
        for (var i = -1; i < told.Length; i++)
        {
            waits &= i < 0 || !Take(proposer, Tell(proposer, told[i]));
            if (!waits && changes > 0)
            {
                var own = (number * 10) + changes--;
                Take(proposer, proposer.Submit(own, new Operation(Make.Op(own), new Change.Increment(1))));
                waits = true;
            }
        }

        Timers = told.Count(telling => telling.Reply is null);
        var attempt = Letters[^1].Attempt;
        var sent = Letters.DistinctBy(letter => letter.Attempt).Select(letter => Show(letter.Request));
        var heard = told.Where(t => t.Attempt == attempt && t.Reply is not null).Select(Show).Order();
        Key = $"{number}|{Timers}|{Timer}|{string.Join('/', sent)}|{string.Join('/', heard)}|{Applied.Count}|{waits}";
    }

    public ImmutableArray<Telling> Told { get; }

    /// <summary>
    /// Equal for proposers that will do the same: they sent the same, were told the same in this phase, in any order.
    /// </summary>
    public string Key { get; }

    public int Timers { get; }

    public long Timer { get; private set; }

    public List<Letter> Letters { get; } = [];

    public List<(OperationId Id, ETag Etag)> Applied { get; } = [];

    private static IReadOnlyList<ProposerEffect> Tell(Proposer proposer, Telling telling) => telling.Reply is { } reply
        ? proposer.Receive(telling.Slot, telling.Attempt, reply)
        : proposer.TimerFired(telling.Attempt);

    private static string Show(AcceptorRequest request) => request is AcceptorRequest.Accept accept
        ? $"accept {accept.Ballot} {Convert.ToHexString(accept.Value.Span)}"
        : request.ToString();

    public static string Show(Telling telling) => $"{telling.Slot}" + telling.Reply switch
    {
        AcceptorReply.Promised promised => $"p{promised.AcceptedBallot}{Convert.ToHexString(promised.Value.Span)}",
        AcceptorReply.Accepted accepted => $"a{accepted.Promise}",
        var reply => $"{reply}",
    };

    /// <summary>True if an operation was answered.</summary>
    private bool Take(Proposer proposer, IReadOnlyList<ProposerEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case ProposerEffect.Send send:
                    Letters.Add(new Letter(send.Slot, send.Attempt, send.Request));
                    break;
                case ProposerEffect.SetTimer timer:
                    Timer = timer.Timer;
                    break;
                case ProposerEffect.Answer { Outcome: Outcome.Applied applied } answer:
                    Applied.Add((Make.Op((int)answer.Ticket), applied.ETag));
                    break;
            }
        }

        if (effects.Any(effect => effect is ProposerEffect.Enter))
        {
            Take(proposer, proposer.Admit()); // There is always room here; nothing is answered by that.
        }

        return effects.Any(effect => effect is ProposerEffect.Answer);
    }
}
