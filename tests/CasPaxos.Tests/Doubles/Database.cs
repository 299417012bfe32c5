using System.Collections.Immutable;

namespace CasPaxos.Tests;

/// <summary>What an acceptor has on disk, at one moment.</summary>
internal sealed record Stored(
    long Epoch, Ballot Floor, long VersionFloor, ImmutableDictionary<string, AcceptorRow> Rows)
{
    public static readonly Stored Empty = new(0, Ballot.Zero, 0, ImmutableDictionary<string, AcceptorRow>.Empty);

    public AcceptorState Of(string register) => new(Epoch, Floor, Rows.GetValueOrDefault(register), VersionFloor);

    public Stored With(string register, AcceptorState state) => new(
        state.Epoch,
        state.Floor,
        state.VersionFloor,
        state.Row is { } row ? Rows.SetItem(register, row) : Rows.Remove(register));
}

/// <summary>What happens to the next write.</summary>
internal enum WriteFault
{
    None,
    Lost,
    DoneButReportedAsFailed,
}

/// <summary>A disk with one operation: replace what is there, if it is still what the writer has read.</summary>
internal sealed class Database(Guid incarnation)
{
    public Guid Incarnation { get; } = incarnation;

    public Stored Current { get; private set; } = Stored.Empty;

    public int Loads { get; private set; }

    public int Writes { get; private set; }

    public WriteFault NextWrite { get; set; }

    public Stored Load()
    {
        Loads++;
        return Current;
    }

    /// <summary>False if somebody else has written meanwhile, or the write failed.</summary>
    public bool TrySave(Stored expected, Stored next)
    {
        var fault = NextWrite;
        if (!ReferenceEquals(expected, Current))
        {
            return false;
        }

        if (!ReferenceEquals(expected, next))
        {
            NextWrite = WriteFault.None;
            Current = fault == WriteFault.Lost ? Current : next;
            Writes += fault == WriteFault.Lost ? 0 : 1;
        }

        return ReferenceEquals(expected, next) || fault == WriteFault.None;
    }

    /// <summary>An older backup is put back.</summary>
    public void Restore(Stored older) => Current = older;
}

/// <summary>
/// One activation of an acceptor: remembers what it loaded, persists before it replies, forgets when a write fails, and
/// serves no database but the one it was told to.
/// </summary>
internal sealed class AcceptorHost(Database database, Guid incarnation)
{
    private Stored? _memory;

    public AcceptorReply Handle(string register, AcceptorRequest request)
    {
        if (database.Incarnation != incarnation)
        {
            return new AcceptorReply.Failed(MayHaveTakenEffect: false, "Another incarnation.");
        }

        var memory = _memory ??= database.Load();
        var decision = Acceptor.Decide(memory.Of(register), request);
        var next = decision.Persist is { } state ? memory.With(register, state) : memory;
        if (!database.TrySave(memory, next))
        {
            _memory = null;
            return new AcceptorReply.Failed(MayHaveTakenEffect: true, "The write failed.");
        }

        _memory = next;
        return decision.Reply;
    }
}
