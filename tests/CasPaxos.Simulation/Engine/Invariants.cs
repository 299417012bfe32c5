using System.Globalization;

namespace CasPaxos.Simulation;

/// <summary>Something that must not happen.</summary>
/// <param name="Register">Where; negative: nowhere in particular.</param>
/// <param name="Time">Virtual time in ticks.</param>
/// <param name="Rule">Which invariant, in two or three words.</param>
/// <param name="Text">What happened.</param>
internal sealed record Breach(int Register, long Time, string Rule, string Text);

/// <summary>
/// Watches what no client can see: ballots, promises, and which values are chosen. Knows the whole cluster, so that it
/// tells at once what a client would notice much later, if at all.
/// </summary>
internal sealed class Invariants
{
    private readonly World _world;
    private readonly ChosenValues[] _values;
    private readonly Dictionary<(int Register, Ballot Ballot), (IReplyTarget Sender, long Attempt)> _prepared = [];

    public Invariants(World world)
    {
        _world = world;
        _values = new ChosenValues[world.Scenario.Registers.Length];
        for (var i = 0; i < _values.Length; i++)
        {
            _values[i] = new ChosenValues(world, i);
        }
    }

    /// <summary>The first one; null if there is none.</summary>
    public Breach? Breach { get; private set; }

    /// <summary>False once it is pointless to go on.</summary>
    public bool GoesOn { get; private set; } = true;

    public void Violate(int register, string rule, string text)
    {
        Breach ??= new Breach(register, _world.Events.Now, rule, text);
        GoesOn &= rule != "liveness";
        if (_world.Trace.IsOn)
        {
            _world.Trace.Add(register, $"!! {rule}: {text}");
        }
    }

    /// <summary>A request leaves its proposer.</summary>
    public void Sent(IReplyTarget sender, long attempt, AcceptorRequest request)
    {
        switch (request)
        {
            case AcceptorRequest.Prepare prepare:
                var use = (sender, attempt);
                if (!_prepared.TryAdd((sender.Register, prepare.Ballot), use)
                    && _prepared[(sender.Register, prepare.Ballot)] != use)
                {
                    Violate(sender.Register, "ballot used once", $"Two attempts prepare {prepare.Ballot}.");
                }

                break;
            case AcceptorRequest.Accept accept:
                _values[sender.Register].Proposed(sender, attempt, accept);
                break;
        }
    }

    /// <summary>The sealed reads of a register.</summary>
    public SealedReads Sealed(int register) => _values[register].Sealed;

    /// <summary>A proposer answers from the record at a position.</summary>
    public void Answered(IReplyTarget proposer, ETag position) =>
        _values[proposer.Register].Answered(proposer, position);

    /// <summary>A client is told that an operation takes no effect, and never will.</summary>
    public void Refused(int register, OperationId id) => _values[register].Refused(id);

    /// <summary>An accept is durable at a slot.</summary>
    public void Accepted(int slot, int register, AcceptorRequest.Accept accept) =>
        _values[register].Accepted(slot, accept.Ballot);

    /// <summary>What a database has of a register has changed.</summary>
    public void Stored(int slot, int register, AcceptorState before, AcceptorState after)
    {
        if (after.VersionFloor < before.VersionFloor)
        {
            Violate(register, "versions never restart", $"Acceptor {slot} lowers its version floor.");
        }

        if (after.Promised > before.Promised)
        {
            _values[register].Sealed.Promised(slot, after.Promised);
        }

        if (after.Promised < before.Promised || after.Floor < before.Floor || after.Epoch < before.Epoch)
        {
            Violate(
                register,
                "promises never fall",
                $"Acceptor {slot} had promised {before.Promised} and promises {after.Promised} now.");
        }

        if (after.Row is { Accepted.IsZero: false } row
            && row.Accepted != before.Accepted
            && row.Accepted < before.Promised)
        {
            Violate(register, "promises are kept", $"Acceptor {slot} accepts {row.Accepted} below {before.Promised}.");
        }

        if (before.Row is { Accepted.IsZero: false } erased && after.Row is null
            && !_values[register].IsEverywhere(erased.Accepted))
        {
            Violate(
                register, "erased when everywhere", $"Acceptor {slot} erases {erased.Accepted}, which others lack.");
        }
    }

    /// <summary>The last answer about a register (acceptance case 62: counters add up).</summary>
    public void ReadLast(int register, Snapshot current)
    {
        if (_world.Scenario.Registers[register] != Usage.Counter)
        {
            return;
        }

        var final = current.Exists ? long.Parse(current.Payload.Span, CultureInfo.InvariantCulture) : 0;
        var sums = Checker.CounterChecker.Check(_world.Recorder.History, HistoryRecorder.KeyOf(register), final);
        if (!sums.Holds)
        {
            Violate(
                register,
                "counters add up",
                $"The counter is {final}; acknowledged are {sums.Acknowledged}, possible "
                + $"{sums.Lowest} to {sums.Highest}.");
        }
    }
}
