using System.Diagnostics;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>Operations on registers as fast as they are answered, a number of them at a time.</summary>
internal sealed class BenchLoad(
    IRegisterClient client, string operation, string prefix, int registers, int valueBytes, TimeSpan timeout)
{
    private readonly byte[] _value = NewValue(valueBytes);
    private long _failed;
    private string? _failure;

    /// <summary>Latencies of what was applied.</summary>
    public LatencyHistogram Latencies { get; } = new();

    /// <summary>How many were not applied.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Why one of them was not; null if there is none.</summary>
    public string? Failure => Volatile.Read(ref _failure);

    /// <summary>Gives every register a value, which reads then find.</summary>
    public async Task FillAsync(int concurrency, CancellationToken cancellationToken) =>
        await Parallel.ForEachAsync(
            Enumerable.Range(0, registers),
            new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellationToken },
            async (register, token) =>
            {
                if (await ExecuteAsync(KeyOf(register), new Change.Put(_value), token) is var outcome
                    && outcome is not Outcome.Applied)
                {
                    throw new CommandFailedException(
                        ExitCodes.Unavailable, $"The bench cannot write its registers: {Describe(outcome)}");
                }
            });

    /// <summary>Runs until the token is cancelled; an operation that this cuts off is not counted.</summary>
    public async Task RunAsync(int concurrency, CancellationToken cancellationToken) =>
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(worker => Task.Run(
            () => WorkAsync(worker, concurrency, cancellationToken), CancellationToken.None)));

    private async Task WorkAsync(int worker, int concurrency, CancellationToken cancellationToken)
    {
        // Workers begin far apart and go round: every register is used equally often.
        var next = (long)worker * registers / concurrency;
        while (!cancellationToken.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                var outcome = await ExecuteAsync(KeyOf(next++ % registers), NewChange(), cancellationToken);
                if (outcome is Outcome.Applied)
                {
                    Latencies.Add(Stopwatch.GetElapsedTime(began));
                }
                else
                {
                    Count(Describe(outcome));
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A bench counts failures of every kind, and goes on.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Count(CommandRunner.Sentence(failure));
            }
        }
    }

    private Task<Outcome> ExecuteAsync(RegisterKey key, Change change, CancellationToken cancellationToken) =>
        client.ExecuteAsync(
            key,
            new Operation(new OperationId(Guid.NewGuid()), change),
            timeout,
            cancellationToken);

    private Change NewChange() => operation switch
    {
        "put" => new Change.Put(_value),
        "incr" => new Change.Increment(1),
        _ => new Change.Read(),
    };

    private RegisterKey KeyOf(long register) => new($"{prefix}{operation}/{register}");

    private void Count(string failure)
    {
        Interlocked.Increment(ref _failed);
        Volatile.Write(ref _failure, failure);
    }

    private static string Describe(Outcome outcome) => outcome switch
    {
        Outcome.Refused refused => $"refused: {refused.Reason}",
        Outcome.Unavailable unavailable => $"unavailable: {unavailable.Reason}",
        Outcome.Unknown unknown => $"unknown: {unknown.Reason}",
        _ => outcome.GetType().Name,
    };

    private static byte[] NewValue(int bytes)
    {
        var value = new byte[bytes];
        value.AsSpan().Fill((byte)'x');
        return value;
    }
}
