namespace CasPaxos.Client;

/// <summary>Whose states they are: the rows say neither the grain's type nor what its keys are.</summary>
/// <param name="anyHash">Rows are of another hasher than Orleans' default.</param>
internal sealed class StateMappings(bool anyHash)
{
    private static readonly Dictionary<string, KeyKind> Kinds = new(StringComparer.Ordinal)
    {
        ["string"] = KeyKind.String,
        ["string-lower"] = KeyKind.StringLower,
        ["string-upper"] = KeyKind.StringUpper,
        ["integer"] = KeyKind.Integer,
        ["integer+string"] = KeyKind.IntegerAndString,
        ["guid"] = KeyKind.Guid,
        ["guid+string"] = KeyKind.GuidAndString,
    };

    private readonly Dictionary<string, List<(GrainType Type, KeyKind Kind)>> _grains = new(StringComparer.Ordinal);

    /// <summary>The names of the states.</summary>
    public IEnumerable<string> States => _grains.Keys;

    /// <summary>Reads <c>NAME=GRAINTYPE:KEYKIND</c>, each.</summary>
    /// <exception cref="CommandFailedException">One is something else, or cannot be told from another.</exception>
    public static StateMappings Parse(IReadOnlyCollection<string> texts, bool anyHash)
    {
        var mappings = new StateMappings(anyHash);
        foreach (var text in texts)
        {
            var colon = text.LastIndexOf(':');
            var equals = colon < 0 ? -1 : text.LastIndexOf('=', colon);
            if (equals < 1 || colon < equals + 2 || !Kinds.TryGetValue(text[(colon + 1)..], out var kind))
            {
                throw CommandFailedException.Usage(
                    $"'{text}' is no NAME=GRAINTYPE:KEYKIND, as cart=basket:string; a KEYKIND is one of " +
                    $"{string.Join(", ", Kinds.Keys)}.");
            }

            if (!mappings.Add(text[..equals], GrainType.Create(text[(equals + 1)..colon]), kind))
            {
                throw CommandFailedException.Usage(
                    $"State '{text[..equals]}' is given twice for keys of kind {text[(colon + 1)..]}: no row says " +
                    "which of the grain types it is of.");
            }
        }

        return texts.Count > 0 ? mappings : throw CommandFailedException.Usage(
            "Say whose states are to be imported: --state NAME=GRAINTYPE:KEYKIND, as cart=basket:string.");
    }

    /// <summary>True if rows of a state are to be imported.</summary>
    public bool Contains(string state) => _grains.ContainsKey(state);

    /// <summary>The grain that a row is of; null with the reason if that is not certain.</summary>
    public (GrainId? Grain, string? Problem) Find(StockRow row)
    {
        var matches = _grains[row.State].ConvertAll(grain => (grain.Type, Match: row.Key.Match(grain.Kind, anyHash)));
        var possible = matches.FindAll(match => match.Match is not KeyMatch.Differs);
        return possible switch
        {
            [(var type, KeyMatch.Fits fits)] => (GrainId.Create(type, fits.Key), null),
            [(_, KeyMatch.CannotTell unclear)] => (null, unclear.Reason),
            [] => (null, string.Join("; ", matches.Select(match =>
                $"no key of {match.Type}: {((KeyMatch.Differs)match.Match).Reason}"))),
            _ => (null, $"it may be of {string.Join(" or ", possible.Select(match => match.Type))}"),
        };
    }

    private bool Add(string state, GrainType type, KeyKind kind)
    {
        if (!_grains.TryGetValue(state, out var grains))
        {
            _grains.Add(state, grains = []);
        }

        if (grains.Exists(grain => grain.Kind == kind))
        {
            return false;
        }

        grains.Add((type, kind));
        return true;
    }
}
