namespace CasPaxos.Simulation;

/// <summary>All mutants.</summary>
internal static class MutantCatalog
{
    public static readonly Mutant[] All =
    [
        .. AcceptorMutants.All, .. ProposerMutants.All, .. RecordMutants.All, .. SealMutants.All,
    ];

    /// <summary>The mutant with a name; null if there is none.</summary>
    public static Mutant? Find(string name) =>
        Array.Find(All, mutant => string.Equals(mutant.Name, name, StringComparison.Ordinal));
}
