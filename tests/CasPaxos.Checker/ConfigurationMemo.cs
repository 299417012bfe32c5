using System.Runtime.InteropServices;

namespace CasPaxos.Checker;

/// <summary>
/// The configurations that a search has been in: which answered operations are placed, how many of each class of
/// unknown ones are, and the state. A configuration is also known if one was visited that differs only in having used
/// fewer unknown operations: whatever could follow here could follow there.
/// </summary>
/// <remarks>
/// Sets are kept as sums of 128 random bits per member, so that a step costs the same however long the history is. Two
/// different sets among a million have the same sum with a probability of about 10^-27.
/// </remarks>
internal sealed class ConfigurationMemo(int classes)
{
    // To compare with more would cost the square of their number; the first used the fewest, and catch the most.
    private const int ComparedMax = 64;

    private readonly Dictionary<(UInt128 Placed, RegisterState State), int> _latest = [];
    private readonly HashSet<(UInt128 Placed, RegisterState State, int Used)> _notCompared = [];
    private readonly List<(int Used, int Earlier)> _visits = [];
    private readonly Dictionary<UInt128, int> _usedNumbers = new() { [0] = 0 };
    private readonly List<ushort[]> _used = [new ushort[classes]];
    private readonly Dictionary<(int Used, int Class), int> _usedMore = [];

    /// <summary>The random bits of one member; the same in every run.</summary>
    public static UInt128 BitsOf(int member)
    {
        var seed = (ulong)member * 2;
        return new UInt128(Mix(seed), Mix(seed + 1));
    }

    /// <summary>False if there is no point in going on from here.</summary>
    /// <param name="placed">Sum over the answered operations that are placed.</param>
    /// <param name="used">Number of the multiset of unknown operations that are; 0 is the empty one.</param>
    /// <param name="state">What is there.</param>
    public bool Add(UInt128 placed, int used, in RegisterState state)
    {
        ref var latest = ref CollectionsMarshal.GetValueRefOrAddDefault(_latest, (placed, state), out var exists);
        var length = 0;
        for (var visit = exists ? latest : -1; visit >= 0; visit = _visits[visit].Earlier)
        {
            length++;
            if (IsWithin(_visits[visit].Used, used))
            {
                return false;
            }
        }

        if (length == ComparedMax)
        {
            return _notCompared.Add((placed, state, used));
        }

        _visits.Add((used, exists ? latest : -1));
        latest = _visits.Count - 1;
        return true;
    }

    /// <summary>How many of a class are used.</summary>
    public int Used(int used, int ofClass) => _used[used][ofClass];

    /// <summary>Number of the multiset with one more of a class.</summary>
    public int UseOneMore(int used, int ofClass)
    {
        ref var more = ref CollectionsMarshal.GetValueRefOrAddDefault(_usedMore, (used, ofClass), out var exists);
        if (exists)
        {
            return more;
        }

        var counts = (ushort[])_used[used].Clone();
        counts[ofClass]++;
        var sum = UInt128.Zero;
        for (var place = 0; place < counts.Length; place++)
        {
            sum += BitsOf(~place) * counts[place];
        }

        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_usedNumbers, sum, out var known);
        if (!known)
        {
            number = _used.Count;
            _used.Add(counts);
        }

        more = number;
        return number;
    }

    private bool IsWithin(int fewer, int more)
    {
        if (fewer == more || fewer == 0)
        {
            return true;
        }

        var left = _used[fewer];
        var right = _used[more];
        for (var place = 0; place < left.Length; place++)
        {
            if (left[place] > right[place])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The finalizer of SplitMix64.</summary>
    private static ulong Mix(ulong seed)
    {
        seed = (seed + 1) * 0x9E3779B97F4A7C15;
        seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
        seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EB;
        return seed ^ (seed >> 31);
    }
}
