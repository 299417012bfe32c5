using System.Runtime.InteropServices;

namespace CasPaxos.Testing;

/// <summary>Something outside the process that would outlive it.</summary>
public interface ILeftover
{
    /// <summary>Removes it without waiting for tasks. Does not throw.</summary>
    void Remove();
}

/// <summary>Removes what is still there when the process ends: on its own, by Ctrl-C or by a signal.</summary>
public static class LeftoverCollector
{
    private static readonly Lock Gate = new();
    private static readonly List<ILeftover> Leftovers = [];
    private static readonly PosixSignalRegistration[] Signals =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Collect()),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Collect()),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => Collect()),
    ];

    static LeftoverCollector() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Collect();

    /// <summary>Has it removed at the end, if it is not forgotten before.</summary>
    public static void Add(ILeftover leftover)
    {
        lock (Gate)
        {
            Leftovers.Add(leftover);
        }
    }

    /// <summary>It is gone already.</summary>
    public static void Forget(ILeftover leftover)
    {
        lock (Gate)
        {
            Leftovers.Remove(leftover);
        }
    }

    private static void Collect()
    {
        GC.KeepAlive(Signals);
        ILeftover[] left;
        lock (Gate)
        {
            left = [.. Leftovers];
        }

        // What was started last stands on what was started before.
        foreach (var leftover in left.Reverse())
        {
            leftover.Remove();
        }
    }
}
