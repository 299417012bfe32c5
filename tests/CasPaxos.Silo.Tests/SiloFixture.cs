using System.Net.Http.Headers;
using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>One cluster for most tests: three servers, three silos; the last of them wants a token.</summary>
public sealed class SiloFixture : IAsyncLifetime
{
    public const string Token = "a-token-that-only-the-tests-know";
    public const int ValueBytesMax = 4096;

    private PostgresTestCluster? _postgres;
    private SiloProcessCluster? _silos;

    public PostgresTestCluster Postgres => _postgres!;

    public SiloProcessCluster Silos => _silos!;

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(20) };

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _postgres = await PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });
        _silos = await SiloProcessCluster.StartAsync(_postgres, new SiloProcessClusterOptions
        {
            Settings = new Dictionary<string, string>
            {
                ["CasPaxos:ValueBytesMax"] = $"{ValueBytesMax}",
            },
            SettingsOf = silo => silo == 2
                ? new Dictionary<string, string> { ["Silo:BearerToken"] = Token }
                : new Dictionary<string, string>(),
        });
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        if (_silos is not null)
        {
            await _silos.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    /// <summary>Sends a request to one of the silos.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, byte[]? body = null, int silo = 0, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Silos.HttpUrls[silo], path));
        request.Content = body is null ? null : new ByteArrayContent(body);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Http.SendAsync(request);
    }

    public static string ETagOf(HttpResponseMessage answer) =>
        answer.Headers.ETag is EntityTagHeaderValue tag ? tag.Tag : "";

    public static string HeaderOf(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? values.Single() : "";

    public static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
}

/// <summary>Tests that share the cluster, one after the other: some of them stop servers.</summary>
[CollectionDefinition(Name)]
#pragma warning disable CA1711 // A collection in xunit's sense.
public sealed class SiloCollection : ICollectionFixture<SiloFixture>
#pragma warning restore CA1711
{
    public const string Name = "silo";
}
