using Orleans.Concurrency;

namespace CasPaxos.Orleans;

/// <summary>One slot's acceptor for a slice of the keys. Key: <c>slot/shard</c>. For the silos alone.</summary>
[Alias("caspaxos.IAcceptorGrain")]
internal interface IAcceptorGrain : IGrainWithStringKey
{
    /// <summary>Answers a batch of requests of one lane and epoch; one reply a call, in their order.</summary>
    [AlwaysInterleave]
    [Alias("Ask")]
    Task<AcceptorReplyMessage[]> AskAsync(AcceptorBatch batch);

    /// <summary>Lists what the slot has.</summary>
    [AlwaysInterleave]
    [Alias("Scan")]
    Task<ScanPageMessage> ScanAsync(ScanRequestMessage request);

    /// <summary>Says where it is, and how its slot's store is.</summary>
    [AlwaysInterleave]
    [Alias("Describe")]
    Task<AcceptorDescription> DescribeAsync(Guid incarnation);
}

/// <summary>An acceptor grain about itself and its slot's store.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorDescription")]
internal sealed record AcceptorDescription(
    [property: Id(0)] string Silo,
    [property: Id(1)] string? Problem,
    [property: Id(2)] long? Epoch,
    [property: Id(3)] string? Floor,
    [property: Id(4)] long? VersionFloor,
    [property: Id(5)] long? RowsEstimate);
