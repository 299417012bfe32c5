namespace CasPaxos.Checker.Tests;

/// <summary>Short forms for histories in tests: <c>Op.By(1, 0, 10).Put("a").Told("x", 1, "a")</c>.</summary>
internal sealed record Op(int Client, long Start, long End, HistoryAction Asked, string Key = "k")
{
    public static Op By(int client, long start, long end) => new(client, start, end, HistoryAction.Read.Instance);

    public static HistoryETag Tag(string creation, long version) => new(creation, version);

    public Op On(string key) => this with { Key = key };

    public Op Read() => this with { Asked = HistoryAction.Read.Instance };

    public Op Put(string payload) => this with { Asked = new HistoryAction.Put(payload) };

    public Op Create(string payload) => this with { Asked = new HistoryAction.Create(payload) };

    public Op Cas(string creation, long version, string payload) =>
        this with { Asked = new HistoryAction.CompareAndSwap(Tag(creation, version), payload) };

    public Op CasAbsent(string payload) => this with { Asked = new HistoryAction.CompareAndSwap(null, payload) };

    public Op Delete() => this with { Asked = new HistoryAction.Delete() };

    public Op Delete(string creation, long version) =>
        this with { Asked = new HistoryAction.Delete(Tag(creation, version)) };

    public Op Increment(long by) => this with { Asked = new HistoryAction.Increment(by) };

    public Op Append(string bytes) => this with { Asked = new HistoryAction.Append(bytes) };

    /// <summary>Applied, and nothing else told.</summary>
    public HistoryOperation Done() => Ends(new HistoryOutcome.Applied(null, HistorySnapshot.NotReported.Instance));

    /// <summary>Applied, and the register was told to be absent.</summary>
    public HistoryOperation ToldAbsent() => Ends(new HistoryOutcome.Applied(null, HistorySnapshot.Absent.Instance));

    /// <summary>Applied, with a payload and no ETag.</summary>
    public HistoryOperation Told(string payload) =>
        Ends(new HistoryOutcome.Applied(null, new HistorySnapshot.Present(null, payload)));

    /// <summary>Applied, with ETag and payload.</summary>
    public HistoryOperation Told(string creation, long version, string payload) =>
        Ends(new HistoryOutcome.Applied(
            Tag(creation, version), new HistorySnapshot.Present(Tag(creation, version), payload)));

    /// <summary>A retry that found itself applied, under an ETag, with what is there now.</summary>
    public HistoryOperation Recovered(string creation, long version, HistorySnapshot? current = null) =>
        Ends(new HistoryOutcome.Applied(
            Tag(creation, version), current ?? HistorySnapshot.NotReported.Instance, Recovered: true));

    /// <summary>A retry that found itself applied, under an ETag that it was not told.</summary>
    public HistoryOperation Recovered(HistorySnapshot current) =>
        Ends(new HistoryOutcome.Applied(null, current, Recovered: true));

    public HistoryOperation Refused(HistoryRefusal reason, HistorySnapshot? current = null) =>
        Ends(new HistoryOutcome.Refused(reason, current ?? HistorySnapshot.NotReported.Instance));

    /// <summary>Refused, with what was there.</summary>
    public HistoryOperation Refused(HistoryRefusal reason, string creation, long version, string payload) =>
        Refused(reason, new HistorySnapshot.Present(Tag(creation, version), payload));

    public HistoryOperation Unknown() => Ends(HistoryOutcome.Unknown.Instance);

    public HistoryOperation Unavailable() => Ends(HistoryOutcome.Unavailable.Instance);

    private HistoryOperation Ends(HistoryOutcome outcome) =>
        new(Client.ToString(System.Globalization.CultureInfo.InvariantCulture), Key, Asked, outcome, Start, End);
}

internal static class Verdict
{
    public static void IsRight(params HistoryOperation[] history) =>
        Assert.IsType<CheckResult.Linearizable>(LinearizabilityChecker.Check(history));

    public static CheckResult.Violation IsWrong(params HistoryOperation[] history) =>
        Assert.IsType<CheckResult.Violation>(LinearizabilityChecker.Check(history));
}
