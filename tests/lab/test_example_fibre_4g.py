# SPDX-License-Identifier: BSD-3-Clause
"""cfg/examples/fibre-4g.yaml: two ways to the internet; RFC 4890 for IPv6; a one-to-one.

    inet 203.0.113.1  -- wan1 [        ]
         2001:db8:0:1::1      [ the    ] lan -- pc 198.18.0.11, server 198.18.0.10
                              [ router ]        2001:db8:0:2::11,          ::10
    lte 198.51.100.1  -- wan2 [        ]
      \\ both: 198.18.200.10, 2001:db8:f::10, the internet

PPPoE, L2TP and the DHCP clients are not here: both uplinks are plain wires with static addresses.
"""

import re

import pytest
from example import (NET, NO_ROUTE6, ExampleLab, Host, changed, check, dropped, example_path, passes,
                     rejected, rows, try_row, variants)
from lab import wait_for
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_Redirect, IPv6

FAR, PROBED, FAR6 = "198.18.200.10", "198.18.200.53", "2001:db8:f::10"
WAN, WAN2, LAN, PC, SERVER = "203.0.113.2", "198.51.100.2", "198.18.0.1", "198.18.0.11", "198.18.0.10"
WAN6, LAN6, PC6 = "2001:db8:0:1::2", "2001:db8:0:2::1", "2001:db8:0:2::11"
INET, INET6, LTE = "203.0.113.1", "2001:db8:0:1::1", "198.51.100.1"
OUTSIDE = "203.0.113.10"  # the server's, by the one-to-one
HOSTS = {
    "inet": Host("wan1", (f"{INET}/24", f"{INET6}/64"), more=(f"{FAR}/32", f"{PROBED}/32", f"{FAR6}/128"),
                 routes=(f"198.18.0.0/24 via {WAN}", f"2001:db8:0:2::/64 via {WAN6}")),
    "lte": Host("wan2", (f"{LTE}/24",), more=(f"{FAR}/32", f"{PROBED}/32"),
                routes=(f"198.18.0.0/24 via {WAN2}",)),
    "pc": Host("lan", (f"{PC}/24", f"{PC6}/64"), gateways=(LAN, LAN6)),
    "server": Host("lan", (f"{SERVER}/24", "2001:db8:0:2::10/64"), gateways=(LAN, LAN6)),
}


@pytest.fixture(scope="module")
def lab(variant):
    with ExampleLab("fibre-4g", HOSTS) as lab:
        lab.begin(variant)
        for host, target in (("pc", FAR), ("pc", FAR6), ("server", FAR), ("lte", WAN2)):
            lab.wait_answer(host, target)
        yield lab


pytestmark = pytest.mark.parametrize("variant", variants("fibre-4g"), scope="module")


@rows([
    # the LAN, out and to the router
    ("pc", LAN, "tcp/53", passes("rtr", PC)),
    ("pc", LAN6, "tcp/53", passes("rtr", PC6)),
    ("pc", LAN, "echo", passes()),
    ("pc", FAR, "tcp/80", passes("inet", WAN)),
    ("pc", FAR, "udp/9999", passes("inet", WAN)),
    ("pc", FAR, "echo", passes()),
    ("pc", FAR6, "tcp/80", passes("inet", PC6)),
    ("pc", FAR6, "udp/9999", passes("inet", PC6)),
    ("pc", FAR6, "echo", passes()),
    ("rtr", FAR, "tcp/80", passes("inet", WAN)),
    ("rtr", FAR6, "tcp/80", passes("inet", WAN6)),
    # private destinations do not leave
    ("pc", "10.1.2.3", "tcp/80", rejected(NET, LAN, "drop_private_out")),
    ("pc", "172.16.9.9", "udp/53", rejected(NET, LAN, "drop_private_out")),
    ("pc", "192.168.1.1", "echo", rejected(NET, LAN, "drop_private_out")),
    ("pc", "fd00::1", "tcp/80", rejected(NO_ROUTE6, LAN6, "drop_private_out")),
    # from either uplink to the router: SSH, echo
    ("inet", WAN, "tcp/22", passes("rtr", INET)),
    ("inet", WAN6, "tcp/22", passes("rtr", INET6)),
    ("lte", WAN2, "tcp/22", passes("rtr", LTE)),
    ("inet", WAN, "echo", passes()),
    ("inet", WAN6, "echo", passes()),
    ("lte", WAN2, "echo", passes()),
    ("inet", WAN, "tcp/80", dropped("drop_rule")),
    ("inet", WAN6, "tcp/80", dropped("drop_rule")),
    ("lte", WAN2, "tcp/80", dropped("drop_rule")),
    ("inet", WAN, "udp/53", dropped("drop_rule")),
    # DHCPv6 answers come from the link alone
    ("inet", WAN6, "udp/546", dropped("drop_rule")),
    # into the LAN: IPv6 echo and nothing else
    ("inet", PC6, "echo", passes()),
    ("inet", PC6, "tcp/22", dropped("drop_rule")),
    ("inet", PC6, "udp/9999", dropped("drop_rule")),
    ("inet", PC, "tcp/80", dropped("drop_nat_unsolicited")),
    ("lte", PC, "tcp/80", dropped("drop_nat_unsolicited")),
    # the one-to-one: out, in by the rules, and from inside
    ("server", FAR, "tcp/80", passes("inet", OUTSIDE)),
    ("server", FAR, "echo", passes()),
    ("inet", OUTSIDE, "echo", passes()),
    ("inet", OUTSIDE, "tcp/80", dropped("drop_rule")),
    ("pc", OUTSIDE, "tcp/80", passes("server")),
    ("server", OUTSIDE, "tcp/80", passes("server")),
])
def test_who_may_speak_to_whom(lab, host, target, door, expected):
    try_row(lab, host, target, door, expected)


def test_dhcpv6_answers_from_the_link_reach_the_client(lab):
    """By the interface's link-local address, as a server of the provider's sends them."""
    own = next(i["mac"] for i in lab.millrace("show", "interfaces")["interfaces"]
               if i["name"] == "fibre")
    packet = IPv6(src="fe80::1", dst=link_local(own)) / UDP(sport=547, dport=546)
    before = lab.counts("punt_local", "drop_rule")
    lab.send("inet", "fibre", [packet])
    wait_for(lambda: lab.counts("punt_local")["punt_local"] > before["punt_local"], "it at the host", 3)
    packet[IPv6].src = INET6
    lab.send("inet", "fibre", [packet])
    wait_for(lambda: lab.counts("drop_rule")["drop_rule"] > before["drop_rule"], "it dropped", 3)


def link_local(mac):
    octets = [int(octet, 16) for octet in mac.split(":")]
    octets[0] ^= 2
    return "fe80::{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}".format(*octets)


@pytest.mark.parametrize(("prefix", "target", "door", "words"), [
    ("input: ", WAN, "tcp/80", ("IN=fibre OUT= ", f"SRC={INET}", f"DST={WAN}", "DPT=80")),
    ("input: ", WAN6, "udp/53", ("IN=fibre OUT= ", f"SRC={INET6}", "PROTO=UDP", "DPT=53")),
    ("forward: ", PC6, "tcp/22", ("IN=fibre OUT=lan ", f"DST={PC6}", "DPT=22", "SYN")),
    ("forward: ", OUTSIDE, "tcp/80", ("IN=fibre OUT=lan ", f"DST={SERVER}", "DPT=80")),
], ids=["input-ipv4", "input-ipv6", "forward-ipv6", "forward-one-to-one"])
def test_what_is_refused_is_in_the_log_with_its_prefix(lab, prefix, target, door, words):
    before = len(lab.log_lines(prefix))
    lab.attempt("inet", target, door, wait=0.1)
    wait_for(lambda: len(lab.log_lines(prefix)) > before, "a line in the log", 3)
    line = lab.log_lines(prefix)[before]
    assert all(word in line for word in (*words, "ACTION=drop")), line


@pytest.mark.parametrize(("destination", "kind"), [(PC6, 139), (PC6, 140), (WAN6, 139), (WAN6, 140)])
def test_node_information_is_dropped(lab, destination, kind):
    before = lab.counted()
    lab.send("inet", "fibre", [IPv6(src=INET6, dst=destination) / ICMPv6EchoRequest(type=kind, id=kind)])
    lab.wait_counted("drop_rule", before)


def test_redirects_do_not_come_from_the_internet(lab):
    before = sum(lab.counts("drop_").values())
    lab.send("inet", "fibre", [
        IPv6(src="fe80::1", dst=WAN6, hlim=255) / ICMPv6ND_Redirect(tgt=INET6, dst=FAR6)])
    wait_for(lambda: sum(lab.counts("drop_").values()) > before, "it to be dropped", 3)


def test_other_icmpv6_gets_to_the_lan(lab):
    """Of types that nobody knows yet, say (RFC 4890 4.3.5 leaves them to policy; this file takes
    them)."""
    types = lab.watch_icmp6("pc")
    lab.send("inet", "fibre", [IPv6(src=FAR6, dst=PC6) / ICMPv6EchoRequest(type=144, id=9)])
    wait_for(lambda: "144" in types.output().split(), "type 144 at the host", 3)


def test_an_icmpv6_type_that_is_let_in_lets_in_no_other(lab):
    lab.send("inet", "fibre", [IPv6(src=FAR6, dst=PC6) / ICMPv6EchoRequest(type=144, id=9)])
    before = lab.counted()
    lab.send("inet", "fibre", [IPv6(src=FAR6, dst=PC6) / ICMPv6EchoRequest(type=139, id=9)])
    lab.wait_counted("drop_rule", before)


def test_an_icmp_query_that_is_no_echo_is_not_forwarded_in(lab):
    before = lab.counted()
    lab.send("inet", "fibre", [IP(src=INET, dst=OUTSIDE) / ICMP(type=13, id=3)])
    lab.wait_counted("drop_rule", before)


@pytest.mark.parametrize("device", ["to-wan1", "inet"], ids=["the wire is cut", "the modem is dead"])
def test_the_spare_takes_over(lab, device):
    """A dead modem leaves the link up: only those who are asked beyond it notice."""
    lab.ip("sw", f"link set {device} down")
    try:
        wait_for(lambda: lab.attempt("pc", FAR, "tcp/80", wait=0.3).get("seen") == WAN2,
                 "the way over LTE", 10)  # what its owner measured of his own, at most
        assert lab.attempt("pc", FAR, "udp/9999", wait=1).get("name") == "lte"
    finally:
        lab.ip("sw", f"link set {device} up")
    wait_for(lambda: lab.attempt("pc", FAR, "tcp/80", wait=0.3).get("seen") == WAN,
             "the way over the fibre again", 35)  # held for 10 s, then 20
    lab.wait_answer("pc", FAR6)


def test_it_starts_while_the_fibre_is_down(variant):
    """The owner's house was offline then."""
    with ExampleLab("fibre-4g", HOSTS) as lab:
        lab.ip("sw", "link set to-wan1 down")
        lab.begin(variant)
        wait_for(lambda: lab.attempt("pc", FAR, "tcp/80", wait=0.3).get("seen") == WAN2,
                 "the way over LTE", 10)


def test_its_file_is_checked_where_its_cards_are_not(lab):
    code, text = check(example_path("fibre-4g"))
    assert code == 0
    assert re.findall(r"\[([a-z-]+)\]$", text, re.M) == ["management-exposed"], text  # meant


@pytest.mark.parametrize(("change", "is_error", "said"), [
    (("icmp6-types: [redirect, ", "icmp6-types: [packet-too-big, "), False,
     "stops packet-too-big: large packets then vanish on the way"),
    (("outside: 203.0.113.10 }", "outside: 203.0.113.8/29 }"), True,
     "not of the same size as `inside`"),
    (("203.0.113.10/24, ", ""), False,
     "nobody on the link of fibre answers for 203.0.113.10/32"),
], ids=["too-big", "one-to-one", "unanswered"])
def test_mistakes_in_it_are_named(lab, change, is_error, said):
    code, text = check(changed("fibre-4g", change))
    assert (code != 0) == is_error and said in text, text
