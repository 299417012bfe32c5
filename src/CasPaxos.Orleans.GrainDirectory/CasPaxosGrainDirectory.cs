using CasPaxos.Registers;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans;

/// <summary>
/// Orleans' grain directory in registers: one for each grain, which holds where the grain is active. An entry is made
/// by a create, replaced by a compare-and-swap and removed by a conditional delete, so of any number of silos that
/// register one grain at once exactly one wins, and all of them are told which.
/// </summary>
/// <remarks>
/// <para>
/// Two addresses match as Orleans says (<see cref="GrainAddress.Matches"/>): the same grain on the same silo, and the
/// same activation unless one of them names none.
/// </para>
/// <para>
/// Cost, at each database of a quorum: a lookup is one round trip and no commit; an entry that is made for the first
/// time two and two, a replacement and a removal one and one where this silo has seen the register last.
/// </para>
/// </remarks>
internal sealed class CasPaxosGrainDirectory
    : IGrainDirectory, ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly DirectoryKeys _keys;
    private readonly TimeSpan _timeout;
    private readonly Lazy<IRegisterClient> _registers;
    private readonly DirectoryDatabases? _databases;
    private readonly Func<bool>? _nobodyServes;
    private readonly SiloCalls _calls = new("The grain directory");

    /// <summary>In the registers of the silo's own service.</summary>
    /// <param name="registers">
    /// Made when it is first needed: the service is made of grains, and Orleans makes directories before it has any.
    /// </param>
    /// <param name="keys">Which registers.</param>
    /// <param name="timeout">Longest time of an operation on a register, its retries included.</param>
    /// <param name="nobodyServes">True when no silo is left that could carry out an operation.</param>
    public CasPaxosGrainDirectory(
        Func<IRegisterClient> registers, DirectoryKeys keys, TimeSpan timeout, Func<bool>? nobodyServes = null)
    {
        _registers = new Lazy<IRegisterClient>(registers);
        _keys = keys;
        _timeout = timeout;
        _nobodyServes = nobodyServes;
    }

    /// <summary>In databases of its own.</summary>
    public CasPaxosGrainDirectory(DirectoryDatabases databases, DirectoryKeys keys, TimeSpan timeout)
        : this(() => databases.Registers, keys, timeout) => _databases = databases;

    private IRegisterClient Registers => _registers.Value;

    /// <summary>Databases are opened before the silo joins, and closed when its grains have ended.</summary>
    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(
            $"CasPaxos grain directory {_keys.Prefix}",
            ServiceLifecycleStage.RuntimeInitialize,
            cancellationToken => _databases?.Registers.StartAsync(cancellationToken) ?? Task.CompletedTask,
            _ => _calls.EndAsync());
        _databases?.Participate(lifecycle);
    }

    public Task<GrainAddress?> Lookup(GrainId grainId) => Lookup(grainId, CancellationToken.None);

    public Task<GrainAddress?> Lookup(GrainId grainId, CancellationToken cancellationToken) => _calls.RunAsync(
        async stop =>
        {
            var key = _keys.Of(grainId);
            return DirectoryRecord.Decode(key, grainId, await Registers.ReadAsync(key, _timeout, stop));
        },
        cancellationToken);

    public Task<GrainAddress?> Register(GrainAddress address) => Register(address, null, CancellationToken.None);

    public Task<GrainAddress?> Register(GrainAddress address, CancellationToken cancellationToken) =>
        Register(address, null, cancellationToken);

    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress) =>
        Register(address, previousAddress, CancellationToken.None);

    public Task<GrainAddress?> Register(
        GrainAddress address, GrainAddress? previousAddress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.IsComplete)
        {
            throw new ArgumentException(
                $"{address.ToFullString()} cannot be registered: it must have a grain, a silo and an activation.",
                nameof(address));
        }

        return _calls.RunAsync(stop => RegisterAsync(address, previousAddress, stop), cancellationToken);
    }

    public Task Unregister(GrainAddress address) => Unregister(address, CancellationToken.None);

    public Task Unregister(GrainAddress address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);

        // The last silo to leave: nobody is left to carry this out, or to be misled by an entry of a silo that is dead
        // in a moment. To wait for nothing would only delay the end of every grain.
        return _nobodyServes?.Invoke() == true
            ? Task.CompletedTask
            : _calls.RunAsync(stop => UnregisterAsync(address, stop), cancellationToken);
    }

    /// <summary>
    /// Does nothing. An entry of a dead silo is removed or replaced by whoever looks for its grain next, as Orleans
    /// does with every directory; to find the others, every silo would have to read the whole directory after every
    /// death, and Orleans would stop to watch for deaths if one of these readings failed.
    /// </summary>
    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;

    public Task UnregisterSilos(List<SiloAddress> siloAddresses, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public void Dispose()
    {
        _calls.Dispose();
        _databases?.Dispose();
    }

    private async Task<GrainAddress?> RegisterAsync(
        GrainAddress address, GrainAddress? previous, CancellationToken cancellationToken)
    {
        var key = _keys.Of(address.GrainId);
        var entry = DirectoryRecord.Encode(address);
        Change change = new Change.Create(entry);
        while (true)
        {
            // What is there also where it was applied: by a try that was lost, others may have changed it since.
            var found = await Registers.DecideAsync(key, change, _timeout, cancellationToken) switch
            {
                Outcome.Applied applied => applied.Current,
                Outcome.Refused refused => refused.Current,
                var other => throw new System.Diagnostics.UnreachableException(other.ToString()),
            };
            var stored = DirectoryRecord.Decode(key, address.GrainId, found);
            if (stored is null)
            {
                change = new Change.Create(entry);
            }
            else if (stored.Equals(address) || previous is null || !stored.Matches(previous))
            {
                return stored;
            }
            else
            {
                change = new Change.CompareAndSwap(found.ETag, entry);
            }
        }
    }

    private async Task<bool> UnregisterAsync(GrainAddress address, CancellationToken cancellationToken)
    {
        var key = _keys.Of(address.GrainId);
        var seen = await Registers.ReadSeenAsync(key, _timeout, cancellationToken);
        if (!IsFor(seen))
        {
            // It may have been registered elsewhere since this silo has seen it.
            seen = await Registers.ReadAsync(key, _timeout, cancellationToken);
        }

        while (IsFor(seen))
        {
            var change = new Change.Delete(seen.ETag, Registers.Time.GetUtcNow().ToUnixTimeMilliseconds());
            if (await Registers.DecideAsync(key, change, _timeout, cancellationToken) is not Outcome.Refused refused)
            {
                return true;
            }

            seen = refused.Current;
        }

        return false;

        bool IsFor(Snapshot snapshot) =>
            DirectoryRecord.Decode(key, address.GrainId, snapshot) is { } stored && stored.Matches(address);
    }
}
