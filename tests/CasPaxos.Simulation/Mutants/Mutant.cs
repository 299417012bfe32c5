namespace CasPaxos.Simulation;

/// <summary>One replacement in one source file.</summary>
/// <param name="File"><c>core/</c> or <c>engine/</c>, and the name of the file.</param>
/// <param name="Old">
/// Must occur exactly once: a mutant that no longer fits the code is an error, not a survivor.
/// </param>
/// <param name="New">What stands there instead.</param>
internal sealed record Patch(string File, string Old, string New);

/// <summary>One way to break the protocol, or the host around it.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Sentence">What the broken code does.</param>
/// <param name="Patches">How it comes to do that.</param>
internal sealed record Mutant(string Name, string Sentence, params Patch[] Patches)
{
    /// <summary>
    /// Where the search begins, of a mutant that few seeds catch: shortly before one that did. Another one is searched
    /// for from there on when the simulator has changed.
    /// </summary>
    public long From { get; init; }
}
