namespace CasPaxos.Orleans;

/// <summary>
/// The ways to the silos that are not a register's own: service grains of different keys, which a client of a cluster
/// reaches through different gateways. Remembers which answered and which keep silent, so that a call that is made
/// again goes where calls are answered. Safe for concurrent use.
/// </summary>
/// <param name="grains">The cluster.</param>
/// <param name="patience">A way is silent if a question has waited for so long.</param>
/// <param name="time">The clock.</param>
internal sealed class ServiceWays(IGrainFactory grains, TimeSpan patience, TimeProvider time)
{
    /// <summary>How many there are.</summary>
    public const int Count = 64;

    /// <summary>What was learnt of a way counts for so long.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(10);

    private readonly long[] _askedAt = new long[Count]; // Of the first question since its last answer; 0 for none.
    private readonly long[] _answeredAt = new long[Count]; // 0 for never.

    /// <summary>Asks a silo: one that answered lately, if any is known; one that is silent only if all are.</summary>
    public async Task<T> AskAsync<T>(Func<IRegisterServiceGrain, Task<T>> ask)
    {
        var way = Pick();
        Asked(way);
        var answer = await ask(grains.GetGrain<IRegisterServiceGrain>(way));
        Answered(way);
        return answer;
    }

    /// <summary>Chooses at random among the best.</summary>
    internal int Pick()
    {
        var now = time.GetTimestamp();
        var first = Random.Shared.Next(Count);
        var (best, bestRank) = (first, int.MaxValue);
        for (var i = 0; i < Count && bestRank > 0; i++)
        {
            var way = (first + i) % Count;
            var rank = Rank(way, now);
            if (rank < bestRank)
            {
                (best, bestRank) = (way, rank);
            }
        }

        return best;
    }

    internal void Asked(int way) => Interlocked.CompareExchange(ref _askedAt[way], time.GetTimestamp(), 0);

    internal void Answered(int way)
    {
        Volatile.Write(ref _answeredAt[way], time.GetTimestamp());
        Volatile.Write(ref _askedAt[way], 0);
    }

    private int Rank(int way, long now)
    {
        var asked = Volatile.Read(ref _askedAt[way]);
        var waited = asked == 0 ? TimeSpan.Zero : time.GetElapsedTime(asked, now);
        if (waited > Memory)
        {
            // As good as any that was never asked: it may have come back.
            Interlocked.CompareExchange(ref _askedAt[way], 0, asked);
            return 1;
        }

        var answered = Volatile.Read(ref _answeredAt[way]);
        return waited >= patience ? 2
            : answered != 0 && time.GetElapsedTime(answered, now) <= Memory ? 0
            : 1;
    }
}
