using CasPaxos.Registers;

namespace CasPaxos.Orleans.Wire;

/// <summary>Which registers to list, on the wire.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ListQuery")]
internal sealed record ListQueryMessage(
    [property: Id(0)] string Prefix,
    [property: Id(1)] string? After,
    [property: Id(2)] string? Through,
    [property: Id(3)] int Limit,
    [property: Id(4)] bool WithValues)
{
    public static ListQueryMessage From(ListQuery query) =>
        new(query.Prefix, query.After?.Text, query.Through?.Text, query.Limit, query.WithValues);

    public ListQuery ToQuery() => new(Prefix)
    {
        After = After is null ? null : new RegisterKey(After),
        Through = Through is null ? null : new RegisterKey(Through),
        Limit = Limit,
        WithValues = WithValues,
    };
}

/// <summary>A page of a listing on the wire.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.Page")]
internal sealed class PageMessage
{
    [Id(0)]
    public string[] Keys { get; init; } = [];

    [Id(1)]
    public ETagMessage[] ETags { get; init; } = [];

    [Id(2)]
    public string? Next { get; init; }

    /// <summary>One for each key, or none.</summary>
    [Id(3)]
    public byte[][] Values { get; init; } = [];

    /// <summary>Keys of registers that cannot be read.</summary>
    [Id(4)]
    public string[] Unreadable { get; init; } = [];

    /// <summary>What is wrong with each of them.</summary>
    [Id(5)]
    public string[] Problems { get; init; } = [];

    public static PageMessage From(RegisterPage page, bool withValues) => new()
    {
        Keys = [.. page.Registers.Select(register => register.Key.Text)],
        ETags = [.. page.Registers.Select(register => ETagMessage.From(register.ETag))],
        Next = page.Next?.Text,
        Values = withValues ? [.. page.Registers.Select(register => WireBytes.Of(register.Value))] : [],
        Unreadable = [.. page.Unreadable.Select(register => register.Key.Text)],
        Problems = [.. page.Unreadable.Select(register => register.Problem)],
    };

    public RegisterPage ToPage() => new(
        [
            .. Keys.Zip(ETags, (key, etag) => new ListedRegister(new RegisterKey(key), etag.ToETag()))
                .Select((register, i) => Values.Length == 0 ? register : register with { Value = Values[i] }),
        ],
        Next is null ? null : new RegisterKey(Next))
    {
        Unreadable =
        [
            .. Unreadable.Zip(Problems, (key, problem) => new UnreadableRegister(new RegisterKey(key), problem)),
        ],
    };
}
