namespace CasPaxos.Postgres;

/// <summary>Which acceptor a database must be before it is asked anything (rule 5).</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Slot">The position in the cluster's configuration.</param>
/// <param name="Incarnation">The random id that the init wrote into the database.</param>
public sealed record SlotIdentity(Guid ClusterId, int Slot, Guid Incarnation);
