using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>The proposers of this silo and their way to the acceptor grains.</summary>
internal sealed class SiloRegisters
{
    /// <summary>How far the clocks of callers and silos may differ.</summary>
    private static readonly TimeSpan ClockDifferenceMax = TimeSpan.FromSeconds(10);

    private readonly Lazy<(RegisterClient Client, GrainAcceptor[][] Acceptors)> _made;
    private readonly SlotStores _stores;

    public SiloRegisters(SlotStores stores, IGrainFactory grains, IOptions<CasPaxosOptions> options)
    {
        _stores = stores;
        _made = new(() => Make(stores, grains, options.Value));
    }

    public Configuration Configuration => _stores.Configuration;

    public RegisterClient Client => _made.Value.Client;

    /// <summary>The ways to the acceptor grains: by shard, then by slot.</summary>
    public IReadOnlyList<IReadOnlyList<GrainAcceptor>> Acceptors => _made.Value.Acceptors;

    /// <summary>Applies an operation that came by message.</summary>
    public async Task<OutcomeMessage> ExecuteAsync(
        RegisterKey key, OperationMessage operation, CancellationToken cancellationToken)
    {
        var age = Client.Time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(operation.SentAt);
        if (age > operation.Timeout + ClockDifferenceMax)
        {
            return Answer(key, new Outcome.Unavailable(
                $"The operation was sent {age.TotalSeconds:N0} s ago, and its caller waits " +
                $"{operation.Timeout.TotalSeconds:N1} s: this silo was paused, or its clock is wrong."));
        }

        try
        {
            return Answer(
                key, await Client.ExecuteAsync(key, operation.ToOperation(), operation.Timeout, cancellationToken));
        }
        catch (RegisterCanceledException cancelled)
        {
            return Answer(key, cancelled.Outcome); // What is known is worth more than that we stopped.
        }
    }

    /// <summary>Where a register stands or stood: applied, with nothing but its position.</summary>
    public async Task<OutcomeMessage> LocateAsync(RegisterKey key, CancellationToken cancellationToken)
    {
        var known = new Outcome.Applied(ETag.Absent, Snapshot.Absent);
        try
        {
            var outcome = Client.Position(key) is null ? await Client.GetAsync(key, cancellationToken) : known;
            return Answer(key, outcome is Outcome.Applied ? known : outcome);
        }
        catch (RegisterCanceledException cancelled)
        {
            return Answer(key, cancelled.Outcome);
        }
    }

    /// <summary>What was seen last here.</summary>
    public async Task<OutcomeMessage> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken) =>
        Answer(key, await Client.ReadPossiblyStaleAsync(key, cancellationToken));

    private OutcomeMessage Answer(RegisterKey key, Outcome outcome) =>
        OutcomeMessage.From(outcome, Client.Position(key));

    private static (RegisterClient Client, GrainAcceptor[][] Acceptors) Make(
        SlotStores stores, IGrainFactory grains, CasPaxosOptions options)
    {
        var configuration = stores.Configuration;
        GrainAcceptor[][] acceptors =
        [
            .. Enumerable.Range(0, options.Shards).Select(shard => configuration.Incarnations
                .Select((incarnation, slot) => new GrainAcceptor(
                    slot,
                    incarnation,
                    grains.GetGrain<IAcceptorGrain>(new AcceptorAddress(slot, shard).ToString()),
                    options.AcceptorTimeout))
                .ToArray()),
        ];
        var catalog = new ChangeCatalog(options.ValueBytesMax, options.Changes.AsReadOnly());
        return (
            new RegisterClient(
                configuration,
                acceptors,
                key => ShardOf(key, options.Shards),
                catalog,
                stores.ClientOptions with { Port = "grain" }),
            acceptors);
    }

    /// <summary>By the key's bytes, not by its hash code: that of strings differs from process to process.</summary>
    private static int ShardOf(RegisterKey key, int shards) =>
        shards == 1 ? 0 : (int)(StableHash.ComputeHash(key.ToUtf8()) % shards);
}
