using CasPaxos.Registers;
using Microsoft.Extensions.Options;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace CasPaxos.Orleans;

/// <summary>
/// Gives an acceptor an address. Batches of several silos that arrive while a statement runs travel together in the
/// next one. Holds no protocol rule and remembers nothing that an answer could rest on: the rule and its effect are one
/// statement in the slot's database, so that another activation of the same acceptor does no harm (rule 2).
/// </summary>
[GrainType("caspaxos.acceptor")]
[AcceptorPlacement, Immovable, GrainDirectory(ComputedDirectory.Name), CollectionAgeLimit(AlwaysActive = true)]
internal sealed class AcceptorGrain(
    SlotStores stores, AcceptorMap map, IOptions<CasPaxosOptions> options, ILocalSiloDetails silo)
    : Grain, IAcceptorGrain
{
    private static readonly TimeSpan HomeCheck = TimeSpan.FromSeconds(2);

    private AcceptorAddress _address;
    private AcceptorQueue _queue = null!; // Set on activation.

    private OpenedSlot Store => stores[_address.Slot];

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _address = AcceptorAddress.Parse(this.GetPrimaryKeyString());
        if (_address.Slot >= options.Value.Slots.Count)
        {
            throw new ArgumentException($"There is no slot {_address.Slot}.");
        }

        _queue = new AcceptorQueue(_address.Slot, Store.Acceptor, stores.ClientOptions, TimeProvider.System);

        // On its way home when the slot's silo has returned: the next call goes there.
        this.RegisterGrainTimer(
            static self => self.GoHome(),
            this,
            new GrainTimerCreationOptions(HomeCheck, HomeCheck) { Interleave = true });
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _queue?.Close(); // None where the activation failed.
        return Task.CompletedTask;
    }

    public async Task<AcceptorReplyMessage[]> AskAsync(AcceptorBatch batch)
    {
        Admit(batch.Incarnation);
        return await Batch.AskAsync(_queue, batch);
    }

    public async Task<ScanPageMessage> ScanAsync(ScanRequestMessage request)
    {
        Admit(request.Incarnation);
        try
        {
            return ScanPageMessage.From(await Store.Acceptor.ScanAsync(request.ToRequest(), CancellationToken.None));
        }
        catch (AcceptorUnavailableException failure)
        {
            return new ScanPageMessage([], Complete: false, failure.Message);
        }
    }

    public async Task<AcceptorDescription> DescribeAsync(Guid incarnation)
    {
        Admit(incarnation);
        var status = await Store.StatusAsync(CancellationToken.None);
        return new AcceptorDescription(
            silo.SiloAddress.ToString(),
            status.Problem,
            status.Epoch,
            status.Floor?.ToString(),
            status.VersionFloor,
            status.RowsEstimate);
    }

    private void Admit(Guid incarnation)
    {
        if (incarnation != Store.Incarnation)
        {
            throw new UnauthorizedAccessException(
                $"The caller does not know slot {_address.Slot}: acceptors answer silos of their own cluster only.");
        }
    }

    private Task GoHome()
    {
        if (map.Place(_address) is { } home && !home.Equals(silo.SiloAddress))
        {
            DeactivateOnIdle();
        }

        return Task.CompletedTask;
    }

    /// <summary>The calls of one message; done when each has its reply.</summary>
    private sealed class Batch(int calls) : IReplyTarget
    {
        private readonly AcceptorReplyMessage[] _replies = new AcceptorReplyMessage[calls];
        private readonly TaskCompletionSource<AcceptorReplyMessage[]> _done =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        private int _missing = calls;

        public static Task<AcceptorReplyMessage[]> AskAsync(AcceptorQueue queue, AcceptorBatch message)
        {
            var calls = Array.ConvertAll(message.Calls, call => call.ToCall(message.Epoch));
            var batch = new Batch(calls.Length);
            for (var i = 0; i < calls.Length; i++)
            {
                queue.Enqueue(calls[i].Key, calls[i].Request, attempt: i, batch);
            }

            return calls.Length == 0 ? Task.FromResult(batch._replies) : batch._done.Task;
        }

        public void Receive(int slot, long attempt, AcceptorReply reply)
        {
            _replies[attempt] = AcceptorReplyMessage.From(reply);
            if (Interlocked.Decrement(ref _missing) == 0)
            {
                _done.SetResult(_replies);
            }
        }
    }
}

/// <summary>Which acceptor grain: a slot, and a slice of its keys.</summary>
internal readonly record struct AcceptorAddress(int Slot, int Shard)
{
    public static AcceptorAddress Parse(string key) =>
        key.Split('/') is [var slot, var shard]
            && int.TryParse(slot, out var parsedSlot) && parsedSlot >= 0
            && int.TryParse(shard, out var parsedShard) && parsedShard >= 0
            ? new AcceptorAddress(parsedSlot, parsedShard)
            : throw new ArgumentException($"'{key}' names no acceptor; their keys are slot/shard.");

    public override string ToString() => $"{Slot}/{Shard}";
}
