namespace CasPaxos.Bench;

/// <summary>A grain whose state is in the storage of its silo: Orleans' own ADO.NET storage, or registers.</summary>
[Alias("bench.IStockGrain")]
public interface IStockGrain : IGrainWithIntegerKey
{
    /// <summary>Writes its state.</summary>
    [Alias("Write")]
    Task WriteAsync(byte[] value);

    /// <summary>Reads it, from memory, as grains do.</summary>
    [Alias("Read")]
    Task<byte[]> ReadAsync();

    /// <summary>Reads its state from the storage, as an activation does first of all.</summary>
    [Alias("Reload")]
    Task ReloadAsync();

    /// <summary>Adds one and writes its state.</summary>
    [Alias("Increment")]
    Task<long> IncrementAsync();
}

/// <summary>What it keeps.</summary>
[GenerateSerializer, Alias("bench.StockState")]
public sealed class StockState
{
    /// <summary>As many bytes as a register's value.</summary>
    [Id(0)]
    public byte[] Value { get; set; } = [];

    /// <summary>A counter.</summary>
    [Id(1)]
    public long Count { get; set; }
}

/// <summary>Writes its state with every call.</summary>
internal sealed class StockGrain([PersistentState("state", GrainSilo.Storage)] IPersistentState<StockState> state)
    : Grain, IStockGrain
{
    public Task WriteAsync(byte[] value)
    {
        state.State.Value = value;
        return state.WriteStateAsync();
    }

    public Task<byte[]> ReadAsync() => Task.FromResult(state.State.Value);

    public Task ReloadAsync() => state.ReadStateAsync();

    public async Task<long> IncrementAsync()
    {
        state.State.Count++;
        await state.WriteStateAsync();
        return state.State.Count;
    }
}
