using CasPaxos.Registers;
using CasPaxos.Testing;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

public sealed class DiskFullTests
{
    [SkippableFact]
    public async Task A_full_disk_gives_no_positive_answer_and_loses_none() // Case 15, T-A2
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        PostgresServer? server = null;
        try
        {
            server = await PostgresServer.StartAsync(new PostgresServerOptions { SizeLimit = 160 << 20 });
        }
        catch (NotSupportedException failure)
        {
            Skip.If(true, failure.Message);
        }

        await using (server)
        {
            await using var acceptor = await TestAcceptor.CreateAsync(server!.ConnectionString());
            var held = new Dictionary<string, Ballot>();
            var failures = new List<AcceptorUnavailableException>();
            await server.FillDiskAsync();

            for (var i = 1; i <= 400 && failures.Count < 3; i++)
            {
                await TryAsync(acceptor, $"k{i}", B(i), held, failures);
            }

            Assert.NotEmpty(failures);
            await server.FreeDiskAsync();
            if (!await ServesAsync(acceptor))
            {
                await server.RestartAsync(); // It may have crashed while there was no room for its log.
            }

            Assert.True(await ServesAsync(acceptor), server.ReadLog());
            foreach (var (key, ballot) in held)
            {
                var report = Assert.IsType<AcceptorReply.Report>(await acceptor.ReadAsync(key));
                Assert.Equal(ballot, report.AcceptedBallot);
            }
        }
    }

    private static async Task TryAsync(
        TestAcceptor acceptor, string key, Ballot ballot, Dictionary<string, Ballot> held,
        List<AcceptorUnavailableException> failures)
    {
        try
        {
            // Incompressible, so that the room runs out soon.
            var value = new byte[200_000];
            new Random((int)ballot.Counter).NextBytes(value);
            var reply = await acceptor.AskAsync(new AcceptorCall(
                new RegisterKey(key), new AcceptorRequest.Accept(1, ballot, value, Ballot.Zero)));
            Assert.IsType<AcceptorReply.Accepted>(reply);
            held[key] = ballot;
        }
        catch (AcceptorUnavailableException failure)
        {
            failures.Add(failure);
        }
    }

    private static async Task<bool> ServesAsync(TestAcceptor acceptor)
    {
        for (var attempt = 0; attempt < 30; attempt++)
        {
            try
            {
                await acceptor.AcceptAsync("probe", B(attempt + 1), "v");
                return true;
            }
            catch (AcceptorUnavailableException)
            {
                await Task.Delay(100);
            }
        }

        return false;
    }
}
