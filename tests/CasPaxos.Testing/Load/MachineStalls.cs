using System.Diagnostics;

namespace CasPaxos.Testing.Load;

/// <summary>
/// Measures how long the machine itself stands still: a small write made durable again and again. What a busy disk or
/// processor takes from everybody is not the registers' doing, and a limit in seconds has to allow for it.
/// </summary>
public sealed class MachineStalls : IAsyncDisposable
{
    private static readonly TimeSpan Ordinary = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;
    private long _excessTicks;

    /// <summary>Begins to measure.</summary>
    public MachineStalls() => _running = Task.Factory.StartNew(
        Measure, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>All time so far by which a write took longer than 100 ms; zero on a machine that has room.</summary>
    public TimeSpan Excess => TimeSpan.FromTicks(Interlocked.Read(ref _excessTicks));

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }

    private void Measure()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var file = new FileStream(
            path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        while (!_end.IsCancellationRequested)
        {
            var clock = Stopwatch.GetTimestamp();
            Thread.Sleep(10);
            file.Position = 0;
            file.Write("stall?"u8);
            file.Flush(flushToDisk: true);
            var excess = Stopwatch.GetElapsedTime(clock) - Ordinary;
            if (excess > TimeSpan.Zero)
            {
                Interlocked.Add(ref _excessTicks, excess.Ticks);
            }
        }
    }
}
