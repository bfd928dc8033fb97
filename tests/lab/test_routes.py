# SPDX-License-Identifier: BSD-3-Clause
"""Routes: the kernel's table is the truth, the workers follow it at once, whoever wrote it."""

import time
from dataclasses import dataclass

import pytest
from conftest import cores_for
from home import ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4
from lab import wait_for
from segment import (GATEWAYS, TARGET4, TARGET6, SegmentLab, end_of, is_reachable, segment_config,
                     stop_stream, udp_frame, wait_answer)
from tools import within

AT_ONCE = 1.0  # seconds that the workers have to follow the kernel


@dataclass(frozen=True)
class Kind:
    driver: str
    workers: int
    is_nat: bool

    @property
    def name(self):
        return f"{'nat' if self.is_nat else 'plain'}-{self.driver}-{self.workers}w"


KINDS = [Kind("af_packet", 1, False), Kind("af_xdp", 2, True)]

pytestmark = pytest.mark.parametrize("kind", [
    pytest.param(k, id=k.name, marks=pytest.mark.xdist_group(f"routes-{k.name}")) for k in KINDS
], scope="module")

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
TARGETS = {4: TARGET4, 6: TARGET6}
NETS = {4: "198.51.100.0/24", 6: "2001:db8:f::/48"}
ROUTER_LAN = {4: ROUTER_LAN4, 6: ROUTER_LAN6}


def via(gateway, family):
    return GATEWAYS[gateway][family == 6]


@pytest.fixture(scope="module")
def running(kind):
    with SegmentLab() as lab:
        lab.start_answerers()
        lab.start_router(segment_config(kind.driver, cores_for(kind.workers), kind.is_nat))
        lab.wait_lan()
        yield lab


@pytest.fixture
def lab(running):
    """Without a route but those of the links, before and after each test."""
    yield running
    for family in (4, 6):
        for proto in ("boot", "bird"):
            running.ip("rtr", f"-{family} route flush proto {proto}")


@FAMILIES
def test_the_longest_prefix_wins(lab, family):
    one, two = via("gw1", family), via("gw2", family)
    nets, hosts = {
        4: (["198.51.100.0/24", "198.51.100.0/25", "198.51.100.0/26", "198.51.100.10/32"],
            ["198.51.100.200", "198.51.100.100", "198.51.100.20", "198.51.100.10"]),
        6: (["2001:db8:f::/48", "2001:db8:f::/64", "2001:db8:f::/112", "2001:db8:f::10/128"],
            ["2001:db8:f:1::1", "2001:db8:f::1:0:1", "2001:db8:f::20", "2001:db8:f::10"]),
    }[family]
    for i in (2, 0, 3, 1):  # the order in which they come is nothing to them
        lab.route(f"add {nets[i]} via {(one, two)[i % 2]}")
    wait_answer(lab, hosts[1], "gw2")
    assert [lab.who_answers(host)[0] for host in hosts] == ["gw1", "gw2", "gw1", "gw2"]
    lab.route(f"del {nets[3]}")
    wait_answer(lab, hosts[3], "gw1", AT_ONCE)
    lab.route(f"del {nets[2]}")
    wait_answer(lab, hosts[3], "gw2", AT_ONCE)
    lab.route(f"del {nets[0]}")
    assert lab.who_answers(hosts[0], wait=0.3) == [None]
    assert lab.who_answers(hosts[2]) == ["gw2"]


@FAMILIES
def test_two_gateways_share_the_flows(lab, family):
    target = TARGETS[family]
    lab.route(f"add {NETS[family]} nexthop via {via('gw1', family)} "
              f"nexthop via {via('gw2', family)}")
    wait_for(lambda: lab.who_answers(target, count=64, wait=0.5).count(None) == 0,
             "both gateways to be known")
    if family == 4:
        names = lab.who_answers(target, count=64, sport=21000)
    else:  # a flow of IPv6 is known by its addresses and its label, not by its ports
        names = [lab.who_answers(f"2001:db8:f::{i:x}")[0] for i in range(0x100, 0x110)]
    assert None not in names
    least = min(names.count("gw1"), names.count("gw2"))
    assert least >= len(names) // 8, names

    # one flow stays where it is
    results = lab.probe("pc1", target, count=4, rounds=25, sport=22000)
    for sport in range(22000, 22004):
        assert len({r.get("name") for r in results if r["sport"] == sport}) == 1, results

    # and moves when its gateway goes: all of them are on the other one
    lab.route(f"replace {NETS[family]} via {via('gw2', family)}")
    time.sleep(0.3)
    assert set(lab.who_answers(target, count=64, sport=21000)) == {"gw2"}


@FAMILIES
def test_a_flow_moves_to_the_gateway_that_is_left(lab, family):
    """One live flow, its gateway taken out of the route between two of its datagrams."""
    target = TARGETS[family]
    lab.route(f"add {NETS[family]} nexthop via {via('gw1', family)} "
              f"nexthop via {via('gw2', family)}")
    wait_for(lambda: lab.who_answers(target, count=8, wait=0.5).count(None) == 0,
             "both gateways to be known")
    before = lab.probe("pc1", target, sport=23456)[0]
    other = {"gw1": "gw2", "gw2": "gw1"}[before["name"]]
    lab.route(f"change {NETS[family]} via {via(other, family)}")
    with within(AT_ONCE):
        wait_for(lambda: lab.probe("pc1", target, sport=23456, wait=0.3)[0].get("name") == other,
                 f"the flow to move to {other}")
    after = lab.probe("pc1", target, sport=23456)[0]
    assert after["seen"] == before["seen"], "a translated flow keeps its address and port"


@FAMILIES
def test_a_blackhole_is_silent_and_counted(lab, family):
    lab.route(f"add {NETS[family]} via {via('gw1', family)}")
    wait_answer(lab, TARGETS[family], "gw1")
    lab.route(f"add blackhole {TARGETS[family]}")
    wait_for(lambda: lab.who_answers(TARGETS[family], wait=0.2) == [None], "the blackhole")
    before = lab.counts("drop_")["drop_blackhole"]
    results = lab.probe("pc1", TARGETS[family], count=10, wait=0.5)
    assert all(set(r) == {"sport"} for r in results), results
    assert lab.counts("drop_")["drop_blackhole"] == before + 10


# what a packet is answered with: type and code of IPv4 and of IPv6
@pytest.mark.parametrize(("kind_of_route", "counter", "said"), [
    ("unreachable", "drop_unreachable", {4: [3, 1], 6: [1, 3]}),
    ("prohibit", "drop_prohibit", {4: [3, 13], 6: [1, 1]}),
    (None, "drop_no_route", {4: [3, 0], 6: [1, 0]}),
], ids=["unreachable", "prohibit", "no-route"])
@FAMILIES
def test_a_packet_that_goes_nowhere_is_answered(lab, family, kind_of_route, counter, said):
    target = TARGETS[family]
    if kind_of_route:
        lab.route(f"add {NETS[family]} via {via('gw1', family)}")
        lab.route(f"add {kind_of_route} {target}")
    began = time.monotonic()
    wait_for(lambda: "error" in lab.probe("pc1", target, wait=0.2)[0], "an ICMP error", AT_ONCE)
    assert time.monotonic() - began < AT_ONCE
    before = lab.counts("drop_")[counter]
    results = lab.probe("pc1", target, count=5)
    assert [r.get("error") for r in results] == [[*said[family], 0, ROUTER_LAN[family]]] * 5
    assert lab.counts("drop_")[counter] == before + 5


@FAMILIES
def test_the_kernels_routes_reach_the_workers_whoever_put_them_there(lab, family):
    target = TARGETS[family]
    lab.route(f"add {NETS[family]} via {via('gw1', family)} proto bird metric 20")
    wait_answer(lab, target, "gw1", AT_ONCE)
    shown = [r for r in lab.millrace("show", "routes")["routes"] if r["to"] == NETS[family]]
    assert [(r["protocol"], r["metric"], r["is_active"]) for r in shown] == [("bird", 20, True)]
    lab.route(f"del {NETS[family]} proto bird")
    wait_for(lambda: lab.who_answers(target, wait=0.2) == [None], "the route to go", AT_ONCE)


@FAMILIES
def test_the_lower_metric_wins_and_the_other_takes_over(lab, family):
    target, net = TARGETS[family], NETS[family]
    lab.route(f"add {net} via {via('gw1', family)} metric 200")
    wait_answer(lab, target, "gw1")
    lab.route(f"add {net} via {via('gw2', family)} metric 100")
    wait_answer(lab, target, "gw2", AT_ONCE)
    lab.route(f"add {net} via {via('gw1', family)} metric 300")
    time.sleep(0.3)
    assert lab.who_answers(target) == ["gw2"], "a worse one changes nothing"
    lab.route(f"del {net} metric 100")
    wait_answer(lab, target, "gw1", AT_ONCE)
    lab.route(f"del {net} metric 200")
    time.sleep(0.3)
    assert lab.who_answers(target) == ["gw1"], "the third is still there"
    lab.route(f"del {net} metric 300")
    wait_for(lambda: lab.who_answers(target, wait=0.2) == [None], "the last to go", AT_ONCE)


@FAMILIES
def test_two_halves_cover_a_default_route_and_go_again(lab, family):
    """How VPN clients take all traffic over without touching the default route."""
    default, halves = {4: ("0.0.0.0/0", ("0.0.0.0/1", "128.0.0.0/1")),
                       6: ("::/0", ("::/1", "8000::/1"))}[family]
    lab.route(f"add {default} via {via('gw1', family)}")
    wait_answer(lab, TARGETS[family], "gw1")
    for half in halves:
        lab.route(f"add {half} via {via('gw2', family)}")
    wait_answer(lab, TARGETS[family], "gw2", AT_ONCE)
    assert {r["to"] for r in lab.millrace("show", "routes")["routes"]} >= {default, *halves}
    for half in halves:
        lab.route(f"del {half}")
    wait_answer(lab, TARGETS[family], "gw1", AT_ONCE)


def total_routes(lab):
    return lab.millrace("show", "routes")["total"]


def test_twenty_thousand_routes_come_and_go_under_traffic(lab, kind):
    lab.route(f"add 198.51.100.0/24 via {via('gw1', 4)}")
    lab.route(f"add 198.18.128.0/17 via {via('gw1', 4)}")
    wait_answer(lab, "198.18.131.7", "gw1")
    before = total_routes(lab)
    many = [f"198.18.{128 + (i >> 8)}.{i & 255}/32 via {via('gw2', 4)}" for i in range(20000)]
    stream = lab.start_stream("pc1", TARGET4, seconds=100)
    wait_for(lambda: "time=" in stream.output(), "the stream to begin")

    lab.batch("rtr", (f"route add {route}" for route in many))
    wait_for(lambda: total_routes(lab) == before + 20000, "all routes to be there", 20)
    sample = ("198.18.128.0", "198.18.131.7", "198.18.168.1", "198.18.206.31")
    assert [lab.who_answers(target)[0] for target in sample] == ["gw2"] * 4
    assert lab.who_answers("198.18.206.32") == ["gw1"], "the first one that is not in the list"
    assert lab.millrace("show", "routes")["refused"] == 0

    lab.batch("rtr", (f"route del {route}" for route in many))
    wait_for(lambda: total_routes(lab) == before, "all routes to be gone", 20)
    assert [lab.who_answers(target)[0] for target in sample] == ["gw1"] * 4
    sent, received = stop_stream(stream)
    assert sent > 20 and received >= sent - 1, "only the last may be on its way"


@FAMILIES
def test_too_big_says_the_mtu_of_the_way_out(lab, family):
    """`ip link set wan mtu` in the router is all that it takes."""
    lab.route(f"add {NETS[family]} via {via('gw1', family)}")
    wait_answer(lab, TARGETS[family], "gw1")
    header = {4: 28, 6: 48}[family]
    lab.ip("rtr", "link set wan mtu 1400")
    try:
        said = {4: [3, 4], 6: [2, 0]}[family]
        wait_for(lambda: "error" in lab.probe("pc1", TARGETS[family], bytes=1500 - header)[0],
                 "the MTU to be followed", AT_ONCE)
        results = lab.probe("pc1", TARGETS[family], count=3, bytes=1401 - header)
        assert [r.get("error") for r in results] == [[*said, 1400, ROUTER_LAN[family]]] * 3
        assert lab.who_answers(TARGETS[family], bytes=1400 - header) == ["gw1"], "the last to fit"
    finally:
        lab.ip("rtr", "link set wan mtu 1500")
    wait_for(lambda: lab.who_answers(TARGETS[family], bytes=1500 - header) == ["gw1"],
             "the MTU to be back", AT_ONCE)


@FAMILIES
def test_the_last_hop_is_told_by_the_address_it_came_in_by(lab, kind, family):
    lab.route(f"add {NETS[family]} via {via('gw1', family)}")
    wait_answer(lab, TARGETS[family], "gw1")
    said = {4: [11, 0], 6: [3, 0]}[family]
    results = lab.probe("pc1", TARGETS[family], count=3, ttl=1)
    assert [r.get("error") for r in results] == [[*said, 0, ROUTER_LAN[family]]] * 3
    assert lab.who_answers(TARGETS[family], ttl=2) == ["gw1"]
    if family == 4 and not kind.is_nat:  # from the other side it is the other address
        lab.ip("gw1", f"route replace 198.18.0.0/24 via {ROUTER_WAN4}")
        said = lab.run("gw1", "ping", "-n", "-c", 1, "-W", 1, "-t", 1, "198.18.0.11",
                       check=False).stdout
        assert f"From {ROUTER_WAN4}" in said, said


def time_exceeded_count(lab):
    """ICMP errors of this kind that pc1's kernel has received."""
    lines = lab.run("pc1", "cat", "/proc/net/snmp").stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Icmp:"))
    return int(values[names.index("InTimeExcds")])


def test_a_flood_of_expiring_packets_gets_no_more_than_the_budget(lab, kind):
    lab.route(f"add 198.51.100.0/24 via {via('gw1', 4)}")
    wait_answer(lab, TARGET4, "gw1")
    lab.ip("rtr", "link set wan mtu 1400")
    try:
        frames = [udp_frame(lab.router_mac(), lab.mac("pc1"), "198.18.0.11", TARGET4, ttl=1,
                            sport=30000 + i) for i in range(256)]
        before = lab.counts("drop_")["drop_ttl"], time_exceeded_count(lab)
        flood = lab.start_flood("pc1", frames, 30000, 2.0)
        wait_for(lambda: lab.counts("drop_")["drop_ttl"] > before[0] + 2000, "the flood to begin")
        too_big = [r.get("error") for _ in range(5)
                   for r in lab.probe("pc1", TARGET4, count=4, bytes=1472, wait=0.5)]
        end_of(flood)
        time.sleep(0.1)
    finally:
        lab.ip("rtr", "link set wan mtu 1500")
    dropped = lab.counts("drop_")["drop_ttl"] - before[0]
    told = time_exceeded_count(lab) - before[1]
    assert dropped > 10000, "the flood got to the router"
    # a thousand a second and 200 at once for each worker; half a second for what queued up
    assert 500 < told <= kind.workers * (1000 * 2.5 + 200), told
    assert too_big == [[3, 4, 1400, ROUTER_LAN4]] * 20, "path MTU discovery has its own budget"
    assert is_reachable(lab, "pc1", TARGET4)
