using CasPaxos.Testing;

namespace CasPaxos.Postgres.Tests;

/// <summary>The harness itself: what the tests of failures rely on.</summary>
public sealed class HarnessTests
{
    [SkippableFact]
    public async Task A_cluster_starts_serves_and_leaves_no_folder_behind()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        string[] folders;

        await using (var cluster = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true }, acceptors: TestAcceptor.Patient))
        {
            folders = [.. cluster.Servers.Select(server => server.DataFolder)];
            var replies = await Task.WhenAll(cluster.Cluster.Acceptors.Select(acceptor => acceptor.AskAsync(
                [TestAcceptor.AcceptCall("a", TestAcceptor.B(1), "v")], default)));

            Assert.Empty(cluster.Cluster.Warnings);
            Assert.All(replies, reply => Assert.IsType<AcceptorReply.Accepted>(Assert.Single(reply)));
            Assert.All(folders, folder => Assert.True(Directory.Exists(folder)));
        }

        Assert.All(folders, folder => Assert.False(Directory.Exists(Path.GetDirectoryName(folder))));
    }

    [SkippableTheory]
    [InlineData("stopped")]
    [InlineData("killed")]
    [InlineData("paused")]
    public async Task A_server_that_is_down_leaves_no_folder_behind_either(string state)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await (state switch
        {
            "stopped" => server.StopAsync(),
            "killed" => server.KillAsync(),
            _ => server.PauseAsync(),
        });

        await server.DisposeAsync();
        await server.DisposeAsync();

        Assert.False(Directory.Exists(Path.GetDirectoryName(server.DataFolder)));
        await Assert.ThrowsAsync<ObjectDisposedException>(server.RestartAsync);
    }
}
