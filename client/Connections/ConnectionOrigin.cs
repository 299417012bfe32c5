using CasPaxos.Local;

namespace CasPaxos.Client;

/// <summary>Why the client uses the cluster that it uses. Closed.</summary>
internal abstract record ConnectionOrigin
{
    private ConnectionOrigin()
    {
    }

    /// <summary>A word for programs.</summary>
    public abstract string Name { get; }

    /// <summary>For people, as the end of a sentence.</summary>
    public abstract string Why { get; }

    /// <summary>What to do if nobody answers, in one line.</summary>
    public abstract string Advice { get; }

    /// <summary>It was named.</summary>
    /// <param name="By">The option or the variable.</param>
    public sealed record Given(string By) : ConnectionOrigin
    {
        public override string Name => "given";

        public override string Why => $"given by {By}";

        public override string Advice =>
            "Start a silo, or say where one is: --gateway HOST:PORT or CASPAXOS_GATEWAYS.";
    }

    /// <summary>It runs on this machine, and was found.</summary>
    /// <param name="Path">Of the context file.</param>
    /// <param name="Cluster">What the file says.</param>
    public sealed record Context(string Path, LocalContext Cluster) : ConnectionOrigin
    {
        public override string Name => "context-file";

        public override string Why =>
            $"run on this machine by process {Cluster.ProcessId}, as the context file {Path} says";

        public override string Advice =>
            $"The context file {Path} names them, and process {Cluster.ProcessId}, which runs them, is there: look " +
            "at what it says, or name another cluster by --gateway HOST:PORT.";
    }

    /// <summary>Nothing names one.</summary>
    /// <param name="ContextPath">Where no context file is; null if none was looked for.</param>
    public sealed record Assumed(string? ContextPath) : ConnectionOrigin
    {
        public override string Name => "default";

        public override string Why => ContextPath is null
            ? "the default: no option and no variable names a gateway"
            : $"the default: no option and no variable names a cluster, and there is no context file {ContextPath}";

        public override string Advice => ContextPath is null
            ? "No gateway was given: say where a silo is by --gateway HOST:PORT or CASPAXOS_GATEWAYS."
            : $"No cluster was given, and there is no context file {ContextPath}. Start one by 'caspaxos-silo local'" +
                ", or say where a silo is by --gateway HOST:PORT or CASPAXOS_GATEWAYS.";
    }

    /// <summary>Looks for a cluster on this machine.</summary>
    /// <exception cref="CommandFailedException">The context file is of no use, or its cluster is gone.</exception>
    public static ConnectionOrigin Find(Func<string, string?> environment)
    {
        var path = ContextFile.FindPath(environment);
        try
        {
            return path is null || ContextFile.Read(path) is not { } cluster ? new Assumed(path)
                : cluster.IsAlive ? new Context(path, cluster)
                : throw new CommandFailedException(
                    ExitCodes.Failed,
                    $"The cluster {cluster.ClusterId} of the context file {path} is gone: process " +
                    $"{cluster.ProcessId}, which ran it, has ended without removing the file.\n" +
                    "Start one again by 'caspaxos-silo local', name another by --gateway HOST:PORT, or remove " +
                    "the file.");
        }
        catch (ContextException failure)
        {
            throw CommandFailedException.Usage(
                $"{failure.Message}\nUntil then name a cluster by --gateway HOST:PORT or CASPAXOS_GATEWAYS.");
        }
    }
}
