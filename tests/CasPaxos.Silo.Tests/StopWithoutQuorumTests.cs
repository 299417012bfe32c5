using CasPaxos.Orleans.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>A silo that is told to stop does so, also where the membership cannot be told of it.</summary>
[Collection(SiloCollection.Name)]
public sealed class StopWithoutQuorumTests(SiloFixture silo)
{
    [SkippableFact]
    public async Task A_silo_stops_in_its_time_without_a_quorum_of_the_membership()
    {
        SiloFixture.Need();
        await using var silos = await SiloProcessCluster.StartAsync(silo.Postgres, new SiloProcessClusterOptions
        {
            MembershipInRegisters = true,
        });
        var servers = silo.Postgres.Servers;
        await Task.WhenAll(servers[1].KillAsync(), servers[2].KillAsync());
        try
        {
            silos.Silos[0].Terminate();
            var exitCode = await silos.Silos[0].WaitForExitAsync(TimeSpan.FromMinutes(3));

            // Orleans gives up by itself after two minutes, and says that it has stopped.
            Assert.Equal(0, exitCode);
            Assert.Contains("the membership cannot be told", silos.Silos[0].ReadLog(), StringComparison.Ordinal);
            Assert.DoesNotContain("has stopped", silos.Silos[0].ReadLog(), StringComparison.Ordinal);
        }
        finally
        {
            await Task.WhenAll(servers[1].RestartAsync(), servers[2].RestartAsync());
            await silo.Silos.Silos[1].WaitUntilReadyAsync();
            await silo.Silos.Silos[0].WaitUntilReadyAsync();
        }
    }
}
