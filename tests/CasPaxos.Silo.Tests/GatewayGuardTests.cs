using System.Net.Sockets;
using CasPaxos.Orleans;
using CasPaxos.Registers;

namespace CasPaxos.Silo.Tests;

/// <summary>A gateway lets nobody in who takes the name of a silo (rule 25).</summary>
[Collection(SiloCollection.Name)]
public sealed class GatewayGuardTests(SiloFixture silo)
{
    [SkippableFact]
    public async Task A_client_with_the_name_of_a_silo_s_own_client_is_refused_and_takes_nothing_from_the_silo()
    {
        SiloFixture.Need();
        await using var client = await OrleansClient.ConnectAsync(silo.Silos.Gateways[0]);
        var status = await ((GrainRegisterClient)client.Registers).StatusAsync();
        var parts = status.Silos[0].Address.TrimStart('S').Split(':'); // Host, port and generation.

        await RefusedAsync($"hosted-{parts[0]}:{parts[1]}@{parts[2]}");

        var written = await client.Registers.PutAsync(new RegisterKey("guarded-gateway"), new byte[] { 1 });
        Assert.IsType<Outcome.Applied>(written);
    }

    [SkippableTheory]
    [InlineData("hosted-anything")]
    [InlineData("0123456789ABCDEF0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdef+hosted")]
    [InlineData("me")]
    public async Task A_client_with_another_name_than_Orleans_gives_is_refused(string name)
    {
        SiloFixture.Need();
        await RefusedAsync(name);
    }

    [SkippableFact]
    public async Task A_connection_that_says_nothing_ends()
    {
        SiloFixture.Need();
        using var socket = new TcpClient();
        await socket.ConnectAsync(silo.Silos.Gateways[0]);

        var read = await socket.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromMinutes(3));

        Assert.Equal(0, read);
    }

    [SkippableTheory]
    [InlineData(new byte[] { 255, 255, 255, 127, 0 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 0 })]
    [InlineData(new byte[] { 4, 0, 0, 0, 1, 2, 3, 4 })]
    public async Task A_connection_that_is_not_understood_ends(byte[] begin)
    {
        SiloFixture.Need();
        using var socket = new TcpClient();
        await socket.ConnectAsync(silo.Silos.Gateways[0]);
        await socket.GetStream().WriteAsync(begin);

        Exception? end = null;
        var read = 0;
        try
        {
            read = await socket.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromMinutes(3));
        }
        catch (IOException reset)
        {
            end = reset;
        }

        Assert.True(read == 0 || end is not null);
    }

    private async Task RefusedAsync(string name)
    {
        var refused = await Record.ExceptionAsync(async () =>
        {
            await using var client = await OrleansClient.ConnectAsync(
                silo.Silos.Gateways[0], patience: TimeSpan.FromSeconds(10), name: name);
        });

        Assert.NotNull(refused);
        var log = silo.Silos.Silos[0].ReadLog();
        Assert.Contains($"it calls itself 'sys.client/{name}'", log, StringComparison.Ordinal);
    }
}
