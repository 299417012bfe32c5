using Orleans.Concurrency;
using Orleans.Transactions.Abstractions;

namespace CasPaxos.Orleans.Transactions;

/// <summary>One of a pair of notebooks: every transaction writes its number into both, or into neither.</summary>
public interface INotebookGrain : IGrainWithStringKey
{
    /// <summary>Writes a number at the end.</summary>
    [Transaction(TransactionOption.Join)]
    Task WriteAsync(int number);

    /// <summary>All numbers, in the order in which they were written.</summary>
    [Transaction(TransactionOption.CreateOrJoin)]
    Task<List<int>> ReadAsync();
}

/// <summary>What a notebook holds.</summary>
[GenerateSerializer]
public sealed class Notes
{
    /// <summary>The numbers.</summary>
    [Id(0)]
    public List<int> Numbers { get; set; } = [];
}

/// <summary>An ordinary transactional grain; its state is kept by the default grain storage.</summary>
[Reentrant]
public sealed class NotebookGrain([TransactionalState("notes")] ITransactionalState<Notes> notes)
    : Grain, INotebookGrain
{
    /// <inheritdoc/>
    public Task WriteAsync(int number) => notes.PerformUpdate(state => state.Numbers.Add(number));

    /// <inheritdoc/>
    public Task<List<int>> ReadAsync() => notes.PerformRead(state => state.Numbers.ToList());
}

/// <summary>Begins the transactions.</summary>
public interface IWriterGrain : IGrainWithIntegerKey
{
    /// <summary>Writes a number into both notebooks of a pair.</summary>
    [Transaction(TransactionOption.Create)]
    Task WriteBothAsync(string pair, int number);
}

/// <inheritdoc cref="IWriterGrain"/>
public sealed class WriterGrain : Grain, IWriterGrain
{
    /// <inheritdoc/>
    public Task WriteBothAsync(string pair, int number) => Task.WhenAll(
        GrainFactory.GetGrain<INotebookGrain>(pair + "/left").WriteAsync(number),
        GrainFactory.GetGrain<INotebookGrain>(pair + "/right").WriteAsync(number));
}
