using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CasPaxos.Registers.Tests;

/// <summary>Case 65. One meter serves the process: these tests run while no others do.</summary>
[CollectionDefinition(nameof(TelemetryAlone), DisableParallelization = true)]
public sealed class TelemetryAlone;

/// <summary>What the registers tell about themselves.</summary>
[Collection(nameof(TelemetryAlone))]
public sealed class TelemetryTests : IDisposable
{
    private readonly ConcurrentBag<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly ConcurrentBag<Activity> _spans = [];
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _activities;

    public TelemetryTests()
    {
        Thread.Sleep(100); // What the tests before have under way is not counted here.
        _meters.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == Telemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meters.Start();
        _activities = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Telemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Add,
        };
        ActivitySource.AddActivityListener(_activities);
    }

    [Fact]
    public async Task An_operation_is_measured_by_kind_and_outcome_and_names_no_key()
    {
        var client = NewClient(out _);
        var key = new RegisterKey("a-key-that-must-not-show");

        await client.PutAsync(key, "1"u8.ToArray());
        await client.CreateAsync(key, "2"u8.ToArray());
        await client.GetAsync(key);
        await client.GetSealedAsync(key);

        var kinds = Tagged(Telemetry.OperationDuration).Select(tags => $"{tags["kind"]} {tags["outcome"]}");
        Assert.Equal(["create refused", "put applied", "read applied", "sealed-read applied"], kinds.Order());
        Assert.DoesNotContain(
            _measured.SelectMany(measured => measured.Tags.Values),
            value => value?.ToString()?.Contains(key.Text, StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Rounds_are_counted_and_a_warm_change_is_a_one_round_trip()
    {
        var client = NewClient(out _);
        var key = new RegisterKey("rounds");

        await client.IncrementAsync(key);
        await client.IncrementAsync(key);

        Assert.Equal(1, Sum(Telemetry.Rounds, "phase", "prepare"));
        Assert.Equal(2, Sum(Telemetry.Rounds, "phase", "accept"));
        Assert.Equal(1, Sum(Telemetry.OneRoundTrips));
    }

    [Fact]
    public async Task Batches_are_measured_for_every_slot_and_the_queues_are_empty_at_the_end()
    {
        var client = NewClient(out _);

        await client.PutAsync(new RegisterKey("batches"), "1"u8.ToArray());
        await Wait.UntilAsync(() => Tagged(Telemetry.BatchSize).Any(tags => (int)tags["slot"]! == 2)
            && Sum(Telemetry.QueueLength) == 0); // The third slot answers behind the quorum.

        Assert.Equal([0, 1, 2], Tagged(Telemetry.BatchSize).Select(tags => (int)tags["slot"]!).Distinct().Order());
        Assert.Equal(0, Sum(Telemetry.QueueLength));
        Assert.All(Tagged(Telemetry.BatchDuration), tags => Assert.Equal(true, tags["answered"]));
    }

    [Fact]
    public async Task A_slot_that_does_not_answer_is_unreachable_until_it_does()
    {
        var client = NewClient(out var broken);
        broken.Broken = true;

        await client.PutAsync(new RegisterKey("unreachable"), "1"u8.ToArray());
        await Wait.UntilAsync(() => Sum(Telemetry.SlotUnreachable, "slot", "2") > 0);
        var during = Sum(Telemetry.SlotUnreachable, "slot", "2");
        broken.Broken = false;
        for (var i = 0; i < 100 && Sum(Telemetry.SlotUnreachable, "slot", "2") > 0; i++)
        {
            await Task.Delay(20);
            await client.PutAsync(new RegisterKey("unreachable"), "2"u8.ToArray());
        }

        Assert.Equal(1, during);
        Assert.Equal(0, Sum(Telemetry.SlotUnreachable, "slot", "2"));
    }

    // An acceptor grain that moves home while its database is down takes its share of the alarm with it.
    [Fact]
    public async Task A_queue_that_is_closed_tells_of_no_slot_any_more()
    {
        var queue = new AcceptorQueue(
            7, new FragileAcceptor { Broken = true }, new RegisterClientOptions(), TimeProvider.System);
        var failed = new Failure();

        queue.Enqueue(new RegisterKey("closed"), new AcceptorRequest.Read(1), attempt: 1, failed);
        await failed.Told.WaitAsync(TimeSpan.FromSeconds(60));
        var before = Sum(Telemetry.SlotUnreachable, "slot", "7");
        queue.Close();

        Assert.Equal(1, before);
        Assert.Equal(0, Sum(Telemetry.SlotUnreachable, "slot", "7"));
    }

    // The second client outbids the promise that the first one holds for its next change.
    [Fact]
    public async Task An_overtaken_attempt_is_a_conflict_and_a_setback()
    {
        var cluster = new Cluster();
        var (one, other) = (cluster.Client(), cluster.Client());
        await one.PutAsync(new RegisterKey("contended"), "1"u8.ToArray());
        await other.PutAsync(new RegisterKey("contended"), "2"u8.ToArray());
        var before = (Sum(Telemetry.Conflicts), Sum(Telemetry.Setbacks));

        await one.PutAsync(new RegisterKey("contended"), "3"u8.ToArray());

        Assert.Equal((before.Item1 + 1, before.Item2 + 1), (Sum(Telemetry.Conflicts), Sum(Telemetry.Setbacks)));
    }

    [Fact]
    public async Task An_operation_is_a_span_with_a_child_for_every_acceptor()
    {
        var client = NewClient(out _);

        await client.PutAsync(new RegisterKey("spans"), "1"u8.ToArray());
        await Wait.UntilAsync(() => _spans.Count(span => span.OperationName == "caspaxos.acceptor") >= 6);

        var operation = Assert.Single(_spans, span => span.OperationName == "caspaxos.operation");
        var accepts = _spans.Where(span => span.OperationName == "caspaxos.acceptor"
            && (string?)span.GetTagItem("request") == "Accept").ToList();
        Assert.Equal([0, 1, 2], accepts.Select(span => (int)span.GetTagItem("slot")!).Order());
        Assert.All(accepts, span => Assert.Equal(operation.SpanId, span.ParentSpanId));
        Assert.Equal("applied", operation.GetTagItem("outcome"));
    }

    public void Dispose()
    {
        _meters.Dispose();
        _activities.Dispose();
    }

    private sealed class Failure : IReplyTarget
    {
        private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Told => _told.Task;

        public void Receive(int slot, long attempt, AcceptorReply reply) => _told.SetResult();
    }

    private static RegisterClient NewClient(out FragileAcceptor third)
    {
        third = new FragileAcceptor();
        return new RegisterClient(
            Configuration.Majority(Guid.NewGuid(), 1, [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()]),
            [new MemoryAcceptor(), new MemoryAcceptor(), third]);
    }

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Add((instrument.Name, value, tags.ToArray().ToDictionary()));

    private IEnumerable<Dictionary<string, object?>> Tagged(string instrument) =>
        _measured.Where(measured => measured.Instrument == instrument).Select(measured => measured.Tags);

    private double Sum(string instrument, string? tag = null, string? value = null) => _measured
        .Where(measured => measured.Instrument == instrument
            && (tag is null || measured.Tags[tag]?.ToString() == value))
        .Sum(measured => measured.Value);

    /// <summary>An acceptor that can be out of reach.</summary>
    private sealed class FragileAcceptor : IAcceptor
    {
        private readonly MemoryAcceptor _inner = new();

        public volatile bool Broken;

        public Task<IReadOnlyList<AcceptorReply>> AskAsync(
            IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken) => Broken
            ? throw new AcceptorUnavailableException("It is broken.", mayHaveTakenEffect: false)
            : _inner.AskAsync(batch, cancellationToken);

        public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
            _inner.ScanAsync(request, cancellationToken);
    }
}
