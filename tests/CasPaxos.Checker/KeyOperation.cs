namespace CasPaxos.Checker;

/// <summary>What an operation does to a register.</summary>
internal enum StepKind
{
    /// <summary>A read, or a refusal: changes nothing.</summary>
    Observe,
    Put,
    Create,
    CompareAndSwap,
    Delete,
    Increment,
    Append,
}

/// <summary>What an answer told of the register.</summary>
internal enum Told
{
    Nothing,
    Absent,
    Present,
}

/// <summary>One operation of one key, with creation ids and payloads as numbers: what the search works on.</summary>
internal sealed class KeyOperation
{
    public required HistoryOperation Source { get; init; }

    /// <summary>What it does.</summary>
    public required StepKind Kind { get; init; }

    /// <summary>What was asked; differs from <see cref="Kind"/> for a refusal.</summary>
    public required StepKind Asked { get; init; }

    public bool IsUnknown { get; init; }

    public bool IsRefusal { get; init; }

    public HistoryRefusal Reason { get; init; }

    /// <summary>Number of the payload to write, or <see cref="RegisterState.None"/>.</summary>
    public int Payload { get; init; } = RegisterState.None;

    public long By { get; init; }

    public string Bytes { get; init; } = "";

    /// <summary>Creation id of the expected ETag, or <see cref="RegisterState.None"/> for no expectation.</summary>
    public int ExpectedCreation { get; init; } = RegisterState.None;

    public long ExpectedVersion { get; init; }

    public Told Told { get; init; }

    /// <summary>Creation id of the told ETag; of a delete, of its tombstone.</summary>
    public int ToldCreation { get; init; } = RegisterState.None;

    public long ToldVersion { get; init; }

    public int ToldPayload { get; init; } = RegisterState.None;

    /// <summary>Its answer can be right in no state at all.</summary>
    public bool ContradictsItself { get; init; }

    /// <summary>For the snapshot of a recovered operation: the operation, which must come first.</summary>
    public KeyOperation? After { get; init; }

    /// <summary>Recovered, and its snapshot is an operation of its own, which names this one.</summary>
    public bool HasSnapshotAfter { get; init; }

    /// <summary>Place among the answered operations by start, or of its class among the unknown ones.</summary>
    public int Place { get; set; }

    /// <summary>True if another answered operation asks and is told the very same.</summary>
    public bool HasTwin { get; set; }

    public long Start => Source.Start;

    public long End => Source.End;

    public bool IsObservation => Kind == StepKind.Observe;

    /// <summary>Equal for operations that can stand in for each other wherever both are possible.</summary>
    public OperationClass Class => new(
        Kind, Asked, Reason, Payload, By, Bytes, ExpectedCreation, ExpectedVersion,
        Told, ToldCreation, ToldVersion, ToldPayload, After);
}

/// <summary>All of an operation but who asked and when.</summary>
internal readonly record struct OperationClass(
    StepKind Kind,
    StepKind Asked,
    HistoryRefusal Reason,
    int Payload,
    long By,
    string Bytes,
    int ExpectedCreation,
    long ExpectedVersion,
    Told Told,
    int ToldCreation,
    long ToldVersion,
    int ToldPayload,
    KeyOperation? After);
