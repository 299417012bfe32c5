using System.Net;
using System.Text;
using System.Text.Json;

namespace CasPaxos.Silo.Tests;

/// <summary>What callers without .NET see: every status code, against real processes.</summary>
[Collection(SiloCollection.Name)]
public sealed class HttpApiTests(SiloFixture silo)
{
    private static int _keys;

    [SkippableFact]
    public async Task A_register_is_created_read_overwritten_and_deleted()
    {
        SiloFixture.Need();
        var path = NewPath();

        using var absent = await silo.SendAsync(HttpMethod.Get, path);
        using var created = await silo.SendAsync(HttpMethod.Put, path, [1, 0, 255]);
        using var read = await silo.SendAsync(HttpMethod.Get, path, silo: 1);
        using var head = await silo.SendAsync(HttpMethod.Head, path);
        using var overwritten = await silo.SendAsync(HttpMethod.Put, path, []);
        using var empty = await silo.SendAsync(HttpMethod.Get, path);
        using var deleted = await silo.SendAsync(HttpMethod.Delete, path);
        using var again = await silo.SendAsync(HttpMethod.Delete, path);
        using var recreated = await silo.SendAsync(HttpMethod.Put, path, [2]);

        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Equal([1, 0, 255], await read.Content.ReadAsByteArrayAsync());
        Assert.Equal(SiloFixture.ETagOf(created), SiloFixture.ETagOf(read));
        Assert.Equal(3, head.Content.Headers.ContentLength);
        Assert.Equal(HttpStatusCode.NoContent, overwritten.StatusCode);
        Assert.NotEqual(SiloFixture.ETagOf(created), SiloFixture.ETagOf(overwritten));
        Assert.Equal(HttpStatusCode.OK, empty.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Equal(HttpStatusCode.Created, recreated.StatusCode);
    }

    [SkippableFact]
    public async Task A_swap_passes_with_the_current_ETag_and_is_refused_with_another_naming_the_current_one()
    {
        SiloFixture.Need();
        var path = NewPath();
        using var created = await silo.SendAsync(HttpMethod.Put, path, [1]);
        var old = SiloFixture.ETagOf(created);

        using var swapped = await silo.SendAsync(HttpMethod.Put, path, [2], headers: ("If-Match", old));
        using var refused = await silo.SendAsync(HttpMethod.Put, path, [3], silo: 1, ("If-Match", old));
        using var undeleted = await silo.SendAsync(HttpMethod.Delete, path, headers: ("If-Match", old));
        using var onAbsent = await silo.SendAsync(HttpMethod.Put, NewPath(), [1], headers: ("If-Match", old));
        using var absentDelete = await silo.SendAsync(HttpMethod.Delete, NewPath(), headers: ("If-Match", old));
        using var deleted = await silo.SendAsync(
            HttpMethod.Delete, path, headers: ("If-Match", SiloFixture.ETagOf(swapped)));

        Assert.Equal(HttpStatusCode.NoContent, swapped.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, refused.StatusCode);
        Assert.Equal(SiloFixture.ETagOf(swapped), SiloFixture.ETagOf(refused));
        Assert.Equal(HttpStatusCode.PreconditionFailed, undeleted.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, onAbsent.StatusCode);
        Assert.Equal("", SiloFixture.ETagOf(onAbsent));
        Assert.Equal(HttpStatusCode.PreconditionFailed, absentDelete.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [SkippableFact]
    public async Task A_create_passes_once_and_a_read_of_what_is_known_sends_nothing()
    {
        SiloFixture.Need();
        var path = NewPath();

        using var created = await silo.SendAsync(HttpMethod.Put, path, [1], headers: ("If-None-Match", "*"));
        using var exists = await silo.SendAsync(HttpMethod.Put, path, [2], headers: ("If-None-Match", "*"));
        var etag = SiloFixture.ETagOf(created);
        using var known = await silo.SendAsync(HttpMethod.Get, path, headers: ("If-None-Match", etag));
        using var match = await silo.SendAsync(HttpMethod.Get, path, headers: ("If-Match", etag));
        using var put = await silo.SendAsync(HttpMethod.Put, path, [3]);
        using var changed = await silo.SendAsync(HttpMethod.Get, path, headers: ("If-None-Match", etag));
        using var noMatch = await silo.SendAsync(HttpMethod.Get, path, headers: ("If-Match", etag));
        using var stale = await silo.SendAsync(HttpMethod.Get, path + "?stale=true");

        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, exists.StatusCode);
        Assert.Equal(etag, SiloFixture.ETagOf(exists));
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        Assert.Equal(etag, SiloFixture.ETagOf(known));
        Assert.Equal(HttpStatusCode.OK, match.StatusCode);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, noMatch.StatusCode);
        Assert.Equal([3], await stale.Content.ReadAsByteArrayAsync());
    }

    [SkippableFact]
    public async Task A_sealed_read_is_asked_for_by_name_and_another_kind_is_refused_naming_it()
    {
        SiloFixture.Need();
        var path = NewPath();

        using var absent = await silo.SendAsync(HttpMethod.Get, path + "?read=sealed");
        using var created = await silo.SendAsync(HttpMethod.Put, path, [7]);
        using var read = await silo.SendAsync(HttpMethod.Get, path + "?read=sealed", silo: 1);
        using var head = await silo.SendAsync(HttpMethod.Head, path + "?read=sealed");
        using var wrong = await silo.SendAsync(HttpMethod.Get, path + "?read=seeled");
        using var twice = await silo.SendAsync(HttpMethod.Get, path + "?read=sealed&read=sealed");
        using var both = await silo.SendAsync(HttpMethod.Get, path + "?read=sealed&stale=true");

        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
        Assert.Equal([7], await read.Content.ReadAsByteArrayAsync());
        Assert.Equal(SiloFixture.ETagOf(created), SiloFixture.ETagOf(read));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        foreach (var (answer, word) in new[] { (wrong, "seeled"), (twice, "sealed,sealed"), (both, "stale") })
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(word, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task A_retry_keeps_the_position_of_a_register_that_was_erased()
    {
        SiloFixture.Need();
        const string erased = "5-00000000000000000000000000000000";

        // No quorum here knows that the register was erased, so whether an earlier try was applied does not show.
        using var answer = await silo.SendAsync(
            HttpMethod.Post,
            NewPath() + "/increment",
            headers: [("Operation-Id", Guid.NewGuid().ToString("N")), ("Operation-Since", erased)]);

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.Equal($"\"{erased}\"", SiloFixture.HeaderOf(answer, "Operation-Since"));
    }

    [SkippableFact]
    public async Task A_recovered_put_says_whether_it_created_the_register()
    {
        SiloFixture.Need();
        var path = NewPath();
        var ids = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));

        using var created = await silo.SendAsync(HttpMethod.Put, path, [1], headers: ("Operation-Id", ids.Item1));
        using var changed = await silo.SendAsync(HttpMethod.Put, path, [2], headers: ("Operation-Id", ids.Item2));
        using var createdAgain = await silo.SendAsync(
            HttpMethod.Put, path, [1], headers: [("Operation-Id", ids.Item1), ("Operation-Since", "absent")]);
        using var changedAgain = await silo.SendAsync(
            HttpMethod.Put, path, [2], headers: [("Operation-Id", ids.Item2), ("Operation-Since", "absent")]);

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.NoContent), (created.StatusCode, changed.StatusCode));
        Assert.Equal("true", SiloFixture.HeaderOf(createdAgain, "Operation-Recovered"));
        Assert.Equal(HttpStatusCode.Created, createdAgain.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, changedAgain.StatusCode);
    }

    [SkippableFact]
    public async Task A_number_is_incremented_and_bytes_are_appended()
    {
        SiloFixture.Need();
        var path = NewPath();

        using var first = await silo.SendAsync(HttpMethod.Post, path + "/increment");
        using var second = await silo.SendAsync(HttpMethod.Post, path + "/increment?by=-42", silo: 1);
        using var appended = await silo.SendAsync(HttpMethod.Post, path + "/append", "x"u8.ToArray());
        using var noNumber = await silo.SendAsync(HttpMethod.Post, path + "/increment");
        using var tooLarge = await silo.SendAsync(
            HttpMethod.Post, path + "/append", new byte[SiloFixture.ValueBytesMax]);
        using var wrongBy = await silo.SendAsync(HttpMethod.Post, path + "/increment?by=one");
        using var wrongAction = await silo.SendAsync(HttpMethod.Post, path + "/double");

        Assert.Equal("1", await first.Content.ReadAsStringAsync());
        Assert.Equal("-41", await second.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.NoContent, appended.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, noNumber.StatusCode);
        Assert.Equal(SiloFixture.ETagOf(appended), SiloFixture.ETagOf(noNumber));
        Assert.Equal(HttpStatusCode.Conflict, tooLarge.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, wrongBy.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, wrongAction.StatusCode);
    }

    [SkippableFact]
    public async Task A_repeated_request_with_its_operation_id_is_applied_once()
    {
        SiloFixture.Need();
        var path = NewPath();
        var id = Guid.NewGuid().ToString("N");

        using var first = await silo.SendAsync(
            HttpMethod.Post, path + "/increment", headers: ("Operation-Id", id));
        using var between = await silo.SendAsync(HttpMethod.Post, path + "/increment?by=10", silo: 1);
        using var again = await silo.SendAsync(
            HttpMethod.Post, path + "/increment", null, 1, ("Operation-Id", id), ("Operation-Since", "absent"));
        using var sinceAlone = await silo.SendAsync(
            HttpMethod.Post, path + "/increment", headers: ("Operation-Since", "absent"));
        using var wrongId = await silo.SendAsync(
            HttpMethod.Post, path + "/increment", headers: ("Operation-Id", "seven"));

        Assert.Equal(id, SiloFixture.HeaderOf(first, "Operation-Id"));
        Assert.Equal("true", SiloFixture.HeaderOf(again, "Operation-Recovered"));
        Assert.Equal("11", await again.Content.ReadAsStringAsync());
        Assert.Equal(SiloFixture.ETagOf(first), SiloFixture.ETagOf(again));
        Assert.Equal(HttpStatusCode.BadRequest, sinceAlone.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, wrongId.StatusCode);
    }

    [SkippableTheory]
    [InlineData("", "1 to 1024 bytes")]
    [InlineData("%FF", "not UTF-8")]
    public async Task A_key_that_cannot_be_is_refused_with_the_reason(string key, string reason)
    {
        SiloFixture.Need();

        using var answer = await silo.SendAsync(HttpMethod.Put, "registers/" + key, [1]);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(reason, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_key_or_a_value_over_its_limit_is_refused_naming_the_limit()
    {
        SiloFixture.Need();
        var path = NewPath();

        using var longest = await silo.SendAsync(HttpMethod.Put, "registers/" + LongKey(1024), [1]);
        using var tooLong = await silo.SendAsync(HttpMethod.Put, "registers/" + LongKey(1025), [1]);
        using var largest = await silo.SendAsync(HttpMethod.Put, path, new byte[SiloFixture.ValueBytesMax]);
        using var tooLarge = await silo.SendAsync(HttpMethod.Put, path, new byte[SiloFixture.ValueBytesMax + 1]);
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(silo.Silos.HttpUrls[0], path));
        request.Content = new StreamContent(new MemoryStream(new byte[SiloFixture.ValueBytesMax + 1]));
        request.Headers.TransferEncodingChunked = true;
        using var chunked = await silo.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.Created, longest.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
        Assert.Contains("1024", await tooLong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Created, largest.StatusCode);
        foreach (var answer in (HttpResponseMessage[])[tooLarge, chunked])
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains("4096", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [SkippableTheory]
    [InlineData("PUT", "If-Match", "*")]
    [InlineData("PUT", "If-Match", "\"none-of-ours\"")]
    [InlineData("PUT", "If-None-Match", "\"none-of-ours\"")]
    [InlineData("DELETE", "If-None-Match", "*")]
    [InlineData("GET", "If-None-Match", "no-quotes")]
    public async Task A_condition_that_is_not_understood_is_refused_not_ignored(
        string method, string header, string value)
    {
        SiloFixture.Need();

        using var answer = await silo.SendAsync(new HttpMethod(method), NewPath(), headers: (header, value));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [SkippableFact]
    public async Task Keys_that_differ_only_in_their_escapes_or_dots_are_different_registers()
    {
        SiloFixture.Need();
        var prefix = $"escapes-{Guid.NewGuid():n}/";
        string[] keys = ["a/b", "a//b", "a%b", "a b", "a+b", "ä", "a?b", "a/", "%2F"];

        foreach (var key in keys)
        {
            using var put = await silo.SendAsync(
                HttpMethod.Put, "registers/" + Uri.EscapeDataString(prefix + key), Encoding.UTF8.GetBytes(key));
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        }

        using var slashes = await silo.SendAsync(HttpMethod.Get, $"registers/{prefix}a/b", silo: 1);
        Assert.Equal("a/b", await slashes.Content.ReadAsStringAsync());
        var (listed, _) = await ListAsync($"?prefix={prefix}");
        Assert.Equal(keys.Order(StringComparer.Ordinal), listed.Select(key => key[prefix.Length..]));
    }

    [SkippableFact]
    public async Task A_listing_goes_page_by_page_and_refuses_a_wrong_limit()
    {
        SiloFixture.Need();
        var prefix = $"pages-{Guid.NewGuid():n}/";
        for (var i = 0; i < 5; i++)
        {
            using var put = await silo.SendAsync(HttpMethod.Put, $"registers/{prefix}{i}", [1]);
        }

        var all = new List<string>();
        var next = "";
        do
        {
            (var page, next) = await ListAsync($"?prefix={prefix}&limit=2&after={Uri.EscapeDataString(next ?? "")}");
            all.AddRange(page);
        }
        while (next is not null);

        using var wrong = await silo.SendAsync(HttpMethod.Get, "registers?limit=0");
        using var post = await silo.SendAsync(HttpMethod.Post, "registers");
        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"{prefix}{i}"), all);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    [SkippableFact]
    public async Task Listings_beyond_the_limit_are_told_to_come_later_and_writes_go_on()
    {
        SiloFixture.Need();
        using var stop = new CancellationTokenSource();
        var statuses = new System.Collections.Concurrent.ConcurrentDictionary<HttpStatusCode, int>();
        var listers = Enumerable.Range(0, 24).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var list = await silo.SendAsync(HttpMethod.Get, "registers?limit=10000");
                statuses.AddOrUpdate(list.StatusCode, 1, static (_, count) => count + 1);
            }
        }).ToArray();

        var puts = new List<HttpStatusCode>();
        for (var i = 0; i < 50 || statuses.Count < 2; i++)
        {
            using var put = await silo.SendAsync(HttpMethod.Put, NewPath(), [1]);
            puts.Add(put.StatusCode);
        }

        await stop.CancelAsync();
        await Task.WhenAll(listers);
        Assert.All(puts, status => Assert.Equal(HttpStatusCode.Created, status));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests], statuses.Keys.Order());
    }

    [SkippableFact]
    public async Task Without_a_quorum_it_is_unavailable_or_unknown_and_a_retry_later_tells_the_truth()
    {
        SiloFixture.Need();
        var path = NewPath();
        using var warm = await silo.SendAsync(HttpMethod.Post, path + "/increment");
        var servers = silo.Postgres.Servers;
        await Task.WhenAll(servers[1].KillAsync(), servers[2].KillAsync());

        var incrementing = silo.SendAsync(HttpMethod.Post, path + "/increment?by=10");
        var putting = silo.SendAsync(HttpMethod.Put, NewPath(), [1]);
        using var list = await silo.SendAsync(HttpMethod.Get, "registers?prefix=" + path);
        using var fresh = await putting;
        using var unknown = await incrementing;
        using var unavailable = await silo.SendAsync(HttpMethod.Get, path);
        await Task.Delay(1100); // The readiness of a moment ago may still be told.
        using var ready = await silo.SendAsync(HttpMethod.Get, "health/ready");
        using var live = await silo.SendAsync(HttpMethod.Get, "health/live");
        await Task.WhenAll(servers[1].RestartAsync(), servers[2].RestartAsync());
        await silo.Silos.Silos[1].WaitUntilReadyAsync();
        await silo.Silos.Silos[0].WaitUntilReadyAsync();
        using var body = JsonDocument.Parse(await unknown.Content.ReadAsStringAsync());
        using var retried = await silo.SendAsync(
            HttpMethod.Post,
            path + "/increment?by=10",
            null,
            silo: 1,
            ("Operation-Id", body.RootElement.GetProperty("operationId").GetString()!),
            ("Operation-Since", body.RootElement.GetProperty("since").GetString()!));

        Assert.Equal(HttpStatusCode.GatewayTimeout, unknown.StatusCode);
        Assert.NotEqual("", SiloFixture.HeaderOf(unknown, "Operation-Id"));
        Assert.Equal(SiloFixture.ETagOf(warm), SiloFixture.HeaderOf(unknown, "Operation-Since"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unavailable.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, fresh.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, list.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("\"reachable\":false", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal("11", await retried.Content.ReadAsStringAsync());
    }

    private static string NewPath() => $"registers/http/{Interlocked.Increment(ref _keys)}";

    private static string LongKey(int length) => new('k', length);

    private async Task<(List<string> Keys, string? Next)> ListAsync(string query)
    {
        using var answer = await silo.SendAsync(HttpMethod.Get, "registers" + query);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        var keys = body.RootElement.GetProperty("registers").EnumerateArray()
            .Select(one => one.GetProperty("key").GetString()!).ToList();
        return (keys, body.RootElement.GetProperty("next").GetString());
    }
}
