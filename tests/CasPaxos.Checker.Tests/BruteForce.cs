using System.Globalization;
using System.Numerics;

namespace CasPaxos.Checker.Tests;

/// <summary>
/// Judges tiny histories of one key by trying everything: every order, every subset of the unknown operations, every
/// creation id, every moment of erasing. No pruning, no memory, no symbols: too simple to be wrong in the same way as
/// the checker, of which it uses nothing.
/// </summary>
internal sealed class BruteForce
{
    private readonly List<Item> _items = [];
    private readonly List<string> _ids;
    private readonly long _versionMax; // The greatest version that any answer or question mentions.

    private BruteForce(IReadOnlyList<HistoryOperation> history)
    {
        foreach (var operation in history)
        {
            if (operation.Outcome is HistoryOutcome.Unavailable
                || (operation is { Outcome: HistoryOutcome.Unknown, Action: HistoryAction.Read }))
            {
                continue;
            }

            _items.Add(new Item(operation, -1));
            if (operation is { Action: not HistoryAction.Read, Outcome: HistoryOutcome.Applied { Recovered: true } })
            {
                _items.Add(new Item(operation, _items.Count - 1));
            }
        }

        _ids = [.. history.SelectMany(Mentioned).Select(static etag => etag.CreationId).Distinct()];
        _versionMax = history.SelectMany(Mentioned).Select(static etag => etag.Version).DefaultIfEmpty().Max();
    }

    public static bool IsLinearizable(IReadOnlyList<HistoryOperation> history)
    {
        var judge = new BruteForce(history);
        return judge.Search(new bool[judge._items.Count], new Register(null, 0, ""), []);
    }

    private bool Search(bool[] placed, Register register, List<string> used)
    {
        if (_items.Where((item, place) => !placed[place] && !item.IsUnknown).Any() is false)
        {
            return true;
        }

        for (var place = 0; place < _items.Count; place++)
        {
            if (placed[place] || !MayBeNext(placed, place))
            {
                continue;
            }

            placed[place] = true;
            foreach (var next in Outcomes(_items[place], register, used))
            {
                var isCreation = register.Id is null && next.Id is not null;
                if (isCreation)
                {
                    used.Add(next.Id!);
                }

                if (Search(placed, next, used))
                {
                    return true;
                }

                if (isCreation)
                {
                    used.RemoveAt(used.Count - 1);
                }
            }

            placed[place] = false;
        }

        return false;
    }

    private bool MayBeNext(bool[] placed, int place)
    {
        var item = _items[place];
        if (item.After >= 0 && !placed[item.After])
        {
            return false;
        }

        return !_items.Where((other, at) =>
            at != place && !placed[at] && !other.IsUnknown && other.Operation.End < item.Operation.Start).Any();
    }

    private IEnumerable<Register> Outcomes(Item item, Register register, List<string> used)
    {
        var applied = item.Operation.Outcome as HistoryOutcome.Applied;
        if (item.After >= 0)
        {
            return Fits(applied!.Current, register) ? [register] : [];
        }

        if (item.Operation.Outcome is HistoryOutcome.Refused refused)
        {
            return Fits(refused.Current, register) && IsRight(item.Operation.Action, refused.Reason, register)
                ? [register]
                : [];
        }

        return Change(item.Operation.Action, register, used).Where(next =>
            applied is null
            || (NamesIt(applied.ETag, item.Operation.Action, register, next)
                && (IsSnapshotOfLater(item.Operation, applied) || Fits(applied.Current, next))));
    }

    private static bool IsSnapshotOfLater(HistoryOperation operation, HistoryOutcome.Applied applied) =>
        applied.Recovered && operation.Action is not HistoryAction.Read;

    private static bool NamesIt(HistoryETag? told, HistoryAction action, Register before, Register after)
    {
        if (told is not { } etag)
        {
            return true;
        }

        return action is HistoryAction.Delete
            ? etag == new HistoryETag(before.Id!, before.Version + 1)
            : after.Id is not null && etag == new HistoryETag(after.Id, after.Version);
    }

    private static bool Fits(HistorySnapshot told, Register register) => told switch
    {
        HistorySnapshot.Absent => register.Id is null,
        HistorySnapshot.Present present => register.Id is not null
            && (present.ETag is null || present.ETag == new HistoryETag(register.Id, register.Version))
            && (present.Payload is null || present.Payload == register.Payload),
        _ => true,
    };

    private static bool IsRight(HistoryAction action, HistoryRefusal reason, Register register)
    {
        if (reason == HistoryRefusal.TooLarge)
        {
            return true;
        }

        HistoryRefusal[] actual = action switch
        {
            HistoryAction.Create or HistoryAction.CompareAndSwap { Expected: null } =>
                register.Id is null ? [] : [HistoryRefusal.Exists, HistoryRefusal.ETagMismatch],
            HistoryAction.CompareAndSwap when register.Id is null =>
                [HistoryRefusal.Absent, HistoryRefusal.ETagMismatch],
            HistoryAction.CompareAndSwap { Expected: { } expected } => Mismatch(expected, register),
            HistoryAction.Delete when register.Id is null => [HistoryRefusal.Absent],
            HistoryAction.Delete { Expected: { } expected } => Mismatch(expected, register),
            HistoryAction.Increment increment => Sum(register, increment.By).Refusal is { } why ? [why] : [],
            _ => [],
        };
        return actual.Length > 0 && (reason == HistoryRefusal.Unspecified || actual.Contains(reason));
    }

    private static HistoryRefusal[] Mismatch(HistoryETag expected, Register register) =>
        expected == new HistoryETag(register.Id!, register.Version) ? [] : [HistoryRefusal.ETagMismatch];

    private IEnumerable<Register> Change(HistoryAction action, Register register, List<string> used)
    {
        switch (action)
        {
            case HistoryAction.Read:
                return [register];
            case HistoryAction.Put put:
                return Write(register, put.Payload, used);
            case HistoryAction.Create create:
                return register.Id is null ? Write(register, create.Payload, used) : [];
            case HistoryAction.CompareAndSwap swap:
                var now = register.Id is null ? (HistoryETag?)null : new HistoryETag(register.Id, register.Version);
                return swap.Expected == now ? Write(register, swap.Payload, used) : [];
            case HistoryAction.Delete delete:
                return register.Id is not null
                    && (delete.Expected is not { } expected || Mismatch(expected, register).Length == 0)
                    ? [new Register(null, register.Version + 1, "")]
                    : [];
            case HistoryAction.Increment increment:
                var (sum, refusal) = Sum(register, increment.By);
                return refusal is null ? Write(register, sum.ToString(CultureInfo.InvariantCulture), used) : [];
            case HistoryAction.Append append:
                return Write(register, register.Payload + append.Bytes, used);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static (BigInteger Sum, HistoryRefusal? Refusal) Sum(Register register, long by)
    {
        BigInteger number = 0;
        if (register.Id is not null
            && (!BigInteger.TryParse(
                    register.Payload, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
                || number < long.MinValue
                || number > long.MaxValue))
        {
            return (0, HistoryRefusal.NotANumber);
        }

        number += by;
        return number < long.MinValue || number > long.MaxValue ? (0, HistoryRefusal.Overflow) : (number, null);
    }

    private IEnumerable<Register> Write(Register register, string payload, List<string> used)
    {
        if (register.Id is not null)
        {
            yield return register with { Version = register.Version + 1, Payload = payload };
            yield break;
        }

        // From the tombstone on, or from further on if that was erased; beyond what is mentioned, all are alike.
        var versions = Enumerable.Range(0, (int)Math.Max(1, _versionMax - register.Version))
            .Select(more => register.Version + 1 + more);
        foreach (var id in _ids.Append($"new{used.Count}").Except(used).ToList())
        {
            foreach (var version in versions)
            {
                yield return new Register(id, version, payload);
            }
        }
    }

    private static IEnumerable<HistoryETag> Mentioned(HistoryOperation operation)
    {
        HistoryETag?[] all =
        [
            (operation.Action as HistoryAction.CompareAndSwap)?.Expected,
            (operation.Action as HistoryAction.Delete)?.Expected,
            (operation.Outcome as HistoryOutcome.Applied)?.ETag,
            ((operation.Outcome as HistoryOutcome.Applied)?.Current as HistorySnapshot.Present)?.ETag,
            ((operation.Outcome as HistoryOutcome.Refused)?.Current as HistorySnapshot.Present)?.ETag,
        ];
        return all.OfType<HistoryETag>();
    }

    /// <summary>What to place: an operation, or (after it) the snapshot of a recovered one.</summary>
    private sealed record Item(HistoryOperation Operation, int After)
    {
        public bool IsUnknown => Operation.Outcome is HistoryOutcome.Unknown;
    }

    /// <summary>A live register; or, with no id, an absent one and the version of its tombstone.</summary>
    private sealed record Register(string? Id, long Version, string Payload);
}
