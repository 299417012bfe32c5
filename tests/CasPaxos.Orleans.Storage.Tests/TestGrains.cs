using System.Collections.Concurrent;
using Orleans.Concurrency;
using Orleans.GrainDirectory;
using Orleans.Placement;
using Orleans.Streams;
using Orleans.Transactions.Abstractions;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>A grain with a text that is stored.</summary>
public interface ITextGrain : IGrainWithStringKey
{
    Task<string> GetAsync();

    /// <summary>The text, and which activation answered.</summary>
    Task<(string Text, Guid Activation)> DescribeAsync();

    Task SetAsync(string text);

    /// <summary>Sets it; a state of unknown outcome is written again, as an application would.</summary>
    Task SetSurelyAsync(string text);

    Task ClearAsync();
}

/// <summary>Its state is injected.</summary>
public interface IInjectedGrain : ITextGrain;

/// <summary>Its state is inherited.</summary>
public interface IInheritingGrain : ITextGrain;

/// <summary>Every silo activates it for itself.</summary>
public interface ISplitGrain : ITextGrain;

internal abstract class TextGrain(IPersistentState<TestState> state) : Grain, ITextGrain
{
    private readonly Guid _activation = Guid.NewGuid();

    public Task<string> GetAsync() => Task.FromResult(state.State.Text);

    public Task<(string Text, Guid Activation)> DescribeAsync() => Task.FromResult((state.State.Text, _activation));

    public Task SetAsync(string text)
    {
        state.State.Text = text;
        return state.WriteStateAsync();
    }

    public async Task SetSurelyAsync(string text)
    {
        try
        {
            await SetAsync(text);
        }
        catch (GrainStateOutcomeUnknownException)
        {
            await state.WriteStateAsync();
        }
    }

    public Task ClearAsync() => state.ClearStateAsync();
}

internal sealed class InjectedGrain([PersistentState("text")] IPersistentState<TestState> state)
    : TextGrain(state), IInjectedGrain;

[PreferLocalPlacement, GrainDirectory(SplitDirectory.Name)]
internal sealed class SplitGrain([PersistentState("text")] IPersistentState<TestState> state)
    : TextGrain(state), ISplitGrain;

internal sealed class InheritingGrain : Grain<TestState>, IInheritingGrain
{
    public Task<string> GetAsync() => Task.FromResult(State.Text);

    public Task<(string Text, Guid Activation)> DescribeAsync() => Task.FromResult((State.Text, Guid.Empty));

    public Task SetAsync(string text)
    {
        State.Text = text;
        return WriteStateAsync();
    }

    public Task SetSurelyAsync(string text) => SetAsync(text);

    public Task ClearAsync() => ClearStateAsync();
}

/// <summary>
/// A directory that knows of one silo's activations only: what a cluster's may come to during membership changes.
/// </summary>
internal sealed class SplitDirectory : IGrainDirectory
{
    public const string Name = "split";

    private readonly ConcurrentDictionary<GrainId, GrainAddress> _here = new();

    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult(_here.GetValueOrDefault(grainId));

    public Task<GrainAddress?> Register(GrainAddress address) =>
        Task.FromResult<GrainAddress?>(_here.GetOrAdd(address.GrainId, address));

    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress)
    {
        if (previousAddress is not null)
        {
            _here.TryRemove(KeyValuePair.Create(address.GrainId, previousAddress));
        }

        return Register(address);
    }

    public Task Unregister(GrainAddress address)
    {
        _here.TryRemove(KeyValuePair.Create(address.GrainId, address));
        return Task.CompletedTask;
    }

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}

/// <summary>An account whose balance changes in transactions.</summary>
public interface IAccountGrain : IGrainWithStringKey
{
    [Transaction(TransactionOption.Join)]
    Task AddAsync(int amount);

    [Transaction(TransactionOption.CreateOrJoin)]
    Task<int> GetAsync();
}

/// <summary>What an account holds.</summary>
[GenerateSerializer]
public sealed record Balance
{
    [Id(0)]
    public int Amount { get; set; }
}

[Reentrant]
internal sealed class AccountGrain([TransactionalState("balance")] ITransactionalState<Balance> state)
    : Grain, IAccountGrain
{
    public Task AddAsync(int amount) => state.PerformUpdate(balance =>
    {
        if (balance.Amount + amount < 0)
        {
            throw new InvalidOperationException("There is not so much.");
        }

        balance.Amount += amount;
    });

    public Task<int> GetAsync() => state.PerformRead(balance => balance.Amount);
}

/// <summary>Moves money between accounts, all or nothing.</summary>
public interface IBankGrain : IGrainWithIntegerKey
{
    [Transaction(TransactionOption.Create)]
    Task MoveAsync(string from, string to, int amount);

    [Transaction(TransactionOption.Create)]
    Task PayInAsync(string to, int amount);
}

[StatelessWorker]
internal sealed class BankGrain : Grain, IBankGrain
{
    public Task MoveAsync(string from, string to, int amount) => Task.WhenAll(
        GrainFactory.GetGrain<IAccountGrain>(from).AddAsync(-amount),
        GrainFactory.GetGrain<IAccountGrain>(to).AddAsync(amount));

    public Task PayInAsync(string to, int amount) => GrainFactory.GetGrain<IAccountGrain>(to).AddAsync(amount);
}

/// <summary>Hears what is said on a stream, whose own grain keeps the subscriptions in its storage.</summary>
public interface IListenerGrain : IGrainWithGuidKey
{
    Task SubscribeAsync();

    Task SayAsync(Guid listener, int number);

    Task<IReadOnlyList<int>> HeardAsync();
}

internal sealed class ListenerGrain : Grain, IListenerGrain
{
    public const string Provider = "stream";

    private readonly List<int> _heard = [];

    public Task SubscribeAsync() => StreamOf(this.GetPrimaryKey()).SubscribeAsync((number, _) =>
    {
        _heard.Add(number);
        return Task.CompletedTask;
    });

    public Task SayAsync(Guid listener, int number) => StreamOf(listener).OnNextAsync(number);

    public Task<IReadOnlyList<int>> HeardAsync() => Task.FromResult<IReadOnlyList<int>>([.. _heard]);

    private IAsyncStream<int> StreamOf(Guid listener) =>
        this.GetStreamProvider(Provider).GetStream<int>(StreamId.Create("numbers", listener));
}
