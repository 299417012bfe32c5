using System.Buffers;
using System.Globalization;

namespace CasPaxos.Checker;

/// <summary>
/// Gives payloads numbers, and one number, <see cref="Unseen"/>, to all those that no answer can ever show: which of
/// them a register holds makes no difference, so orders that differ only there are one.
/// </summary>
internal sealed class PayloadTable
{
    public const int Unseen = 0;

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("+-0123456789");

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _texts = ["(some payload that no answer shows)"];
    private readonly Dictionary<(int Head, string Tail), int> _joined = [];
    private readonly Dictionary<long, int> _integers = [];
    private readonly List<string> _shown;
    private readonly bool _appends;
    private readonly bool _increments;
    private readonly bool _mergesUnseen;

    /// <param name="shown">Every payload that an answer shows and that the operation itself did not name.</param>
    /// <param name="appends">The history has appends.</param>
    /// <param name="increments">The history has increments.</param>
    /// <param name="mergesUnseen">False gives every payload a number of its own.</param>
    public PayloadTable(HashSet<string> shown, bool appends, bool increments, bool mergesUnseen)
    {
        _appends = appends;
        _increments = increments;
        _mergesUnseen = mergesUnseen;
        _shown = [.. shown];
        _shown.Sort(StringComparer.Ordinal);
    }

    public int Count => _texts.Count;

    public string TextOf(int payload) => _texts[payload];

    public int NumberOf(string text)
    {
        if (_numbers.TryGetValue(text, out var number))
        {
            return number;
        }

        if (_mergesUnseen && !CanBeSeen(text))
        {
            number = Unseen;
        }
        else
        {
            number = _texts.Count;
            _texts.Add(text);
        }

        _numbers.Add(text, number);
        return number;
    }

    /// <summary>The payload after bytes are added to it.</summary>
    public int Append(int head, string tail)
    {
        if (head == Unseen)
        {
            return Unseen; // No answer shows a payload that begins with it.
        }

        if (!_joined.TryGetValue((head, tail), out var joined))
        {
            joined = NumberOf(head == RegisterState.None ? tail : PayloadText.Concatenate(_texts[head], tail));
            _joined.Add((head, tail), joined);
        }

        return joined;
    }

    /// <summary>The payload after a number is added to it.</summary>
    public Obstacle Increment(int payload, long by, out int next)
    {
        long number = 0;
        next = payload;
        if (payload != RegisterState.None && !TryNumber(payload, out number))
        {
            return Obstacle.NotANumber;
        }

        var sum = (Int128)number + by;
        if (sum < long.MinValue || sum > long.MaxValue)
        {
            return Obstacle.WouldOverflow;
        }

        if (!_integers.TryGetValue((long)sum, out next))
        {
            next = NumberOf(((long)sum).ToString(CultureInfo.InvariantCulture));
            _integers.Add((long)sum, next);
        }

        return Obstacle.None;
    }

    /// <summary>The 64-bit integer that a payload is: an optional sign and decimal digits.</summary>
    public bool TryNumber(int payload, out long number) =>
        long.TryParse(_texts[payload], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private bool CanBeSeen(string text)
    {
        // It is, or by appends it may become, a number: then increments tell it from others.
        if (_increments && !text.AsSpan().ContainsAnyExcept(NumberCharacters))
        {
            return true;
        }

        var place = _shown.BinarySearch(text, StringComparer.Ordinal);
        return place >= 0
            || (_appends && ~place < _shown.Count && _shown[~place].StartsWith(text, StringComparison.Ordinal));
    }
}
