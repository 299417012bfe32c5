using System.Numerics;

namespace CasPaxos.Simulation;

/// <summary>
/// xoshiro256**, seeded by splitmix64. Of our own kind, so that a seed means the same run on every version of .NET.
/// </summary>
internal sealed class SimulationRandom : Random
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public SimulationRandom(long seed)
    {
        var state = unchecked((ulong)seed * 0x9E3779B97F4A7C15UL);
        _a = Split(ref state);
        _b = Split(ref state);
        _c = Split(ref state);
        _d = Split(ref state);
    }

    public ulong NextBits()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>True once in so many, on average; never for 0.</summary>
    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    /// <summary>128 random bits, never all zero.</summary>
    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        NextBytes(bytes);
        bytes[0] |= 1;
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>
    /// Between two times, both included, small ones more often: what distributions of delays look like.
    /// </summary>
    public long NextDelay(long least, long most)
    {
        var fraction = NextDouble();
        return least + (long)((most - least) * fraction * fraction * fraction);
    }

    /// <summary>Between two numbers, both included.</summary>
    public int Between(int least, int most) => least + (int)NextInt64(most - least + 1L);

    public T Pick<T>(ReadOnlySpan<T> choices) => choices[(int)NextInt64(choices.Length)];

    public override int Next() => (int)NextInt64(int.MaxValue);

    public override int Next(int maxValue) => (int)NextInt64(maxValue);

    public override int Next(int minValue, int maxValue) => (int)NextInt64(minValue, maxValue);

    public override long NextInt64() => (long)(NextBits() >> 1);

    public override long NextInt64(long maxValue) =>
        maxValue <= 1 ? 0 : (long)Math.BigMul(NextBits(), (ulong)maxValue, out _);

    public override long NextInt64(long minValue, long maxValue) => minValue + NextInt64(maxValue - minValue);

    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        for (var i = 0; i < buffer.Length; i += 8)
        {
            var bits = NextBits();
            for (var j = i; j < Math.Min(i + 8, buffer.Length); j++, bits >>= 8)
            {
                buffer[j] = (byte)bits;
            }
        }
    }

    protected override double Sample() => NextDouble();

    private static ulong Split(ref ulong state)
    {
        state = unchecked(state + 0x9E3779B97F4A7C15UL);
        var mixed = state;
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL);
        return mixed ^ (mixed >> 31);
    }
}
