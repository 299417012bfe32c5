namespace CasPaxos.Checker;

/// <summary>What a register may be at one point of an order, creation ids and payloads as numbers.</summary>
/// <param name="Creation">
/// The creation id; <see cref="Unbound"/> while no answer in the order told it; <see cref="None"/> when absent.
/// </param>
/// <param name="Version">
/// Of a live register its version; while its creation is not known by id, the least that it can be: a creation goes on
/// from the tombstone before it, or from further on if that was erased. Of an absent one the least version that its
/// tombstone can have; 0 if there is none. Always 0 in a history that mentions no ETag.
/// </param>
/// <param name="Payload">Number of the payload; <see cref="None"/> when absent.</param>
/// <param name="Exclusions">Which creation ids an unbound creation cannot turn out to be; 0 for none.</param>
internal readonly record struct RegisterState(int Creation, long Version, int Payload, int Exclusions)
{
    public const int None = -1;
    public const int Unbound = -2;

    /// <summary>Never created.</summary>
    public static RegisterState Initial => new(None, 0, None, 0);

    public bool IsAbsent => Creation == None;

    public bool IsBound => Creation >= 0;

    public bool Equals(RegisterState other) =>
        Creation == other.Creation
        && Version == other.Version
        && Payload == other.Payload
        && Exclusions == other.Exclusions;

    public override int GetHashCode() => HashCode.Combine(Creation, Version, Payload, Exclusions);
}

/// <summary>Why an operation cannot come next.</summary>
internal enum Obstacle
{
    None,

    /// <summary>Told that it is absent, or needs it to be.</summary>
    ItExists,

    /// <summary>Told that it exists, or needs it to.</summary>
    ItIsAbsent,

    /// <summary>Told another payload.</summary>
    OtherPayload,

    /// <summary>Told, or expects, another ETag.</summary>
    OtherETag,

    /// <summary>Told a creation id for a new creation that an older one had.</summary>
    CreationIdReused,

    /// <summary>Increment of something that is no number.</summary>
    NotANumber,

    /// <summary>Increment past 64 bits.</summary>
    WouldOverflow,

    /// <summary>Refused although nothing stood in the way.</summary>
    RefusedWithoutReason,

    /// <summary>Two parts of its own answer contradict each other.</summary>
    ContradictsItself,

    /// <summary>A recovered operation's snapshot is of a moment after its effect.</summary>
    BeforeItsOwnEffect,
}
