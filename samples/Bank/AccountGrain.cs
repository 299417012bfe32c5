namespace Bank;

/// <summary>An account.</summary>
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>What is in it.</summary>
    Task<long> BalanceAsync();

    /// <summary>Pays in, once under this id.</summary>
    Task DepositAsync(Guid id, long amount);

    /// <summary>Takes out, once under this id.</summary>
    /// <returns>False if there is not enough.</returns>
    Task<bool> TryWithdrawAsync(Guid id, long amount);
}

/// <summary>What an account remembers.</summary>
[GenerateSerializer]
public sealed class AccountState
{
    /// <summary>What is in it.</summary>
    [Id(0)]
    public long Balance { get; set; }

    /// <summary>The ids of what was booked last, so that a repetition is recognised.</summary>
    [Id(1)]
    public List<Guid> Booked { get; set; } = [];
}

/// <summary>An ordinary grain with an ordinary persistent state.</summary>
public sealed class AccountGrain([PersistentState("account")] IPersistentState<AccountState> account)
    : Grain, IAccountGrain
{
    private const int BookedMax = 1000;

    /// <inheritdoc/>
    public async Task<long> BalanceAsync()
    {
        // One read of the registers: true even of an activation that Orleans has made twice for a moment.
        await account.ReadStateAsync();
        return account.State.Balance;
    }

    /// <inheritdoc/>
    public Task DepositAsync(Guid id, long amount) => BookAsync(id, amount);

    /// <inheritdoc/>
    public async Task<bool> TryWithdrawAsync(Guid id, long amount)
    {
        if (!CanBook(id, amount))
        {
            // A write fails if this activation is out of date; to refuse writes nothing, so it is looked after.
            await account.ReadStateAsync();
            if (!CanBook(id, amount))
            {
                return false;
            }
        }

        await BookAsync(id, -amount);
        return true;
    }

    private bool CanBook(Guid id, long amount) =>
        account.State.Booked.Contains(id) || account.State.Balance >= amount;

    private async Task BookAsync(Guid id, long amount)
    {
        var state = account.State;
        if (state.Booked.Contains(id))
        {
            return;
        }

        state.Balance += amount;
        state.Booked.Add(id);
        if (state.Booked.Count > BookedMax)
        {
            state.Booked.RemoveAt(0);
        }

        try
        {
            await account.WriteStateAsync();
        }
        catch
        {
            // What is in memory may not be what is stored: the next activation reads that.
            DeactivateOnIdle();
            throw;
        }
    }
}
