using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace CasPaxos.Silo;

/// <summary>A request that cannot be understood: status 400, with the message.</summary>
internal sealed class BadRequestException(string message) : Exception(message);

/// <summary>What a request says in If-Match and If-None-Match.</summary>
/// <param name="Match">The register must be one of these; null for whatever it is.</param>
/// <param name="NoneMatch">The register must be none of these; null for whatever it is.</param>
/// <param name="MustBeAbsent">If-None-Match: *.</param>
internal readonly record struct Preconditions(
    IReadOnlyList<ETag>? Match, IReadOnlyList<ETag>? NoneMatch, bool MustBeAbsent)
{
    /// <summary>Reads the headers.</summary>
    /// <exception cref="BadRequestException">They hold what is no ETag of a register.</exception>
    public static Preconditions Of(HttpRequest request)
    {
        var match = Parse(request.Headers.IfMatch, HeaderNames.IfMatch, out var any);
        if (any)
        {
            throw new BadRequestException("If-Match: * is not supported; it takes the ETag of a register.");
        }

        var noneMatch = Parse(request.Headers.IfNoneMatch, HeaderNames.IfNoneMatch, out var mustBeAbsent);
        return new Preconditions(match, noneMatch, mustBeAbsent);
    }

    /// <summary>The one ETag that a change may expect; null for none.</summary>
    /// <exception cref="BadRequestException">There are several.</exception>
    public ETag? Expected() => Match switch
    {
        null => null,
        [var one] => one,
        _ => throw new BadRequestException("A change takes one ETag in If-Match."),
    };

    /// <summary>Refuses If-None-Match where it makes no sense.</summary>
    public void RefuseNoneMatch(string what)
    {
        if (NoneMatch is not null || MustBeAbsent)
        {
            throw new BadRequestException($"If-None-Match is not supported for {what}.");
        }
    }

    /// <summary>Refuses both where the change has its own idea of what must be there.</summary>
    public void RefuseAny(string what)
    {
        RefuseNoneMatch(what);
        if (Match is not null)
        {
            throw new BadRequestException($"If-Match is not supported for {what}.");
        }
    }

    private static List<ETag>? Parse(StringValues header, string name, out bool any)
    {
        any = false;
        if (header.Count == 0)
        {
            return null;
        }

        if (header is [var only] && only?.Trim() == "*")
        {
            any = true;
            return null;
        }

        var etags = new List<ETag>();
        if (!EntityTagHeaderValue.TryParseStrictList(header, out var tags))
        {
            throw new BadRequestException($"{name} is no list of ETags in double quotes.");
        }

        foreach (var tag in tags)
        {
            if (!ETag.TryParse(tag.Tag.AsSpan().Trim('"').ToString(), out var etag))
            {
                throw new BadRequestException($"{name}: {tag} is no ETag of a register.");
            }

            etags.Add(etag);
        }

        return etags;
    }
}
