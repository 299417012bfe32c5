namespace CasPaxos.Tests;

/// <summary>
/// A few acceptors, and proposers driven by hand: what a test does not deliver has not arrived. No threads, no clock.
/// </summary>
internal sealed class Cluster
{
    private readonly AcceptorHost[] _hosts;
    private readonly HashSet<int> _down = [];
    private int _names;

    public Cluster(int slots = 3, int? prepare = null, int? accept = null)
    {
        Configuration = Make.Cluster(slots, prepare, accept);
        Databases = [.. Configuration.Incarnations.Select(incarnation => new Database(incarnation))];
        _hosts = [.. Databases.Select(database => new AcceptorHost(database, database.Incarnation))];
    }

    public Configuration Configuration { get; set; }

    public Database[] Databases { get; }

    public ChangeCatalog Catalog { get; init; } = new();

    /// <summary>With as few ids kept as there may be, so that it takes little to overtake them.</summary>
    public ProposerSettings Settings
    {
        get;
        init => field = value with { RecentIdsMin = RecentOperations.IdsMin };
    } = ProposerSettings.Default with { RecentIdsMin = RecentOperations.IdsMin };

    /// <summary>Requests that acceptors have worked on, by their kind.</summary>
    public Dictionary<Type, int> Worked { get; } = [];

    /// <summary>A new proposer instance; the later one has the greater id.</summary>
    public ProposerDriver Proposer(string register = "r", long counter = 0)
    {
        var id = new ProposerId(Make.Id(++_names));
        var core = new Proposer(id, counter, Configuration, Catalog, Settings, new Random(_names));
        return new ProposerDriver(this, register, core, _names);
    }

    public EraserDriver Eraser(string register = "r", long counter = 0, long deletedBefore = long.MaxValue)
    {
        var id = new ProposerId(Make.Id(++_names));
        return new EraserDriver(this, register, new Eraser(id, counter, Configuration, Settings, deletedBefore));
    }

    /// <summary>What the register holds, as a proposer that nobody disturbs reads it.</summary>
    public string Read(string register = "r") => Make.Show(Proposer(register).Do(new Change.Read()));

    /// <summary>Writes and deletes a register, by the proposer returned, which remembers the tombstone.</summary>
    public ProposerDriver WriteAndDelete(string register = "r", long counter = 0, long at = 7)
    {
        var proposer = Proposer(register, counter);
        proposer.Do(Make.Put("deleted"));
        proposer.Do(new Change.Delete(null, at));
        return proposer;
    }

    /// <summary>The register's row at an acceptor, or null.</summary>
    public AcceptorRow? Row(int slot, string register = "r") => Databases[slot].Current.Of(register).Row;

    public void Stop(params int[] slots) => _down.UnionWith(slots);

    public void Start(params int[] slots) => _down.ExceptWith(slots);

    /// <summary>The acceptor loses all that is not on its disk.</summary>
    public void Restart(int slot) => _hosts[slot] = new AcceptorHost(Databases[slot], Databases[slot].Incarnation);

    /// <summary>One acceptor has accepted a first value that nobody else has heard of.</summary>
    public void AcceptAt(int slot, string payload, long counter = 5) =>
        AcceptAt([slot], Make.Encoded(payload, ids: [777]), counter);

    public void AcceptAt(int[] slots, ReadOnlyMemory<byte> value, long counter = 5)
    {
        foreach (var slot in slots)
        {
            var accept = new AcceptorRequest.Accept(Configuration.Epoch, Make.B(counter, 99), value, Ballot.Zero);
            Assert.IsType<AcceptorReply.Accepted>(_hosts[slot].Handle("r", accept));
        }
    }

    /// <summary>Null when the acceptor is down.</summary>
    public AcceptorReply? Handle(string register, Letter letter)
    {
        if (_down.Contains(letter.Slot))
        {
            return null;
        }

        var kind = letter.Request.GetType();
        Worked[kind] = Worked.GetValueOrDefault(kind) + 1;
        return _hosts[letter.Slot].Handle(register, letter.Request);
    }
}

/// <summary>A request on its way, or the reply to it on its way back.</summary>
internal sealed record Letter(int Slot, long Attempt, AcceptorRequest Request, AcceptorReply? Reply = null);
