using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CasPaxos.Orleans.Tests;

/// <summary>Clients speak to registers; acceptors are for the silos alone.</summary>
public sealed class SecurityTests(ServiceCluster service) : IClassFixture<ServiceCluster>
{
    [SkippableFact]
    public async Task A_client_cannot_ask_an_acceptor_anything_even_if_it_knows_the_incarnation()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var incarnation = service.Postgres.Cluster.Configuration.Incarnations[0];
        var acceptor = service.Cluster.Client.GetGrain<IAcceptorGrain>("0/0");

        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => acceptor.DescribeAsync(incarnation));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => acceptor.AskAsync(Read(incarnation)));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(
            () => acceptor.ScanAsync(new ScanRequestMessage(incarnation, 1, "", null, 10, null, false)));
    }

    [SkippableFact]
    public async Task Whoever_does_not_know_the_incarnation_is_refused_wherever_the_call_comes_from()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var silo = service.OneSilo;
        var acceptor = silo.GetRequiredService<IGrainFactory>().GetGrain<IAcceptorGrain>("0/0");
        var known = service.Postgres.Cluster.Configuration.Incarnations[0];

        var answered = await acceptor.AskAsync(Read(known));

        Assert.Equal(ReplyKind.Report, Assert.Single(answered).Kind);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => acceptor.AskAsync(Read(Guid.NewGuid())));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => acceptor.AskAsync(Read(Guid.Empty)));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => acceptor.DescribeAsync(Guid.NewGuid()));
    }

    [SkippableFact]
    public async Task The_status_tells_no_client_an_incarnation()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var status = await new GrainRegisterClient(service.Cluster.Client).StatusAsync();

        var text = System.Text.Json.JsonSerializer.Serialize(status);
        Assert.All(
            service.Postgres.Cluster.Configuration.Incarnations,
            incarnation => Assert.DoesNotContain(incarnation.ToString(), text, StringComparison.OrdinalIgnoreCase));
    }

    private static AcceptorBatch Read(Guid incarnation) => new()
    {
        Incarnation = incarnation,
        Epoch = 1,
        Calls = [new AcceptorCallMessage(RequestKind.Read, "security", default, null, default, Version: 0)],
    };
}
