namespace CasPaxos.Simulation;

/// <summary>Draws scenarios: mostly small ones under a few kinds of fault, for those find the most.</summary>
internal static class ScenarioDrawing
{
    private const long Millisecond = Scenario.Millisecond;

    /// <summary>
    /// The scenario of a seed. Some of it depends on the seed and not on chance, so that the rest does not depend on
    /// that.
    /// </summary>
    public static Scenario Draw(long seed, SimulationRandom random) =>
        (seed % 16 == 13 ? Distant(random) : Draw(random) with { DistanceMax = DistanceOf(seed) }) with
        {
            RoomMax = RoomOf(seed),
        };

    /// <summary>Also elsewhere some clients are far away.</summary>
    private static long DistanceOf(long seed) => seed % 16 == 9 ? (1 + (seed / 16 % 20)) * Millisecond : 0;

    private static Scenario Draw(SimulationRandom random) => random.Between(0, 99) switch
    {
        < 10 => Impatient(random),
        < 20 => Crashing(random),
        < 32 => Reconfigured(random),
        < 40 => Echoing(random),
        < 52 => Forsaken(random),
        < 64 => Haunted(random),
        < 74 => Settling(random),
        < 82 => Uneven(random),
        _ => General(random),
    };

    /// <summary>Room for one attempt of a node, for two, or as much as wanted.</summary>
    private static int RoomOf(long seed) => (seed % 8) switch
    {
        6 => 1,
        7 => 2,
        _ => int.MaxValue,
    };

    /// <summary>
    /// Clients that give up and try elsewhere while their accepts are still about: what the first try left behind must
    /// not come up after the second one was answered.
    /// </summary>
    private static Scenario Impatient(SimulationRandom random)
    {
        var scenario = Contended(random);
        var timeout = random.Between(4, 25) * Millisecond;
        return scenario with
        {
            Registers = [random.Pick<Usage>([Usage.Flips, Usage.Flips, Usage.Lifecycle, Usage.Mixed, Usage.Swaps])],
            Nodes = random.Between(1, 3),
            ClientTimeout = timeout,
            RetryWindow = timeout * random.Between(2, 8),
            RetryChance = random.Pick<double>([0.3, 0.6, 1]),
            WanderChance = 1,
            CopyDelayMax = random.Pick<long>([2, 10]) * Millisecond,
            Faults = new FaultRates
            {
                RequestDrop = random.Pick<double>([0, 0.2, 0.4]),
                ReplyDrop = random.Pick<double>([0, 0.1, 0.3]),
                Delay = random.Pick<double>([0, 0.05]),
                Duplicate = random.Pick<double>([0, 0, 0.5]),
            },
        };
    }

    /// <summary>
    /// Creations, deletions and swaps that are tried again at other nodes while paused ones still hold them.
    /// </summary>
    private static Scenario Settling(SimulationRandom random)
    {
        var scenario = General(random);
        var timeout = random.Between(5, 30) * Millisecond;
        var erases = random.Chance(0.6);
        return scenario with
        {
            Slots = 3,
            PrepareQuorum = 2,
            AcceptQuorum = 2,
            Registers = [random.Pick<Usage>([Usage.Flips, Usage.Flips, Usage.Lifecycle, Usage.Swaps])],
            Nodes = random.Between(2, 4),
            Clients = random.Between(3, 6),
            LatencyMax = Millisecond / 2,
            WriteMax = Millisecond / 4,
            ThinkMax = random.Pick<long>([Millisecond, 20 * Millisecond]),
            ClientTimeout = timeout,
            RetryWindow = timeout * random.Between(2, 6),
            RetryChance = 1,
            FollowChance = random.Pick<double>([0.7, 1]),
            ResendMax = random.Pick<long>([Millisecond / 4, 2 * Millisecond, 8 * Millisecond]),
            WanderChance = 1,
            PauseMax = random.Pick<int>([20, 60]) * Millisecond,
            EraseEvery = erases ? random.Between(5, 40) * Millisecond : 0,
            Faults = scenario.Faults with
            {
                PauseEvery = random.Between(5, 60) * Millisecond,
                AcceptDrop = random.Pick<double>([0, 0.2, 0.4]),
            },
        };
    }

    /// <summary>
    /// Registers of one database that are erased as soon as they are deleted, and often only half: the floors of the
    /// databases differ, and tries that paused nodes hold begin from positions above some of them.
    /// </summary>
    private static Scenario Uneven(SimulationRandom random)
    {
        var scenario = Settling(random);
        return scenario with
        {
            Registers = [Usage.Flips, random.Pick<Usage>([Usage.Flips, Usage.Lifecycle])],
            Operations = random.Between(100, 300),
            ThinkMax = random.Pick<long>([1, Millisecond]),
            LatencyMax = Millisecond / 5,
            WriteMax = 1,
            PauseMax = random.Pick<int>([60, 150]) * Millisecond,
            EraseEvery = random.Between(1, 2) * Millisecond,
            ErasesAtOnce = true,
            Faults = new FaultRates
            {
                PauseEvery = random.Between(5, 40) * Millisecond,
                RequestDrop = random.Pick<double>([0.05, 0.15]),
            },
        };
    }

    /// <summary>
    /// Copies of accepts that come when another proposer has built on the first copy: their refusal proves nothing.
    /// </summary>
    private static Scenario Echoing(SimulationRandom random)
    {
        var scenario = Contended(random);
        var slots = random.Pick<int>([1, 1, 2]);
        return scenario with
        {
            Slots = slots,
            PrepareQuorum = slots,
            AcceptQuorum = slots,
            Registers = [random.Pick<Usage>([Usage.List, Usage.Mixed])],
            Nodes = random.Between(3, 4),
            Clients = random.Between(4, 6),
            ClientTimeout = random.Between(6, 20) * Millisecond,
            CopyDelayMax = 15 * Millisecond,
            Settings = scenario.Settings with { BackoffThreshold = 0, BackoffBase = TimeSpan.FromMilliseconds(8) },
            Faults = new FaultRates { ReplyDrop = random.Pick<double>([0.2, 0.5]), Duplicate = 0.5 },
        };
    }

    /// <summary>
    /// Rounds that reach a minority and are left to themselves, with nobody else about: the retry of one of their
    /// operations is the next round.
    /// </summary>
    private static Scenario Forsaken(SimulationRandom random)
    {
        var scenario = Contended(random);
        var timeout = random.Between(4, 12) * Millisecond;
        return scenario with
        {
            Slots = 3,
            PrepareQuorum = 2,
            AcceptQuorum = 2,
            Registers = [random.Pick<Usage>([Usage.Flips, Usage.Flips, Usage.Lifecycle])],
            Nodes = 3,
            Clients = random.Between(2, 3),
            Operations = random.Between(80, 150),
            ClientTimeout = timeout,
            RetryWindow = (2 * timeout) + (random.Between(2, 10) * Millisecond),
            RetryChance = 0.6,
            TwinChance = 0,
            WanderChance = 1,
            LatencyMax = Millisecond,
            ThinkMax = random.Between(2, 20) * Millisecond,
            WriteMax = Millisecond / 2,
            Settings = scenario.Settings with { PhaseTimeout = TimeSpan.FromMilliseconds(15), CombineMax = 64 },
            Faults = new FaultRates { RequestDrop = 0.05, AcceptDrop = random.Pick<double>([0.45, 0.6]) },
        };
    }

    /// <summary>
    /// Nodes that are paused with operations in their queues and go on when all of them were done elsewhere, so long
    /// ago that their ids are gone.
    /// </summary>
    private static Scenario Haunted(SimulationRandom random)
    {
        var scenario = Contended(random);
        var timeout = random.Between(5, 30) * Millisecond;
        return scenario with
        {
            Registers = [random.Pick<Usage>([Usage.List, Usage.List, Usage.Counter, Usage.Mixed, Usage.Flips])],
            Nodes = random.Between(2, 4),
            Clients = random.Between(3, 6),
            Operations = random.Between(80, 150),
            LatencyMax = Millisecond / 5,
            WriteMax = 1,
            ThinkMax = random.Pick<long>([1, Millisecond]),
            ClientTimeout = timeout,
            RetryWindow = timeout * random.Between(1, 6),
            WanderChance = random.Pick<double>([0.3, 1]),
            FollowChance = random.Pick<double>([0.3, 1]),
            ResendMax = random.Between(1, 10) * Millisecond,
            PauseMax = random.Pick<int>([20, 60, 300]) * Millisecond,
            Faults = new FaultRates
            {
                PauseEvery = random.Between(5, 60) * Millisecond,
                ReplyDrop = random.Pick<double>([0, 0, 0.1]),
                AcceptDrop = random.Pick<double>([0, 0, 0.3]),
            },
        };
    }

    /// <summary>
    /// Tries that are on their way for so long that the register has moved on by more than its ids show, while others
    /// of the same operations come to other nodes.
    /// </summary>
    private static Scenario Distant(SimulationRandom random)
    {
        var scenario = Haunted(random);
        return scenario with
        {
            Clients = random.Between(4, 8),
            Operations = random.Between(100, 300),
            ThinkMax = 1,
            ClientTimeout = random.Between(20, 60) * Millisecond,
            DistanceMax = random.Between(1, 20) * Millisecond,
            WanderChance = random.Pick<double>([0.05, 0.3, 1]),
            Settings = scenario.Settings with { CombineMax = random.Pick<int>([1, 2, 4, 64]) },
        };
    }

    /// <summary>Acceptors that restart again and again in the middle of everything.</summary>
    private static Scenario Crashing(SimulationRandom random) => Contended(random) with
    {
        Faults = new FaultRates
        {
            AcceptorCrashEvery = random.Between(2, 20) * Millisecond,
            AcceptDrop = random.Pick<double>([0, 0.4]),
            RequestDrop = random.Pick<double>([0, 0.1, 0.3]),
            Delay = random.Pick<double>([0, 0.1]),
        },
    };

    /// <summary>A change of the quorums while several proposers are at work, some of which learn of it late.</summary>
    private static Scenario Reconfigured(SimulationRandom random)
    {
        var scenario = Contended(random);
        return scenario with
        {
            Slots = 3,
            PrepareQuorum = 2,
            AcceptQuorum = 2,
            Nodes = random.Between(3, 4),
            Clients = random.Between(4, 6),
            ThinkMax = 1,
            Settings = scenario.Settings with { CombineMax = 64 },
            Faults = new FaultRates
            {
                ReconfigureEvery = random.Between(5, 60) * Millisecond,
                AcceptDrop = random.Pick<double>([0.3, 0.5]),
                Delay = random.Pick<double>([0, 0.1, 0.3]),
            },
        };
    }

    /// <summary>One register that several nodes want at once.</summary>
    private static Scenario Contended(SimulationRandom random)
    {
        var scenario = General(random);
        var slots = random.Pick<int>([1, 2, 3, 3, 3]);
        return scenario with
        {
            Slots = slots,
            PrepareQuorum = (slots / 2) + 1,
            AcceptQuorum = (slots / 2) + 1,
            Registers = [random.Pick<Usage>([Usage.List, Usage.Counter, Usage.Mixed, Usage.Lifecycle])],
            Nodes = random.Between(2, 4),
            Operations = random.Between(30, 80),
            LatencyMax = random.Pick<long>([Millisecond / 5, Millisecond]),
            ThinkMax = random.Pick<long>([1, 2 * Millisecond]),
            EraseEvery = 0,
            Settings = scenario.Settings with { DeliveredOnce = false },
        };
    }

    private static Scenario General(SimulationRandom random)
    {
        var slots = random.Pick<int>([1, 2, 3, 3, 3, 3, 3, 3, 4, 5]);
        var (prepare, accept) = Quorums(random, slots);
        var severity = random.Pick<double>([0, 0.1, 0.2, 0.3, 0.4, 0.6, 1]);
        var erases = random.Chance(0.45);
        var timeout = random.NextDelay(25, erases ? 60 : 400) * Millisecond;
        var window = timeout * (erases ? random.Between(1, 3) : random.Between(1, 6));
        var faults = Faults(random, severity);
        return new Scenario
        {
            Slots = slots,
            PrepareQuorum = prepare,
            AcceptQuorum = accept,
            Registers = Usages(random, erases),
            Nodes = random.Pick<int>([1, 2, 2, 3, 3, 4]),
            Clients = random.Between(2, 6),
            Operations = random.Between(30, 150),
            Faults = faults,
            Settings = Settings(random, deliveredOnce: faults.Duplicate == 0 && random.Chance(0.8)),
            LatencyMax = random.Pick<long>([Millisecond / 5, Millisecond, 5 * Millisecond]),
            WriteMax = random.Pick<long>([1, Millisecond / 2, 3 * Millisecond]),
            CopyDelayMax = random.Pick<long>([5, 300]) * Millisecond,
            ThinkMax = erases ? window : random.Pick<long>([1, Millisecond, 10 * Millisecond, 50 * Millisecond]),
            ClientTimeout = timeout,
            RetryWindow = window,
            RetryChance = random.Pick<double>([0.3, 0.8, 1, 1]),
            TwinChance = random.Pick<double>([0, 0, 0.05, 0.3]),
            FollowChance = random.Pick<double>([0, 0, 0.3, 1]),
            ResendMax = random.NextDelay(Millisecond, timeout),
            PauseMax = erases ? window / 2 : random.NextDelay(1, 6) * timeout,
            WanderChance = random.Pick<double>([0, 0.05, 0.3, 1]),
            Counters = random.Between(0, 3),
            EraseEvery = erases ? random.NextDelay(10, 200) * Millisecond : 0,
            ErasesAtOnce = random.Chance(0.5),
        };
    }

    private static (int Prepare, int Accept) Quorums(SimulationRandom random, int slots)
    {
        var majority = (slots / 2) + 1;
        if (random.Chance(0.7))
        {
            return (majority, majority);
        }

        var accept = random.Between(1, slots);
        return (random.Between(slots + 1 - accept, slots), accept);
    }

    private static Usage[] Usages(SimulationRandom random, bool erases)
    {
        var usages = new Usage[random.Pick<int>([1, 1, 1, 2, 3])];
        for (var i = 0; i < usages.Length; i++)
        {
            usages[i] = erases
                ? random.Pick<Usage>([Usage.Lifecycle, Usage.Lifecycle, Usage.Mixed])
                : random.Pick<Usage>([Usage.Mixed, Usage.Counter, Usage.List, Usage.Swaps, Usage.Lifecycle]);
        }

        return usages;
    }

    private static FaultRates Faults(SimulationRandom random, double severity)
    {
        // Each kind by itself is on or off, so that seeds differ in kind and not only in degree.
        double Rate(double most) => random.Chance(0.5) ? Math.Min(0.5, severity * most * random.NextDouble()) : 0;
        long Every(long least, long most) =>
            severity > 0 && random.Chance(0.4) ? (long)(random.NextDelay(least, most) * Millisecond / severity) : 0;
        return new FaultRates
        {
            RequestDrop = Rate(0.2),
            ReplyDrop = Rate(0.2),
            Delay = Rate(0.2),
            Duplicate = Rate(0.2),
            NotSent = Rate(0.1),
            PortTimeout = Rate(0.5),
            SlowWrite = Rate(0.1),
            FailedWrite = Rate(0.1),
            PartitionEvery = Every(20, 500),
            AcceptorCrashEvery = Every(20, 500),
            ProposerCrashEvery = Every(10, 500),
            PauseEvery = Every(20, 500),
            DuplicateActivationEvery = Every(20, 500),
            ReconfigureEvery = Every(50, 1000),
        };
    }

    private static ProposerSettings Settings(SimulationRandom random, bool deliveredOnce) => new()
    {
        PhaseTimeout = TimeSpan.FromMilliseconds(random.Pick<int>([15, 30, 80])),
        Patience = TimeSpan.FromMilliseconds(random.Pick<int>([1, 5, 15])),
        BackoffThreshold = random.Between(0, 2),
        BackoffBase = TimeSpan.FromMilliseconds(random.Pick<int>([1, 2, 4])),
        BackoffMax = TimeSpan.FromMilliseconds(random.Pick<int>([16, 64])),
        CombineMax = random.Pick<int>([1, 2, 4, 64, 64]),
        QueueMax = random.Pick<int>([2, 4096, 4096, 4096]),
        DeliveredOnce = deliveredOnce,
        RecentIdsMin = RecentOperations.IdsMin, // The fewest: overtaken ids are where it gets difficult.
    };
}
