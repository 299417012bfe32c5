using System.Net;
using System.Text.Json;
using CasPaxos.Orleans;
using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;

namespace CasPaxos.Silo.Tests;

/// <summary>Registers in which Orleans' own state is kept are closed to clients and to HTTP (rule 25).</summary>
[Collection(SiloCollection.Name)]
public sealed class ReservedKeyTests(SiloFixture silo)
{
    public static TheoryData<string> Reserved => [.. ReservedKeys.Prefixes.Select(prefix => $"{prefix}s/c")];

    [SkippableTheory]
    [MemberData(nameof(Reserved))]
    public async Task Over_HTTP_a_reserved_register_is_neither_read_nor_changed_nor_listed(string key)
    {
        SiloFixture.Need();
        var path = $"/registers/{key}";
        var before = await ReadDirectlyAsync(key);

        using var got = await silo.SendAsync(HttpMethod.Get, path);
        using var head = await silo.SendAsync(HttpMethod.Head, path);
        using var put = await silo.SendAsync(HttpMethod.Put, path, [1]);
        using var escaped = await silo.SendAsync(
            HttpMethod.Put,
            $"/registers/%{(int)key[0]:x2}{key[1..].Replace("/", "%2F", StringComparison.Ordinal)}",
            [1]);
        using var deleted = await silo.SendAsync(HttpMethod.Delete, path);
        using var appended = await silo.SendAsync(HttpMethod.Post, $"{path}/append", [1]);
        using var counted = await silo.SendAsync(HttpMethod.Post, $"{path}/increment");
        using var listed = await silo.SendAsync(HttpMethod.Get, $"/registers?prefix={key}");

        Assert.All(
            [got, head, put, escaped, deleted, appended, counted, listed],
            answer => Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode));
        Assert.Contains("ClientsMayUseReservedKeys", await put.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(before, await ReadDirectlyAsync(key));
    }

    [SkippableTheory]
    [MemberData(nameof(Reserved))]
    public async Task A_client_s_call_to_a_reserved_register_is_refused_whatever_grain_it_calls(string key)
    {
        SiloFixture.Need();
        await using var client = await OrleansClient.ConnectAsync(silo.Silos.Gateways[0]);
        var before = await ReadDirectlyAsync(key);
        var register = client.Grains.GetGrain<IRegisterGrain>(key);
        var service = client.Grains.GetGrain<IRegisterServiceGrain>(0);
        var put = OperationMessage.From(
            new Operation(new OperationId(Guid.NewGuid()), new Change.Put(new byte[] { 1 })),
            TimeSpan.FromSeconds(5),
            DateTimeOffset.UtcNow);

        foreach (var call in (Func<Task>[])
        [
            () => client.Registers.PutAsync(new RegisterKey(key), new byte[] { 1 }),
            () => client.Registers.GetAsync(new RegisterKey(key)),
            () => client.Registers.ListAsync(key),
            () => register.ExecuteAsync(put, default),
            () => register.LocateAsync(default),
            () => register.ReadPossiblyStaleAsync(default),
            () => service.ExecuteAsync(key, put, default),
            () => service.LocateAsync(key, default),
            () => service.ListAsync(ListQueryMessage.From(new ListQuery(key)), default),
        ])
        {
            var refused = await Assert.ThrowsAsync<UnauthorizedAccessException>(call);
            Assert.Contains($"'{key[..(key.IndexOf('/', StringComparison.Ordinal) + 1)]}'", refused.Message);
        }

        Assert.Equal(before, await ReadDirectlyAsync(key));
    }

    [SkippableFact]
    public async Task A_listing_of_all_registers_leaves_the_reserved_ones_out()
    {
        SiloFixture.Need();
        var hidden = new RegisterKey($"{ReservedKeys.Reminders}{nameof(ReservedKeyTests)}");
        await Databases().PutAsync(hidden, new byte[] { 1 });
        var open = new RegisterKey($"reminder/{nameof(ReservedKeyTests)}");
        using var put = await silo.SendAsync(HttpMethod.Put, $"/registers/{open.Text}", [1]);
        await using var client = await OrleansClient.ConnectAsync(silo.Silos.Gateways[0]);

        using var listed = await silo.SendAsync(HttpMethod.Get, "/registers?prefix=remind&limit=1000");
        using var json = JsonDocument.Parse(await listed.Content.ReadAsStringAsync());
        var overHttp = json.RootElement.GetProperty("registers").EnumerateArray()
            .Select(register => register.GetProperty("key").GetString());
        var page = await client.Registers.ListAsync("remind");

        Assert.Equal([open.Text], overHttp);
        Assert.Equal([open], page.Registers.Select(register => register.Key));
    }

    /// <summary>What the databases hold, asked without a silo.</summary>
    private async Task<ETag> ReadDirectlyAsync(string key) =>
        Assert.IsType<Outcome.Applied>(await Databases().GetAsync(new RegisterKey(key))).ETag;

    private RegisterClient Databases()
    {
        var cluster = silo.Postgres.Cluster;
        return new RegisterClient(cluster.Configuration, cluster.Acceptors);
    }
}
