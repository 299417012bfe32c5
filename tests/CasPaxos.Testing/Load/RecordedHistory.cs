using CasPaxos.Checker;
using CasPaxos.Registers;

namespace CasPaxos.Testing.Load;

/// <summary>Remembers what clients asked and were answered, for the checker. Safe for concurrent use.</summary>
public sealed class RecordedHistory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<OperationId, HistoryOperation> _operations = [];

    /// <summary>The same client, with everything that it is asked on the record.</summary>
    public IRegisterClient Of(IRegisterClient client, string name) => new Recorded(this, client, name);

    /// <summary>What the checker finds.</summary>
    public CheckResult Check()
    {
        lock (_gate)
        {
            return LinearizabilityChecker.Check([.. _operations.Values.OrderBy(operation => operation.Start)]);
        }
    }

    /// <summary>A retry is the operation that it retries: it began then, and ends now.</summary>
    private void Add(OperationId id, HistoryOperation operation)
    {
        lock (_gate)
        {
            _operations[id] = _operations.TryGetValue(id, out var first)
                ? operation with { Start = first.Start }
                : operation;
        }
    }

    private sealed class Recorded(RecordedHistory history, IRegisterClient client, string name) : IRegisterClient
    {
        public TimeProvider Time => client.Time;

        public async Task<Outcome> ExecuteAsync(
            RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default)
        {
            var start = LoadMeter.Now();
            var outcome = await client.ExecuteAsync(key, operation, timeout, cancellationToken);
            var end = outcome is Outcome.Unknown ? HistoryOperation.NeverEnded : LoadMeter.Now();
            history.Add(operation.Id, new HistoryOperation(
                name, key.Text, Histories.Asked(operation.Change), Histories.Answered(outcome), start, end));
            return outcome;
        }

        public Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
            client.ReadPossiblyStaleAsync(key, cancellationToken); // Need not be linearizable.

        public Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default) =>
            client.ListAsync(query, cancellationToken);

        public Exception ToException(RegisterKey key, Outcome outcome) => client.ToException(key, outcome);
    }
}
