namespace CasPaxos.Silo;

/// <summary>
/// While the silo starts, holds back what the hosts log of a failure: they log the same one four times with its stack,
/// and it is said once, in a line, when the process ends.
/// </summary>
internal sealed class StartLog
{
    private static readonly string[] Categories =
    [
        "Microsoft.Extensions.Hosting.Internal.Host",
        "Orleans.LifecycleSubject",
        "Orleans.Runtime.Silo",
        "Orleans.Runtime.SiloLifecycleSubject",
    ];

    private volatile bool _started;

    /// <summary>Set when the start has succeeded; failures are logged from then on.</summary>
    public bool Started
    {
        get => _started;
        set => _started = value;
    }

    public void Configure(ILoggingBuilder logging)
    {
        foreach (var category in Categories)
        {
            logging.AddFilter(category, level => level >= LogLevel.Warning && (Started || level < LogLevel.Error));
        }
    }
}
