# SPDX-License-Identifier: BSD-3-Clause
"""Two uplinks of IPv6 whose next routers the file names, one of them by its link-local address.

                                              isp1 2001:db8:a::1 ---- +
    pc 2001:db8:0:2::11 -- lan [ router ] wan                         srv 2001:db8:0:f::10
                                          lte                         |    ::53, ::54: who is probed
                                              isp2 fe80::1 ---------- +
"""

import re
import time

import pytest
from home import build_dir
from lab import run_command, wait_for
from uplinks_lab import (WAITER, Pulse, UplinksLab, Ways, said, see_a_cut_cable, talk, uplinks_config,
                         wait_ended)

SERVER, PROBES = "2001:db8:0:f::10", ("2001:db8:0:f::53", "2001:db8:0:f::54")
ISPS = {"isp1": ("wan", "2001:db8:a:", "2001:db8:0:c1:"), "isp2": ("lte", "2001:db8:b:", "2001:db8:0:c2:")}
GATEWAYS = {"fibre": "2001:db8:a::1", "lte": "fe80::1"}
IPV6 = Ways("addresses: '2001:db8:a::2/64'", "addresses: '2001:db8:b::2/64'", "addresses: '2001:db8:0:2::1/64'",
            "2001:db8:0:2::11", "ipv6")
OWN = """
table ip6 own {{
	chain forward {{
		type filter hook forward priority 0
		iifname "router" ip6 saddr != {net}:/64 counter drop
	}}
}}
"""


def uplinks6_config(fibre="priority: 1", lte="priority: 2", probes=PROBES, **words):
    return uplinks_config(fibre=f"via: '{GATEWAYS['fibre']}', {fibre}", lte=f"via: '{GATEWAYS['lte']}', {lte}",
                          probes=probes, ways=IPV6, **words)


class Uplinks6Lab(UplinksLab):
    family, server, config = "ipv6", SERVER, staticmethod(uplinks6_config)

    def setup(self):
        for host in ("pc", "rtr", "srv", *ISPS):
            self.add_host(host)
        self.add_wire("rtr", "port-lan", "pc", "eth0")
        self.ip("pc", "addr add 2001:db8:0:2::11/64 dev eth0 nodad")
        self.ip("pc", "route add default via 2001:db8:0:2::1")
        for address in (SERVER, *PROBES):
            self.ip("srv", f"addr add {address}/128 dev lo")
        for isp, (port, net, core) in ISPS.items():
            self.add_wire("rtr", f"port-{port}", isp, "router")
            self.add_wire(isp, "core", "srv", isp)
            self.ip(isp, f"addr add {net}:1/64 dev router nodad")
            self.ip(isp, "addr add fe80::1/64 dev router nodad")
            self.ip(isp, f"addr add {core}:1/64 dev core nodad")
            self.ip("srv", f"addr add {core}:2/64 dev {isp} nodad")
            self.ip("srv", f"route add {net}:/64 via {core}:1")
            self.ip(isp, f"route add default via {core}:2")
            self.sysctl(isp, {"net.ipv6.conf.all.forwarding": 1,
                              "net.ipv6.conf.router.keep_addr_on_down": 1})  # for who cuts the cable
            self.run(isp, "nft", "-f", "-", stdin=OWN.format(net=net))

    def start_providers(self, resolvers=None):
        """Nobody is told anything: the file says it all."""


def test_the_better_one_is_used_and_shown_and_the_other_can_be_asked():
    with Uplinks6Lab() as lab:
        lab.begin()
        assert lab.used() == ["fibre"] and lab.seen_as() == "fibre" and lab.kernel_default() == "wan"
        fibre, lte = lab.uplink("fibre"), lab.uplink("lte")
        assert fibre["ipv6"] == {"address": "2001:db8:a::2", "gateway": GATEWAYS["fibre"], "has_way": True,
                                 "share_percent": 100, "why_not": None}
        assert lte["ipv6"]["why_not"] == "priority" and lte["ipv6"]["gateway"] == GATEWAYS["lte"]
        assert not fibre["ipv4"]["has_way"] and fibre["ipv4"]["why_not"] == "no next router"
        assert [t["target"] for t in lte["targets"]] == list(PROBES)
        wait_for(lambda: all(t["rtt_us"] for n in ("fibre", "lte") for t in lab.uplink(n)["targets"]),
                 "round trips", 5)
        answer = lab.millrace("ping-uplink", "lte")
        assert answer["answered"] == answer["sent"] == 5 and answer["target"] == PROBES[0]
        assert (answer["source"], answer["gateway"]) == ("2001:db8:b::2", GATEWAYS["lte"])
        table = run_command([build_dir() / "millrace", "-s", lab.socket, "show", "uplinks"]).stdout
        assert re.search(rf"^\* +fibre .* 100% +2001:db8:a::2 +{GATEWAYS['fibre']}", table, re.MULTILINE), table


def test_a_cut_cable_moves_everything_at_once():
    with Uplinks6Lab() as lab:
        lab.begin()
        see_a_cut_cable(lab)
        lab.mend("isp1")
        lab.wait_used("fibre", timeout=20)
        assert lab.seen_as() == "fibre"


@pytest.mark.parametrize("probes", [PROBES, ()], ids=["echo", "neighbour discovery"])
def test_a_silent_death_is_noticed_and_its_return(probes):
    with Uplinks6Lab() as lab:
        lab.begin(uplinks6_config(probes=probes))
        pulse, waiter = Pulse(lab), talk(lab, WAITER, name="waiter")
        began = time.time()
        lab.kill("isp1")
        pulse.wait_back(began)
        gap = pulse.gap(began)
        print(f"silent death to first answer by the other: {gap:.2f} s")
        assert gap < 4 + 1
        wait_for(lambda: lab.uplink("fibre")["state"] == "down" and lab.used() == ["lte"], "its end", 4 + 1)
        at, how = wait_ended(waiter)
        assert how == "ConnectionResetError" and at - began < 4 + 1
        assert lab.seen_as() == "lte"
        lab.revive("isp1")
        lab.wait_used("fibre", timeout=20)
        assert lab.seen_as() == "fibre"


def test_both_share_the_flows_and_answer_where_they_are_called():
    with Uplinks6Lab() as lab:
        lab.begin(uplinks6_config(fibre="priority: 1, weight: 3", lte="priority: 1, weight: 1"))
        lab.wait_used("fibre", "lte")
        assert [lab.way(n)["share_percent"] for n in ("fibre", "lte")] == [75, 25]
        seen = [lab.seen_as() for _ in range(60)]
        assert 4 <= seen.count("lte") <= 28 and seen.count("lte") + seen.count("fibre") == 60, seen
        lab.start_web("pc", 8080, "forwarded")
        lab.start_web("rtr", 8022, "own")
        for port in (8080, 8022):
            for name in ("lte", "fibre"):
                talker = talk(lab, host="srv", target=lab.addresses[name], port=port, name=f"{name}-{port}")
                assert re.search("as 2001:db8:", talker.output()), talker.output()
                wait_for(lambda t=talker: said(t) > 5, "the talk to go on", 5)


def test_nothing_is_left_in_the_kernel():
    with Uplinks6Lab() as lab:
        lab.begin(uplinks6_config(fibre="priority: 1", lte="priority: 1"))
        lab.wait_used("fibre", "lte")
        assert lab.run("rtr", "ip", "-6", "rule").stdout.count("lookup 780") == 2
        lab.stop_router()
        assert "780" not in lab.run("rtr", "ip", "-6", "rule").stdout
        assert "default" not in lab.run("rtr", "ip", "-6", "route", "show", "table", "all").stdout
