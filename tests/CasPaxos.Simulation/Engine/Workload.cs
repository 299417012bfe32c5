using System.Globalization;
using System.Text;

namespace CasPaxos.Simulation;

/// <summary>Draws operations. Every value is written by one operation only: otherwise two writers look alike.</summary>
internal sealed class Workload(World world)
{
    /// <summary>The name of a change that creates, and throws where a creation would be refused (rule 14).</summary>
    public const string CreateOrThrow = "create-or-throw";

    /// <summary>The name of a change that creates, and keeps what is there where a creation would be refused.</summary>
    public const string Ensure = "ensure";

    // What may or may not have happened multiplies the orders that the checker must look through.
    private const int UnknownMax = 8;

    private int _drawn;

    /// <summary>The name of a change that keeps what is there: a read that goes the way of changes.</summary>
    public const string Look = "look";

    public static Dictionary<string, ChangeFunction> CustomChanges => new()
    {
        [Look] = static (_, _) => new ChangeResult.Keep(),
        [CreateOrThrow] = static (current, arguments) => current.Exists
            ? throw new InvalidOperationException("The register exists.")
            : new ChangeResult.Write(arguments),
        [Ensure] = static (current, arguments) =>
            current.Exists ? new ChangeResult.Keep() : new ChangeResult.Write(arguments),
    };

    /// <summary>The next operation; null when there were enough.</summary>
    public Change? Next(int register, ETag seen)
    {
        if (_drawn >= world.Scenario.Operations)
        {
            return null;
        }

        _drawn++;
        world.Statistics.Add(Count.Operations);
        if (world.Recorder.UnknownAt(register) >= UnknownMax)
        {
            return new Change.Read();
        }

        return world.Scenario.Registers[register] switch
        {
            // A tombstone must be left alone for as long as it may not be erased.
            Usage.Lifecycle when IsQuiet() => Draw(seen, "rrzd"),
            Usage.Counter => Draw(seen, "rziiiiii"),
            Usage.List => Draw(seen, "rrzaaaaaad"),
            Usage.Swaps => Draw(seen, "rrzpssssssSc"),
            Usage.Flips => Draw(seen, "rzdddccctk"),
            Usage.Lifecycle => Draw(seen, "rzpcckctssddDx"),
            _ => Draw(seen, "rrzzppcsssdDiiaax"),
        };
    }

    private bool IsQuiet() =>
        world.Scenario.EraseEvery > 0 && world.Events.Now / world.Scenario.Retention % 3 > 0;

    private Change Draw(ETag seen, string kinds) => kinds[world.Random.Between(0, kinds.Length - 1)] switch
    {
        'p' => new Change.Put(Value("")),
        'c' => new Change.Create(Value("")),
        'k' => new Change.Custom(Ensure, Value("k")),
        't' => new Change.Custom(CreateOrThrow, Value("t")),
        's' => new Change.CompareAndSwap(seen, Value("")),
        'S' => new Change.CompareAndSwap(Next(seen), Value("")),
        'd' => new Change.Delete(null, world.UnixMilliseconds()),
        'D' => new Change.Delete(seen.IsAbsent ? null : seen, world.UnixMilliseconds()),
        'i' => new Change.Increment(_drawn),
        'a' => new Change.Append(Value(",")),
        'z' => new Change.SealedRead(),
        'x' => new Change.Put(Value("x")),
        _ => new Change.Read(),
    };

    /// <summary>What the register may come to.</summary>
    private static ETag Next(ETag seen) => seen.IsAbsent ? seen : seen with { Version = seen.Version + 1 };

    // Plain numbers, so that an increment may follow; some are not, so that it is refused.
    private byte[] Value(string prefix) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{prefix}{_drawn + 10_000}"));
}
