# SPDX-License-Identifier: BSD-3-Clause
"""Real cards by DPDK's poll-mode drivers, in a virtual machine: with an IOMMU, and without.

One guest a file and kind of machine; each test starts the router on a pair of its cards and finds
the cards with their kernel drivers afterwards.
"""

import json
import signal
from contextlib import contextmanager

import pytest
from home import INET4, ROUTER_LAN4, ROUTER_WAN4, SERVER4, SERVER6, build_dir
from lab import LabError, wait_for
from pci import CARDS, E1000E, SIDES, VIRTIO, PciLab, pci_config
from tools import fetch, iperf, ping, udp_ask

pytestmark = [pytest.mark.guest]

IOMMU = pytest.mark.xdist_group("pci-iommu")
BARE = pytest.mark.xdist_group("pci-bare")
NO_IOMMU = ", allow-no-iommu: true"
OTHER_MAC = "02:00:5e:00:53:01"


@pytest.fixture(scope="module")
def guests():
    """The virtual machines that were booted, by whether they have an IOMMU."""
    booted = {}
    yield booted
    for lab in booted.values():
        if isinstance(lab, PciLab):
            lab.__exit__(None, None, None)


def boot(guests, has_iommu):
    if has_iommu not in guests:
        try:
            guests[has_iommu] = PciLab(has_iommu).__enter__()
        except LabError as e:
            guests[has_iommu] = e  # once is enough
    if isinstance(guests[has_iommu], LabError):
        raise guests[has_iommu]
    return guests[has_iommu]


@pytest.fixture
def machine(guests):
    """The guest with an IOMMU; its cards must be back with the kernel when the test ends."""
    with lent(boot(guests, True)) as lab:
        yield lab


@pytest.fixture
def bare(guests):
    """The guest without an IOMMU, in the same way."""
    with lent(boot(guests, False)) as lab:
        yield lab


@contextmanager
def lent(lab):
    before = lab.card_states()
    assert all(state.netdev == name for name, state in before.items()), before
    try:
        yield lab
    finally:
        if lab.router is not None:
            lab.stop_router()
    assert lab.card_states() == before


@pytest.fixture(scope="class", params=zip(CARDS, ("name", "mac", "pci")),
                ids=lambda param: f"{param[0].kind}-by-{param[1]}")
def shared(request, guests):
    """A card behind an IOMMU, found by one of the three ways, shared by two workers."""
    card, by = request.param
    with lent(boot(guests, True)) as lab:
        lab.start_router(pci_config(card, workers=2, by=by))
        yield lab, card


@pytest.fixture(scope="class", params=CARDS, ids=lambda card: card.kind)
def tuned(request, guests):
    """A card with another MAC on one side, and large frames on both."""
    card = request.param
    with lent(boot(guests, True)) as lab:
        lab.start_router(pci_config(card, extra=", mtu: 9000").replace(
            "mtu: 9000 }", f"mtu: 9000, mac: {OTHER_MAC} }}", 1))
        yield lab, card


def ports(lab):
    return {port["name"]: port for port in lab.millrace("show", "ports")["ports"]}


def assert_forwards(lab):
    """Both families, NAT, TCP of some size; from the LAN to the internet and back."""
    lab.wait_path()
    assert ping(lab, "pc1", SERVER4, count=20, wait=2).received == 20
    assert ping(lab, "pc1", SERVER6, count=20, wait=2).received == 20
    assert fetch(lab, "pc1", f"http://{SERVER4}/address").strip() == ROUTER_WAN4
    assert iperf(lab, "pc1", SERVER4, seconds=1).mbps > 1
    assert iperf(lab, "pc1", SERVER4, seconds=1, reverse=True).mbps > 1
    counted = ports(lab)
    assert counted["lan"]["rx_packets"] > 100 and counted["wan"]["rx_packets"] > 100


def assert_on_pci(lab, card):
    for side in SIDES:
        port = ports(lab)[side]
        assert (port["driver"], port["pci"], port["mac"]) == ("pci", card.pci(side), card.mac(side))


@IOMMU
class TestSharedCard:
    """Two workers on a card."""

    def test_a_card_behind_an_iommu_forwards(self, shared):
        lab, card = shared
        states = lab.card_states()
        assert {states[card.netdev(side)].driver for side in SIDES} == {"vfio-pci"}
        assert_on_pci(lab, card)
        assert_forwards(lab)

    def test_two_workers_share_the_flows_of_a_card(self, shared):
        """What comes back meets its flow: by the card's own steering, or handed over."""
        lab, card = shared
        lab.wait_path()
        steers = ports(lab)["lan"]["steers_by_rss"]
        assert steers == ports(lab)["wan"]["steers_by_rss"] == (card is VIRTIO)
        before = lab.millrace("show", "workers")["workers"]
        for sport in range(20000, 20000 + 24 * 37, 37):
            address, seen, _ = udp_ask(lab, "pc1", SERVER4, sport)
            assert (address, seen) == (ROUTER_WAN4, sport)
        after = lab.millrace("show", "workers")["workers"]
        flows, got, handed = ([a[key] - b[key] for a, b in zip(after, before)]
                              for key in ("flows", "rx_packets", "handed_over"))
        assert min(flows) >= 6, f"24 ports are spread over both workers: {flows}"
        if steers:
            assert sum(handed) <= 4 and min(got) >= 12, f"each flow comes to its worker: {handed} {got}"
        else:
            assert sum(handed) >= 12, f"the other worker's flows are handed over: {handed}"


@IOMMU
class TestTunedCard:
    """A card that is not as the kernel had it."""

    def test_a_card_wears_another_mac_and_takes_jumbo_frames(self, tuned):
        """A ping of 8000 bytes without fragments goes through the card's rx and tx."""
        lab, card = tuned
        assert ports(lab)["wan"]["mac"] == OTHER_MAC
        assert ports(lab)["lan"]["mtu"] == ports(lab)["wan"]["mtu"] == 9000
        lab.set_jumbo(card, 9000)
        try:
            lab.wait_path()
            assert lab.neighbour_mac("inet", ROUTER_WAN4) == OTHER_MAC
            for target in (ROUTER_LAN4, INET4):
                assert ping(lab, "pc1", target, count=5, payload=8000, dont_fragment=True,
                            wait=2).received == 5
        finally:
            lab.set_jumbo(card, 1500)

    def test_a_link_that_goes_down_is_seen_and_comes_back(self, tuned):
        lab, card = tuned
        wait_for(lambda: lab.has_carrier("wan"), "wan's carrier", 10, 0.2)
        lab.set_link(card, "wan", False)
        wait_for(lambda: not lab.has_carrier("wan"), "wan's carrier to go", 10, 0.2)
        assert lab.has_carrier("lan")
        assert not ports(lab)["wan"]["link_is_up"]
        lab.set_link(card, "wan", True)
        wait_for(lambda: lab.has_carrier("wan"), "wan's carrier to come back", 20, 0.2)
        lab.wait_path(20)


@IOMMU
def test_auto_takes_a_card_by_pci_and_small_pages_do(machine):
    machine.start_router(pci_config(E1000E, driver="auto") + "memory: { hugepages: never }\n")
    assert "without hugepages" in machine.router.output()
    assert_on_pci(machine, E1000E)
    assert_forwards(machine)


@IOMMU
def test_cards_go_back_when_the_start_fails(machine):
    """The first port is taken when the second turns out to be impossible."""
    text = pci_config(E1000E).replace(f"name: {E1000E.netdev('lan')}", "pci: '0000:00:1e.7'")
    assert "no PCI device 0000:00:1e.7" in machine.refusal(text)
    said = machine.refusal(pci_config(E1000E, extra=", mtu: 9600"))
    assert "does not do MTU 9600" in said, said


@IOMMU
def test_a_card_that_another_instance_drives_is_left_to_it(machine):
    machine.start_router(pci_config(E1000E, driver="af_packet"))
    machine.wait_path()
    assert "is already taken by another millrace" in machine.refusal(pci_config(E1000E))
    assert ping(machine, "pc1", SERVER4).received == 3


@IOMMU
def test_a_card_is_found_by_name_after_a_kill(machine):
    """Its netdev is gone then; the next one gives it back all the same, as `machine` sees."""
    machine.start_router(pci_config(VIRTIO))
    router, machine.router = machine.router, None
    assert router.stop(signal.SIGKILL) == -signal.SIGKILL
    assert machine.card_states()[VIRTIO.netdev("lan")].driver == "vfio-pci"
    machine.start_router(pci_config(VIRTIO, driver="auto"))
    assert_on_pci(machine, VIRTIO)
    machine.wait_path()


def doctors_cards(lab):
    """What it says of the cards before any router runs, by name; the guest's pair has no address."""
    done = lab.guest.run(build_dir() / "millrace", "--json", "doctor", check=False)
    return {card["name"]: card for card in json.loads(done.stdout)["cards"]}


@IOMMU
def test_the_doctor_knows_by_which_driver_cards_are_opened(machine):
    cards = doctors_cards(machine)
    expected = {"e1000e": "net_e1000_em", "virtio": "net_virtio", "vmxnet3": "net_vmxnet3"}
    for kind, driver in expected.items():
        card = cards[f"lan-{kind}"]
        assert (card["opens_by"], card["dpdk_driver"]) == ("pci", driver)
    machine.start_router(pci_config(E1000E, driver="auto"))
    assert_on_pci(machine, E1000E)


@BARE
def test_the_doctor_knows_why_a_card_is_not_opened_by_pci(bare):
    said = doctors_cards(bare)[E1000E.netdev("wan")]
    bare.start_router(pci_config(E1000E, driver="auto"))
    assert said["not_pci"] in bare.router.output()
    assert {said["opens_by"]} == {port["driver"] for port in ports(bare).values()}


@BARE
def test_without_an_iommu_a_card_is_refused_with_what_to_do(bare):
    said = bare.refusal(pci_config(E1000E))
    assert E1000E.pci("wan") in said and "no IOMMU" in said and "allow-no-iommu: true" in said


@BARE
def test_without_an_iommu_auto_takes_another_driver_and_says_why(bare):
    bare.start_router(pci_config(E1000E, driver="auto"))
    assert {port["driver"] for port in ports(bare).values()} <= {"af_xdp", "af_packet"}
    said = bare.router.output()
    assert "not driver pci" in said and "no IOMMU" in said, said
    bare.wait_path()


@BARE
def test_without_an_iommu_a_card_needs_hugepages(bare):
    said = bare.refusal(pci_config(E1000E, extra=NO_IOMMU) + "memory: { hugepages: never }\n")
    assert "hugepages" in said


@BARE
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.kind)
def test_without_an_iommu_a_card_forwards_when_allowed(bare, card):
    bare.start_router(pci_config(card, extra=NO_IOMMU))
    assert bare.card_states()[card.netdev("lan")].driver in ("vfio-pci", "uio_pci_generic")
    assert "without IOMMU" in bare.router.output()
    assert_on_pci(bare, card)
    assert_forwards(bare)
