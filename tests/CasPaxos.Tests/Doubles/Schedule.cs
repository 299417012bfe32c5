using System.Globalization;

namespace CasPaxos.Tests;

/// <summary>
/// One execution made from a seed: proposers that each do one operation after the other, on virtual time, with messages
/// that are delayed, lost and repeated, callers that give up, and proposers that are restarted.
/// </summary>
internal sealed class Schedule(int seed, Cluster cluster, int proposers)
{
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<Action, (long Ticks, long Order)> _events = new();
    private readonly List<Worker> _workers = [];
    private long _now;
    private long _order;

    public Cluster Cluster { get; } = cluster;

    public int LossPercent { get; init; } = 10;

    public int CopyPercent { get; init; } = 10;

    public int AbandonPercent { get; init; }

    public int RestartPercent { get; init; }

    /// <summary>What an operation of a number is; a change that can tell whether it was applied twice.</summary>
    public Func<int, Change> Change { get; init; } = _ => new Change.Increment(1);

    /// <summary>By the number of the operation: how it ended, as its caller sees it.</summary>
    public Dictionary<int, Outcome?> Outcomes { get; } = [];

    /// <summary>To be said when a check fails.</summary>
    public string Replay => string.Create(CultureInfo.InvariantCulture, $"Seed {seed}.");

    public void Run(int operationsEach, int stepsMax)
    {
        for (var i = 0; i < proposers; i++)
        {
            _workers.Add(new Worker(Cluster.Proposer(), operationsEach));
        }

        _workers.ForEach(Next);
        _workers.ForEach(Collect);
        for (var steps = 0; _events.TryDequeue(out var happen, out var at); steps++)
        {
            _now = at.Ticks;
            happen();
            _workers.ForEach(Collect);
            Assert.True(steps < stepsMax, $"{Replay} Not at rest after {stepsMax} steps.");
        }

        Assert.All(_workers, worker => Assert.True(worker is { Left: 0, Ticket: 0 }, $"{Replay} It still waits."));
    }

    private void Next(Worker worker)
    {
        if (worker.Left > 0)
        {
            worker.Left--;
            worker.Number = Outcomes.Count + 1;
            Outcomes.Add(worker.Number, null);
            worker.Ticket = worker.Driver.Submit(worker.Driver.Operation(Change(worker.Number), worker.Number));
            if (Chance(AbandonPercent))
            {
                var (driver, ticket) = (worker.Driver, worker.Ticket);
                After(Milliseconds(0, 20), () => driver.Abandon(ticket));
            }

            if (Chance(RestartPercent))
            {
                After(Milliseconds(0, 10), () => Restart(worker));
            }
        }
    }

    /// <summary>The proposer is gone, and whoever waits learns nothing; what is on its way stays on its way.</summary>
    private void Restart(Worker worker)
    {
        (worker.Ticket, worker.Timer) = (0, 0);
        worker.Driver = Cluster.Proposer();
        Next(worker);
    }

    /// <summary>Takes what a proposer has sent since, and puts it on its way.</summary>
    private void Collect(Worker worker)
    {
        var driver = worker.Driver;
        foreach (var request in driver.Hold())
        {
            for (var copies = Copies(); copies > 0; copies--)
            {
                After(Milliseconds(0, 3), () => Deliver(driver, request));
            }
        }

        if (driver.Timer is { } timer && timer.Timer != worker.Timer)
        {
            worker.Timer = timer.Timer;
            After(timer.Delay.Ticks, () => driver.Fire(timer.Timer));
        }

        if (worker.Ticket > 0 && driver.Answer(worker.Ticket) is { } outcome)
        {
            Outcomes[worker.Number] = outcome;
            worker.Ticket = 0;
            Next(worker);
        }
    }

    private void Deliver(ProposerDriver driver, Letter request)
    {
        driver.Deliver(request);
        foreach (var reply in driver.HoldReplies())
        {
            for (var copies = Copies(); copies > 0; copies--)
            {
                After(Milliseconds(0, 3), () => driver.Tell(reply));
            }
        }
    }

    private int Copies() => Chance(LossPercent) ? 0 : Chance(CopyPercent) ? 2 : 1;

    private bool Chance(int percent) => _random.Next(100) < percent;

    private long Milliseconds(int least, int most) =>
        1 + _random.NextInt64(least * TimeSpan.TicksPerMillisecond, (most * TimeSpan.TicksPerMillisecond) + 1);

    private void After(long ticks, Action happen) => _events.Enqueue(happen, (_now + ticks, _order++));

    private sealed class Worker(ProposerDriver driver, int left)
    {
        public ProposerDriver Driver { get; set; } = driver;

        public int Left { get; set; } = left;

        public int Number { get; set; }

        /// <summary>0 when it waits for nothing.</summary>
        public long Ticket { get; set; }

        public long Timer { get; set; }
    }
}
