using System.Runtime.CompilerServices;
using CasPaxos.Registers;
using Microsoft.Extensions.Logging;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>
/// Grain states in registers, one each. The ETag of a state is that of its register: every write and clear is
/// conditional on it, so of two activations of one grain only one can change the state.
/// </summary>
/// <remarks>
/// <para>
/// A write whose outcome is unknown leaves the grain's state object as it was, so that nothing is taken for stored that
/// may not be. What was tried is remembered beside the object, as long as it lives. The next write or clear of that
/// object settles it first, by the same operation under the same id: if it was applied, that is found and is no
/// conflict; if it was not, it is applied now; and a different state is then written on top. At most one operation of
/// an activation is therefore in doubt, and none is applied twice.
/// </para>
/// <para>
/// A read forgets it: what the grain has read is what it goes on from. Reads are sealed (rule 20): a write of this
/// activation, or of one that died before it, that the read did not see never takes effect afterwards.
/// </para>
/// <para>
/// A token that is cancelled before a call sends anything ends it there. Later it ends the wait only: an accept cannot
/// be called back. The call is then of unknown outcome, and is remembered as such before its caller is told.
/// </para>
/// </remarks>
internal sealed partial class CasPaxosGrainStorage(
    string name,
    string serviceId,
    CasPaxosGrainStorageOptions options,
    IRegisterClient? service,
    IActivatorProvider activators,
    ILogger<CasPaxosGrainStorage> logger,
    GrainStorageDatabases? databases = null) : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    /// <summary>By state object: what this activation knows beyond what the object shows.</summary>
    private readonly ConditionalWeakTable<object, Progress> _progress = [];

    private IRegisterClient Registers => service ?? databases!.Client;

    public void Participate(ISiloLifecycle lifecycle) => databases?.Participate(lifecycle);

    /// <summary>For services that end without their silo having started and stopped. Twice is once.</summary>
    public void Dispose() => databases?.Dispose();

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var call = CallOf(stateName, grainId, grainState, "read", cancellationToken);
        var found = await ReadAsync(call);
        var record = found.Exists ? GrainStateRecord.Decode(call.Key, found.Payload) : default;
        var exists = found.Exists && !record.Cleared;
        var state = exists ? options.GrainStorageSerializer.Deserialize<T>(record.Payload) : default;
        grainState.State = exists && state is not null ? state : New<T>();
        grainState.ETag = TextOf(found.ETag);
        grainState.RecordExists = exists;
        _progress.Remove(grainState);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var call = CallOf(stateName, grainId, grainState, "written", cancellationToken);
        var payload = options.GrainStorageSerializer.Serialize(grainState.State).ToMemory();
        var record = new GrainStateRecord(Cleared: false, call.Key.FullName, payload);
        var etag = await ChangeAsync(call, record.Encode());
        grainState.ETag = TextOf(etag);
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var call = CallOf(stateName, grainId, grainState, "cleared", cancellationToken);
        var etag = await ChangeAsync(call, options.DeleteStateOnClear ? null : MarkerOf(call));
        grainState.ETag = TextOf(etag);
        grainState.RecordExists = false;
        grainState.State = New<T>();
    }

    /// <summary>Makes a register what is wanted, if it is as the grain has last seen it.</summary>
    /// <param name="call">Who asks.</param>
    /// <param name="value">What the register is to hold; null to delete it.</param>
    /// <returns>The register's ETag afterwards.</returns>
    private async Task<ETag> ChangeAsync(Call call, byte[]? value)
    {
        var progress = await ProgressAsync(call);
        if (progress.InDoubt is { } earlier)
        {
            progress = await SettleAsync(call, progress, earlier);
            if (AreSame(earlier.Value, value))
            {
                _progress.Remove(call.Owner);
                return progress.Reached;
            }
        }

        if (value is null && progress.Reached.IsAbsent)
        {
            // What is not there is cleared by a write as well, or else a first write that was lost, of this activation
            // or of one before, could still come up after the clear.
            progress = progress with { Reached = await ChangeAsync(call, MarkerOf(call)) };
            _progress.AddOrUpdate(call.Owner, progress);
        }

        Change change = value is null
            ? new Change.Delete(progress.Reached, Registers.Time.GetUtcNow().ToUnixTimeMilliseconds())
            : new Change.CompareAndSwap(progress.Reached, value);
        var operation = new Operation(new OperationId(Guid.NewGuid()), change);
        switch (await ExecuteAsync(call, operation))
        {
            case Outcome.Applied applied:
                return Done(call, value is null ? ETag.Absent : applied.ETag);
            case Outcome.Refused refused:
                throw Conflict(call, refused.Current);
            case Outcome.Unknown unknown:
                var inDoubt = new Try(operation, value, unknown.Since);
                _progress.AddOrUpdate(call.Owner, progress with { InDoubt = inDoubt });
                throw InDoubt(call, unknown.Reason);
            case var other:
                throw Unavailable(call, other);
        }
    }

    /// <summary>Learns whether an earlier operation was applied, and applies it if it was not.</summary>
    private async Task<Progress> SettleAsync(Call call, Progress progress, Try earlier)
    {
        var operation = earlier.Operation with { RetrySince = earlier.Since };
        switch (await ExecuteAsync(call, operation))
        {
            // Without a name, what was written is gone: the register was deleted and created anew by somebody else.
            case Outcome.Applied { ETag: var etag } applied when earlier.Value is not null && etag.IsAbsent:
                throw Conflict(call, applied.Current);
            case Outcome.Applied applied:
                var reached = earlier.Value is null ? ETag.Absent : applied.ETag;
                progress = progress with { Reached = reached, InDoubt = null };
                _progress.AddOrUpdate(call.Owner, progress);
                LogSettled(name, call.StateName, call.Grain, applied.Recovered);
                return progress;
            case Outcome.Refused refused:
                throw Conflict(call, refused.Current);
            case Outcome.Unknown unknown:
                var inDoubt = earlier with { Since = unknown.Since };
                _progress.AddOrUpdate(call.Owner, progress with { InDoubt = inDoubt });
                throw InDoubt(call, unknown.Reason);
            case Outcome.Unavailable unavailable:
                throw InDoubt(call, unavailable.Reason); // Of this try nothing is left; the earlier one still is.
            case var other:
                throw Registers.ToException(call.Key.Register, other);
        }
    }

    /// <summary>How far this activation is: what is remembered of it, or else what its state object says.</summary>
    private async Task<Progress> ProgressAsync(Call call)
    {
        if (_progress.TryGetValue(call.Owner, out var known)
            && known.Register == call.Key.Register && known.Held == call.Held)
        {
            return known;
        }

        // An ETag that no register ever had is one that this one has not.
        var reached = ETag.Absent;
        return string.IsNullOrWhiteSpace(call.Held) || ETag.TryParse(call.Held, out reached)
            ? new Progress(call.Key.Register, call.Held, reached, InDoubt: null)
            : throw Conflict(call, await ReadAsync(call));
    }

    private async Task<Snapshot> ReadAsync(Call call)
    {
        Change read = options.SealedReads ? new Change.SealedRead() : new Change.Read();
        var operation = new Operation(new OperationId(Guid.NewGuid()), read);
        return await ExecuteAsync(call, operation) switch
        {
            Outcome.Applied applied => applied.Current,
            var other => throw Unavailable(call, other),
        };
    }

    private async Task<Outcome> ExecuteAsync(Call call, Operation operation)
    {
        try
        {
            return await Registers.ExecuteAsync(
                call.Key.Register, operation, options.Timeout, call.CancellationToken);
        }
        catch (RegisterCanceledException cancelled)
        {
            return cancelled.Outcome; // What is known is dealt with first, as of a call that ran out of time.
        }
        catch (ArgumentException refused)
        {
            throw new ArgumentException(
                $"The state '{call.StateName}' of grain {call.Grain} cannot be {call.Verb}: {refused.Message}",
                refused);
        }
    }

    private ETag Done(Call call, ETag etag)
    {
        _progress.Remove(call.Owner);
        return etag;
    }

    private InconsistentStateException Conflict(Call call, Snapshot stored)
    {
        _progress.Remove(call.Owner);
        LogConflict(name, call.StateName, call.Grain, call.Held, TextOf(stored.ETag));
        return new InconsistentStateException(
            $"The state '{call.StateName}' of grain {call.Grain} cannot be {call.Verb} by storage '{name}': it was " +
            $"changed by another activation. Its ETag is {stored.ETag}, and this activation's is " +
            $"{call.Held ?? "absent"}.",
            TextOf(stored.ETag),
            call.Held);
    }

    private Exception InDoubt(Call call, string reason)
    {
        LogUnknown(name, call.StateName, call.Grain, call.Verb, reason);
        return CancelledOr(call, new GrainStateOutcomeUnknownException(
            $"Whether the state '{call.StateName}' of grain {call.Grain} was {call.Verb} is not known: try again, " +
            $"or read it. {reason}"));
    }

    private Exception Unavailable(Call call, Outcome outcome) => outcome is Outcome.Unavailable { Reason: var reason }
        ? CancelledOr(call, new GrainStateUnavailableException(
            $"The state '{call.StateName}' of grain {call.Grain} cannot be {call.Verb} now, and nothing was changed: " +
            reason))
        : Registers.ToException(call.Key.Register, outcome);

    /// <summary>A caller that gave up is told that, and beside it what is known.</summary>
    private static Exception CancelledOr(Call call, OrleansException failure) =>
        call.CancellationToken.IsCancellationRequested
            ? new OperationCanceledException(failure.Message, failure, call.CancellationToken)
            : failure;

    private Call CallOf<T>(
        string stateName,
        GrainId grain,
        IGrainState<T> grainState,
        string verb,
        CancellationToken cancellationToken)
    {
        // First of all: not even a state that cannot be serialized is looked at for a caller that is gone.
        cancellationToken.ThrowIfCancellationRequested();
        return new(
            grainState,
            stateName,
            grain,
            GrainStateKey.Of(options.KeyPrefix, serviceId, grain, stateName),
            grainState.ETag,
            verb,
            cancellationToken);
    }

    private static byte[] MarkerOf(Call call) =>
        new GrainStateRecord(Cleared: true, call.Key.FullName, default).Encode();

    private T New<T>() => activators.GetActivator<T>().Create();

    private static string? TextOf(ETag etag) => etag.IsAbsent ? null : etag.ToString();

    private static bool AreSame(byte[]? left, byte[]? right) =>
        left is null || right is null ? left == right : left.AsSpan().SequenceEqual(right);

    [LoggerMessage(4001, LogLevel.Information,
        "Storage {Name}: state {State} of grain {Grain} was changed by another activation: ETag {Held} here, " +
        "{Stored} in the register.")]
    private partial void LogConflict(string name, string state, GrainId grain, string? held, string? stored);

    [LoggerMessage(4002, LogLevel.Warning,
        "Storage {Name}: whether state {State} of grain {Grain} was {Verb} is not known. {Reason}")]
    private partial void LogUnknown(string name, string state, GrainId grain, string verb, string reason);

    [LoggerMessage(4003, LogLevel.Information,
        "Storage {Name}: what was in doubt of state {State} of grain {Grain} is settled; applied before: {Before}.")]
    private partial void LogSettled(string name, string state, GrainId grain, bool before);

    /// <summary>One read, write or clear.</summary>
    private sealed record Call(
        object Owner,
        string StateName,
        GrainId Grain,
        GrainStateKey Key,
        string? Held,
        string Verb,
        CancellationToken CancellationToken);

    /// <summary>What an activation knows of a register.</summary>
    /// <param name="Register">The register.</param>
    /// <param name="Held">The ETag that the state object had; with another one, this is of no use.</param>
    /// <param name="Reached">Where the register stands by what this activation has done.</param>
    /// <param name="InDoubt">An operation on top of that, which may be applied.</param>
    private sealed record Progress(RegisterKey Register, string? Held, ETag Reached, Try? InDoubt);

    /// <summary>An operation of unknown outcome.</summary>
    /// <param name="Operation">As it was tried first.</param>
    /// <param name="Value">What the register is to hold; null if it is to be deleted.</param>
    /// <param name="Since">Where the register stood before it was first tried.</param>
    private sealed record Try(Operation Operation, byte[]? Value, ETag Since);
}
