using System.Text;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace CasPaxos.Orleans.Tests;

/// <summary>What an application sees of the register service.</summary>
public sealed class RegisterApiTests(RegisterApiTests.WithChanges service) : IClassFixture<RegisterApiTests.WithChanges>
{
    private static int _keys;

    private IRegisterClient Registers => service.Registers;

    private IGrainFactory Grains => service.Cluster.Client;

    [SkippableFact]
    public async Task Every_operation_answers_as_it_does_without_Orleans()
    {
        Need();
        var key = NewKey();

        var absent = Assert.IsType<Outcome.Applied>(await Registers.GetAsync(key));
        var created = Assert.IsType<Outcome.Applied>(await Registers.CreateAsync(key, Bytes("1")));
        var exists = Assert.IsType<Outcome.Refused>(await Registers.CreateAsync(key, Bytes("x")));
        var incremented = Assert.IsType<Outcome.Applied>(await Registers.IncrementAsync(key, 41));
        var swapped = Assert.IsType<Outcome.Applied>(
            await Registers.CompareAndSwapAsync(key, incremented.ETag, Bytes("a")));
        var stale = Assert.IsType<Outcome.Refused>(
            await Registers.CompareAndSwapAsync(key, incremented.ETag, Bytes("y")));
        var appended = Assert.IsType<Outcome.Applied>(await Registers.AppendAsync(key, Bytes("b")));
        var deleted = Assert.IsType<Outcome.Applied>(await Registers.DeleteAsync(key));
        var again = Assert.IsType<Outcome.Refused>(await Registers.DeleteAsync(key));

        Assert.False(absent.Current.Exists);
        Assert.Equal("1", Text(created.Current));
        Assert.Equal(RefusalReason.Exists, exists.Reason);
        Assert.Equal("42", Text(incremented.Current));
        Assert.Equal("a", Text(swapped.Current));
        Assert.Equal(swapped.ETag, stale.Current.ETag);
        Assert.Equal("ab", Text(appended.Current));
        Assert.False(deleted.Current.Exists);
        Assert.Equal(RefusalReason.Absent, again.Reason);
    }

    [SkippableFact]
    public async Task Typed_registers_are_addressed_by_string_Guid_and_integer()
    {
        Need();
        var guid = Guid.NewGuid();

        await Grains.GetRegister<string>("typed/a").WriteAsync("string");
        await Grains.GetRegister<string>(guid).WriteAsync("guid");
        await Grains.GetRegister<string>(4711).WriteAsync("integer");

        Assert.Equal("string", (await Grains.GetRegister<string>("typed/a").ReadAsync()).Value);
        Assert.Equal("guid", (await Grains.GetRegister<string>(guid.ToString("D")).ReadAsync()).Value);
        Assert.Equal("integer", (await Grains.GetRegister<string>("4711").ReadAsync()).Value);
    }

    [SkippableFact]
    public async Task Values_can_be_what_the_application_serializes_by_Orleans()
    {
        Need();
        var services = service.Cluster.Client.ServiceProvider;
        var serializer = new OrleansRegisterSerializer<Dictionary<int, string>>(
            services.GetRequiredService<Serializer<Dictionary<int, string>>>());
        var register = Grains.GetRegister("orleans-serializer", serializer);

        await register.WriteAsync(new Dictionary<int, string> { [7] = "seven" });

        Assert.Equal("seven", (await register.ReadAsync()).Value![7]);
    }

    [SkippableFact]
    public async Task A_change_of_the_application_runs_on_the_silos_by_name()
    {
        Need();
        var key = NewKey();

        var doubled = Assert.IsType<Outcome.Applied>(
            await Registers.ExecuteAsync(key, new Change.Custom("repeat", Bytes("ab"))));
        var threw = Assert.IsType<Outcome.Faulted>(
            await Registers.ExecuteAsync(key, new Change.Custom("throw", default)));
        var unknown = await Assert.ThrowsAsync<ArgumentException>(
            () => Registers.ExecuteAsync(key, new Change.Custom("nobody-knows", default)));

        Assert.Equal("abab", Text(doubled.Current));
        Assert.Contains("on purpose", threw.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("nobody-knows", unknown.Message, StringComparison.Ordinal);
        Assert.Equal("abab", Text(Assert.IsType<Outcome.Applied>(await Registers.GetAsync(key)).Current));
    }

    [SkippableFact]
    public async Task A_possibly_stale_read_says_what_was_last_seen_and_reads_where_nothing_was()
    {
        Need();
        var key = NewKey();

        var nothing = Assert.IsType<Outcome.Applied>(await Registers.ReadPossiblyStaleAsync(key));
        await Registers.PutAsync(key, Bytes("seen"));
        var seen = Assert.IsType<Outcome.Applied>(await Registers.ReadPossiblyStaleAsync(key));

        Assert.False(nothing.Current.Exists);
        Assert.Equal("seen", Text(seen.Current));
    }

    [SkippableFact]
    public async Task Registers_are_listed_by_prefix_page_by_page()
    {
        Need();
        for (var i = 0; i < 7; i++)
        {
            await Registers.PutAsync(new RegisterKey($"list/{i}"), Bytes("x"));
        }

        await Registers.DeleteAsync(new RegisterKey("list/3"));

        var first = await Registers.ListAsync("list/", limit: 2);
        var all = new List<string>();
        await foreach (var register in Registers.ListAllAsync("list/"))
        {
            all.Add(register.Key.Text);
        }

        Assert.NotNull(first.Next);
        Assert.Equal(["list/0", "list/1", "list/2", "list/4", "list/5", "list/6"], all);
    }

    // As many as grains that are deactivated at once when a silo stops.
    [SkippableFact]
    public async Task Ten_thousand_at_once_are_all_done_where_their_time_allows_it()
    {
        Need();
        var client = new GrainRegisterClient(
            Grains, new GrainRegisterClientOptions { Timeout = TimeSpan.FromMinutes(3) });

        // Off the test's own scheduler, which is slower than the service.
        var outcomes = await Task.Run(() => Task.WhenAll(Enumerable.Range(0, 10_000).Select(
            i => client.PutAsync(new RegisterKey($"at once/{i}"), Bytes("x")))));

        var failures = outcomes.Where(outcome => outcome is not Outcome.Applied).ToList();
        Assert.True(failures.Count == 0, $"{failures.Count}, such as {failures.FirstOrDefault()}");
    }

    [SkippableFact]
    public async Task What_no_register_can_be_asked_for_throws_and_names_the_limit()
    {
        Need();

        var value = await Assert.ThrowsAsync<ArgumentException>(
            () => Registers.PutAsync(NewKey(), new byte[ChangeCatalog.PayloadBytesDefault + 1]));
        var key = Assert.Throws<ArgumentException>(() => Grains.GetRegister<string>(new string('k', 1025)));

        Assert.Contains("1048576", value.Message, StringComparison.Ordinal);
        Assert.Contains("1024", key.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_value_of_the_largest_size_and_a_key_of_any_characters_travel_whole()
    {
        Need();
        var key = new RegisterKey("ключ/ \0 😀?#%" + new string('x', 900));
        var value = new byte[ChangeCatalog.PayloadBytesDefault];
        new Random(1).NextBytes(value);

        await Registers.PutAsync(key, value);

        var read = Assert.IsType<Outcome.Applied>(await Registers.GetAsync(key));
        Assert.True(read.Current.Payload.Span.SequenceEqual(value));
    }

    [SkippableFact]
    public async Task A_sealed_read_answers_what_is_there_or_that_nothing_is()
    {
        Need();
        var key = NewKey();

        var absent = Assert.IsType<Outcome.Applied>(await Registers.GetSealedAsync(key));
        var put = Assert.IsType<Outcome.Applied>(await Registers.PutAsync(key, Bytes("x")));
        var present = Assert.IsType<Outcome.Applied>(await Registers.GetSealedAsync(key));

        Assert.False(absent.Current.Exists);
        Assert.True(put.Created);
        Assert.Equal((put.ETag, "x"), (present.ETag, Text(present.Current)));
    }

    [SkippableFact]
    public async Task An_operation_that_is_tried_again_under_its_id_is_recognised_on_another_silo()
    {
        Need();
        var key = NewKey();
        var operation = new Operation(new OperationId(Guid.NewGuid()), new Change.Increment(5));
        var silos = service.Cluster.Silos
            .Select(silo => service.Cluster.GetSiloServiceProvider(silo.SiloAddress))
            .Select(services => services.GetRequiredService<IRegisterClient>())
            .ToList();

        var first = Assert.IsType<Outcome.Applied>(await silos[0].ExecuteAsync(key, operation, null));
        var retry = Assert.IsType<Outcome.Applied>(
            await silos[1].ExecuteAsync(key, operation with { RetrySince = ETag.Absent }, null));

        Assert.False(first.Recovered);
        Assert.True(retry.Recovered);
        Assert.Equal(first.ETag, retry.ETag);
        Assert.Equal("5", Text(Assert.IsType<Outcome.Applied>(await Registers.GetAsync(key)).Current));
    }

    [SkippableFact]
    public async Task Cancelling_stops_waiting_and_says_what_is_known()
    {
        Need();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Registers.PutAsync(NewKey(), Bytes("x"), cancelled.Token));
    }

    [SkippableFact]
    public void Exceptions_survive_the_wire_with_what_they_know()
    {
        Need();
        var serializer = service.Cluster.Client.ServiceProvider.GetRequiredService<Serializer>();
        var unknown = new Outcome.Unknown(new OperationId(Guid.NewGuid()), new ETag(Guid.NewGuid(), 3), "because");
        var thrown = (RegisterGrainOutcomeUnknownException)Registers.ToException(new RegisterKey("k"), unknown);
        var unavailable = Registers.ToException(new RegisterKey("k"), new Outcome.Unavailable("down"));

        var received = serializer.Deserialize<Exception>(serializer.SerializeToArray<Exception>(thrown));
        var other = serializer.Deserialize<Exception>(serializer.SerializeToArray<Exception>(unavailable));

        Assert.Equal(unknown, Assert.IsType<RegisterGrainOutcomeUnknownException>(received).Unknown);
        Assert.Equal(thrown.Message, received.Message);
        Assert.IsType<RegisterGrainUnavailableException>(other);
        Assert.IsAssignableFrom<OrleansException>(other);
    }

    private static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    private static RegisterKey NewKey() => new($"api/{Interlocked.Increment(ref _keys)}");

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(Snapshot snapshot) => Encoding.UTF8.GetString(snapshot.Payload.Span);

    /// <summary>Silos that know two changes of the application's own.</summary>
    public sealed class WithChanges : ServiceCluster
    {
        /// <summary>The changes.</summary>
        public WithChanges() => Configure = static options =>
        {
            options.Changes["repeat"] = static (_, arguments) =>
                new ChangeResult.Write((byte[])[.. arguments.Span, .. arguments.Span]);
            options.Changes["throw"] = static (_, _) => throw new InvalidOperationException("on purpose");
        };
    }
}
