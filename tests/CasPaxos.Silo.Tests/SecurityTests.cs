using System.Net;
using System.Security.Cryptography.X509Certificates;
using CasPaxos.Orleans;
using CasPaxos.Registers;
using CasPaxos.Orleans.Testing;
using Microsoft.AspNetCore.Http;

namespace CasPaxos.Silo.Tests;

/// <summary>Who may do what.</summary>
[Collection(SiloCollection.Name)]
public sealed class SecurityTests(SiloFixture silo)
{
    /// <summary>The silo of the shared cluster that has a token.</summary>
    private const int Guarded = 2;

    [SkippableTheory]
    [InlineData(null)]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Basic " + SiloFixture.Token)]
    [InlineData("Bearer " + SiloFixture.Token + "x")]
    public async Task Without_the_configured_token_a_request_is_turned_away(string? authorization)
    {
        SiloFixture.Need();
        (string, string)[] headers = authorization is null ? [] : [("Authorization", authorization)];

        using var get = await silo.SendAsync(HttpMethod.Get, "registers/guarded", null, Guarded, headers);
        using var list = await silo.SendAsync(HttpMethod.Get, "registers", null, Guarded, headers);
        using var put = await silo.SendAsync(HttpMethod.Put, "registers/guarded", [1], Guarded, headers);

        Assert.All([get, list, put], answer => Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode));
        Assert.Equal("Bearer", get.Headers.WwwAuthenticate.Single().Scheme);
    }

    [SkippableFact]
    public async Task With_the_token_it_passes_and_health_needs_none_but_then_tells_no_details()
    {
        SiloFixture.Need();
        var header = ("Authorization", "Bearer " + SiloFixture.Token);

        using var put = await silo.SendAsync(HttpMethod.Put, "registers/guarded-too", [1], Guarded, header);
        using var live = await silo.SendAsync(HttpMethod.Get, "health/live", silo: Guarded);
        using var ready = await silo.SendAsync(HttpMethod.Get, "health/ready", silo: Guarded);
        using var details = await silo.SendAsync(HttpMethod.Get, "health/ready", null, Guarded, header);

        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.DoesNotContain("slots", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("\"slot\":2", await details.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    /// <summary>A name that an attacker has point here, and pages of other sites, in a browser here.</summary>
    [SkippableTheory]
    [InlineData("Host", "attacker.example", HttpStatusCode.BadRequest)]
    [InlineData("Host", "127.0.0.1.attacker.example", HttpStatusCode.BadRequest)]
    [InlineData("Host", "10.1.2.3", HttpStatusCode.BadRequest)]
    [InlineData("Origin", "https://attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "http://127.0.0.1:1", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Host", "localhost", HttpStatusCode.Created)]
    public async Task A_page_of_another_site_cannot_use_the_HTTP_API(string header, string value, HttpStatusCode status)
    {
        SiloFixture.Need();
        var path = $"registers/cross-site/{Guid.NewGuid():n}";

        using var put = await silo.SendAsync(HttpMethod.Put, path, [1], headers: (header, value));
        using var health = await silo.SendAsync(HttpMethod.Get, "health/live", headers: (header, value));
        using var read = await silo.SendAsync(HttpMethod.Get, path);

        Assert.Equal(status, put.StatusCode);
        Assert.Equal(status == HttpStatusCode.Created ? HttpStatusCode.OK : status, health.StatusCode);
        Assert.Equal(status == HttpStatusCode.Created, read.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("10.1.2.3:8080", true)]
    [InlineData("[fe80::1]:80", true)]
    [InlineData("localhost", true)]
    [InlineData("attacker.example", false)]
    [InlineData("10.1.2.3.attacker.example", false)]
    [InlineData("", false)]
    public void Without_a_token_a_silo_that_others_reach_is_called_by_address_or_by_a_name_that_is_allowed(
        string host, bool passes)
    {
        var request = new DefaultHttpContext().Request;
        request.Host = new HostString(host);

        Assert.Equal(passes, Endpoints.FindStranger(request, onlyAddresses: true) is null);
        Assert.Null(Endpoints.FindStranger(request, onlyAddresses: false));
    }

    [SkippableFact]
    public async Task A_page_of_this_site_may_use_the_HTTP_API()
    {
        SiloFixture.Need();
        var origin = silo.Silos.HttpUrls[0].GetLeftPart(UriPartial.Authority);

        using var put = await silo.SendAsync(HttpMethod.Put, "registers/own-site", [1], headers: ("Origin", origin));

        Assert.True(put.IsSuccessStatusCode);
    }

    [SkippableFact]
    public async Task An_Orleans_client_may_call_registers_and_no_other_grain()
    {
        SiloFixture.Need();
        await using var client = await OrleansClient.ConnectAsync(silo.Silos.Gateways[0]);

        var written = await client.Registers.PutAsync(new RegisterKey("of-a-client"), new byte[] { 1 });
        var page = await client.Registers.ListAsync("of-a-client");
        var status = await new GrainRegisterClient(client.Grains).StatusAsync();
        var management = client.Grains.GetGrain<IManagementGrain>(0);

        Assert.IsType<Outcome.Applied>(written);
        Assert.Single(page.Registers);
        Assert.True(status.HasQuorum);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => management.GetHosts());
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => management.ForceGarbageCollection([]));
    }

    [SkippableFact]
    public async Task With_mutual_TLS_a_client_without_a_certificate_is_turned_away_and_one_with_it_works()
    {
        SiloFixture.Need();
        using var authority = new TestAuthority();
        await using var silos = await SiloProcessCluster.StartAsync(silo.Postgres, new SiloProcessClusterOptions
        {
            Silos = 2,
            Settings = new Dictionary<string, string>
            {
                ["Silo:Tls:CertificatePath"] = authority.Issue("silo", "s3cret"),
                ["Silo:Tls:CertificatePassword"] = "s3cret",
                ["Silo:Tls:AuthorityPath"] = authority.Path,
            },
        });
        using var foreign = new TestAuthority();
        using var foreignCertificate = foreign.IssueInMemory("client");
        using var certificate = authority.IssueInMemory("client");

        await using var client = await OrleansClient.ConnectAsync(silos.Gateways[0], certificate);
        var written = await client.Registers.PutAsync(new RegisterKey("over-tls"), new byte[] { 1 });

        Assert.IsType<Outcome.Applied>(written);
        await Task.WhenAll(RefusedAsync(tls: true), RefusedAsync(foreignCertificate), RefusedAsync());

        Task RefusedAsync(X509Certificate2? shown = null, bool tls = false) => Assert.ThrowsAnyAsync<Exception>(
            () => OrleansClient.ConnectAsync(silos.Gateways[0], shown, tls, patience: TimeSpan.FromSeconds(6)));
    }
}
