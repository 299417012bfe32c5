using System.Runtime.InteropServices;

namespace CasPaxos.Client;

/// <summary>
/// Ctrl-C asks for what is known and the end; a second one gets the end at once. SIGTERM does the same.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations;

    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Take),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take),
    ];

    public CancellationToken Token => _source.Token;

    /// <summary>True after the first signal.</summary>
    public bool Happened => _source.IsCancellationRequested;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = !Happened;
        if (!Happened)
        {
            _source.Cancel();
        }
    }
}
