using System.Net;

namespace CasPaxos.Orleans.Tests;

/// <summary>Where acceptors belong (case 63).</summary>
public sealed class AcceptorMapTests
{
    private const AcceptorPlacementPolicy Preferred = AcceptorPlacementPolicy.Preferred;
    private const AcceptorPlacementPolicy Strict = AcceptorPlacementPolicy.Strict;

    [Theory]
    [InlineData(Preferred)]
    [InlineData(Strict)]
    public void An_acceptor_belongs_on_a_silo_of_its_slot(AcceptorPlacementPolicy policy)
    {
        LabelledSilo[] silos = [Silo(1, 0), Silo(2, 1), Silo(3, 1), Silo(4, 2), Silo(5, null)];

        for (var slot = 0; slot < 3; slot++)
        {
            for (var shard = 0; shard < 20; shard++)
            {
                var place = AcceptorMap.Place(new AcceptorAddress(slot, shard), 3, policy, silos);

                Assert.Equal(slot, silos.Single(silo => silo.Address.Equals(place)).Slot);
            }
        }
    }

    [Fact]
    public void Several_silos_of_a_slot_share_its_shards()
    {
        LabelledSilo[] silos = [Silo(1, 0), Silo(2, 0), Silo(3, 0)];

        var used = Enumerable.Range(0, 64).Select(
            shard => AcceptorMap.Place(new AcceptorAddress(0, shard), 1, Strict, silos)).Distinct();

        Assert.Equal(3, used.Count());
    }

    [Fact]
    public void Without_a_silo_of_its_slot_it_is_nowhere_when_placement_is_strict()
    {
        LabelledSilo[] silos = [Silo(1, 0), Silo(2, 1), Silo(3, null)];

        Assert.Null(AcceptorMap.Place(new AcceptorAddress(2, 0), 3, Strict, silos));
    }

    [Fact]
    public void Without_a_silo_of_its_slot_it_goes_to_one_that_no_other_slot_has_while_there_is_one()
    {
        LabelledSilo[] silos = [Silo(1, 0), Silo(2, null), Silo(3, null), Silo(4, null)];

        for (var shard = 0; shard < 20; shard++)
        {
            var places = Enumerable.Range(0, 3).Select(
                slot => AcceptorMap.Place(new AcceptorAddress(slot, shard), 3, Preferred, silos)).ToList();

            Assert.Equal(3, places.Distinct().Count());
            Assert.DoesNotContain(null, places);
        }
    }

    [Fact]
    public void With_too_few_silos_they_are_shared()
    {
        LabelledSilo[] silos = [Silo(1, 0)];

        Assert.All(
            Enumerable.Range(0, 3),
            slot => Assert.Equal(
                silos[0].Address, AcceptorMap.Place(new AcceptorAddress(slot, 0), 3, Preferred, silos)));
        Assert.Null(AcceptorMap.Place(new AcceptorAddress(0, 0), 3, Preferred, []));
    }

    [Fact]
    public void Every_silo_computes_the_same_in_whatever_order_it_knows_the_others()
    {
        var silos = Enumerable.Range(1, 12).Select(i => Silo(i, i % 4 == 0 ? null : i % 3)).ToArray();
        var acceptors = Enumerable.Range(0, 5).SelectMany(
            slot => Enumerable.Range(0, 8).Select(shard => new AcceptorAddress(slot, shard))).ToList();
        var expected = acceptors.ConvertAll(acceptor => AcceptorMap.Place(acceptor, 5, Preferred, silos));

        for (var seed = 0; seed < 50; seed++)
        {
            new Random(seed).Shuffle(silos);

            Assert.Equal(
                expected, acceptors.ConvertAll(acceptor => AcceptorMap.Place(acceptor, 5, Preferred, silos)));
        }
    }

    [Fact]
    public void A_silo_that_goes_moves_only_its_own_acceptors()
    {
        LabelledSilo[] silos = [.. Enumerable.Range(1, 6).Select(i => Silo(i, 0))];
        var gone = silos[3].Address;

        for (var shard = 0; shard < 64; shard++)
        {
            var acceptor = new AcceptorAddress(0, shard);
            var before = AcceptorMap.Place(acceptor, 1, Strict, silos)!;
            var after = AcceptorMap.Place(
                acceptor, 1, Strict, [.. silos.Where(silo => !silo.Address.Equals(gone))]);

            Assert.True(before.Equals(gone) || before.Equals(after));
        }
    }

    private static LabelledSilo Silo(int number, int? slot) =>
        new(SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1000 + number), number), slot);
}
