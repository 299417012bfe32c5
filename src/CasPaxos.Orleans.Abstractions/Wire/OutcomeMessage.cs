using System.Diagnostics;

namespace CasPaxos.Orleans.Wire;

/// <summary>Which outcome an <see cref="OutcomeMessage"/> carries. No default: zero is none.</summary>
internal enum OutcomeKind : byte
{
    Applied = 1,
    Refused,
    Unknown,
    Unavailable,
    Faulted,
}

/// <summary>How an operation ended, on its way to the caller.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.Outcome")]
internal sealed class OutcomeMessage
{
    [Id(0)]
    public OutcomeKind Kind { get; init; }

    /// <summary>Applied: the state that it made. Unknown: where the register stood before.</summary>
    [Id(1)]
    public ETagMessage ETag { get; init; }

    /// <summary>What the register holds.</summary>
    [Id(2)]
    public ETagMessage CurrentETag { get; init; }

    [Id(3)]
    public byte[]? CurrentPayload { get; init; }

    [Id(4)]
    public bool Recovered { get; init; }

    [Id(5)]
    public RefusalReason Refusal { get; init; }

    /// <summary>For people; of a change that threw, what it threw.</summary>
    [Id(6)]
    public string? Reason { get; init; }

    [Id(7)]
    public Guid Id { get; init; }

    /// <summary>Where the register stood when it was last agreed on, tombstones included; null if not known.</summary>
    [Id(8)]
    public ETagMessage? Position { get; init; }

    /// <summary>Unavailable: the register has moved further than its ids reach.</summary>
    [Id(9)]
    public bool Overtaken { get; init; }

    /// <summary>Applied or refused: no other try takes effect any more.</summary>
    [Id(10)]
    public bool Final { get; init; }

    /// <summary>Applied: the register did not exist before.</summary>
    [Id(11)]
    public bool Created { get; init; }

    /// <summary>Unavailable: what a slot holds is not understood.</summary>
    [Id(12)]
    public bool Unreadable { get; init; }

    public static OutcomeMessage From(Outcome outcome, ETag? position) => outcome switch
    {
        Outcome.Applied applied => new()
        {
            Kind = OutcomeKind.Applied,
            ETag = ETagMessage.From(applied.ETag),
            CurrentETag = ETagMessage.From(applied.Current.ETag),
            CurrentPayload = WireBytes.Of(applied.Current.Payload),
            Recovered = applied.Recovered,
            Final = applied.Final,
            Created = applied.Created,
            Position = ETagMessage.From(position),
        },
        Outcome.Refused refused => new()
        {
            Kind = OutcomeKind.Refused,
            Refusal = refused.Reason,
            CurrentETag = ETagMessage.From(refused.Current.ETag),
            CurrentPayload = WireBytes.Of(refused.Current.Payload),
            Recovered = refused.Recovered,
            Final = refused.Final,
            Position = ETagMessage.From(position),
        },
        Outcome.Unknown unknown => new()
        {
            Kind = OutcomeKind.Unknown,
            Id = unknown.Id.Value,
            ETag = ETagMessage.From(unknown.Since),
            Reason = unknown.Reason,
        },
        Outcome.Unavailable unavailable => new()
        {
            Kind = OutcomeKind.Unavailable,
            Reason = unavailable.Reason,
            Overtaken = unavailable.Overtaken,
            Unreadable = unavailable.Unreadable,
            Position = ETagMessage.From(position),
        },
        Outcome.Faulted faulted => new()
        {
            Kind = OutcomeKind.Faulted,
            Reason = $"{faulted.Exception.GetType()}: {faulted.Exception.Message}",
        },
        _ => throw new UnreachableException(),
    };

    /// <summary>The outcome.</summary>
    /// <exception cref="ArgumentException">No outcome can look like this: the sender is of another version.</exception>
    public Outcome ToOutcome() => Kind switch
    {
        OutcomeKind.Applied => new Outcome.Applied(ETag.ToETag(), Current(), Recovered, Final, Created),
        OutcomeKind.Refused => new Outcome.Refused(Refusal, Current(), Recovered, Final),
        OutcomeKind.Unknown => new Outcome.Unknown(new OperationId(Id), ETag.ToETag(), Reason ?? ""),
        OutcomeKind.Unavailable => new Outcome.Unavailable(Reason ?? "", Overtaken, Unreadable),
        OutcomeKind.Faulted => new Outcome.Faulted(new RegisterGrainChangeException(Reason ?? "")),
        _ => throw new ArgumentException($"No outcome has the number {(int)Kind}."),
    };

    private Snapshot Current() => new(CurrentETag.ToETag(), CurrentPayload);
}
