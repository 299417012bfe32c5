using System.Globalization;
using Orleans.Transactions;

namespace CasPaxos.Orleans.Transactions;

/// <summary>
/// Writes numbers into pairs of notebooks, one transaction after the other in each pair, and says afterwards what was
/// done to one notebook of a pair and not to the other.
/// </summary>
internal sealed class Pairs(IGrainFactory grains, int count)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Pair[] _pairs = [.. Enumerable.Range(0, count).Select(number => new Pair(number))];

    public long Committed => _pairs.Sum(pair => (long)pair.Committed.Count);

    public long Aborted => _pairs.Sum(pair => (long)pair.Aborted.Count);

    /// <summary>Transactions whose caller does not know how they ended.</summary>
    public long InDoubt => _pairs.Sum(pair => (long)pair.Next - pair.Committed.Count - pair.Aborted.Count);

    /// <summary>Writes until told to stop.</summary>
    public Task WriteAsync(CancellationToken stop) => Task.WhenAll(_pairs.Select(pair => WriteAsync(pair, stop)));

    /// <summary>Reads every notebook by itself.</summary>
    /// <returns>What is wrong; empty if nothing is.</returns>
    /// <exception cref="TimeoutException">A notebook could not be read for two minutes.</exception>
    public async Task<IReadOnlyList<string>> FindProblemsAsync() =>
        [.. (await Task.WhenAll(_pairs.Select(FindProblemAsync))).OfType<string>()];

    private async Task WriteAsync(Pair pair, CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            var number = pair.Next++;
            try
            {
                await grains.GetGrain<IWriterGrain>(pair.Number).WriteBothAsync(pair.Name, number);
                pair.Committed.Add(number);
            }
            catch (OrleansTransactionAbortedException)
            {
                pair.Aborted.Add(number); // Says that it took no effect.
            }
#pragma warning disable CA1031 // A silo that was killed fails calls in many ways; all of them leave the call in doubt.
            catch (Exception)
#pragma warning restore CA1031
            {
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    private async Task<string?> FindProblemAsync(Pair pair)
    {
        // Twice: a transaction that was resolved after the first look would show itself at the second.
        var left = await ReadAsync(pair.Name + "/left");
        var right = await ReadAsync(pair.Name + "/right");
        left = await ReadAsync(pair.Name + "/left");
        if (!left.SequenceEqual(right))
        {
            return $"{pair.Name}: only the left holds {Show(left.Except(right))}, only the right "
                + $"{Show(right.Except(left))}";
        }

        var missing = pair.Committed.Except(left).ToList();
        var undead = pair.Aborted.Intersect(left).ToList();
        return missing.Count > 0 ? $"{pair.Name}: {Show(missing)} were committed and are not there"
            : undead.Count > 0 ? $"{pair.Name}: {Show(undead)} were aborted and are there"
            : left.Count != left.Distinct().Count() ? $"{pair.Name}: a number is there twice"
            : null;
    }

    private async Task<List<int>> ReadAsync(string notebook)
    {
        var until = DateTime.UtcNow + Patience;
        while (true)
        {
            try
            {
                return await grains.GetGrain<INotebookGrain>(notebook).ReadAsync();
            }
#pragma warning disable CA1031 // Whatever it is, it is tried again until patience ends.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                if (DateTime.UtcNow > until)
                {
                    throw new TimeoutException($"{notebook} cannot be read.", failure);
                }

                await Task.Delay(100);
            }
        }
    }

    private static string Show(IEnumerable<int> numbers) => $"[{string.Join(' ', numbers)}]";

    private sealed class Pair(int number)
    {
        public int Number => number;

        public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"pair-{number}");

        public int Next { get; set; }

        public List<int> Committed { get; } = [];

        public List<int> Aborted { get; } = [];
    }
}
