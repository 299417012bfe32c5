using System.Collections.Immutable;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>What was found behind one connection string, before anything is decided from it.</summary>
/// <param name="Slot">The place of the connection string in the list.</param>
/// <param name="Place">Slot and address, for messages.</param>
/// <param name="Problem">Null if the server could be asked and is fit for an acceptor.</param>
/// <param name="Server">What the server says of itself; null if it could not be asked.</param>
/// <param name="Database">What the database says that it is; null if it holds no acceptor.</param>
internal sealed record SlotProbe(
    int Slot, string Place, string? Problem, ServerFacts? Server, DatabaseFacts? Database)
{
    /// <summary>Looks behind every connection string at once.</summary>
    public static async Task<ImmutableArray<SlotProbe>> RunAsync(
        IReadOnlyList<string> connectionStrings, PostgresAcceptorOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connectionStrings);
        if (connectionStrings.Count is 0 or > Configuration.SlotsMax)
        {
            throw new ArgumentException(
                $"A cluster has 1 to {Configuration.SlotsMax} slots, not {connectionStrings.Count}.",
                nameof(connectionStrings));
        }

        var settings = connectionStrings.Select(Connections.Parse).ToList(); // All, before any is used.
        return [.. await Task.WhenAll(settings.Select(
            (setting, slot) => RunAsync(setting, slot, options, cancellationToken)))];
    }

    /// <summary>Finds slots that are on one server.</summary>
    /// <returns>A warning a pair, where that is allowed.</returns>
    /// <exception cref="PostgresClusterException">
    /// It is not allowed, or two slots are one database, which never is.
    /// </exception>
    public static IReadOnlyList<string> FindSharedServers(IEnumerable<SlotProbe> probes, bool allowed)
    {
        var warnings = new List<string>();
        var seen = new List<SlotProbe>();
        foreach (var probe in probes.Where(probe => probe.Server is not null))
        {
            var twins = seen.Where(other => other.Server!.SystemIdentifier == probe.Server!.SystemIdentifier).ToList();
            if (twins.Find(other => other.Server!.DatabaseOid == probe.Server!.DatabaseOid) is { } same)
            {
                throw new PostgresClusterException(
                    $"Slots {same.Slot} and {probe.Slot} are one and the same database: it would be counted twice.");
            }

            foreach (var twin in twins)
            {
                var fact = $"Slots {twin.Slot} and {probe.Slot} are on one server (system_identifier " +
                    $"{probe.Server!.SystemIdentifier}): one failure takes both.";
                warnings.Add(allowed ? fact : throw new PostgresClusterException(
                    $"{fact} Give each slot a server of its own; for development there is the option " +
                    $"{nameof(PostgresAcceptorOptions.AllowSharedServer)}."));
            }

            seen.Add(probe);
        }

        return warnings;
    }

    private static async Task<SlotProbe> RunAsync(
        NpgsqlConnectionStringBuilder settings,
        int slot,
        PostgresAcceptorOptions options,
        CancellationToken cancellationToken)
    {
        var place = $"Slot {slot} at {Connections.Place(settings)}";
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.ConnectTimeout + options.StatementTimeout + options.AnswerGrace);
        try
        {
            await using var dataSource = Connections.Open(settings, options, verify: null);
            await using var connection = await dataSource.OpenConnectionAsync(deadline.Token);
            var server = await ServerFacts.ReadAsync(connection, deadline.Token);

            // A replica cannot even say on which timeline it is, so a server that is unfit is not asked further.
            var database = server.Problem is null ? await DatabaseFacts.ReadAsync(connection, deadline.Token) : null;
            return new SlotProbe(slot, place, server.Problem, server, database);
        }
        catch (Exception failure) when (Failures.IsStorageTrouble(failure)
            && !cancellationToken.IsCancellationRequested)
        {
            return new SlotProbe(slot, place, Failures.Reason(failure, sent: false), Server: null, Database: null);
        }
    }
}
