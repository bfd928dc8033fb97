# SPDX-License-Identifier: BSD-3-Clause
"""Neighbours: found on demand, kept fresh under traffic, lost and found again; scans change nothing."""

import random
import re
import time

import pytest
from conftest import cores_for
from home import ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, ROUTER_WAN6
from lab import wait_for
from segment import (GATEWAYS, PCS, SegmentLab, end_of, is_reachable, segment_config, stop_stream,
                     udp_frame, wait_answer)
from tools import ping

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
HOLD_PER_NEIGHBOUR = 16
KERNEL_LIMIT = 1024  # gc_thresh3
TARGETS = {4: "198.51.100.10", 6: "2001:db8:f::10"}
NETS = {4: "198.51.100.0/24", 6: "2001:db8:f::/48"}

VARIANTS = pytest.mark.parametrize("lab", [
    pytest.param(("af_packet", 1), id="af_packet-1w", marks=pytest.mark.xdist_group("neigh-1")),
    pytest.param(("af_xdp", 2), id="af_xdp-2w", marks=pytest.mark.xdist_group("neigh-2")),
], indirect=True, scope="module")
ONE_VARIANT = pytest.mark.parametrize("lab", [
    pytest.param(("af_packet", 1), id="af_packet-1w", marks=pytest.mark.xdist_group("neigh-1")),
], indirect=True, scope="module")


@pytest.fixture(scope="module")
def lab(request):
    driver, workers = request.param
    with SegmentLab() as lab:
        lab.start_answerers()
        lab.start_router(segment_config(driver, cores_for(workers)))
        lab.wait_lan()
        # Half a minute in a second or three. What is reachable for less than the delay of the
        # first probe is probed for ever by the kernel, whether it is used or not.
        for family in ("ipv4", "ipv6"):
            lab.sysctl("rtr", {f"net.{family}.neigh.{dev}.{name}": value for dev in ("lan", "wan")
                               for name, value in (("base_reachable_time_ms", 2200),
                                                   ("delay_first_probe_time", 1),
                                                   ("retrans_time_ms", 300),
                                                   ("gc_stale_time", 2))})
        yield lab


def address(hosts, host, family):
    return hosts[host][family == 6]


def neighbour(lab, addr, dev="lan"):
    """The kernel's entry, with `stats` as {"used", "confirmed", "updated"}; {} when it has none."""
    found = lab.ip_json("rtr", f"-s neigh show {addr} dev {dev}")
    return found[0] if found else {}


def forget(lab, dev="lan"):
    lab.ip("rtr", f"-4 neigh flush dev {dev}")
    lab.ip("rtr", f"-6 neigh flush dev {dev}")


# --- found on demand ---

@VARIANTS
@FAMILIES
def test_packets_to_a_silent_host_wait_and_arrive_in_order(lab, family):
    port = 9000 + family
    # what the sender's own kernel holds for its router may overtake itself when it is let go
    wait_for(lambda: is_reachable(lab, "gw1", (ROUTER_WAN4, ROUTER_WAN6)[family == 6]), "its router")
    listener = lab.start_listener("pc2", port)
    lab.ip("pc2", "link set eth0 arp off")
    try:
        forget(lab)
        full = lab.counts("drop_")["drop_hold_full"]
        sender = lab.send_numbers("gw1", address(PCS, "pc2", family), port, HOLD_PER_NEIGHBOUR)
        end_of(sender)
        time.sleep(0.5)
        assert listener.output() == ""
    finally:
        lab.ip("pc2", "link set eth0 arp on")
        lab.ip("pc2", f"-6 route replace default via {ROUTER_LAN6}")
    wait_for(lambda: len(listener.output().split()) >= HOLD_PER_NEIGHBOUR, "all of them", 3)
    assert listener.output().split() == [str(i) for i in range(HOLD_PER_NEIGHBOUR)]
    assert lab.counts("drop_")["drop_hold_full"] == full
    listener.stop()


@ONE_VARIANT
def test_who_does_not_answer_holds_no_more_than_its_share(lab):
    """Ten too many go by name, the rest when their time is over, and the sender is told."""
    before = lab.counts("drop_")
    for absent in ("198.18.0.77", "2001:db8:0:2::77"):
        end_of(lab.send_numbers("gw1", absent, 9010, HOLD_PER_NEIGHBOUR + 10))
    wait_for(lambda: lab.counts("drop_")["drop_no_neighbour"] >=
             before["drop_no_neighbour"] + 2 * HOLD_PER_NEIGHBOUR, "them to be given up", 6)
    assert lab.counts("drop_")["drop_hold_full"] == before["drop_hold_full"] + 2 * 10
    for absent, said in (("198.18.0.77", [3, 1, 0, ROUTER_WAN4]),
                         ("2001:db8:0:2::77", [1, 3, 0, ROUTER_WAN6])):
        assert lab.probe("gw1", absent, wait=5)[0].get("error") == said


# --- kept fresh, and not for ever ---

@ONE_VARIANT
def test_one_way_traffic_keeps_a_neighbour_and_silence_lets_it_go(lab):
    """Nothing comes back from pc2 but what the kernel's probes ask for."""
    listeners = {family: lab.start_listener("pc2", 9020 + family) for family in (4, 6)}
    senders = {family: lab.send_numbers("gw1", address(PCS, "pc2", family), 9020 + family, 1300,
                                        0.01) for family in (4, 6)}
    states = {4: set(), 6: set()}
    while any(sender.is_alive() for sender in senders.values()):
        for family in (4, 6):
            states[family].update(neighbour(lab, address(PCS, "pc2", family)).get("state", ["NONE"]))
        time.sleep(0.2)
    for family in (4, 6):
        assert "FAILED" not in states[family], states
        assert states[family] & {"STALE", "DELAY", "PROBE"}, "it did age"
        entry = neighbour(lab, address(PCS, "pc2", family))
        assert entry["confirmed"] < 11, f"confirmed {entry['confirmed']} s ago in 13 s of traffic"
        end_of(senders[family])
        wait_for(lambda f=family: len(listeners[f].output().split()) == 1300, "the last one", 2)
        assert listeners[family].output().split() == [str(i) for i in range(1300)]
        listeners[family].stop()

    # The kernel only looks for what it may forget when its table has more than 128 entries.
    lab.batch("gw2", [f"neigh replace 203.0.113.{100 + i // 2} lladdr 02:00:00:00:00:{i:02x} "
                         f"dev eth0 nud permanent" if i % 2 == 0 else
                         f"neigh replace 2001:db8:0:1::{100 + i // 2:x} "
                         f"lladdr 02:00:00:00:01:{i:02x} dev eth0 nud permanent"
                         for i in range(256)])
    quiet = lab.start("pc2", "quiet", "tcpdump", "-lnpi", "eth0", "arp or icmp6")
    wait_for(lambda: not any(neighbour(lab, address(PCS, "pc2", f)) for f in (4, 6)),
             "the kernel to forget who is idle", 35, 0.2)
    wait_for(lambda: not any(n["addr"] in PCS["pc2"]
                             for n in lab.millrace("show", "neighbours")["neighbours"]),
             "the router to forget it too", 1)
    quiet.stop()
    for family in (4, 6):
        lab.ip("gw2", f"-{family} neigh flush dev eth0 nud permanent")
        asked = [line for line in quiet.output().splitlines()
                 if re.search(f"who.has {re.escape(address(PCS, 'pc2', family))}[, ]", line)]
        # one that was under way, and one for what was sent since the router looked last
        assert len(asked) <= 2, f"an idle neighbour is left alone: {asked}"


# --- it moves ---

@ONE_VARIANT
@FAMILIES
def test_a_host_that_changes_its_mac_is_followed(lab, family):
    """The announcement is the host's kernel's own: gratuitous ARP, unsolicited NA."""
    target = address(PCS, "pc2", family)
    lab.sysctl("pc2", {"net.ipv4.conf.eth0.arp_notify": 1, "net.ipv6.conf.eth0.ndisc_notify": 1})
    old = lab.mac("pc2")
    assert is_reachable(lab, "gw1", target)
    assert neighbour(lab, target)["lladdr"] == old
    time.sleep(1.1)  # the kernel changes its mind no sooner (locktime)
    listener = lab.start_listener("pc2", 9030 + family)
    new = f"02:00:5e:00:53:{0x30 + family:02x}"
    try:
        lab.ip("pc2", f"link set eth0 address {new}")
        changed = time.monotonic()
        wait_for(lambda: neighbour(lab, target).get("lladdr") == new, "the kernel to know", 2)
        time.sleep(0.05)
        end_of(lab.send_numbers("gw1", target, 9030 + family, 10))
        wait_for(lambda: listener.output().split() == [str(i) for i in range(10)],
                 "packets to go to the new MAC", 1)
        assert time.monotonic() - changed < 3
        shown = {n["addr"]: n["mac"] for n in lab.millrace("show", "neighbours")["neighbours"]}
        assert shown[target] == new
    finally:
        lab.ip("pc2", f"link set eth0 address {old}")
        listener.stop()
    wait_for(lambda: is_reachable(lab, "gw1", target), "it to be back with its old MAC", 5)


# --- scans ---

def scan_frames(lab, family, count):
    src = address(GATEWAYS, "gw1", family)
    rng = random.Random(family)
    targets = ((f"198.19.{i >> 8 & 255}.{i & 255}" for i in rng.sample(range(65536), count))
               if family == 4 else
               (f"2001:db8:0:2:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}:"
                f"{rng.getrandbits(16):x}:{rng.getrandbits(16):x}" for _ in range(count)))
    router, own = lab.router_mac("wan"), lab.mac("gw1")
    return [udp_frame(router, own, src, target) for target in targets]


@VARIANTS
@FAMILIES
def test_a_scan_stops_nobody(lab, family):
    """From gw1 over a whole network of the LAN's, thousands of addresses a second."""
    new = {4: "198.19.7.7", 6: "2001:db8:0:2::7:7"}[family]
    router = {4: ROUTER_LAN4, 6: ROUTER_LAN6}[family]
    if family == 4:
        lab.ip("rtr", "addr replace 198.19.0.1/16 dev lan")
        lab.ip("pc2", f"addr replace {new}/16 dev eth0")
        lab.ip("gw2", "route replace 198.19.0.0/16 via 203.0.113.2")
        lab.ip("rtr", "addr show dev lan")
    else:
        lab.ip("pc2", f"addr replace {new}/64 dev eth0 nodad")
    service = lab.start("rtr", "web", "/usr/bin/python3", "-m", "http.server", 8080, "--bind", "::")
    lab.wait_port("rtr", 8080, service)
    before = lab.counts("drop_")["drop_hold_full"]
    flood = lab.start_flood("gw1", scan_frames(lab, family, 20000), 5000, 5.0)
    stream = lab.start_stream("pc1", router, seconds=60)
    try:
        wait_for(lambda: lab.counts("drop_")["drop_hold_full"] > before + 1000, "the scan to bite")
        began = time.monotonic()
        assert ping(lab, "gw2", new, count=3, interval=0.3).received >= 2, "a new neighbour"
        url = f"http://{router}:8080/" if family == 4 else f"http://[{router}]:8080/"
        lab.run("pc1", "curl", "-sS", "-o", "/dev/null", "--fail", "--max-time", 3, url)
        while flood.is_alive():
            held = len(lab.ip_json("rtr", f"-{family} neigh show nud all"))
            assert held < KERNEL_LIMIT * 3 // 4 + 32, "room is left in the kernel's table"
            time.sleep(0.2)
        assert time.monotonic() - began > 1, "all that happened during the scan"
        end_of(flood)
        wait_for(lambda: is_reachable(lab, "gw2", new), "the new neighbour once more", 5)
    finally:
        sent, received = stop_stream(stream)
        service.stop()
        lab.ip("rtr", "addr del 198.19.0.1/16 dev lan", check=False)
        lab.ip("pc2", f"addr del {new}/{16 if family == 4 else 64} dev eth0", check=False)
        lab.ip("gw2", "route del 198.19.0.0/16", check=False)
    assert received >= sent * 0.98 - 1, "the router itself answers all the time"


# --- by hand, and gone ---

@ONE_VARIANT
@FAMILIES
def test_an_entry_made_by_hand_works(lab, family):
    """pc2 has the address and does not answer for it."""
    addr, length = {4: ("198.18.0.50", 32), 6: ("2001:db8:0:2::50", 128)}[family]
    port = 9050 + family
    lab.ip("pc2", f"addr add {addr}/{length} dev lo")
    lab.sysctl("pc2", {"net.ipv4.conf.all.arp_ignore": 1})
    listener = lab.start_listener("pc2", port)
    try:
        end_of(lab.send_numbers("gw1", addr, port, 1))
        time.sleep(0.3)
        assert listener.output() == ""
        lab.ip("rtr", f"neigh replace {addr} lladdr {lab.mac('pc2')} dev lan nud permanent")
        wait_for(lambda: listener.output().split() == ["0"], "the packet that was held", 1)
        end_of(lab.send_numbers("gw1", addr, port, 5))
        wait_for(lambda: listener.output().split() == list("001234"), "all of them", 1)
        lab.ip("rtr", f"neigh del {addr} dev lan")
        time.sleep(0.3)
        end_of(lab.send_numbers("gw1", addr, port, 5))
        time.sleep(0.3)
        assert listener.output().split() == list("001234"), "a deleted one is not used"
    finally:
        lab.sysctl("pc2", {"net.ipv4.conf.all.arp_ignore": 0})
        lab.ip("pc2", f"addr del {addr}/{length} dev lo")
        listener.stop()


@ONE_VARIANT
def test_a_gateway_that_fails_is_reported_and_used_when_it_is_back(lab):
    """Under traffic that never pauses for longer than a packet may wait."""
    said = {4: [3, 1, 0, ROUTER_LAN4], 6: [1, 3, 0, ROUTER_LAN6]}
    for family in (4, 6):
        lab.route(f"replace {NETS[family]} via {address(GATEWAYS, 'gw1', family)}")
        wait_answer(lab, TARGETS[family], "gw1")
    streams = [lab.start_stream("pc1", TARGETS[family], 60, interval=0.2) for family in (4, 6)]
    lab.ip("wsw", "link set gw1 down")
    try:
        for family in (4, 6):
            wait_for(lambda f=family: lab.probe("pc1", TARGETS[f], wait=4)[0].get("error") == said[f],
                     "a word that the gateway is gone", 15)
    finally:
        lab.ip("wsw", "link set gw1 up")
    for family in (4, 6):
        wait_answer(lab, TARGETS[family], "gw1", 6)
        lab.route(f"del {NETS[family]}")
    for stream in streams:
        stop_stream(stream)
