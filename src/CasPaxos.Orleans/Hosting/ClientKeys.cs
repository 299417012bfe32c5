using CasPaxos.Registers;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>A prefix of keys that a part of this silo keeps for itself.</summary>
/// <param name="Text">What the keys begin with.</param>
internal sealed record ReservedPrefix(string Text);

/// <summary>
/// Which registers clients may use: those outside of <see cref="ReservedKeys"/> and of the prefixes of this silo's
/// grain storages. Checked where a client's call comes in, whatever the client calls itself (rule 25).
/// </summary>
internal sealed class ClientKeys(IOptions<CasPaxosOptions> options, IEnumerable<ReservedPrefix> more)
{
    /// <summary>After this comes no key that begins with the same prefix and that anybody would choose.</summary>
    private const string Last = "\U0010FFFF";

    private readonly string[] _reserved = options.Value.ClientsMayUseReservedKeys
        ? []
        : [.. ReservedKeys.Prefixes, .. more.Select(prefix => prefix.Text)];

    /// <summary>Refuses what is not for clients.</summary>
    /// <exception cref="UnauthorizedAccessException">The register is reserved; nothing was sent.</exception>
    public void Admit(string key)
    {
        if (Find(key) is { } prefix)
        {
            throw new UnauthorizedAccessException(
                $"Registers below '{prefix}' belong to Orleans: clients may neither read nor change them. Choose " +
                "another key, or set CasPaxos:ClientsMayUseReservedKeys on the silos.");
        }
    }

    /// <summary>
    /// The page without what is not for clients: it may be empty, and yet have a next one, which begins where a
    /// reserved prefix ends.
    /// </summary>
    public RegisterPage Admitted(RegisterPage page) => _reserved.Length == 0 ? page : page with
    {
        Registers = [.. page.Registers.Where(register => Find(register.Key.Text) is null)],
        Unreadable = [.. page.Unreadable.Where(register => Find(register.Key.Text) is null)],
        Next = page.Next is { } next && Find(next.Text) is { } prefix ? new RegisterKey(prefix + Last) : page.Next,
    };

    private string? Find(string key) =>
        Array.Find(_reserved, prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
