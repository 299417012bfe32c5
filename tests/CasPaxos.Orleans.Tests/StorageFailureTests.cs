using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.Storage;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>What an acceptor says when its storage does not do what it should (rules 2, 3 and 11).</summary>
public sealed class StorageFailureTests
{
    private const string Register = "caspaxos.register";
    private const string Slot = "caspaxos.slot";

    private readonly StorageDouble _storage = new();
    private readonly CasPaxosOptions _options = StorageHost.Options(StorageHost.Name);

    [Fact]
    public async Task A_write_that_fails_gives_no_positive_answer_and_leaves_what_was() // T-A2, T-A3
    {
        var acceptor = await OpenAsync();
        await acceptor.AcceptAsync("a", B(1), "v");
        _storage.BeforeWrite = FailAt(Register);

        var promise = await FailAsync(acceptor, PrepareCall("a", B(5)));
        var accept = await FailAsync(acceptor, AcceptCall("a", B(5), "w"));
        _storage.BeforeWrite = static _ => Task.CompletedTask;

        Assert.True(promise.MayHaveTakenEffect);
        Assert.True(accept.MayHaveTakenEffect);
        AssertEqual(new AcceptorReply.Report(B(1), Bytes("v")), await acceptor.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Promised(B(1), Bytes("v")), await acceptor.PrepareAsync("a", B(2)));
    }

    [Fact]
    public async Task A_write_whose_confirmation_is_lost_may_have_taken_effect_and_its_repetition_finds_out()
    {
        var acceptor = await OpenAsync();
        _storage.AfterWrite = FailAt(Register);

        var lost = await FailAsync(acceptor, AcceptCall("a", B(5), "v", next: B(6)));
        _storage.AfterWrite = static _ => Task.CompletedTask;

        Assert.True(lost.MayHaveTakenEffect);
        AssertEqual(new AcceptorReply.Accepted(B(6)), await acceptor.AcceptAsync("a", B(5), "v", next: B(6)));
        AssertEqual(new AcceptorReply.Refused(B(6)), await acceptor.AcceptAsync("a", B(5), "other", next: B(6)));
    }

    [Fact]
    public async Task A_read_that_fails_had_no_effect()
    {
        var acceptor = await OpenAsync();
        _storage.BeforeRead = FailAt(Register);

        var failure = await FailAsync(acceptor, AcceptCall("a", B(5), "v"));

        Assert.False(failure.MayHaveTakenEffect);
    }

    [Fact]
    public async Task A_writer_that_was_slower_reads_again_and_decides_anew() // T-O3
    {
        var (slow, fast) = (await OpenAsync(), await OpenTwinAsync());
        var overtaken = 0;
        _storage.BeforeWrite = async _ =>
        {
            if (Interlocked.Increment(ref overtaken) == 1)
            {
                await fast.PrepareAsync("a", B(9, P2));
            }
        };

        var reply = await slow.PrepareAsync("a", B(5));

        AssertEqual(new AcceptorReply.Refused(B(9, P2)), reply);
    }

    [Fact]
    public async Task An_accept_that_was_slower_is_not_refused_since_a_refusal_would_prove_that_it_left_no_trace()
    {
        var (slow, fast) = (await OpenAsync(), await OpenTwinAsync());
        var written = 0;

        // A provider whose confirmation was lost: it repeats the write, and finds its own first copy, outbid meanwhile.
        _storage.AfterWrite = async _ =>
        {
            if (Interlocked.Increment(ref written) == 1)
            {
                await fast.PrepareAsync("a", B(9, P2));
                await fast.AcceptAsync("a", B(9, P2), "w");
                throw new InconsistentStateException("Another version is stored.");
            }
        };

        var reply = await slow.AcceptAsync("a", B(5), "v");

        Assert.True(Assert.IsType<AcceptorReply.Failed>(reply).MayHaveTakenEffect);
        AssertEqual(new AcceptorReply.Report(B(9, P2), Bytes("w")), await fast.ReadAsync("a"));
    }

    [Fact]
    public async Task A_writer_that_is_always_slower_gives_up_and_says_nothing_positive()
    {
        var acceptor = await OpenAsync();
        var writes = _storage.Writes;
        _storage.BeforeWrite = static state => state == Register
            ? throw new InconsistentStateException("always")
            : Task.CompletedTask;

        var reply = await acceptor.PrepareAsync("a", B(1));

        Assert.True(Assert.IsType<AcceptorReply.Failed>(reply).MayHaveTakenEffect);
        Assert.Equal(GrainStorageAcceptor.TriesMax, _storage.Writes - writes);
    }

    [Fact]
    public async Task A_storage_that_hangs_is_given_up_in_time_and_holds_no_more_than_the_bound()
    {
        _options.AcceptorTimeout = TimeSpan.FromMilliseconds(200);
        var acceptor = await OpenAsync();
        await acceptor.ReadAsync("a"); // Admitted.
        var never = new TaskCompletionSource();
        _storage.BeforeRead = state => state == Register ? never.Task : Task.CompletedTask;

        var failures = new List<AcceptorUnavailableException>();
        for (var i = 0; i < 3; i++)
        {
            AcceptorCall[] batch = [.. Enumerable.Range(0, 100).Select(key => AcceptCall($"{key}", B(1), "v"))];
            failures.Add(await Assert.ThrowsAsync<AcceptorUnavailableException>(
                () => acceptor.AskAsync(batch, default)));
        }

        Assert.Equal(SlotStorage.CallsUnderWayMax, _storage.UnderWayMax);
        Assert.All(failures, failure => Assert.False(failure.MayHaveTakenEffect));

        never.SetResult();
        await Eventually.HoldsAsync(() => IsBackAsync(acceptor));
    }

    [Fact]
    public async Task A_write_that_hangs_may_have_taken_effect()
    {
        _options.AcceptorTimeout = TimeSpan.FromMilliseconds(200);
        var acceptor = await OpenAsync();
        _storage.BeforeWrite = static state =>
            state == Register ? new TaskCompletionSource().Task : Task.CompletedTask;

        var failure = await FailAsync(acceptor, AcceptCall("a", B(1), "v"));

        Assert.True(failure.MayHaveTakenEffect);
    }

    [Fact]
    public async Task One_register_that_fails_does_not_fail_the_others_of_its_batch()
    {
        var acceptor = await OpenAsync();
        await acceptor.AcceptAsync("bad", B(1), "v");
        _storage.Edit(Register, json => json.Replace("\"bad\"", "\"other\"", StringComparison.Ordinal));

        var replies = await acceptor.AskAsync([PrepareCall("bad", B(9)), AcceptCall("good", B(1), "v")], default);

        var refusal = Assert.IsType<AcceptorReply.Failed>(replies[0]);
        Assert.Contains("another register", refusal.Reason, StringComparison.Ordinal);
        Assert.False(refusal.MayHaveTakenEffect);
        AssertEqual(new AcceptorReply.Accepted(B(1)), replies[1]);
    }

    [Fact]
    public async Task A_record_that_was_cleared_is_not_taken_for_one_that_was_never_written() // T-A12
    {
        var acceptor = await OpenAsync();
        await acceptor.AcceptAsync("a", B(5), "v");
        _storage.Edit(Register, static _ => "{}");

        var reply = await acceptor.AcceptAsync("a", B(1), "older");

        Assert.Contains(
            "promises may be forgotten", Assert.IsType<AcceptorReply.Failed>(reply).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_of_one_register_take_effect_in_their_order_and_of_many_at_once()
    {
        var acceptor = await OpenAsync();
        _storage.BeforeRead = static _ => Task.Delay(5);

        AcceptorCall[] batch =
        [
            PrepareCall("a", B(1)),
            .. Enumerable.Range(0, 40).Select(i => AcceptCall($"other/{i}", B(1), "v")),
            AcceptCall("a", B(2), "v"),
            PrepareCall("a", B(1)),
            ReadCall("a"),
        ];
        var replies = await acceptor.AskAsync(batch, default);

        AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default), replies[0]);
        Assert.All(replies.Skip(1).Take(41), reply => Assert.IsType<AcceptorReply.Accepted>(reply));
        AssertEqual(new AcceptorReply.Refused(B(2)), replies[^2]);
        AssertEqual(new AcceptorReply.Report(B(2), Bytes("v")), replies[^1]);
        Assert.Equal(SlotStorage.CallsUnderWayMax, _storage.UnderWayMax);
    }

    [Fact]
    public async Task Every_answer_rests_on_a_read_of_its_own_and_a_change_costs_one_write() // T-O4
    {
        var acceptor = await OpenAsync();
        await acceptor.AcceptAsync("a", B(5), "v");
        var (reads, writes) = (_storage.Reads, _storage.Writes);

        await acceptor.AcceptAsync("a", B(5), "v");
        await acceptor.PrepareAsync("a", B(1));
        await acceptor.ReadAsync("a");
        var unchanged = _storage.Writes - writes;
        await acceptor.PrepareAsync("a", B(6));

        // The register's record, and afterwards the slot's.
        Assert.Equal(2 * 4, _storage.Reads - reads);
        Assert.Equal(0, unchanged);
        Assert.Equal(1, _storage.Writes - writes);
    }

    [Fact]
    public async Task A_slot_that_does_not_say_who_it_is_lets_no_answer_out()
    {
        var acceptor = await OpenAsync();
        await acceptor.ReadAsync("a");
        _storage.BeforeRead = FailAt(Slot);

        var failure = await FailAsync(acceptor, AcceptCall("a", B(1), "v"));

        Assert.True(failure.MayHaveTakenEffect);
    }

    [Fact]
    public async Task A_scan_says_that_a_grain_storage_cannot_list()
    {
        var acceptor = await OpenAsync();

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => acceptor.ScanAsync(new ScanRequest(1, "", null, 10), default));

        Assert.False(failure.MayHaveTakenEffect);
        Assert.Contains("cannot list", failure.Message, StringComparison.Ordinal);
    }

    private static Func<string, Task> FailAt(string wanted) => state =>
        state == wanted ? throw new IOException("The wire is cut.") : Task.CompletedTask;

    private static async Task<bool> IsBackAsync(IAcceptor acceptor)
    {
        try
        {
            return await acceptor.AskAsync([ReadCall("a")], default) is [AcceptorReply.Report];
        }
        catch (AcceptorUnavailableException)
        {
            return false;
        }
    }

    private static async Task<AcceptorUnavailableException> FailAsync(IAcceptor acceptor, AcceptorCall call) =>
        await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.AskAsync([call], default));

    private async Task<IAcceptor> OpenAsync()
    {
        await StorageHost.InitializeAsync(StorageHost.Services((StorageHost.Name, _storage)), _options);
        return await OpenTwinAsync();
    }

    private Task<IAcceptor> OpenTwinAsync() =>
        StorageHost.OpenAcceptorAsync(StorageHost.Services((StorageHost.Name, _storage)), _options);
}
