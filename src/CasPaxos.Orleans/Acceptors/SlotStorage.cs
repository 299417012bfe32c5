using System.Globalization;
using System.Security.Cryptography;
using CasPaxos.Registers;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>
/// The records of one slot in an Orleans grain storage: how they are named, and what a failure of the storage means.
/// </summary>
/// <remarks>
/// At most <see cref="CallsUnderWayMax"/> calls are under way. A call that was given up keeps its place until the
/// storage is done with it, so a storage that hangs holds these few and no more.
/// </remarks>
#pragma warning disable CA1001 // The semaphore holds nothing to give back: its wait handle is never asked for.
internal sealed class SlotStorage(IGrainStorage storage, string name, int slot, Guid incarnation)
#pragma warning restore CA1001
{
    public const int CallsUnderWayMax = 16;

    private const string RegisterState = "caspaxos.register";
    private const string SlotState = "caspaxos.slot";

    private static readonly GrainType RegisterType = GrainType.Create(RegisterState);
    private static readonly GrainType SlotType = GrainType.Create(SlotState);

    private readonly SemaphoreSlim _room = new(CallsUnderWayMax);

    public string Name => name;

    public int Slot => slot;

    public Guid Incarnation => incarnation;

    /// <summary>The kind of storage behind it.</summary>
    public Type Kind => storage.GetType();

    /// <summary>Slot and storage, for messages.</summary>
    public string Place { get; } = $"Slot {slot} in grain storage '{name}'";

    public Task<SlotState<AcceptorRecord>> ReadAsync(RegisterKey key, CancellationToken deadline) =>
        ReadAsync<AcceptorRecord>(RegisterState, IdOf(key), deadline);

    public Task WriteAsync(RegisterKey key, SlotState<AcceptorRecord> state, CancellationToken deadline) =>
        WriteAsync(RegisterState, IdOf(key), state, deadline);

    public Task<SlotState<SlotRecord>> ReadSlotAsync(CancellationToken deadline) =>
        ReadAsync<SlotRecord>(SlotState, IdOfSlot(), deadline);

    public Task WriteSlotAsync(SlotState<SlotRecord> state, CancellationToken deadline) =>
        WriteAsync(SlotState, IdOfSlot(), state, deadline);

    private string Prefix { get; } = incarnation.ToString("N", CultureInfo.InvariantCulture);

    private async Task<SlotState<T>> ReadAsync<T>(string stateName, GrainId id, CancellationToken deadline)
        where T : class, new()
    {
        var state = new SlotState<T>(new T());
        try
        {
            await RunAsync(() => storage.ReadStateAsync(stateName, id, state, deadline), deadline);
        }
        catch (Exception failure) when (failure is not AcceptorUnavailableException)
        {
            throw Unavailable("cannot be read", failure, mayHaveTakenEffect: false);
        }

        return state;
    }

    /// <summary>Writes what was read, changed.</summary>
    /// <exception cref="InconsistentStateException">Somebody else wrote since: nothing was written.</exception>
    private async Task WriteAsync<T>(
        string stateName, GrainId id, SlotState<T> state, CancellationToken deadline)
        where T : class, new()
    {
        try
        {
            await RunAsync(() => storage.WriteStateAsync(stateName, id, state, deadline), deadline);
        }
        catch (Exception failure) when (failure is not AcceptorUnavailableException and not InconsistentStateException)
        {
            throw Unavailable("did not confirm a write", failure, mayHaveTakenEffect: true);
        }
    }

    private async Task RunAsync(Func<Task> call, CancellationToken deadline)
    {
        try
        {
            await _room.WaitAsync(deadline);
        }
        catch (OperationCanceledException failure)
        {
            throw Unavailable("is busy", failure, mayHaveTakenEffect: false);
        }

        // Not every storage heeds its token: past the deadline such a call goes on, unobserved.
        var running = HoldRoomAsync(call);
        try
        {
            await running.WaitAsync(deadline);
        }
        catch (OperationCanceledException)
        {
            running.Ignore();
            throw;
        }
    }

    private async Task HoldRoomAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        finally
        {
            _room.Release();
        }
    }

    private AcceptorUnavailableException Unavailable(string what, Exception failure, bool mayHaveTakenEffect)
    {
        var why = failure is OperationCanceledException ? "no answer in time" : failure.Message;
        return new AcceptorUnavailableException($"{Place} {what}: {why}", mayHaveTakenEffect, failure);
    }

    /// <summary>
    /// By a hash of fixed length, because storages limit the length of ids and what characters they may hold; the key
    /// itself is in the record, and is compared. With the incarnation, so that clusters and the former lives of a slot
    /// may share a storage. The dot keeps it from being read as a number or a GUID.
    /// </summary>
    private GrainId IdOf(RegisterKey key) => GrainId.Create(
        RegisterType,
        $"{Prefix}.{Convert.ToHexStringLower(SHA256.HashData(key.ToUtf8()))}");

    private GrainId IdOfSlot() => GrainId.Create(SlotType, $"slot.{Prefix}");
}
