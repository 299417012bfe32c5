using System.Collections.Immutable;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// The membership table as it is stored: one value, so that a row and the version of the table change together.
/// </summary>
/// <param name="Format">The version of the encoding; <see cref="FormatNow"/>.</param>
/// <param name="Version">Rises with every insert and update.</param>
/// <param name="Rows">The silos, dead ones included, in the order of their insertion.</param>
internal sealed record MembershipRecord(int Format, int Version, ImmutableArray<MembershipRow> Rows)
{
    /// <summary>The encoding that this code writes, and the newest that it reads.</summary>
    public const int FormatNow = 1;

    /// <summary>A cluster that nobody has joined.</summary>
    public static readonly MembershipRecord Empty = new(FormatNow, 0, []);

    /// <summary>
    /// Up to so many bytes a table is stored as JSON, which people can read with any tool; a larger one is compressed,
    /// to about an eighth: every silo reads it whenever it changes.
    /// </summary>
    private const int ReadableBytesMax = 16 * 1024;

    /// <summary>The most bytes of a table as JSON: about 50,000 silos, dead ones included.</summary>
    internal const int JsonBytesMax = 16 * 1024 * 1024;

    /// <summary>Begins a compressed table. No JSON text begins with it.</summary>
    private const byte Compressed = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    };

    /// <summary>The row of a silo; null if it has none.</summary>
    public MembershipRow? Find(SiloAddress silo)
    {
        var name = silo.ToParsableString();
        return Rows.FirstOrDefault(row => row.Silo == name);
    }

    /// <summary>The table with a row for a silo that has none.</summary>
    public MembershipRecord Insert(MembershipEntry entry, int version) =>
        this with { Version = version, Rows = Rows.Add(MembershipRow.From(entry, version)) };

    /// <summary>The table with another row for a silo that has one.</summary>
    public MembershipRecord Update(MembershipRow row, MembershipEntry entry, int version, long aliveSeen) =>
        this with { Version = version, Rows = Rows.Replace(row, MembershipRow.From(entry, version, aliveSeen)) };

    /// <summary>What a register holds.</summary>
    /// <exception cref="OrleansException">It would be too large to be read.</exception>
    public byte[] Encode()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, Json);
        ThrowIfOver(JsonBytesMax, json.Length);
        if (json.Length <= ReadableBytesMax)
        {
            return json;
        }

        using var bytes = new MemoryStream();
        bytes.WriteByte(Compressed);
        using (var brotli = new BrotliStream(bytes, CompressionLevel.Fastest, leaveOpen: true))
        {
            brotli.Write(json);
        }

        ThrowIfOver(ChangeCatalog.PayloadBytesDefault, (int)bytes.Length);
        return bytes.ToArray();
    }

    /// <summary>Reads what a register holds.</summary>
    /// <exception cref="InvalidDataException">
    /// It is no membership table, of a version that is not known, or one that no silo has written.
    /// </exception>
    public static MembershipRecord Decode(RegisterKey key, Snapshot snapshot)
    {
        if (!snapshot.Exists)
        {
            return Empty;
        }

        var record = FormattedJson.Decode<MembershipRecord>(
            key, "membership table", FormatNow, Json, () => Unpack(snapshot.Payload));
        return record.FindProblem() is { } problem ? throw Refused(key, problem) : record;
    }

    /// <summary>What is said of a table that is not used.</summary>
    public static InvalidDataException Refused(RegisterKey key, string problem) => new(
        $"Register '{key}' holds a membership table that no silo has written: {problem}. " +
        "It is neither used nor changed.");

    /// <summary>What is wrong with the table as it is; null if nothing is.</summary>
    private string? FindProblem()
    {
        if (Version < 0 || Rows.IsDefault)
        {
            return Rows.IsDefault ? "it has no rows" : $"it is of version {Version}";
        }

        var silos = new HashSet<string>();
        foreach (var row in Rows)
        {
            if (row is null)
            {
                return "an entry is no row";
            }

            var problem = row.FindProblem() ?? (silos.Add(row.Silo) ? null : "it has two rows")
                ?? (row.WrittenAt <= Version ? null : $"it is of version {row.WrittenAt}, and the table of {Version}");
            if (problem is not null)
            {
                return $"silo '{row.Silo}': {problem}";
            }
        }

        return null;
    }

    /// <summary>What is wrong with the table if there was another one before it; null if nothing is.</summary>
    /// <param name="seen">What was chosen before this table was asked for.</param>
    /// <param name="self">
    /// The silo that asks, unless it has declared itself dead: others who do so are alive. Null for none.
    /// </param>
    public string? FindProblemAfter(MembershipRecord seen, SiloAddress? self)
    {
        if (Version < seen.Version)
        {
            return $"it is of version {Version}, and was of version {seen.Version} before";
        }

        var dead = seen.Rows.Where(row => row.Status == SiloStatus.Dead).Select(row => row.Silo).ToHashSet();
        if (Rows.FirstOrDefault(row => row.Status != SiloStatus.Dead && dead.Contains(row.Silo)) is { } risen)
        {
            return $"silo '{risen.Silo}' was dead before, and is {risen.Status}";
        }

        return self is not null
            && seen.Find(self) is { Status: not SiloStatus.Dead }
            && Rows.All(row => row.Status == SiloStatus.Dead)
                ? "all silos are dead in it, and this one is not"
                : null;
    }

    private void ThrowIfOver(int most, int bytes)
    {
        if (bytes > most)
        {
            throw new OrleansException(
                $"The membership table would have {bytes} bytes with its {Rows.Length} silos, and {most} is the " +
                $"most. Dead silos leave it after {nameof(ClusterMembershipOptions)}." +
                $"{nameof(ClusterMembershipOptions.DefunctSiloExpiration)}.");
        }
    }

    private static ReadOnlyMemory<byte> Unpack(ReadOnlyMemory<byte> payload) =>
        payload.Length > 0 && payload.Span[0] == Compressed ? Decompress(payload[1..]) : payload;

    private static ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> bytes)
    {
        using var brotli = new BrotliStream(new MemoryStream(bytes.ToArray()), CompressionMode.Decompress);
        var json = new MemoryStream();
        var piece = new byte[64 * 1024];
        for (var read = brotli.Read(piece); read > 0; read = brotli.Read(piece))
        {
            json.Write(piece, 0, read);
            if (json.Length > JsonBytesMax)
            {
                throw new FormatException($"unpacked it has over {JsonBytesMax} bytes.");
            }
        }

        return json.GetBuffer().AsMemory(0, (int)json.Length);
    }
}

/// <summary>One silo of the table. What is at its default is not written.</summary>
internal sealed record MembershipRow
{
    /// <summary>Address, port and generation.</summary>
    public required string Silo { get; init; }

    public SiloStatus Status { get; init; }

    /// <summary>The version of the table that wrote this row: its ETag.</summary>
    public required int WrittenAt { get; init; }

    public int ProxyPort { get; init; }

    public string? HostName { get; init; }

    public string? SiloName { get; init; }

    public string? RoleName { get; init; }

    public int UpdateZone { get; init; }

    public int FaultZone { get; init; }

    public DateTime StartTime { get; init; }

    public DateTime AliveTime { get; init; }

    /// <summary>The version of the heartbeat that the writer of this row had seen; 0 for none.</summary>
    public long AliveSeen { get; init; }

    /// <summary>Who suspects the silo, and since when; null if nobody was ever noted.</summary>
    public ImmutableArray<Suspicion>? Suspicions { get; init; }

    [JsonIgnore]
    public string ETag => WrittenAt.ToString(System.Globalization.CultureInfo.InvariantCulture);

    [JsonIgnore]
    public SiloAddress Address => SiloAddress.FromParsableString(Silo);

    /// <summary>What is wrong with the row; null if nothing is.</summary>
    public string? FindProblem() =>
        !IsAddress(Silo) ? "this is no address of a silo"
        : !Enum.IsDefined(Status) ? $"{Status} is no status"
        : WrittenAt < 0 ? $"it is of version {WrittenAt}"
        : ProxyPort is < 0 or > IPEndPoint.MaxPort ? $"{ProxyPort} is no port"
        : (Suspicions ?? []).Any(each => !IsAddress(each?.By)) ? "what suspects it has no address of a silo"
        : null;

    private static bool IsAddress(string? text)
    {
        try
        {
            return text is not null && SiloAddress.FromParsableString(text).ToParsableString() == text;
        }
        catch (Exception failure) when (failure is FormatException or ArgumentException or IndexOutOfRangeException
            or OverflowException)
        {
            return false;
        }
    }

    /// <summary>When the silo was last heard of by this row: started, alive or voted against.</summary>
    [JsonIgnore]
    public DateTime UpdateTime =>
        ((DateTime[])[StartTime, AliveTime, .. (Suspicions ?? []).Select(suspicion => suspicion.At)]).Max();

    public static MembershipRow From(MembershipEntry entry, int version, long aliveSeen = 0) => new()
    {
        Silo = entry.SiloAddress.ToParsableString(),
        Status = entry.Status,
        WrittenAt = version,
        ProxyPort = entry.ProxyPort,
        HostName = entry.HostName,
        SiloName = entry.SiloName,
        RoleName = entry.RoleName,
        UpdateZone = entry.UpdateZone,
        FaultZone = entry.FaultZone,
        StartTime = entry.StartTime,
        AliveTime = entry.IAmAliveTime,
        AliveSeen = aliveSeen,
        Suspicions = entry.SuspectTimes is { } suspects
            ? [.. suspects.Select(suspect => new Suspicion(suspect.Item1.ToParsableString(), suspect.Item2))]
            : null,
    };

    /// <summary>
    /// When the silo was last alive. A heartbeat after this row counts as it is, even if the silo's clock was set
    /// back. Of one that the row's writer had seen, the later of the two times: a vote against the silo carries the
    /// time that the voter read, which may be older.
    /// </summary>
    /// <param name="version">The version of the latest heartbeat; 0 if there is none.</param>
    /// <param name="time">Its time.</param>
    public DateTime AliveTimeAfter(long version, DateTime time) =>
        version > AliveSeen || time > AliveTime ? time : AliveTime;

    /// <summary>As Orleans has it.</summary>
    /// <param name="alive">When the silo was last alive.</param>
    public MembershipEntry ToEntry(DateTime alive) => new()
    {
        SiloAddress = Address,
        Status = Status,
        ProxyPort = ProxyPort,
        HostName = HostName ?? "", // Not written if Orleans had none, which it allows of no silo.
        SiloName = SiloName ?? "",
        RoleName = RoleName,
        UpdateZone = UpdateZone,
        FaultZone = FaultZone,
        StartTime = StartTime,
        IAmAliveTime = alive,
        SuspectTimes = Suspicions is { } suspicions
            ? [.. suspicions.Select(each => Tuple.Create(SiloAddress.FromParsableString(each.By), each.At))]
            : null,
    };
}

/// <summary>A vote against a silo.</summary>
/// <param name="By">Address, port and generation of the silo that votes.</param>
/// <param name="At">When.</param>
internal sealed record Suspicion(string By, DateTime At);
