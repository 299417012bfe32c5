using CasPaxos.Orleans.Transactions;
using CasPaxos.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>
/// Orleans' transactions over grain states in registers, while silos are killed without grace (rule 20). The long form
/// is a campaign of its own, see CasPaxos.Orleans.Transactions.
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class TransactionTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Transactions_are_atomic_over_ten_kills_of_silos()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var result = await RecoveryCampaign.RunAsync(recoveries: 10, seed: 1, output.WriteLine);

        Assert.Equal([], result.Problems);
        Assert.Equal(10, result.Recoveries);
        Assert.True(result.Committed > 30, $"Only {result.Committed} transactions were committed.");
    }
}
