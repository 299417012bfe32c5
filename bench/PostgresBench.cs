using System.Globalization;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Bench;

/// <summary>
/// Durable three-way writes and linearizable reads of registers, beside one plain statement an operation on one of the
/// same servers, through the same driver, in the same run.
/// </summary>
internal static class PostgresBench
{
    private const int Keys = 1000;
    private const int ValueBytes = 128;
    private const string Upsert =
        "INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value";

    private const string Select = "SELECT value FROM plain WHERE key = $1";

    public static async Task RunAsync(int[] concurrencies, TimeSpan duration, Report report)
    {
        await using var cluster = await PostgresTestCluster.StartAsync();
        var client = new RegisterClient(cluster.Cluster.Configuration, cluster.Cluster.Acceptors);
        var keys = Enumerable.Range(0, Keys)
            .Select(i => new RegisterKey(string.Create(CultureInfo.InvariantCulture, $"key/{i:0000}"))).ToArray();
        await using var plain = await PlainTableAsync(cluster.ConnectionStrings[0], concurrencies.Max());

        // Every row is there, and every proposer warm: bench costs shows what a first change costs.
        foreach (var key in keys)
        {
            await UpsertAsync(plain, key, new byte[ValueBytes]);
            await client.PutAsync(key, new byte[ValueBytes]);
        }

        foreach (var concurrency in concurrencies)
        {
            // Peer and register take turns, so that both meet the same machine.
            var theirWrites = await Measure.RunAsync(
                concurrency, duration, (_, random) => UpsertAsync(plain, Pick(keys, random), Value(random)));
            var writes = await Measure.RunAsync(
                concurrency, duration, (_, random) => Applied(client.PutAsync(Pick(keys, random), Value(random))));
            report.Add("write", concurrency, writes, "one upsert, one server", theirWrites);

            var theirReads = await Measure.RunAsync(
                concurrency, duration, (_, random) => SelectAsync(plain, Pick(keys, random)));
            var reads = await Measure.RunAsync(
                concurrency, duration, (_, random) => Applied(client.GetAsync(Pick(keys, random))));
            report.Add("read", concurrency, reads, "one select, one server", theirReads);

            var theirHot = await Measure.RunAsync(
                concurrency, duration, (_, random) => UpsertAsync(plain, keys[0], Value(random)));
            var hot = await Measure.RunAsync(
                concurrency, duration, (_, _) => Applied(client.IncrementAsync(new RegisterKey("hot"))));
            report.Add("increment of one register", concurrency, hot, "one upsert of one row", theirHot);
        }
    }

    private static RegisterKey Pick(RegisterKey[] keys, Random random) => keys[random.Next(keys.Length)];

    private static byte[] Value(Random random)
    {
        var value = new byte[ValueBytes];
        random.NextBytes(value);
        return value;
    }

    private static async Task Applied(Task<Outcome> operation)
    {
        if (await operation is not Outcome.Applied)
        {
            throw new InvalidOperationException($"An operation ended as {await operation}.");
        }
    }

    private static async Task<NpgsqlDataSource> PlainTableAsync(string connectionString, int connections)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxPoolSize = Math.Min(connections, 80), // The servers of the benchmark take 100.
            MaxAutoPrepare = 8,
            AutoPrepareMinUsages = 1,
        };
        var source = NpgsqlDataSource.Create(builder);
        await using var create = source.CreateCommand(
            "CREATE TABLE plain (key text PRIMARY KEY, value bytea NOT NULL)");
        await create.ExecuteNonQueryAsync();
        return source;
    }

    private static async Task UpsertAsync(NpgsqlDataSource source, RegisterKey key, byte[] value)
    {
        await using var command = source.CreateCommand(Upsert);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Text });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = value });
        await command.ExecuteNonQueryAsync();
    }

    private static async Task SelectAsync(NpgsqlDataSource source, RegisterKey key)
    {
        await using var command = source.CreateCommand(Select);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Text });
        await command.ExecuteScalarAsync();
    }
}
