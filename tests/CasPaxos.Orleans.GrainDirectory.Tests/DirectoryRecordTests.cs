using System.Text;
using CasPaxos.Registers;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>What is stored, and what is refused.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class DirectoryRecordTests(DirectoryDatabasesFixture databases)
{
    private const string Activation = "@0123456789abcdef0123456789abcdef";

    [Fact]
    public void Key_and_record_are_as_they_were_stored_by_the_first_version()
    {
        var address = new GrainAddress
        {
            GrainId = GrainId.Create("user", "ada/1 ü"),
            SiloAddress = SiloAddress.FromParsableString("10.0.23.12:1000@5678"),
            ActivationId = ActivationId.FromParsableString(Activation),
            MembershipVersion = new MembershipVersion(51),
        };
        var key = new DirectoryKeys("a service", "prod/1", "Default").Of(address.GrainId);

        var stored = DirectoryRecord.Encode(address);
        var read = DirectoryRecord.Decode(key, address.GrainId, new Snapshot(new ETag(Guid.NewGuid(), 1), stored));

        Assert.Equal("directory/a%20service/prod%2F1/Default/user/ada%2F1%20ü", key.Text);
        Assert.Equal(
            "{\"format\":1,\"silo\":\"10.0.23.12:1000@5678\",\"activation\":\"" + Activation +
            "\",\"membershipVersion\":51}",
            Encoding.UTF8.GetString(stored));
        Assert.Equal(address.ToFullString(), read!.ToFullString());
        Assert.Null(DirectoryRecord.Decode(key, address.GrainId, Snapshot.Absent));
    }

    [Fact]
    public void Two_grains_never_share_a_register()
    {
        var keys = new DirectoryKeys("s", "c", "d");
        GrainId[] grains =
        [
            GrainId.Create("a", "b/c"), GrainId.Create("a/b", "c"), GrainId.Create("a", "b%2Fc"),
            GrainId.Create(GrainType.Create("a"), new IdSpan([0xFF])),
            GrainId.Create(GrainType.Create("a"), new IdSpan([0xFE])),
            GrainId.Create("a", "\uFFFD"), GrainId.Create("a", "%FF"),
        ];

        Assert.Equal(grains.Length, grains.Select(grain => keys.Of(grain)).Distinct().Count());
    }

    [Fact]
    public void A_grain_whose_id_is_too_long_is_refused_with_the_limit()
    {
        var keys = new DirectoryKeys("s", "c", "d");
        var fits = RegisterKey.BytesMax - keys.Prefix.Length - "kind/".Length;

        Assert.Equal(RegisterKey.BytesMax, keys.Of(Make.Grain(new string('x', fits))).Text.Length);
        var failure = Assert.Throws<ArgumentException>(() => keys.Of(Make.Grain(new string('x', fits + 1))));

        Assert.Contains($"takes {fits + 6} bytes", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"has {fits + 5} for it (1024", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'d'", failure.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("{\"format\":2}", "format 2")]
    [InlineData("nonsense", "no address of a grain")]
    [InlineData("{\"silo\":\"10.0.23.12:1000@5678\"}", "no address of a grain")]
    [InlineData("{\"format\":1,\"silo\":\"10.0.23.12:1000@5678\",\"membershipVersion\":1}", "activation")]
    [InlineData("{\"format\":1,\"silo\":\"10.0.23.12:1000@5678\",\"activation\":\"" + Activation + "\"}", "membership")]
    [InlineData("{\"format\":1,\"silo\":null,\"activation\":\"" + Activation + "\",\"membershipVersion\":1}", "silo")]
    [InlineData("{\"format\":1,\"silo\":\"x\",\"activation\":\"" + Activation + "\",\"membershipVersion\":1}", "'x'")]
    [InlineData("{\"format\":1,\"silo\":\"10.0.23.12:1000@5678\",\"activation\":\"y\",\"membershipVersion\":1}", "'y'")]
    public async Task What_is_not_understood_is_neither_used_nor_changed(string stored, string told)
    {
        Make.Need();
        await using var registers = Make.Registers(databases.Postgres);
        var cluster = Make.Name();
        var directory = Make.Directory(registers, cluster);
        var address = Make.Address(Make.Grain());
        var key = new DirectoryKeys("s", cluster, "d").Of(address.GrainId);
        var put = Assert.IsType<Outcome.Applied>(await registers.PutAsync(key, Encoding.UTF8.GetBytes(stored)));

        foreach (var call in (Func<Task>[])
            [
                () => directory.Lookup(address.GrainId),
                () => directory.Register(address),
                () => directory.Register(address, address),
                () => directory.Unregister(address),
            ])
        {
            var failure = await Assert.ThrowsAsync<InvalidDataException>(call);
            Assert.Contains(told, failure.Message, StringComparison.Ordinal);
            Assert.Contains(key.Text, failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(put.ETag, Assert.IsType<Outcome.Applied>(await registers.GetAsync(key)).ETag);
    }
}
