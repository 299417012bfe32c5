namespace CasPaxos.Registers;

/// <summary>
/// How many registers a sweep erases next. It needs every slot: while one is down, the others would be asked in vain. A
/// slot that did not list, or did not answer lately, is asked for one register, which says how it is.
/// </summary>
/// <param name="slots">All of them.</param>
internal sealed class ErasingPace(IEnumerable<SlotHealth> slots)
{
    /// <summary>Most registers that a sweep works on at a time: a batch of each acceptor.</summary>
    public const int Batch = 256;

    private readonly SlotHealth[] _slots = [.. slots];
    private bool _allAnswer;
    private bool _oneIsDown;

    /// <summary>Whether all slots answered the scan. One that does not may be down, or unable to list.</summary>
    public void AllListed(bool all) => _allAnswer |= all;

    /// <summary>The next number; 0 if it is in vain.</summary>
    public int Next() => _oneIsDown || !Array.TrueForAll(_slots, slot => slot.MayBeAsked) ? 0
        : _allAnswer && Array.TrueForAll(_slots, slot => slot.IsWell) ? Batch
        : 1;

    /// <summary>Takes what came of them.</summary>
    public void Ended(ErasureResult[] results)
    {
        var complete = !results.Contains(ErasureResult.Incomplete);
        _oneIsDown |= !_allAnswer && !complete;
        _allAnswer |= complete;
    }
}
