namespace CasPaxos.Testing;

/// <summary>The checkout that the tests were built from: pages, scripts and sources that they compare with.</summary>
public static class Checkout
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>A file or folder in it.</summary>
    /// <param name="parts">Folders and name, from the root on.</param>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot(string folder) =>
        File.Exists(Path.Combine(folder, "CasPaxos.Orleans.sln"))
            ? folder
            : FindRoot(Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests do not run inside a checkout."));
}
