using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers by another way than their own grains, and what concerns them as a whole. Key: any; every silo answers for
/// itself. A client sends calls of one grain through one gateway: another key is another way.
/// </summary>
[Alias("caspaxos.IRegisterServiceGrain")]
internal interface IRegisterServiceGrain : IGrainWithIntegerKey
{
    /// <summary>As <see cref="IRegisterGrain.ExecuteAsync"/>.</summary>
    [Alias("Execute")]
    Task<OutcomeMessage> ExecuteAsync(string key, OperationMessage operation, CancellationToken cancellationToken);

    /// <summary>As <see cref="IRegisterGrain.LocateAsync"/>.</summary>
    [Alias("Locate")]
    Task<OutcomeMessage> LocateAsync(string key, CancellationToken cancellationToken);

    /// <summary>A page of registers.</summary>
    [Alias("List")]
    Task<PageMessage> ListAsync(ListQueryMessage query, CancellationToken cancellationToken);

    /// <summary>Silos, slots and acceptors, as this silo sees them.</summary>
    [Alias("Status")]
    Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken);
}
