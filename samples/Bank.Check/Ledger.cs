using System.Collections.Concurrent;
using System.Diagnostics;

namespace Bank.Check;

/// <summary>
/// Customers who do not give up: each deposit and transfer is asked for under one id, of one bank after the other,
/// until it is acknowledged. So it is known to the unit what each account must hold in the end.
/// </summary>
internal sealed class Ledger(HttpClient http, IReadOnlyList<BankProcess> banks, int accounts)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, long> _expected = new();
    private long _acknowledged;
    private long _repeated;
    private long _latest = Stopwatch.GetTimestamp();
    private long _longest;

    /// <summary>Deposits and transfers that were acknowledged.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Requests that were not answered, and asked again.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    /// <summary>Longest time in which nobody was acknowledged anything, since this was asked last.</summary>
    public TimeSpan TakeLongestPause()
    {
        Interlocked.Exchange(ref _latest, Stopwatch.GetTimestamp());
        return TimeSpan.FromTicks(Interlocked.Exchange(ref _longest, 0));
    }

    /// <summary>One customer, until told to stop; what is under way is brought to its end.</summary>
    public async Task TradeAsync(int customer, CancellationToken stop)
    {
        var random = new Random(customer);
        while (!stop.IsCancellationRequested)
        {
            var id = Guid.NewGuid();
            var amount = random.Next(1, 100);
            var to = Account(random);
            var from = random.Next(2) == 0 ? null : Account(random);
            if (from is null)
            {
                await InsistAsync(random, $"accounts/{to}/deposits/{id}?amount={amount}");
                Book(to, amount);
            }
            else if (from != to
                && await InsistAsync(random, $"transfers/{id}?from={from}&to={to}&amount={amount}") == "true")
            {
                Book(from, -amount);
                Book(to, amount);
            }
        }
    }

    /// <summary>Compares every account with what was acknowledged.</summary>
    /// <returns>What is wrong; empty if nothing is.</returns>
    public async Task<IReadOnlyList<string>> AuditAsync()
    {
        var wrong = new List<string>();
        foreach (var number in Enumerable.Range(0, accounts))
        {
            var account = $"account-{number}";
            var balance = long.Parse(
                await InsistAsync(Random.Shared, $"accounts/{account}", HttpMethod.Get),
                System.Globalization.CultureInfo.InvariantCulture);
            var expected = _expected.GetValueOrDefault(account);
            if (balance != expected)
            {
                wrong.Add($"{account} holds {balance}, and {expected} were acknowledged");
            }
        }

        return wrong;
    }

    private string Account(Random random) => $"account-{random.Next(accounts)}";

    private void Book(string account, long amount) => _expected.AddOrUpdate(account, amount, (_, sum) => sum + amount);

    /// <summary>Asks until it is answered, each time another bank.</summary>
    /// <exception cref="TimeoutException">Nobody answered for a minute.</exception>
    private async Task<string> InsistAsync(Random random, string path, HttpMethod? method = null)
    {
        var bank = random.Next(banks.Count);
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Patience)
        {
            try
            {
                using var request = new HttpRequestMessage(
                    method ?? HttpMethod.Put, new Uri(banks[bank++ % banks.Count].Url, path));
                using var response = await http.SendAsync(request);
                if (response.IsSuccessStatusCode)
                {
                    NoteSuccess();
                    return await response.Content.ReadAsStringAsync();
                }
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException or IOException)
            {
                // Not answered: made or not, it is asked for again under its id.
            }

            Interlocked.Increment(ref _repeated);
            await Task.Delay(20);
        }

        throw new TimeoutException($"No bank answered {path} within {Patience}.");
    }

    private void NoteSuccess()
    {
        Interlocked.Increment(ref _acknowledged);
        var now = Stopwatch.GetTimestamp();
        var pause = Stopwatch.GetElapsedTime(Interlocked.Exchange(ref _latest, now), now).Ticks;
        long longest;
        do
        {
            longest = Interlocked.Read(ref _longest);
        }
        while (pause > longest && Interlocked.CompareExchange(ref _longest, pause, longest) != longest);
    }
}
