using CasPaxos.Registers;

namespace CasPaxos.Client.Tests;

/// <summary>What an import makes of registers that answer badly.</summary>
public sealed class StateImportTests
{
    private static readonly ImportSettings Settings = new("grains", 1024, Overwrite: true, DryRun: false);

    [Fact]
    public async Task A_write_of_unknown_outcome_is_tried_again_and_found()
    {
        var written = new Snapshot(new ETag(Guid.NewGuid(), 1), new byte[] { 1, 0, 42 });
        var registers = new Registers(
            change => new Outcome.Unknown(new OperationId(Guid.NewGuid()), ETag.Absent, "lost"),
            change => new Outcome.Refused(RefusalReason.Exists, written));

        var import = await RunAsync(registers);

        Assert.Equal((1, 1), (import.Read, import.Count(RowResult.Same)));
    }

    [Fact]
    public async Task A_register_that_changes_while_it_is_overwritten_is_a_conflict()
    {
        var seen = new Snapshot(new ETag(Guid.NewGuid(), 1), new byte[] { 1, 0, 7 });
        var registers = new Registers(
            change => new Outcome.Refused(RefusalReason.Exists, seen),
            change => change is Change.CompareAndSwap swap && swap.Expected == seen.ETag
                ? new Outcome.Refused(RefusalReason.ETagMismatch, seen)
                : throw new InvalidOperationException($"{change}"));

        var import = await RunAsync(registers);

        Assert.Equal(1, import.Count(RowResult.Conflict));
    }

    [Theory]
    [InlineData(true, ExitCodes.Unknown)]
    [InlineData(false, ExitCodes.Unavailable)]
    internal async Task Registers_that_stay_out_of_reach_end_the_import(bool unknown, int exitCode)
    {
        Outcome Answer(Change change) => unknown
            ? new Outcome.Unknown(new OperationId(Guid.NewGuid()), ETag.Absent, "lost")
            : new Outcome.Unavailable("down");

        var failure = await Assert.ThrowsAsync<CommandFailedException>(
            () => RunAsync(new Registers(Answer, Answer, Answer)));

        Assert.Equal(exitCode, failure.ExitCode);
        Assert.Contains("grains/s/n/5/note", failure.Message);
    }

    private static async Task<StateImport> RunAsync(Registers registers)
    {
        var mappings = StateMappings.Parse(["note=n:integer"], anyHash: false);
        var import = new StateImport(registers, mappings, Settings, (_, _, _) => { });
        await import.RunAsync(Rows(), CancellationToken.None);
        return import;
    }

    private static async IAsyncEnumerable<StockRow> Rows()
    {
        await Task.Yield();
        yield return new StockRow("s", "note", StockKey.Of(IdSpan.Create("5")), [42]);
    }

    /// <summary>Answers what it is told to, and in that order.</summary>
    private sealed class Registers(params Func<Change, Outcome>[] answers) : IRegisterClient
    {
        private int _next;

        public TimeProvider Time => TimeProvider.System;

        public Task<Outcome> ExecuteAsync(
            RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default) =>
            Task.FromResult(answers[_next++](operation.Change));

        public Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Exception ToException(RegisterKey key, Outcome outcome) => new InvalidOperationException($"{outcome}");
    }
}
