using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>Asks an acceptor grain for a page of its slot's rows.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ScanRequest")]
internal sealed record ScanRequestMessage(
    [property: Id(0)] Guid Incarnation,
    [property: Id(1)] long Epoch,
    [property: Id(2)] string Prefix,
    [property: Id(3)] string? After,
    [property: Id(4)] int Limit,
    [property: Id(5)] string? Through,
    [property: Id(6)] bool WithValues)
{
    public static ScanRequestMessage From(Guid incarnation, ScanRequest request) => new(
        incarnation,
        request.Epoch,
        request.Prefix,
        request.After?.Text,
        request.Limit,
        request.Through?.Text,
        request.WithValues);

    public ScanRequest ToRequest() => new(Epoch, Prefix, After is null ? null : new RegisterKey(After), Limit)
    {
        Through = Through is null ? null : new RegisterKey(Through),
        WithValues = WithValues,
    };
}

/// <summary>A page of a slot's rows, or why there is none.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ScanPage")]
internal sealed record ScanPageMessage(
    [property: Id(0)] ScannedRowMessage[] Rows,
    [property: Id(1)] bool Complete,
    [property: Id(2)] string? Problem)
{
    public static ScanPageMessage From(ScanPage page) => new(
        [.. page.Rows.Select(row => new ScannedRowMessage(
            row.Key.Text,
            BallotMessage.From(row.AcceptedBallot),
            WireBytes.Of(row.Value),
            BallotMessage.From(row.Promised)))],
        page.Complete,
        Problem: null);

    public ScanPage ToPage() => new(
        [.. Rows.Select(row => new ScannedRow(
            new RegisterKey(row.Key), row.AcceptedBallot.ToBallot(), row.Value, row.Promised.ToBallot()))],
        Complete);
}

/// <summary>One row of a page.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ScannedRow")]
internal readonly record struct ScannedRowMessage(
    [property: Id(0)] string Key,
    [property: Id(1)] BallotMessage AcceptedBallot,
    [property: Id(2)] byte[] Value,
    [property: Id(3)] BallotMessage Promised);
