using Orleans.Concurrency;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>Says where it is.</summary>
public interface IPlacedGrain : IGrainWithStringKey
{
    /// <summary>Silo and activation, as the directory has them.</summary>
    [Alias("Where")]
    Task<string> WhereAsync();

    /// <summary>Ends this activation.</summary>
    [Alias("End")]
    Task EndAsync();
}

/// <summary>Of the default directory.</summary>
public interface IDefaultPlacedGrain : IPlacedGrain;

/// <summary>Of the directory that it names.</summary>
public interface INamedPlacedGrain : IPlacedGrain;

/// <summary>What both do.</summary>
public abstract class PlacedGrain(ILocalSiloDetails silo) : Grain, IPlacedGrain
{
    public Task<string> WhereAsync() =>
        Task.FromResult($"{silo.SiloAddress.ToParsableString()} {GrainContext.ActivationId.ToParsableString()}");

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

/// <inheritdoc cref="IDefaultPlacedGrain"/>
[GrainType("placed.default"), RandomPlacement]
public sealed class DefaultPlacedGrain(ILocalSiloDetails silo) : PlacedGrain(silo), IDefaultPlacedGrain;

/// <inheritdoc cref="INamedPlacedGrain"/>
[GrainType("placed.named"), RandomPlacement, GrainDirectory(Make.Named)]
public sealed class NamedPlacedGrain(ILocalSiloDetails silo) : PlacedGrain(silo), INamedPlacedGrain;

/// <summary>Says on which silos grains may be placed, as the silo that answers sees them.</summary>
public interface ISilosGrain : IGrainWithIntegerKey
{
    /// <summary>How many there are.</summary>
    [Alias("Count")]
    Task<int> CountAsync();

    /// <summary>Which silo answers: that of the gateway.</summary>
    [Alias("WhereIt")]
    Task<string> WhereAsync();
}

/// <inheritdoc cref="ISilosGrain"/>
[GrainType("silos"), StatelessWorker]
public sealed class SilosGrain(
    ISiloStatusOracle membership, IClusterManifestProvider manifests, ILocalSiloDetails silo) : Grain, ISilosGrain
{
    public Task<string> WhereAsync() => Task.FromResult(silo.SiloAddress.ToParsableString());

    // This silo places no grain on another before it has heard that the other is active, and has fetched its manifest.
    public Task<int> CountAsync() => Task.FromResult(membership.GetApproximateSiloStatuses(onlyActive: true).Keys
        .Count(manifests.Current.Silos.ContainsKey));
}
