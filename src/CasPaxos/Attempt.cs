namespace CasPaxos;

/// <summary>One phase of one attempt: who was asked, with what, and what came back.</summary>
internal abstract class Attempt(long id, Configuration configuration, List<Pending> operations)
{
    /// <summary>Distinguishes this attempt's replies from those of every other (rule 8).</summary>
    public long Id { get; } = id;

    /// <summary>The configuration that it began with and ends with (rule 10).</summary>
    public Configuration Configuration { get; } = configuration;

    /// <summary>
    /// The operations that it is for, as they were when it was sent; later ones learn nothing from its replies.
    /// </summary>
    public List<Pending> Operations { get; } = operations;

    /// <summary>Slots from which nothing more is awaited.</summary>
    public SlotSet Heard { get; private set; }

    /// <summary>A slot refused: another proposer is at work.</summary>
    public bool Conflict { get; set; }

    /// <summary>The short timer is running, not the long one.</summary>
    public bool Hurried { get; set; }

    public int Outstanding => Configuration.Slots - Heard.Count;

    /// <summary>False for a slot that has answered already, or that does not exist.</summary>
    public bool Awaits(int slot) => slot >= 0 && slot < Configuration.Slots && !Heard.Contains(slot);

    public void Hear(int slot) => Heard = Heard.With(slot);
}

/// <summary>A read without writing (rule 13).</summary>
internal sealed class ReadAttempt(long id, Configuration configuration, List<Pending> operations)
    : Attempt(id, configuration, operations)
{
    public Reports Reports { get; } = new();
}

/// <summary>The prepare phase (paper §2.2, steps 2 and 3).</summary>
internal sealed class PrepareAttempt(long id, Configuration configuration, List<Pending> operations, Ballot ballot)
    : Attempt(id, configuration, operations)
{
    public Ballot Ballot { get; } = ballot;

    public Reports Promises { get; } = new();

    /// <summary>All slots have promised and report one accepted ballot, or that they have none (rule 20).</summary>
    public bool AllAgree => Promises.Agreeing == Configuration.Slots;

    /// <summary>They may yet: some are silent, and nobody has refused, failed or reported another ballot.</summary>
    public bool AllMayAgree => Outstanding > 0 && Promises.Agreeing == Heard.Count;
}

/// <summary>The accept phase (paper §2.2, steps 4 and 5).</summary>
internal sealed class AcceptAttempt(
    long id, Configuration configuration, Ballot ballot, Fold fold, RegisterRecord record, Ballot next)
    : Attempt(id, configuration, [.. fold.Verdicts.Select(verdict => verdict.Pending)])
{
    public Ballot Ballot { get; } = ballot;

    public Fold Fold { get; } = fold;

    /// <summary>Exactly the record that is sent.</summary>
    public RegisterRecord Record { get; } = record;

    /// <summary>The ballot that the acceptors are asked to promise along with it.</summary>
    public Ballot Next { get; } = next;

    public SlotSet Accepted { get; set; }

    /// <summary>Slots that have promised <see cref="Next"/>, and nothing higher.</summary>
    public SlotSet Confirmed { get; set; }

    /// <summary>Slots where the accept certainly had and will have no effect.</summary>
    public SlotSet Harmless { get; set; }
}

/// <summary>What slots report as accepted, each counted once.</summary>
internal sealed class Reports
{
    private readonly List<AcceptorReply.Report> _reports = new(Configuration.SlotsMax);

    public int Count => _reports.Count;

    /// <summary>
    /// The report with the highest accepted ballot: the current value, in every order of replies (rule 8).
    /// </summary>
    public AcceptorReply.Report Highest { get; private set; } = new(Ballot.Zero, default);

    /// <summary>How many slots agree on one accepted ballot, at the most.</summary>
    public int Agreeing { get; private set; }

    /// <summary>The report that most slots agree on.</summary>
    public AcceptorReply.Report Agreed { get; private set; } = new(Ballot.Zero, default);

    /// <summary>
    /// True if so many slots report the highest ballot of all that were heard. Many that agree on a lower one prove
    /// nothing about the highest value, which a minority may hold (rule 13).
    /// </summary>
    public bool AgreeOnHighest(int quorum) =>
        Agreeing >= quorum && Agreed.AcceptedBallot == Highest.AcceptedBallot;

    /// <summary>
    /// The greatest version floor that was reported. Where nothing is accepted, the register is absent at it (rule 19):
    /// every quorum has a slot that erased what was chosen last, and that slot's floor is not below its version.
    /// </summary>
    private long VersionFloor { get; set; }

    public void Add(Ballot accepted, ReadOnlyMemory<byte> value, long versionFloor)
    {
        var report = new AcceptorReply.Report(accepted, value, versionFloor);
        _reports.Add(report);
        VersionFloor = Math.Max(VersionFloor, versionFloor);
        if (accepted > Highest.AcceptedBallot)
        {
            Highest = report;
        }

        var agreeing = 0;
        foreach (var other in _reports)
        {
            agreeing += other.AcceptedBallot == accepted ? 1 : 0;
        }

        if (agreeing > Agreeing)
        {
            (Agreeing, Agreed) = (agreeing, report);
        }
    }

    /// <summary>The record of a report; where nothing was accepted, the absence at the greatest floor.</summary>
    /// <exception cref="RecordFormatException">The value is not a record that this version understands.</exception>
    public RegisterRecord Decode(AcceptorReply.Report report) =>
        report.AcceptedBallot.IsZero ? RegisterRecord.Absent(VersionFloor) : RecordCodec.Decode(report.Value);
}
