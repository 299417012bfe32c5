using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace CasPaxos.Orleans.Tests;

/// <summary>The connections of the register service to its slots.</summary>
public sealed class ServiceConnectionTests
{
    private const string Finished = "finished";

    [SkippableFact]
    public async Task The_service_has_one_pool_with_others_that_finish_their_connections_alike()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        var options = new CasPaxosOptions { ConfigureDataSource = Finish };
        options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = server.ConnectionString() });
        await using var services = Services();
        await CasPaxosStorageInit.RunAsync(services, options, new CasPaxosStorageInitOptions(), default);
        await using var other = await PostgresCluster.OpenAsync(
            [server.ConnectionString()], new PostgresAcceptorOptions { ConfigureDataSource = Finish });
        var opened = await SiloSlots.OpenAsync(services, options, default);

        await ReadAsync(opened.Configuration, opened.Slots[0].Acceptor);
        var byService = await CountAsync(server);
        await ReadAsync(other.Configuration, other.Acceptors[0]);
        var byBoth = await CountAsync(server);
        ((IDisposable)opened.Slots[0].Acceptor).Dispose();

        Assert.Equal((1, 1), (byService, byBoth));
    }

    [SkippableFact]
    public async Task A_slot_by_the_key_of_a_data_source_is_initialised_and_opened_over_it()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var source = NpgsqlDataSource.Create($"{server.ConnectionString()};Application Name={Finished}");
        var options = new CasPaxosOptions();
        options.Slots.Add(new CasPaxosSlotOptions { ServiceKey = "key" });
        await using var services = Services(source);
        await CasPaxosStorageInit.RunAsync(services, options, new CasPaxosStorageInitOptions(), default);
        var opened = await SiloSlots.OpenAsync(services, options, default);

        await ReadAsync(opened.Configuration, opened.Slots[0].Acceptor);
        var used = await CountAsync(server);
        ((IDisposable)opened.Slots[0].Acceptor).Dispose();
        await using var connection = await source.OpenConnectionAsync(); // It is not ours to dispose of.

        Assert.True(used > 0);
    }

    private static void Finish(int slot, NpgsqlDataSourceBuilder builder) =>
        builder.ConnectionStringBuilder.ApplicationName = Finished;

    private static async Task ReadAsync(Configuration configuration, IAcceptor acceptor) =>
        Assert.IsType<Outcome.Applied>(
            await new RegisterClient(configuration, [acceptor]).GetAsync(new RegisterKey("key")));

    private static ServiceProvider Services(NpgsqlDataSource? source = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        if (source is not null)
        {
            services.AddKeyedSingleton("key", source);
        }

        return services.BuildServiceProvider();
    }

    private static async Task<long> CountAsync(PostgresServer server)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString() + ";Pooling=false");
        await using var command = source.CreateCommand(
            $"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{Finished}'");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
