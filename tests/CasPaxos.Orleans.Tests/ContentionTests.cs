using System.Diagnostics;
using System.Globalization;
using System.Text;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using CasPaxos.Testing.Load;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Tests;

/// <summary>Silos that contend for one register all make progress (case 31, trap T-P13).</summary>
public sealed class ContentionTests(ServiceCluster service, ITestOutputHelper output) : IClassFixture<ServiceCluster>
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    [SkippableFact]
    public async Task Three_silos_with_eight_writers_each_change_one_register_and_nobody_waits_two_seconds()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var key = new RegisterKey("contended");
        var silos = service.Cluster.Silos
            .Select(silo => service.Cluster.GetSiloServiceProvider(silo.SiloAddress))
            .ToList();
        var longest = new long[24];
        var acknowledged = 0;
        var unknown = 0;
        await using var stalls = new MachineStalls();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(6));

        await Task.WhenAll(Enumerable.Range(0, 24).Select(writer => Task.Run(async () =>
        {
            var registers = silos[writer % 3].GetRequiredService<IRegisterClient>();
            while (!stop.IsCancellationRequested)
            {
                var began = Stopwatch.GetTimestamp();
                var outcome = await registers.IncrementAsync(key);
                longest[writer] = Math.Max(longest[writer], Stopwatch.GetTimestamp() - began);
                Interlocked.Add(ref acknowledged, outcome is Outcome.Applied ? 1 : 0);
                Interlocked.Add(ref unknown, outcome is Outcome.Unknown ? 1 : 0);
                Assert.True(outcome is Outcome.Applied or Outcome.Unknown, outcome.ToString());
            }
        })));

        var sum = Assert.IsType<Outcome.Applied>(
            await silos[0].GetRequiredService<IRegisterClient>().GetAsync(key)).Current;
        var total = int.Parse(Encoding.UTF8.GetString(sum.Payload.Span), CultureInfo.InvariantCulture);
        var slowest = TimeSpan.FromSeconds((double)longest.Max() / Stopwatch.Frequency);
        var statistics = silos
            .Select(silo => silo.GetRequiredService<SiloRegisters>().Client.Statistics(key)!).ToList();
        var rounds = statistics.Sum(one => one.PrepareRounds + one.AcceptRounds + one.ReadRounds);
        output.WriteLine(
            $"{acknowledged} acknowledged, {unknown} unknown, slowest {slowest.TotalMilliseconds:N0} ms, " +
            $"{(double)rounds / acknowledged:N3} rounds an operation, " +
            $"{statistics.Sum(one => one.Conflicts)} conflicts, " +
            $"{statistics.Sum(one => one.Setbacks)} setbacks");

        Assert.InRange(total, acknowledged, acknowledged + unknown); // Case 62.
        Assert.True(slowest < Longest + stalls.Excess, $"an operation took {slowest}");
        Assert.True(unknown <= acknowledged / 20, $"{unknown} of {acknowledged} unknown");
    }
}
