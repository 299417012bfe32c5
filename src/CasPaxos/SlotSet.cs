using System.Numerics;

namespace CasPaxos;

/// <summary>A set of slots. One slot counts once, however often it answers (rule 8).</summary>
internal readonly record struct SlotSet(int Bits)
{
    public int Count => BitOperations.PopCount((uint)Bits);

    public bool Contains(int slot) => (Bits & (1 << slot)) != 0;

    public SlotSet With(int slot) => new(Bits | (1 << slot));
}
