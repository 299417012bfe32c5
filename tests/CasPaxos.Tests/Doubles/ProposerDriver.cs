namespace CasPaxos.Tests;

/// <summary>One proposer instance, driven by hand.</summary>
internal sealed class ProposerDriver(Cluster cluster, string register, Proposer core, int name)
    : Driver(cluster, register)
{
    private readonly Dictionary<long, Outcome> _answers = [];
    private long _tickets;

    public Proposer Core { get; } = core;

    /// <summary>False: attempts that want to begin wait for <see cref="Admit"/>.</summary>
    public bool HasRoom { get; set; } = true;

    /// <summary>What it asked room for, in order.</summary>
    public List<ProposerEffect.Enter> Entered { get; } = [];

    /// <summary>It has asked for room and has not left it since.</summary>
    public bool IsInside { get; private set; }

    /// <summary>Every ballot that it has ever sent in a prepare or an accept.</summary>
    public IEnumerable<Ballot> Ballots => Sent.Select(letter => letter.Request switch
    {
        AcceptorRequest.Prepare prepare => prepare.Ballot,
        AcceptorRequest.Accept accept => accept.Ballot,
        _ => Ballot.Zero,
    });

    protected override bool IsIdle => Core.IsIdle;

    /// <summary>The operation of a change, with ids of its own.</summary>
    public Operation Operation(Change change, int? number = null)
    {
        var own = number ?? (name * 100_000) + (int)_tickets + 1;
        return new Operation(Make.Op(own), change);
    }

    /// <summary>Submits and returns the ticket.</summary>
    public long Submit(Change change) => Submit(Operation(change));

    public long Submit(Operation operation)
    {
        Carry(Core.Submit(++_tickets, operation));
        return _tickets;
    }

    /// <summary>Submits, delivers everything, and returns the answer.</summary>
    public Outcome Do(Change change) => Do(Operation(change));

    public Outcome Do(Operation operation)
    {
        var ticket = Submit(operation);
        Run();
        return Answer(ticket) ?? throw new InvalidOperationException("At rest and not answered.");
    }

    /// <summary>Submits, and all messages reach these slots and no other, until it is answered.</summary>
    public Outcome DoThrough(Change change, params int[] quorum)
    {
        var ticket = Submit(change);
        for (var i = 0; i < 100 && Answer(ticket) is null; i++)
        {
            var attempt = Sent[^1].Attempt;
            if (Requests.Any(letter => letter.Attempt == attempt && quorum.Contains(letter.Slot)))
            {
                Exchange(quorum);
            }
            else
            {
                Fire();
            }
        }

        return Answer(ticket) ?? throw new InvalidOperationException("Not answered.");
    }

    /// <summary>So many rounds of one change each.</summary>
    public void DoMany(int count, string letter)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.IsType<Outcome.Applied>(Do(Make.Append(letter)));
        }
    }

    /// <summary>Null while there is none.</summary>
    public Outcome? Answer(long ticket) => _answers.GetValueOrDefault(ticket);

    public Outcome? Abandon(long ticket)
    {
        Carry(Core.Abandon(ticket, "The caller has no more time."));
        return Answer(ticket);
    }

    public Outcome? AbandonUnsent(long ticket)
    {
        Carry(Core.AbandonUnsent(ticket, "The caller has too little time."));
        return Answer(ticket);
    }

    public void Admit() => Carry(Core.Admit());

    public void Reconfigure(Configuration configuration) => Carry(Core.Reconfigure(configuration));

    protected override IReadOnlyList<ProposerEffect> Receive(int slot, long attempt, AcceptorReply reply) =>
        Core.Receive(slot, attempt, reply);

    protected override IReadOnlyList<ProposerEffect> TimerFired(long timer) => Core.TimerFired(timer);

    protected override void Take(ProposerEffect effect)
    {
        switch (effect)
        {
            case ProposerEffect.Enter enter:
                Assert.False(IsInside, "It asks for room twice.");
                IsInside = true;
                Entered.Add(enter);
                if (HasRoom)
                {
                    Admit();
                }

                break;
            case ProposerEffect.Leave:
                Assert.True(IsInside, "It leaves where it is not.");
                IsInside = false;
                break;
            default:
                var answer = Assert.IsType<ProposerEffect.Answer>(effect);
                Assert.True(_answers.TryAdd(answer.Ticket, answer.Outcome), "An operation was answered twice.");
                break;
        }
    }
}

/// <summary>One erasure, driven by hand.</summary>
internal sealed class EraserDriver(Cluster cluster, string register, Eraser core) : Driver(cluster, register)
{
    public ErasureResult? Result { get; private set; }

    protected override bool IsIdle => core.IsDone;

    public void Begin() => Carry(core.Begin());

    /// <summary>Begins, delivers everything, and returns the result.</summary>
    public ErasureResult Erase()
    {
        Begin();
        Run();
        return Result!.Value;
    }

    protected override IReadOnlyList<ProposerEffect> Receive(int slot, long attempt, AcceptorReply reply) =>
        core.Receive(slot, attempt, reply);

    protected override IReadOnlyList<ProposerEffect> TimerFired(long timer) => core.TimerFired(timer);

    protected override void Take(ProposerEffect effect)
    {
        Assert.Null(Result);
        Result = Assert.IsType<ProposerEffect.Erasure>(effect).Result;
    }
}
