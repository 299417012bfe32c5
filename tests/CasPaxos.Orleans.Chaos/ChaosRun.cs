using System.Diagnostics;
using System.Globalization;
using CasPaxos.Orleans.Testing;
using CasPaxos.Testing.Load;

namespace CasPaxos.Orleans.Chaos;

/// <summary>Carries a plan out under load, and judges what clients of the silos that live are told meanwhile.</summary>
internal sealed class ChaosRun(TimeSpan length, int seed, int workers) : IDisposable
{
    private static readonly TimeSpan GapMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ordinary = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan WindowLength = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(2);

    private readonly Observer _observer = new();
    private readonly Judge _judge = new();
    private readonly List<string> _complaints = [];
    private readonly Stopwatch _clock = new();
    private SiloLoad[] _loads = [];
    private int _windows;
    private TimeSpan _windowBegan;
    private TimeSpan _slow; // By how much the longest gap in which nothing was wrong was more than ordinary.

    /// <summary>Runs it all.</summary>
    /// <returns>Whether there is nothing to complain about.</returns>
    public async Task<bool> RunAsync()
    {
        var plan = Plan.Make(seed, length, ChaosCluster.Slots);
        Say($"Seed {seed}, {length.TotalMinutes:0.##} min, {plan.Count} faults:");
        foreach (var fault in plan)
        {
            Say($"  {fault}");
        }

        Say("Starting three servers and three silos ...");
        await using var cluster = await ChaosCluster.StartAsync();
        var clients = new List<SiloClients>();
        try
        {
            for (var silo = 0; silo < ChaosCluster.Slots; silo++)
            {
                clients.Add(await SiloClients.OfEachAsync(cluster.Silos, silo));
            }

            _loads = [.. clients.Select((own, silo) => new SiloLoad(silo, own.Registers, workers, seed))];
            await using var stalls = new MachineStalls();
            await LoadAsync(cluster, plan, stalls);
        }
        finally
        {
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }

        return await VerdictAsync();
    }

    public void Dispose() => _observer.Dispose();

    private async Task LoadAsync(ChaosCluster cluster, IReadOnlyList<Fault> plan, MachineStalls stalls)
    {
        _clock.Start();
        BeginWindow();
        await Task.Delay(3000); // The first calls of all processes are slow.
        _observer.Start(_loads, _clock);
        foreach (var fault in plan)
        {
            await UntilAsync(fault.Begin);
            await RotateAsync();
            await CarryOutAsync(cluster, fault, stalls);
        }

        await UntilAsync(length);
        await _observer.StopAsync();
        await EndWindowAsync();
    }

    private async Task CarryOutAsync(ChaosCluster cluster, Fault fault, MachineStalls stalls)
    {
        var calm = _observer.TakePeriod();
        _slow = calm.Longest > Ordinary ? calm.Longest - Ordinary : TimeSpan.Zero;
        Complain("while nothing was wrong", calm with { Longest = TimeSpan.Zero }, GapMax);
        var stalled = stalls.Excess;
        Say($"{Now()}  ----- {fault.Kind} {fault.Slot}, for {fault.Lasts.TotalSeconds:N1} s");
        if (fault.StopsSilo)
        {
            _observer.Excuse(fault.Slot);
        }

        await cluster.HurtAsync(fault);
        await Task.Delay(fault.Lasts);
        Say($"{Now()}  ----- end of {fault.Kind} {fault.Slot}");
        try
        {
            await cluster.HealAsync(fault);
            Say($"{Now()}  ----- whole again");
        }
        catch (InvalidOperationException failure)
        {
            Complain($"{fault.Kind} {fault.Slot}: {failure.Message}");
        }

        _observer.ExcuseNoMore(fault.Slot);
        await Task.Delay(Aftermath);
        var period = _observer.TakePeriod();
        var limit = GapMax + (stalls.Excess - stalled) + _slow;
        Say($"{Now()}  ----- longest gap of {fault.Kind} {fault.Slot}: {period.Longest.TotalMilliseconds:N0} ms, " +
            $"{period.Failed} operations failed (calm before: {calm.Longest.TotalMilliseconds:N0} ms)");
        _judge.Note(fault.Kind, period.Longest);
        Complain($"{fault.Kind} {fault.Slot}", period, limit);
    }

    private void Complain(string when, GapsTaken period, TimeSpan limit)
    {
        if (period.Longest > limit)
        {
            Complain($"{when}: {period.Longest.TotalMilliseconds:N0} ms without a success");
        }

        if (period.Failed > 0)
        {
            Complain($"{when}: {period.Failed} operations failed\n    {string.Join("\n    ", period.Failures)}");
        }
    }

    private void Complain(string what)
    {
        Say($"{Now()}  !!!!! {what}");
        _complaints.Add(what);
    }

    /// <summary>Ends the window and begins the next one, if it is time; only while nothing is wrong.</summary>
    private async Task RotateAsync()
    {
        if (_clock.Elapsed - _windowBegan >= WindowLength)
        {
            await _observer.PauseAsync(async () =>
            {
                await EndWindowAsync();
                BeginWindow();
            });
        }
    }

    private void BeginWindow()
    {
        _windows++;
        _windowBegan = _clock.Elapsed;
        foreach (var load in _loads)
        {
            load.Begin($"{seed}/{_windows}/");
        }
    }

    private async Task EndWindowAsync()
    {
        var histories = await Task.WhenAll(_loads.Select(load => load.EndAsync()));
        _judge.Check(_windows, [.. histories.SelectMany(history => history).OrderBy(operation => operation.Start)]);
    }

    private async Task<bool> VerdictAsync()
    {
        var verdicts = await _judge.EndAsync();
        Say("");
        Say("Longest gap of each kind of fault, as clients of the other silos saw it:");
        foreach (var (kind, count, gap) in _judge.Gaps)
        {
            Say($"  {kind,-12} {count,3} times  {gap.TotalMilliseconds,6:N0} ms");
        }

        Say($"{_observer.Succeeded:N0} operations; {_observer.Excused:N0} failed at silos that were down.");
        foreach (var complaint in _complaints.Concat(verdicts.Violations))
        {
            Say($"COMPLAINT       {complaint}");
        }

        Say($"Checked         {verdicts.Operations:N0} operations in {_windows} windows");
        Say(verdicts.Violations.Count == 0
            ? "Verdict         LINEARIZABLE"
            : "Verdict         NOT SHOWN TO BE LINEARIZABLE");
        Say($"Seed            {seed}");
        return verdicts.Violations.Count == 0 && _complaints.Count == 0 && verdicts.Operations > 0;
    }

    private async Task UntilAsync(TimeSpan when)
    {
        var left = when - _clock.Elapsed;
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private string Now() => string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,6:N1} s");

    private static void Say(string line) => Console.WriteLine(line);
}
