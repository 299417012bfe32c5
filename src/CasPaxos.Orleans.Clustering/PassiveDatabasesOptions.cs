using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>
/// The databases of a cluster of registers, asked directly: no silo is needed to reach them, so what a silo needs
/// before it is one can be kept in them.
/// </summary>
public abstract class PassiveDatabasesOptions
{
    private protected PassiveDatabasesOptions()
    {
    }

    /// <summary>
    /// A PostgreSQL connection string for each slot, in the order of the slots; 1 to 9. The databases must have been
    /// initialised; they may be those of the register service.
    /// </summary>
    public IList<string> ConnectionStrings { get; } = [];

    /// <summary>
    /// Longest time of an operation, its retries included, before it fails. Default 5 s; 0.1 s to 10 min.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a start waits for a quorum of the databases before it fails; 0 for one try. Default 30 s; 0 to 1 h.
    /// </summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The most connections to each database. Default 2, of grain storage 4; 1 to 100. Every silo and client has its
    /// own, so a cluster of 100 silos may have 200 at each database.
    /// </summary>
    public int ConnectionsMax { get; set; } = 2;

    /// <summary>
    /// For development only: slots on one server, which is no redundancy at all, are a warning. Default false.
    /// </summary>
    public bool AllowSharedServer { get; set; }

    /// <summary>Names every setting that is wrong.</summary>
    /// <param name="errors">Where to.</param>
    /// <param name="needed">False if there may be no databases at all.</param>
    internal void Check(ValidateOptionsResultBuilder errors, bool needed = true)
    {
        var slots = ConnectionStrings.Count;
        if (slots > Configuration.SlotsMax || (slots == 0 && needed))
        {
            errors.AddError(
                $"there are {slots}; a cluster has 1 to {Configuration.SlotsMax} databases.",
                nameof(ConnectionStrings));
        }

        for (var slot = 0; slot < slots; slot++)
        {
            if (string.IsNullOrWhiteSpace(ConnectionStrings[slot]))
            {
                errors.AddError("is empty.", $"{nameof(ConnectionStrings)}:{slot}");
            }
        }

        errors.Within(Timeout, TimeSpan.FromSeconds(0.1), TimeSpan.FromMinutes(10), nameof(Timeout));
        errors.Within(StartTimeout, TimeSpan.Zero, TimeSpan.FromHours(1), nameof(StartTimeout));
        errors.Within(ConnectionsMax, 1, 100, nameof(ConnectionsMax));
    }
}
