using System.Globalization;
using Bank.Check;
using CasPaxos.Testing;

// Three databases, three banks, 12 customers. One database is killed for good, then one bank, both with -9.
if (PostgresBinaries.SkipReason is { } missing)
{
    Console.WriteLine(missing);
    return 1;
}

var seconds = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 20;
var folder = Directory.CreateTempSubdirectory("caspaxos-bank-");
try
{
    Console.WriteLine("Three PostgreSQL servers and three silos of the bank are starting.");
    await using var postgres = await PostgresTestCluster.StartAsync();
    using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
    var banks = Enumerable.Range(0, 3).Select(number => BankProcess.Start(
        postgres.ConnectionStrings, Path.Combine(folder.FullName, $"bank-{number}.log"))).ToArray();
    try
    {
        await Task.WhenAll(banks.Select(bank => bank.WaitAsync(http)));
        return await RunAsync(postgres, banks, http);
    }
    finally
    {
        foreach (var bank in banks)
        {
            await bank.DisposeAsync();
        }
    }
}
finally
{
    folder.Delete(recursive: true);
}

async Task<int> RunAsync(PostgresTestCluster postgres, BankProcess[] banks, HttpClient http)
{
    var ledger = new Ledger(http, banks, accounts: 100);
    using var stop = new CancellationTokenSource();
    var customers = Task.WhenAll(Enumerable.Range(0, 12).Select(
        customer => Task.Run(() => ledger.TradeAsync(customer, stop.Token))));

    await Task.Delay(TimeSpan.FromSeconds(seconds * 0.25));
    Report("all is well");
    await postgres.Servers[0].KillAsync();
    await Task.Delay(TimeSpan.FromSeconds(seconds * 0.35));
    Report("database 0 is killed, for good");
    await banks[2].KillAsync();
    await Task.Delay(TimeSpan.FromSeconds(seconds * 0.4));
    Report("silo 2 is killed");
    await stop.CancelAsync();
    await customers;

    var wrong = await ledger.AuditAsync();
    Console.WriteLine(wrong.Count == 0
        ? $"All accounts hold what was acknowledged: {ledger.Acknowledged:N0} answers, " +
            $"{ledger.Repeated:N0} repetitions."
        : $"ACKNOWLEDGED CHANGES ARE LOST: {string.Join("; ", wrong)}");
    return wrong.Count == 0 ? 0 : 1;

    void Report(string what) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what,-32} {ledger.Acknowledged,8:N0} answers so far, {ledger.Repeated,6:N0} repetitions, " +
        $"longest pause {ledger.TakeLongestPause().TotalMilliseconds:N0} ms"));
}
