# SPDX-License-Identifier: BSD-3-Clause
"""The machine has routes of its own where the router's are to go: the router's work while it runs,
and the machine's are there afterwards as they were before, whatever ends it.

    pc1 --- port-lan [ router ] port-wan --- gw1     all of them answer for 198.51.100.0/24 and
                     [ kernel ] mgmt ------- office  2001:db8:f::/48, each by its name
"""

import re
import signal

import pytest
from conftest import cores_for
from home import build_dir
from lab import wait_for
from segment import (FAR_NETS, GATEWAYS, PROBE, PROBE_PORT, TARGET4, TARGET6, SegmentLab,
                     segment_config, wait_answer)
from tools import ping

OFFICE4, OFFICE6 = "198.18.64.1", "2001:db8:64::1"
MACHINE4, MACHINE6 = "198.18.64.2", "2001:db8:64::2"
TARGETS = (TARGET4, TARGET6)
DEFAULTS = (f"  - {{ to: 0.0.0.0/0, via: {GATEWAYS['gw1'][0]} }}\n"
            f"  - {{ to: '::/0', via: '{GATEWAYS['gw1'][1]}' }}\n")

# A router's advertisement: a default route for half an hour, no prefix.
ADVERTISE = """
from scapy.all import *
sendp(Ether(dst="33:33:00:00:00:01") / IPv6(src="{src}", dst="ff02::1") /
      ICMPv6ND_RA(routerlifetime=1800), iface="eth0", verbose=0)
"""


class OfficeLab(SegmentLab):
    """A management card with the machine's default routes, IPv4 of metric 0 and IPv6 of 1024."""

    def setup(self):
        super().setup()
        self.add_host("office")
        self.add_wire("rtr", "mgmt", "office", "eth0")
        for host, dev, addr4, addr6 in (("rtr", "mgmt", MACHINE4, MACHINE6),
                                        ("office", "eth0", OFFICE4, OFFICE6)):
            self.ip(host, f"addr add {addr4}/24 dev {dev}")
            self.ip(host, f"addr add {addr6}/64 dev {dev} nodad")
        for net in FAR_NETS:
            self.ip("office", f"route add local {net} dev lo")

    def start_answerers(self):
        super().start_answerers()
        server = self.start("office", "answerer", "/usr/bin/python3", PROBE, "serve", PROBE_PORT,
                            "office")
        self.wait_port("office", PROBE_PORT, server, "udp")

    def routes(self):
        """Without what a clock changes, and without the cards, which a kill leaves taken."""
        text = "".join(self.ip("rtr", f"-{family} -d route show table all") for family in (4, 6))
        return sorted(re.sub(r" expires \d+sec", "", line).strip() for line in text.splitlines()
                      if "dev port-" not in line)

    def advertise(self):
        src = next(a["local"] for a in self.ip_json("office", "-6 addr show dev eth0")[0]["addr_info"]
                   if a["scope"] == "link")
        self.sysctl("rtr", {"net.ipv6.conf.mgmt.accept_ra": 1})
        self.sysctl("office", {"net.ipv6.conf.eth0.forwarding": 1})  # says that it is a router
        self.run("office", "/usr/bin/python3", "-c", ADVERTISE.format(src=src))
        wait_for(lambda: "proto ra" in self.ip("rtr", "-6 route show default"), "the kernel to learn it")

    def warm_up(self):
        """The office's gateway is known and well: a kernel that may choose could choose it."""
        for office in (OFFICE4, OFFICE6):
            assert ping(self, "rtr", office).received == 3


def add_default(lab, family):
    lab.route({4: f"add default via {OFFICE4}", 6: f"add ::/0 via {OFFICE6}"}[family])


OWN = {
    "static": lambda lab: (add_default(lab, 4), add_default(lab, 6)),
    "advertised": lambda lab: (add_default(lab, 4), lab.advertise()),
}


@pytest.fixture
def lab():
    with OfficeLab() as lab:
        lab.start_answerers()
        yield lab


def config(extra=""):
    return segment_config("af_packet", cores_for(1), extra="routes:\n" + DEFAULTS + extra)


def assert_machine_is_whole(lab, before):
    assert lab.routes() == before
    for target in TARGETS:
        assert lab.who_answers(target, host="rtr") == ["office"]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_the_machines_default_routes_outlive_the_router(lab, own, signum):
    OWN[own](lab)
    lab.warm_up()
    before = lab.routes()
    assert_machine_is_whole(lab, before)
    for _ in range(2):
        lab.start_router(config(), name=f"millraced-{len(lab.processes)}")
        lab.wait_lan()
        for target in TARGETS:
            wait_answer(lab, target, "gw1")
            assert lab.who_answers(target, count=8) == ["gw1"] * 8
            # the machine itself goes by the configured route too
            lab.warm_up()
            assert lab.who_answers(target, host="rtr", count=8) == ["gw1"] * 8
        assert set(before) <= set(lab.routes()), set(before) - set(lab.routes())
        said = lab.router.output()
        assert f"own (via {OFFICE4} dev mgmt)" in said, said
        assert re.search(r"route to ::/0 of its own \(via \S+ dev mgmt\)", said), said
        router, lab.router = lab.router, None
        assert router.stop(signum) == (-signum if signum == signal.SIGKILL else 0)
        router.check_sanitizers()
        wait_for(lambda: not lab.has_device("rtr", "wan"), "the devices to be gone")
        assert_machine_is_whole(lab, before)


def refusal(lab, text):
    path = lab.dir / "refused.yaml"
    path.write_text(text)
    done = lab.run("rtr", build_dir() / "millraced", "-c", path, "-s", lab.dir / "refused.sock",
                   check=False)
    assert done.returncode > 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("own", OWN)
def test_a_start_that_fails_leaves_the_machine_as_it_was(lab, own):
    OWN[own](lab)
    lab.route("add blackhole 198.18.200.0/24")
    lab.ip("rtr", "addr add 2001:db8:0:1::77/128 dev lo")
    before = lab.routes()
    # after all routes but the last, which the kernel refuses: the gateway is the machine itself
    said = refusal(lab, config("  - { to: 198.18.200.0/24, type: blackhole }\n"
                               "  - { to: 198.18.201.0/24, type: unreachable }\n"
                               "  - { to: '2001:db8:66::/48', type: prohibit }\n"
                               "  - { to: '2001:db8:67::/48', via: '2001:db8:0:1::77' }\n"))
    assert "2001:db8:67::/48" in said, said
    assert_machine_is_whole(lab, before)
    lab.ip("rtr", "link del port-lan")  # and before any
    before = lab.routes()
    assert "port-lan" in refusal(lab, config())
    assert_machine_is_whole(lab, before)


def test_routes_without_a_device_stand_beside_the_machines(lab):
    lab.route("add blackhole 198.18.200.0/24")
    lab.route("add unreachable 2001:db8:66::/48")
    lab.route(f"add 198.18.203.0/24 via {OFFICE4}")
    before = lab.routes()
    lab.start_router(config("  - { to: 198.18.200.0/24, type: blackhole }\n"
                            "  - { to: '2001:db8:66::/48', type: blackhole }\n"
                            "  - { to: 198.18.203.0/24, type: prohibit }\n"))
    lab.wait_lan()
    wait_for(lambda: lab.probe("pc1", "198.18.203.1", wait=0.3)[0].get("error", [0])[:2] == [3, 13],
             "the configured one to be used")
    assert lab.probe("pc1", "2001:db8:66::1", wait=0.3)[0].get("error") is None
    lab.stop_router()
    assert lab.routes() == before


def test_with_a_higher_metric_the_machine_keeps_to_its_own(lab):
    for family in (4, 6):
        add_default(lab, family)
    metric = DEFAULTS.replace(" }", ", metric: 2000 }")
    lab.start_router(segment_config("af_packet", cores_for(1), extra="routes:\n" + metric))
    lab.wait_lan()
    for target in TARGETS:
        wait_answer(lab, target, "gw1")
        assert lab.who_answers(target, host="rtr", count=8) == ["office"] * 8
    assert "of its own" not in lab.router.output()


def test_a_link_set_down_and_up_by_hand_has_its_routes_again(lab):
    for family in (4, 6):
        add_default(lab, family)
    before = lab.routes()
    lab.start_router(config())
    lab.wait_lan()
    for _ in range(2):
        lab.ip("rtr", "link set wan down")
        wait_for(lambda: lab.who_answers(TARGET4, wait=0.2) == [None], "the way out to be gone")
        lab.ip("rtr", "link set wan up")
        for target in TARGETS:
            wait_answer(lab, target, "gw1")
    own = [r for family in (4, 6) for r in lab.ip_json("rtr", f"-{family} route show default")]
    assert sorted(r["dev"] for r in own) == ["mgmt", "mgmt", "wan", "wan"], own
    lab.stop_router()
    assert lab.routes() == before
