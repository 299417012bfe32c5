using System.Globalization;
using CasPaxos.Checker;
using CasPaxos.Testing.Load;

namespace CasPaxos.Simulation;

/// <summary>Writes down what clients asked and were told, in the checker's words.</summary>
internal sealed class HistoryRecorder(int registers)
{
    private readonly List<HistoryOperation> _history = [];
    private readonly int[] _unknown = new int[registers];

    public IReadOnlyList<HistoryOperation> History => _history;

    /// <summary>How many changes of a register ended without an answer, or wait for a later try.</summary>
    public int UnknownAt(int register) => _unknown[register];

    /// <summary>So many more changes wait for a later try.</summary>
    public void Park(int register, int more) => _unknown[register] += more;

    public static string KeyOf(int register) => register.ToString(CultureInfo.InvariantCulture);

    /// <summary>Records an operation's end.</summary>
    /// <param name="world">Counts, and the time.</param>
    /// <param name="client">Who asked.</param>
    /// <param name="run">What was asked.</param>
    /// <param name="start">When.</param>
    /// <param name="outcome">What was told in the end; null: nothing is known.</param>
    public void Add(World world, string client, OperationRun run, long start, Outcome? outcome)
    {
        Tally(world.Statistics, outcome);
        var told = run.Change is Change.Custom { Name: Workload.Ensure } ensure
            ? Translate(ensure, outcome)
            : Translate(outcome);
        _unknown[run.Register] += told is HistoryOutcome.Unknown && !run.Change.IsRead ? 1 : 0;
        var end = told is HistoryOutcome.Unknown ? HistoryOperation.NeverEnded : world.Stamp();
        _history.Add(new HistoryOperation(client, KeyOf(run.Register), Translate(run.Change), told, start, end));
    }

    public void AddLastRead(World world, int register, long start, Outcome.Applied outcome) => _history.Add(
        new HistoryOperation(
            "last read", KeyOf(register), HistoryAction.Read.Instance, Translate(outcome), start, world.Stamp()));

    private static void Tally(Statistics statistics, Outcome? outcome)
    {
        statistics.Add(outcome switch
        {
            Outcome.Applied => Count.Applied,
            Outcome.Refused => Count.Refused,
            Outcome.Unavailable => Count.Unavailable,
            Outcome.Faulted => Count.Faulted,
            _ => Count.Unknown,
        });
        statistics.Add(Count.Recovered, outcome is Outcome.Applied { Recovered: true } ? 1 : 0);
    }

    private static HistoryAction Translate(Change change) => change is Change.Custom custom
        ? new HistoryAction.Create(PayloadText.FromBytes(custom.Arguments.Span))
        : Histories.Asked(change);

    /// <summary>A creation that keeps what is there did nothing, as one that is refused.</summary>
    private static HistoryOutcome Translate(Change.Custom ensure, Outcome? outcome) => outcome switch
    {
        // It does not tell which of the two it was.
        Outcome.Applied { Recovered: true, ETag.IsAbsent: true } => HistoryOutcome.Unknown.Instance,
        Outcome.Applied { Recovered: false, Current: var kept }
            when !kept.Payload.Span.SequenceEqual(ensure.Arguments.Span) =>
            Histories.Answered(new Outcome.Refused(RefusalReason.Exists, kept)),
        _ => Translate(outcome),
    };

    private static HistoryOutcome Translate(Outcome? outcome) => outcome switch
    {
        null => HistoryOutcome.Unknown.Instance,

        // A change that throws did nothing because of what was there, as a refusal.
        Outcome.Faulted => new HistoryOutcome.Refused(HistoryRefusal.Unspecified, HistorySnapshot.NotReported.Instance),
        _ => Histories.Answered(outcome),
    };
}
