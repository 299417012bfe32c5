namespace CasPaxos.Orleans;

/// <summary>A provider's calls. Each ends when its caller gives up, or when the provider stops with its silo.</summary>
/// <param name="provider">What has stopped, for the message: the beginning of a sentence.</param>
internal sealed class SiloCalls(string provider) : IDisposable
{
    private readonly CancellationTokenSource _end = new(); // Not disposed: it holds nothing, and calls may still come.

    /// <summary>Cancelled when the provider stops.</summary>
    public CancellationToken Stopped => _end.Token;

    /// <summary>Ends the calls that are under way, and all that come later. Twice is once.</summary>
    public void Dispose() => _end.Cancel();

    /// <summary>The same, without holding up the caller by what hears of it.</summary>
    public Task EndAsync() => _end.CancelAsync();

    /// <summary>Carries out a call until its caller gives up or the provider stops.</summary>
    /// <exception cref="OperationCanceledException">
    /// One of the two. A change that was under way may be made nevertheless.
    /// </exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        try
        {
            either.Token.ThrowIfCancellationRequested();
            return await call(either.Token);
        }
        catch (OperationCanceledException failure) when (either.IsCancellationRequested)
        {
            // With the caller's own token, if it was that, and not with one that the caller has never seen.
            throw cancellationToken.IsCancellationRequested
                ? new OperationCanceledException(failure.Message, failure, cancellationToken)
                : new OperationCanceledException($"{provider} has stopped, as its silo has.", failure, _end.Token);
        }
    }
}
