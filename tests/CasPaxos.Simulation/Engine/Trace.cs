using System.Globalization;

namespace CasPaxos.Simulation;

/// <summary>One line of a trace.</summary>
/// <param name="Time">Virtual time, in ticks of 100 ns.</param>
/// <param name="Register">The register that it is about; negative: about none in particular.</param>
/// <param name="Text">What happened.</param>
internal readonly record struct TraceLine(long Time, int Register, string Text)
{
    /// <summary>The time in milliseconds, and what happened.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Time / (double)TimeSpan.TicksPerMillisecond,12:F4} {Text}");
}

/// <summary>
/// What happened, in words. Off unless asked for: callers test <see cref="IsOn"/> before they make a text.
/// </summary>
internal sealed class Trace(EventQueue events, bool isOn)
{
    private readonly List<TraceLine> _lines = [];

    public bool IsOn => isOn;

    public IReadOnlyList<TraceLine> Lines => _lines;

    public void Add(int register, string text)
    {
        if (isOn)
        {
            _lines.Add(new TraceLine(events.Now, register, text));
        }
    }
}
