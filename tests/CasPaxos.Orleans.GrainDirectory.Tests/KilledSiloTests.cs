using System.Diagnostics;
using CasPaxos.Registers;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>Silos as processes of their own, one of which is killed without grace.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class KilledSiloTests(DirectoryDatabasesFixture databases, ITestOutputHelper output) : IAsyncLifetime
{
    private const int GrainsOfEach = 40;

    private readonly DirectoryInfo _logs = System.IO.Directory.CreateTempSubdirectory("caspaxos-directory-");
    private readonly List<SiloUnderTest> _silos = [];
    private string _cluster = "";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            await silo.DisposeAsync();
        }

        foreach (var log in _logs.GetFiles())
        {
            output.WriteLine($"{log.Name}: {await File.ReadAllTextAsync(log.FullName)}");
        }

        _logs.Delete(recursive: true);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Grains_of_a_killed_silo_come_back_once_and_every_silo_finds_them_there(bool passive)
    {
        Make.Need();
        await StartAsync(passive);

        // Half of them before the others ask: of activations that race, those of the slowest silo all lose.
        await Task.WhenAll(Enumerable.Range(0, GrainsOfEach).Select(
            i => EventuallyAsync(() => GrainOf(0, i).WhereAsync())));
        var before = await WhereAsync(0, 1, 2);
        Assert.Equal(before, await EntriesAsync());
        Assert.Equal(3, before.Values.Select(SiloOf).Distinct().Count());
        output.WriteLine($"before: {string.Join(", ", before.Values.Select(SiloOf).CountBy(silo => silo))}");
        var victim = SiloOf(await _silos[2].Grains.GetGrain<ISilosGrain>(0).WhereAsync());

        await _silos[2].KillAsync();
        var after = await WhereAsync(0, 1);

        Assert.DoesNotContain(victim, after.Values.Select(SiloOf));
        foreach (var (grain, where) in before)
        {
            // Activations of silos that live are not touched; those of the dead one are new.
            Assert.True((SiloOf(where) == victim) == (after[grain] != where), $"{grain}: {where}, {after[grain]}");
        }

        Assert.Contains(before.Values, where => SiloOf(where) == victim);
        Assert.Equal(after, await EntriesAsync());

        // In order: the first takes its entries along, and the last does not wait for a service that ends with it.
        var leaving = SiloOf(await _silos[1].Grains.GetGrain<ISilosGrain>(0).WhereAsync());
        Assert.Equal(0, await _silos[1].StopAsync());
        Assert.DoesNotContain(leaving, (await EntriesAsync()).Values.Select(SiloOf));
        var said = _silos[0].ReadLog().Length;
        Assert.Equal(0, await _silos[0].StopAsync());
        Assert.DoesNotContain(
            nameof(RegisterGrainUnavailableException),
            _silos[0].ReadLog()[said..],
            StringComparison.Ordinal);
        Assert.Equal(passive, (await EntriesAsync()).Count == 0);
    }

    private async Task StartAsync(bool passive)
    {
        _cluster = Make.Name();
        for (var slot = 0; slot < 3; slot++)
        {
            var log = Path.Combine(_logs.FullName, $"silo {slot}");
            _silos.Add(SiloUnderTest.Start(databases.Postgres, log, _cluster, slot, passive));
        }

        foreach (var silo in _silos)
        {
            await silo.ConnectAsync();
        }

        foreach (var silo in _silos)
        {
            await EventuallyAsync(async () =>
            {
                Assert.Equal(3, await silo.Grains.GetGrain<ISilosGrain>(0).CountAsync());
                return true;
            });
        }
    }

    /// <summary>Where each grain is, by its id. All silos that are named ask at once, and say the same.</summary>
    private async Task<SortedDictionary<string, string>> WhereAsync(params int[] silos)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var answers = await Task.WhenAll(Enumerable.Range(0, 2 * GrainsOfEach).Select(async i =>
        {
            var all = await Task.WhenAll(silos.Select(silo => EventuallyAsync(() => GrainOf(silo, i).WhereAsync())));
            return (GrainOf(silos[0], i).GetGrainId().ToString(), Assert.Single(all.Distinct()));
        }));
        foreach (var (grain, where) in answers)
        {
            found.Add(grain, where);
        }

        return found;
    }

    private IPlacedGrain GrainOf(int silo, int i) => i % 2 == 0
        ? _silos[silo].Grains.GetGrain<IDefaultPlacedGrain>($"grain {i}")
        : _silos[silo].Grains.GetGrain<INamedPlacedGrain>($"grain {i}");

    /// <summary>What the registers say: nothing but these grains is in them, no grain of the service itself.</summary>
    private async Task<SortedDictionary<string, string>> EntriesAsync()
    {
        await using var registers = Make.Registers(databases.Postgres);
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var prefix = $"directory/{Uri.EscapeDataString(_cluster)}/";
        await foreach (var register in registers.ListAllAsync(prefix))
        {
            var parts = register.Key.Text.Split('/');
            var grain = GrainId.Create(parts[^2], Uri.UnescapeDataString(parts[^1]));
            var read = Assert.IsType<Outcome.Applied>(await registers.GetAsync(register.Key));
            var address = DirectoryRecord.Decode(register.Key, grain, read.Current);
            Assert.Equal(parts[^2] == "placed.named" ? Make.Named : "default", parts[^3]);
            Assert.StartsWith("placed.", parts[^2], StringComparison.Ordinal);
            found.Add(
                grain.ToString(),
                $"{address!.SiloAddress!.ToParsableString()} {address.ActivationId.ToParsableString()}");
        }

        return found;
    }

    private static string SiloOf(string where) => where.Split(' ')[0];

    /// <summary>Asks until there is an answer: while a silo is dead and not declared so, there is none.</summary>
    private static async Task<T> EventuallyAsync<T>(Func<Task<T>> ask)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception failure) when (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(3)
                && failure is OrleansException or TimeoutException or Xunit.Sdk.XunitException)
            {
                await Task.Delay(200);
            }
        }
    }
}
