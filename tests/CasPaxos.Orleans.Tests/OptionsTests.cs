using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans.Tests;

/// <summary>Settings that are wrong are named, all of them at once.</summary>
public sealed class OptionsTests
{
    private static readonly ServiceProvider NoServices = new ServiceCollection().BuildServiceProvider();

    [Fact]
    public void Every_wrong_setting_is_named_with_its_limit()
    {
        var options = new CasPaxosOptions
        {
            Slot = 3,
            Shards = 65,
            Timeout = TimeSpan.Zero,
            AcceptorTimeout = TimeSpan.FromHours(1),
            StartTimeout = TimeSpan.FromSeconds(-1),
            ValueBytesMax = 0,
            ProposersMax = 0,
            TombstoneAge = TimeSpan.Zero,
            EraseInterval = TimeSpan.FromSeconds(-1),
        };
        options.Slots.Add(new CasPaxosSlotOptions());
        options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "store" });
        options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = "Host=a", GrainStorage = "store" });

        var failures = new CasPaxosOptionsValidator(NoServices).Validate(null, options).FailureMessage!;

        foreach (var name in (string[])
        [
            "Slots:0", "Slots:1:Incarnation", "Slots:2", "Property Slot:", "Shards", "Timeout", "AcceptorTimeout",
            "StartTimeout", "ValueBytesMax", "ProposersMax", "TombstoneAge", "EraseInterval", "1 to 64",
        ])
        {
            Assert.Contains(name, failures, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_slots_and_too_many_are_refused()
    {
        var none = new CasPaxosOptionsValidator(NoServices).Validate(null, new CasPaxosOptions());
        var many = new CasPaxosOptions();
        for (var i = 0; i < 10; i++)
        {
            many.Slots.Add(new CasPaxosSlotOptions { ConnectionString = "Host=a" });
        }

        Assert.Contains("1 to 9", none.FailureMessage, StringComparison.Ordinal);
        Assert.Contains(
            "1 to 9",
            new CasPaxosOptionsValidator(NoServices).Validate(null, many).FailureMessage,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_come_from_a_configuration_section()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["CasPaxos:Slots:0:ConnectionString"] = "Host=a",
            ["CasPaxos:Slots:1:ConnectionString"] = "Host=b",
            ["CasPaxos:Slots:2:ConnectionString"] = "Host=c",
            ["CasPaxos:Slot"] = "1",
            ["CasPaxos:Placement"] = "Strict",
            ["CasPaxos:AcceptorTimeout"] = "00:00:02",
        }).Build();
        var options = new CasPaxosOptions();

        configuration.GetSection("CasPaxos").Bind(options);

        Assert.Equal(["Host=a", "Host=b", "Host=c"], options.Slots.Select(slot => slot.ConnectionString));
        Assert.Equal(1, options.Slot);
        Assert.Equal(AcceptorPlacementPolicy.Strict, options.Placement);
        Assert.Equal(TimeSpan.FromSeconds(2), options.AcceptorTimeout);
        Assert.True(new CasPaxosOptionsValidator(NoServices).Validate(null, options).Succeeded);
    }

    [Fact]
    public void A_clients_wrong_settings_are_named_too()
    {
        var options = new GrainRegisterClientOptions { Timeout = TimeSpan.Zero, ResendAfter = TimeSpan.Zero };

        var failures = new GrainRegisterClientOptionsValidator().Validate(Options.DefaultName, options).FailureMessage!;

        Assert.Contains("Timeout", failures, StringComparison.Ordinal);
        Assert.Contains("ResendAfter", failures, StringComparison.Ordinal);
    }
}
