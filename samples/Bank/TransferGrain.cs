namespace Bank;

/// <summary>A transfer from one account to another; its key is its id.</summary>
public interface ITransferGrain : IGrainWithGuidKey
{
    /// <summary>Begins the transfer, or goes on where it was interrupted.</summary>
    /// <returns>False if there was not enough to transfer; nothing was changed then.</returns>
    Task<bool> RunAsync(string from, string to, long amount);
}

/// <summary>How far a transfer is.</summary>
public enum TransferStage
{
    /// <summary>Nothing is certain.</summary>
    New,

    /// <summary>The amount is taken out, and not yet paid in.</summary>
    Withdrawn,

    /// <summary>Done.</summary>
    Done,

    /// <summary>There was not enough.</summary>
    Refused,
}

/// <summary>What a transfer remembers.</summary>
[GenerateSerializer]
public sealed class TransferState
{
    /// <summary>How far it is.</summary>
    [Id(0)]
    public TransferStage Stage { get; set; }
}

/// <summary>Each step is done once, however often it is tried: the accounts know the transfer's id.</summary>
public sealed class TransferGrain([PersistentState("transfer")] IPersistentState<TransferState> transfer)
    : Grain, ITransferGrain
{
    /// <inheritdoc/>
    public async Task<bool> RunAsync(string from, string to, long amount)
    {
        var id = this.GetPrimaryKey();
        if (transfer.State.Stage == TransferStage.New)
        {
            var withdrawn = await GrainFactory.GetGrain<IAccountGrain>(from).TryWithdrawAsync(id, amount);
            await ReachAsync(withdrawn ? TransferStage.Withdrawn : TransferStage.Refused);
        }

        if (transfer.State.Stage == TransferStage.Withdrawn)
        {
            await GrainFactory.GetGrain<IAccountGrain>(to).DepositAsync(id, amount);
            await ReachAsync(TransferStage.Done);
        }

        return transfer.State.Stage == TransferStage.Done;
    }

    private async Task ReachAsync(TransferStage stage)
    {
        transfer.State.Stage = stage;
        try
        {
            await transfer.WriteStateAsync();
        }
        catch
        {
            DeactivateOnIdle();
            throw;
        }
    }
}
