using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Orleans.Storage;

namespace CasPaxos.Orleans.Tests;

/// <summary>A grain storage in memory that keeps the contract, and can be made to fail at any call.</summary>
internal sealed class StorageDouble : IGrainStorage
{
    private readonly ConcurrentDictionary<(string State, GrainId Id), (int Version, string Json)> _records = new();
    private readonly Lock _gate = new();
    private int _underWay;

    /// <summary>Runs before a read of a register or slot record, by state name.</summary>
    public Func<string, Task> BeforeRead { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Runs before a write takes effect.</summary>
    public Func<string, Task> BeforeWrite { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Runs after a write took effect, before it is confirmed.</summary>
    public Func<string, Task> AfterWrite { get; set; } = static _ => Task.CompletedTask;

    /// <summary>False for a storage that takes every write, as one without ETags does.</summary>
    public bool GuardsWrites { get; set; } = true;

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    /// <summary>The most calls that were under way at once.</summary>
    public int UnderWayMax { get; private set; }

    public ICollection<(string State, GrainId Id)> Records => _records.Keys;

    public void Wipe() => _records.Clear();

    public void Remove(string state)
    {
        foreach (var id in _records.Keys.Where(id => id.State == state))
        {
            _records.TryRemove(id, out _);
        }
    }

    /// <summary>Changes stored text past the provider, without a new ETag.</summary>
    public void Edit(string state, Func<string, string> edit)
    {
        foreach (var id in _records.Keys.Where(id => id.State == state))
        {
            _records[id] = (_records[id].Version, edit(_records[id].Json));
        }
    }

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        Begin(read: true);
        try
        {
            await BeforeRead(stateName);
            var found = _records.TryGetValue((stateName, grainId), out var record);
            grainState.State = found ? JsonSerializer.Deserialize<T>(record.Json)! : Activator.CreateInstance<T>();
            grainState.ETag = found ? record.Version.ToString(CultureInfo.InvariantCulture) : null!;
            grainState.RecordExists = found;
        }
        finally
        {
            End();
        }
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        Begin(read: false);
        try
        {
            await BeforeWrite(stateName);
            lock (_gate)
            {
                var found = _records.TryGetValue((stateName, grainId), out var record);
                var stored = found ? record.Version.ToString(CultureInfo.InvariantCulture) : null;
                if (GuardsWrites && stored != grainState.ETag)
                {
                    throw new InconsistentStateException("Another version is stored.", stored, grainState.ETag);
                }

                _records[(stateName, grainId)] = (record.Version + 1, JsonSerializer.Serialize(grainState.State));
            }

            await AfterWrite(stateName);
            grainState.ETag = _records[(stateName, grainId)].Version.ToString(CultureInfo.InvariantCulture);
            grainState.RecordExists = true;
        }
        finally
        {
            End();
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        throw new NotSupportedException("A slot never clears a record.");

    private void Begin(bool read)
    {
        lock (_gate)
        {
            _underWay++;
            UnderWayMax = Math.Max(UnderWayMax, _underWay);
            (Reads, Writes) = read ? (Reads + 1, Writes) : (Reads, Writes + 1);
        }
    }

    private void End()
    {
        lock (_gate)
        {
            _underWay--;
        }
    }
}
