# SPDX-License-Identifier: BSD-3-Clause
"""Devices of the machine that are no ports: a VPN, a management card, containers. Their networks
are the kernel's to forward, if it may, and no packet for them takes another way instead.

    pc1 --- port-lan [ router ] port-wan --- gw1     both answer for 198.51.100.10 and
                     [ kernel ] vpn9 ------- inner   2001:db8:f::10, each by its name
"""


import pytest
from conftest import cores_for
from lab import wait_for
from segment import (GATEWAYS, PROBE, PROBE_PORT, TARGET4, TARGET6, SegmentLab, segment_config,
                     wait_answer)
from tools import ping, within

AT_ONCE = 1.0  # seconds that the workers have to follow the kernel
VPN4, VPN6 = "198.51.100.1", "2001:db8:f::1"
INNER4, INNER6 = "198.51.100.10/25", "2001:db8:f::10/64"
BEYOND4, BEYOND6 = "198.51.100.200", "2001:db8:f:1::10"  # outside of the VPN's networks
FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
TARGETS = pytest.mark.parametrize("target", [TARGET4, TARGET6], ids=["ipv4", "ipv6"])

KINDS = pytest.mark.parametrize("kind", [
    pytest.param(("af_packet", 1, False), id="plain-af_packet-1w",
                 marks=pytest.mark.xdist_group("devices-1")),
    pytest.param(("af_xdp", 2, True), id="nat-af_xdp-2w",
                 marks=pytest.mark.xdist_group("devices-2")),
], scope="module")
ROUTES = (f"routes:\n  - {{ to: 0.0.0.0/0, via: {GATEWAYS['gw1'][0]} }}\n"
          f"  - {{ to: '::/0', via: '{GATEWAYS['gw1'][1]}' }}\n")

assert (INNER4.split("/")[0], INNER6.split("/")[0]) == (TARGET4, TARGET6)


class VpnLab(SegmentLab):
    def setup(self):
        super().setup()
        self.add_host("inner")
        self.add_wire("rtr", "vpn9", "inner", "eth0")
        for addr, router in ((INNER4, VPN4), (INNER6, VPN6)):
            self.ip("inner", f"addr add {addr} dev eth0" + (" nodad" if ":" in addr else ""))
            self.ip("inner", f"route add default via {router}")

    def open_vpn(self):
        self.ip("rtr", f"addr add {VPN4}/25 dev vpn9")
        self.ip("rtr", f"addr add {VPN6}/64 dev vpn9 nodad")

    def close_vpn(self):
        self.ip("rtr", "addr flush dev vpn9 scope global")

    def set_forwarding(self, value):
        self.sysctl("rtr", {key: value for key in FORWARDING})

    def start_all(self, kind):
        driver, workers, is_nat = kind
        self.start_answerers()
        inner = self.start("inner", "answerer", "/usr/bin/python3", PROBE, "serve", PROBE_PORT,
                           "inner")
        self.wait_port("inner", PROBE_PORT, inner, "udp")
        self.start_router(segment_config(driver, cores_for(workers), is_nat, extra=ROUTES))
        self.wait_lan()
        for target in (TARGET4, TARGET6):
            wait_answer(self, target, "gw1")


@pytest.fixture(scope="module")
def running(kind):
    with VpnLab() as lab:
        lab.start_all(kind)
        yield lab


@pytest.fixture
def lab(running):
    """Without an address on the VPN's device, before and after each test."""
    yield running
    running.ip("rtr", "link set vpn9 up")
    running.close_vpn()
    running.set_forwarding(0)


@KINDS
@TARGETS
def test_what_the_kernel_may_not_forward_leaves_by_no_other_way(lab, target):
    lab.open_vpn()
    with within(AT_ONCE):
        wait_for(lambda: lab.who_answers(target, wait=0.2) == [None], "gw1 to get no more")
    assert lab.who_answers(target, count=8, wait=0.5) == [None] * 8
    for beyond in (BEYOND4, BEYOND6):
        assert lab.who_answers(beyond) == ["gw1"], "the default route is for all the rest"


@KINDS
@TARGETS
def test_the_kernel_forwards_when_it_may(lab, target):
    lab.open_vpn()
    lab.set_forwarding(1)
    wait_answer(lab, target, "inner", AT_ONCE)
    assert lab.who_answers(target, count=16) == ["inner"] * 16
    assert ping(lab, "pc1", target, count=10).received == 10
    assert ping(lab, "pc1", target, payload=3000).received == 3, "in pieces no larger than they came"
    for beyond in (BEYOND4, BEYOND6):
        assert lab.who_answers(beyond) == ["gw1"]


@KINDS
@TARGETS
def test_routes_over_the_device_are_followed_and_go_with_it(lab, target):
    lab.open_vpn()
    lab.set_forwarding(1)
    beyond, net, via = {TARGET4: (BEYOND4, "198.51.100.128/25", "198.51.100.10"),
                        TARGET6: (BEYOND6, "2001:db8:f:1::/64", "2001:db8:f::10")}[target]
    lab.ip("inner", f"route add local {net} dev lo")
    lab.route(f"add {net} via {via}")
    wait_answer(lab, beyond, "inner", AT_ONCE)
    lab.route(f"del {net}")
    wait_answer(lab, beyond, "gw1", AT_ONCE)
    lab.route(f"add {net} via {via}")
    wait_answer(lab, beyond, "inner", AT_ONCE)
    lab.ip("rtr", "link set vpn9 down")  # of which the kernel tells less than it does
    wait_answer(lab, beyond, "gw1", AT_ONCE)
    wait_answer(lab, target, "gw1", AT_ONCE)
    lab.ip("inner", f"route del local {net} dev lo")


@KINDS
def test_the_devices_own_addresses_answer(lab):
    for addr in (VPN4, VPN6):
        assert lab.who_answers(addr) == ["gw1"]
    lab.open_vpn()
    for addr in (VPN4, VPN6):
        wait_for(lambda a=addr: lab.who_answers(a, wait=0.2) == [None], "gw1 to get no more")
        assert ping(lab, "pc1", addr, count=5).received == 5


@KINDS
def test_the_links_of_our_own_interfaces_stay_what_they_are(lab):
    """Every device has fe80::/64 and ff00::/8."""
    lab.open_vpn()
    lab.set_forwarding(1)
    wait_answer(lab, TARGET6, "inner", AT_ONCE)
    own = next(a["local"] for a in lab.ip_json("rtr", "-6 addr show dev lan")[0]["addr_info"]
               if a["local"].startswith("fe80"))
    vpn = next(a["local"] for a in lab.ip_json("rtr", "-6 addr show dev vpn9")[0]["addr_info"]
               if a["local"].startswith("fe80"))
    assert ping(lab, "pc1", f"{own}%eth0").received == 3
    assert ping(lab, "pc1", f"{vpn}%eth0", count=1).received == 0, "which is not on this link"
    shown = [r["to"] for r in lab.millrace("show", "routes")["routes"]]
    assert not {"fe80::/64", "ff00::/8", f"{vpn}/128"} & set(shown), shown


@KINDS
def test_the_machines_own_default_route_is_not_for_the_hosts(lab):
    lab.open_vpn()
    lab.set_forwarding(1)
    lab.route("add default via 198.51.100.10 metric 1")
    lab.route("add ::/0 via 2001:db8:f::10 metric 1")
    lab.route("add 198.18.200.0/24 via 198.51.100.10")  # known after the other two
    wait_for(lambda: "198.18.200.0/24" in
             [r["to"] for r in lab.millrace("show", "routes")["routes"]], "the workers to know")
    for beyond in (BEYOND4, BEYOND6):
        assert lab.who_answers(beyond) == ["gw1"]
    shown = [r for r in lab.millrace("show", "routes")["routes"]
             if r["to"] in ("0.0.0.0/0", "::/0") and r["kind"] == "kernel"]
    assert [r["is_active"] for r in shown] == [False, False], shown


@pytest.mark.xdist_group("devices-3")
def test_a_machine_that_forwards_already_when_the_router_starts():
    with VpnLab() as lab:
        lab.set_forwarding(1)
        lab.start_all(("af_packet", 1, False))
        lab.open_vpn()
        for target in (TARGET4, TARGET6):
            wait_answer(lab, target, "inner")
