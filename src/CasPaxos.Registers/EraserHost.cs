namespace CasPaxos.Registers;

/// <summary>Carries messages for one erasure. Decides nothing.</summary>
internal sealed class EraserHost : IReplyTarget, IDisposable
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<ErasureResult> _result =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly RegisterKey _key;
    private readonly Eraser _eraser;
    private readonly IReadOnlyList<AcceptorQueue> _slots;
    private readonly ITimer _timer;
    private long _armed;

    public EraserHost(RegisterKey key, Eraser eraser, IReadOnlyList<AcceptorQueue> slots, TimeProvider time)
    {
        _key = key;
        _eraser = eraser;
        _slots = slots;
        _timer = time.CreateTimer(
            static host => ((EraserHost)host!).TimerFired(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Task<ErasureResult> RunAsync()
    {
        Give(eraser => eraser.Begin());
        return _result.Task;
    }

    public void Receive(int slot, long attempt, AcceptorReply reply) =>
        Give(eraser => eraser.Receive(slot, attempt, reply));

    public void Dispose() => _timer.Dispose();

    private void TimerFired() => Give(eraser => eraser.TimerFired(_armed));

    private void Give(Func<Eraser, IReadOnlyList<ProposerEffect>> message)
    {
        IReadOnlyList<ProposerEffect> effects;
        lock (_gate)
        {
            effects = message(_eraser);
            foreach (var set in effects.OfType<ProposerEffect.SetTimer>())
            {
                _armed = set.Timer;
                _timer.Change(set.Delay, Timeout.InfiniteTimeSpan);
            }
        }

        foreach (var effect in effects)
        {
            switch (effect)
            {
                case ProposerEffect.Send send:
                    _slots[send.Slot].Enqueue(_key, send.Request, send.Attempt, this);
                    break;
                case ProposerEffect.Erasure erasure:
                    _result.TrySetResult(erasure.Result);
                    break;
            }
        }
    }
}
