using CasPaxos.Registers;

namespace CasPaxos.Orleans.Wire;

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

    public static PageMessage From(RegisterPage page) => new()
    {
        Keys = [.. page.Registers.Select(register => register.Key.Text)],
        ETags = [.. page.Registers.Select(register => ETagMessage.From(register.ETag))],
        Next = page.Next?.Text,
    };

    public RegisterPage ToPage() => new(
        [.. Keys.Zip(ETags, (key, etag) => new ListedRegister(new RegisterKey(key), etag.ToETag()))],
        Next is null ? null : new RegisterKey(Next));
}
