using System.Collections.Concurrent;
using System.Globalization;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>
/// Writers that change their own rows of one table, each try with a mark of its own in the row; what they were
/// answered, and what anybody has seen.
/// </summary>
internal sealed class MembershipHistory
{
    private readonly ConcurrentBag<(string Mark, int Version, bool? Answer)> _tries = [];
    private readonly ConcurrentDictionary<(int Version, string Mark), bool> _seen = new();

    /// <summary>How many changes were answered as made.</summary>
    public int Made => _tries.Count(each => each.Answer == true);

    /// <summary>How many ended with an exception.</summary>
    public int Unknown => _tries.Count(each => each.Answer is null);

    /// <summary>Changes a silo's row until so many changes were answered as made.</summary>
    public async Task WriteAsync(IMembershipTable table, int changes)
    {
        var silo = Make.Silo();
        for (var made = 0; made < changes;)
        {
            try
            {
                var all = await ReadAsync(table);
                made += await TryAsync(table, silo, all) == true ? 1 : 0;
            }
            catch (RegisterGrainUnavailableException)
            {
                await Task.Delay(20); // The read failed: nothing was tried.
            }
        }
    }

    /// <summary>Reads, and remembers what it saw.</summary>
    public async Task<MembershipTableData> ReadAsync(IMembershipTable table)
    {
        var all = await table.ReadAllAsync();
        foreach (var (entry, etag) in all.Members)
        {
            _seen[(int.Parse(etag, CultureInfo.InvariantCulture), entry.HostName)] = true;
        }

        return all;
    }

    /// <summary>
    /// What was answered as made is there under its version and nothing else is; what was answered as not made was
    /// never seen; and every version was made by somebody who was not told the contrary.
    /// </summary>
    public async Task CheckAsync(IMembershipTable table)
    {
        var last = (await ReadAsync(table)).Version.Version;
        var made = _tries.Where(each => each.Answer == true).ToList();
        var refused = _tries.Where(each => each.Answer == false).Select(each => each.Mark).ToHashSet();
        var byVersion = made.Select(each => (each.Version, each.Mark)).Concat(_seen.Keys).Distinct()
            .GroupBy(each => each.Version).ToList();
        var inDoubt = _tries.Where(each => each.Answer is null).Select(each => each.Version).ToHashSet();

        Assert.DoesNotContain(_seen.Keys, each => refused.Contains(each.Mark));
        Assert.All(byVersion, version => Assert.Single(version));
        Assert.All(made, each => Assert.InRange(each.Version, 1, last));
        Assert.All(
            Enumerable.Range(1, last).Except(made.Select(each => each.Version)),
            version => Assert.Contains(version, inDoubt));
    }

    private async Task<bool?> TryAsync(IMembershipTable table, MembershipEntry silo, MembershipTableData seen)
    {
        var next = seen.Version.Next();
        silo.HostName = Guid.NewGuid().ToString("n");
        bool? answer = null;
        try
        {
            answer = seen.TryGet(silo.SiloAddress) is (_, var etag)
                ? await table.UpdateRowAsync(silo, etag, next)
                : await table.InsertRowAsync(silo, next);
        }
        catch (RegisterGrainUnavailableException)
        {
            answer = false; // Nothing was changed and nothing will be.
        }
        catch (RegisterGrainOutcomeUnknownException)
        {
            // It may be made, now or later, or never.
        }

        _tries.Add((silo.HostName, next.Version, answer));
        return answer;
    }
}
