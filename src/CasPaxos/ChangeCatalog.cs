using System.Buffers.Text;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace CasPaxos;

/// <summary>
/// A change of the application's own. Must be deterministic and free of effects: it may be called several times for one
/// operation, on states that turn out never to have been chosen. If it throws, the register stays as it is and the
/// exception reaches the caller (rule 14).
/// </summary>
/// <param name="current">What the register holds.</param>
/// <param name="arguments">The arguments of the <see cref="Change.Custom"/>.</param>
public delegate ChangeResult ChangeFunction(Snapshot current, ReadOnlyMemory<byte> arguments);

/// <summary>The changes that a proposer knows: the built-in ones, and those registered by name. Immutable.</summary>
public sealed class ChangeCatalog
{
    /// <summary>The largest payload when nothing else is said: 1 MiB.</summary>
    public const int PayloadBytesDefault = 1024 * 1024;

    private static readonly ChangeResult.Keep Keep = new();

    private readonly FrozenDictionary<string, ChangeFunction> _custom;

    /// <summary>Makes a catalog.</summary>
    /// <param name="payloadBytesMax">The largest payload of a register, in bytes; 1 or more.</param>
    /// <param name="custom">Changes of the application's own, by name. Every proposer must know the same.</param>
    public ChangeCatalog(
        int payloadBytesMax = PayloadBytesDefault, IReadOnlyDictionary<string, ChangeFunction>? custom = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(payloadBytesMax, 1);
        PayloadBytesMax = payloadBytesMax;
        _custom = (custom ?? new Dictionary<string, ChangeFunction>()).ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The largest payload of a register, in bytes.</summary>
    public int PayloadBytesMax { get; }

    /// <summary>Refuses what no register can be asked for, before anything is sent.</summary>
    /// <exception cref="ArgumentException">A payload over the limit, or the name of no registered change.</exception>
    public void Validate(Change change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var bytes = change switch
        {
            Change.Put put => put.Payload.Length,
            Change.Create create => create.Payload.Length,
            Change.CompareAndSwap swap => swap.Payload.Length,
            Change.Append append => append.Bytes.Length,
            Change.Custom custom => custom.Arguments.Length,
            _ => 0,
        };
        if (bytes > PayloadBytesMax)
        {
            throw new ArgumentException(
                $"A value of {bytes} bytes is over the limit of {PayloadBytesMax} bytes.", nameof(change));
        }

        if (change is Change.Custom { Name: var name } && !_custom.ContainsKey(name))
        {
            throw new ArgumentException($"No change is registered under the name '{name}'.", nameof(change));
        }
    }

    /// <summary>What a change makes of a register. Pure, but for what a custom change may throw.</summary>
    public ChangeResult Evaluate(Change change, Snapshot current)
    {
        var result = change switch
        {
            Change.Read or Change.SealedRead => Keep,
            Change.Put put => new ChangeResult.Write(put.Payload),
            Change.Create create => current.Exists
                ? Refuse(RefusalReason.Exists)
                : new ChangeResult.Write(create.Payload),
            Change.CompareAndSwap swap => swap.Expected == current.ETag
                ? new ChangeResult.Write(swap.Payload)
                : Refuse(RefusalReason.ETagMismatch),
            Change.Delete delete => Delete(delete, current),
            Change.Increment increment => Increment(increment, current),
            Change.Append append => new ChangeResult.Write(Concatenate(current.Payload.Span, append.Bytes.Span)),
            Change.Custom custom => _custom[custom.Name](current, custom.Arguments)
                ?? throw new InvalidOperationException($"The change '{custom.Name}' returned null."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return result is ChangeResult.Write write && write.Payload.Length > PayloadBytesMax
            ? Refuse(RefusalReason.TooLarge)
            : result;
    }

    private static ChangeResult.Refuse Refuse(RefusalReason reason) => new(reason);

    private static ChangeResult Delete(Change.Delete delete, Snapshot current) =>
        !current.Exists ? Refuse(RefusalReason.Absent)
        : delete.Expected is { } expected && expected != current.ETag ? Refuse(RefusalReason.ETagMismatch)
        : new ChangeResult.Delete(delete.At);

    private static ChangeResult Increment(Change.Increment increment, Snapshot current)
    {
        long number = 0;
        if (current.Exists
            && !(Utf8Parser.TryParse(current.Payload.Span, out number, out var read) && read == current.Payload.Length))
        {
            return Refuse(RefusalReason.NotANumber);
        }

        var sum = unchecked(number + increment.By);

        // Both addends on one side of the sign and the sum on the other: it wrapped.
        return ((number ^ sum) & (increment.By ^ sum)) < 0
            ? Refuse(RefusalReason.Overflow)
            : new ChangeResult.Write(Encoding.ASCII.GetBytes(sum.ToString(CultureInfo.InvariantCulture)));
    }

    private static byte[] Concatenate(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        var joined = new byte[head.Length + tail.Length];
        head.CopyTo(joined);
        tail.CopyTo(joined.AsSpan(head.Length));
        return joined;
    }
}
