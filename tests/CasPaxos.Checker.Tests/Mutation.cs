namespace CasPaxos.Checker.Tests;

/// <summary>Changes histories at random into ones that may or may not be right.</summary>
internal static class Mutation
{
    public static List<HistoryOperation> Of(List<HistoryOperation> history, Random random, int times)
    {
        List<HistoryOperation> mutated = [.. history];
        for (var time = 0; time < times && mutated.Count > 0; time++)
        {
            var place = random.Next(mutated.Count);
            mutated[place] = Mutate(mutated[place], mutated, random);
        }

        return mutated;
    }

    private static HistoryOperation Mutate(
        HistoryOperation operation, List<HistoryOperation> history, Random random) => random.Next(9) switch
        {
            0 => Shift(operation, random),
            1 => operation with { Outcome = HistoryOutcome.Unknown.Instance },
            2 => operation with { Outcome = HistoryOutcome.Unavailable.Instance },
            3 => operation with { Outcome = history[random.Next(history.Count)].Outcome },
            4 => operation with { Action = history[random.Next(history.Count)].Action },
            5 => operation with { Outcome = Toggle(operation.Outcome, random) },
            _ => operation with { Outcome = Blur(operation.Outcome, random) },
        };

    private static HistoryOperation Shift(HistoryOperation operation, Random random)
    {
        var by = random.Next(-60, 60);
        return operation with { Start = operation.Start + by, End = operation.End + by };
    }

    /// <summary>Applied becomes refused and the other way round.</summary>
    private static HistoryOutcome Toggle(HistoryOutcome outcome, Random random) => outcome switch
    {
        HistoryOutcome.Applied applied => new HistoryOutcome.Refused(
            (HistoryRefusal)random.Next(7),
            random.Next(2) == 0 ? applied.Current : HistorySnapshot.NotReported.Instance),
        HistoryOutcome.Refused refused => new HistoryOutcome.Applied(null, refused.Current, random.Next(4) == 0),
        _ => new HistoryOutcome.Applied(null, HistorySnapshot.NotReported.Instance),
    };

    private static HistoryOutcome Blur(HistoryOutcome outcome, Random random) => outcome switch
    {
        HistoryOutcome.Applied applied => new HistoryOutcome.Applied(
            random.Next(2) == 0 ? null : Blur(applied.ETag, random), Blur(applied.Current, random), applied.Recovered),
        HistoryOutcome.Refused refused => new HistoryOutcome.Refused(
            random.Next(2) == 0 ? HistoryRefusal.Unspecified : refused.Reason, Blur(refused.Current, random)),
        _ => outcome,
    };

    private static HistorySnapshot Blur(HistorySnapshot snapshot, Random random) => random.Next(5) switch
    {
        0 => HistorySnapshot.NotReported.Instance,
        1 when snapshot is HistorySnapshot.Present present =>
            new HistorySnapshot.Present(Blur(present.ETag, random), present.Payload),
        2 when snapshot is HistorySnapshot.Present present => new HistorySnapshot.Present(null, present.Payload),
        3 when snapshot is HistorySnapshot.Present present => new HistorySnapshot.Present(present.ETag, null),
        4 when snapshot is HistorySnapshot.Present => HistorySnapshot.Absent.Instance,
        _ => snapshot,
    };

    private static HistoryETag? Blur(HistoryETag? etag, Random random) => random.Next(4) switch
    {
        0 => null,
        1 when etag is { } told => told with { Version = told.Version + random.Next(-1, 2) },
        2 when etag is { } told => told with { CreationId = $"k-{random.Next(3)}" },
        _ => etag,
    };
}
