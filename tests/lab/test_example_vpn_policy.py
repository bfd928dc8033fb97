# SPDX-License-Identifier: BSD-3-Clause
"""cfg/examples/vpn-policy.yaml: a LAN behind one address of each family; hygiene, bans.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1                          2001:db8:0:2::11
      \\ 198.51.100.10, 2001:db8:f::10: the internet
      \\ 198.51.100.66, 2001:db8:f::66: who tries too often

WireGuard, policy routes, lists that are fetched, DHCP, router advertisements and DNS are not here:
both ports are plain wires with static addresses, and all goes past the tunnel.
"""

import time

import pytest
from example import (ExampleLab, Host, changed, check, dropped, example_path, passes, rows,
                     try_row, variants)
from lab import wait_for
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ParamProblem, IPv6,
                                IPv6ExtHdrRouting)
from scapy.packet import Raw

FAR, FAR6, BAD, BAD6 = "198.51.100.10", "2001:db8:f::10", "198.51.100.66", "2001:db8:f::66"
NET6 = "2001:db8:f::/64"  # of both
WAN, LAN, PC = "203.0.113.2", "198.18.0.1", "198.18.0.11"
WAN6, LAN6, PC6 = "2001:db8:0:1::2", "2001:db8:0:2::1", "2001:db8:0:2::11"
INET, INET6 = "203.0.113.1", "2001:db8:0:1::1"
HOSTS = {
    "inet": Host("wan", (f"{INET}/24", f"{INET6}/64"),
                 more=(f"{FAR}/32", f"{BAD}/32", f"{FAR6}/128", f"{BAD6}/128"),
                 routes=(f"198.18.0.0/24 via {WAN}", f"2001:db8:0:2::/64 via {WAN6}")),
    "pc": Host("lan", (f"{PC}/24", f"{PC6}/64"), gateways=(LAN, LAN6)),
}


@pytest.fixture(scope="module")
def lab(variant):
    with ExampleLab("vpn-policy", HOSTS) as lab:
        lab.begin(variant)
        for target in (FAR, FAR6):
            lab.wait_answer("pc", target)
        yield lab


pytestmark = pytest.mark.parametrize("variant", variants("vpn-policy", (1, 2, 4)), scope="module")


@rows([
    ("pc", LAN, "tcp/22", passes("rtr", PC)),
    ("pc", LAN6, "tcp/22", passes("rtr", PC6)),
    ("pc", LAN, "udp/53", passes("rtr", PC)),
    ("pc", LAN6, "udp/53", passes("rtr", PC6)),
    ("pc", LAN, "echo", passes()),
    ("pc", LAN6, "echo", passes()),
    # both families behind the router's address
    ("pc", FAR, "tcp/443", passes("inet", WAN)),
    ("pc", FAR6, "tcp/443", passes("inet", WAN6)),
    ("pc", FAR, "udp/9999", passes("inet", WAN)),
    ("pc", FAR6, "udp/9999", passes("inet", WAN6)),
    ("pc", FAR, "echo", passes()),
    ("pc", FAR6, "echo", passes()),
    ("rtr", FAR, "tcp/443", passes("inet", WAN)),
    ("rtr", FAR6, "tcp/443", passes("inet", WAN6)),
    ("rtr", FAR6, "echo", passes()),
    # from the internet: SSH and echo
    ("inet", WAN, "tcp/22", passes("rtr", INET)),
    ("inet", WAN6, "tcp/22", passes("rtr", INET6)),
    ("inet", WAN, "echo", passes()),
    ("inet", WAN6, "echo", passes()),
    ("inet", WAN, "tcp/80", dropped("drop_rule")),
    ("inet", WAN6, "tcp/80", dropped("drop_rule")),
    ("inet", WAN, "udp/53", dropped("drop_rule")),
    ("inet", WAN6, "udp/546", dropped("drop_rule")),
    ("inet", PC, "tcp/22", dropped("drop_nat_unsolicited")),
    ("inet", PC6, "tcp/22", dropped("drop_nat_unsolicited")),
    ("inet", PC, "echo", dropped("drop_nat_unsolicited")),
    ("inet", PC6, "echo", dropped("drop_nat_unsolicited")),
])
def test_who_may_speak_to_whom(lab, host, target, door, expected):
    try_row(lab, host, target, door, expected)


def tcp(flags, options=(), to=WAN, source=INET, port=22):
    ip = IPv6(src=source, dst=to) if ":" in to else IP(src=source, dst=to)
    return ip / TCP(sport=4444, dport=port, flags=flags, options=list(options))


HYGIENE = [  # counter, the packet, from whom
    ("drop_tcp_syn_fin", tcp("SF"), "inet"),
    ("drop_tcp_syn_fin", tcp("SF", to=WAN6, source=INET6), "inet"),
    ("drop_tcp_syn_rst", tcp("SR"), "inet"),
    ("drop_tcp_all_flags", tcp("FSRPAU"), "inet"),
    ("drop_tcp_no_flags", tcp(""), "inet"),
    ("drop_tcp_no_flags", tcp("", to=FAR, source=PC), "pc"),
    ("drop_tcp_mss", tcp("S", [("MSS", 0)]), "inet"),
    ("drop_tcp_mss", tcp("S", [("MSS", 499)]), "inet"),
    ("drop_tcp_mss", tcp("S", [("MSS", 300)], to=WAN6, source=INET6), "inet"),
    ("drop_tcp_new", tcp("A"), "inet"),
    ("drop_tcp_new", tcp("A", to=FAR6, source=PC6), "pc"),
    ("drop_tcp_new", tcp("SA"), "inet"),
    ("drop_own_source", tcp("S", source=LAN), "inet"),
    ("drop_own_source", tcp("S", to=WAN6, source=LAN6), "inet"),
    ("drop_own_source", tcp("S", to=LAN, source=WAN), "pc"),
    ("drop_land", tcp("S", source=WAN), "inet"),
    ("drop_land", tcp("S", to=WAN6, source=WAN6), "inet"),
    ("drop_reverse_path", tcp("S", source="198.18.0.99"), "inet"),
    ("drop_reverse_path", tcp("S", to=WAN6, source="2001:db8:0:2::99"), "inet"),
    ("drop_reverse_path", tcp("S", to=FAR, source="203.0.113.99"), "pc"),
    ("drop_reverse_path", tcp("S", to=FAR6, source="2001:db8:f::99"), "pc"),
    ("drop_broadcast_source", tcp("S", source="203.0.113.255"), "inet"),
    ("drop_broadcast_source", tcp("S", source="255.255.255.255"), "inet"),
    ("drop_martian_source", tcp("S", source="10.0.0.1"), "inet"),
    ("drop_martian_source", tcp("S", source="100.64.0.1"), "inet"),
    ("drop_martian_source", tcp("S", to=WAN6, source="fd00::1"), "inet"),
    ("drop_martian_source", tcp("S", source="0.1.2.3"), "inet"),
    ("drop_martian_destination", tcp("S", to="240.0.0.1", source=PC), "pc"),
    ("drop_private_out", tcp("S", to="10.0.0.1", source=PC), "pc"),
    ("drop_private_out", tcp("S", to="fd00::1", source=PC6), "pc"),
    ("drop_routing_header", IPv6(src=INET6, dst=WAN6) /
     IPv6ExtHdrRouting(type=0, addresses=[PC6]) / UDP(dport=53), "inet"),
    ("drop_icmp_unrelated", IP(src=INET, dst=WAN) / ICMP(type=3, code=1) /
     IP(src=WAN, dst=FAR) / UDP(sport=5, dport=6), "inet"),
    ("drop_icmp_unrelated", IPv6(src=INET6, dst=WAN6) / ICMPv6DestUnreach() /
     IPv6(src=WAN6, dst=FAR6) / UDP(sport=5, dport=6), "inet"),
]


@pytest.mark.parametrize(
    ("counter", "packet", "host"),
    [pytest.param(*row, id=f"{row[0].removeprefix('drop_')}-{i}") for i, row in enumerate(HYGIENE)])
def test_what_no_honest_host_sends_is_dropped_by_name(lab, counter, packet, host):
    before = lab.counted()
    lab.send(host, "wan" if host == "inet" else "lan", [packet / Raw(bytes(8))])
    lab.wait_counted(counter, before)


def test_the_wan_wears_the_mac_that_the_provider_knows(lab):
    neighbour, = lab.ip_json("inet", f"neigh show {WAN}")
    assert neighbour["lladdr"] == "02:00:00:00:00:0a"


@pytest.mark.parametrize("target", [WAN, WAN6], ids=["ipv4", "ipv6"])
def test_five_echoes_a_second_are_answered_to_the_internet(lab, target):
    time.sleep(1.1)
    got = [one["got"] for one in lab.tries("inet", target, "echo", count=60, wait=0.6)]
    assert 5 <= got.count("answer") <= 9, got
    got = [one["got"] for one in lab.tries("pc", LAN6 if ":" in target else LAN, "echo", count=60)]
    assert got.count("answer") == 60, "the LAN has no such limit"


def test_a_flood_of_echoes_does_not_take_neighbour_discovery_or_too_big_with_it(lab):
    """They need no rule, so that no rule's rate is theirs."""
    for _ in range(3):
        lab.tries("inet", WAN6, "echo", count=60, wait=0.1)
        lab.ip("inet", "neigh flush dev eth0")
        assert lab.attempt("pc", FAR6, "tcp/443", wait=2)["got"] == "answer"


@pytest.mark.parametrize("packet", [
    IP(src=INET, dst=WAN) / ICMP(type=13, id=7),
    IP(src=INET, dst=WAN) / ICMP(type=5, gw=INET) / IP(src=WAN, dst=FAR) / UDP(),
    IPv6(src=INET6, dst=WAN6) / ICMPv6ParamProblem(code=1) / IPv6(src=WAN6, dst=FAR6) / UDP(),
    IPv6(src=INET6, dst=WAN6) / ICMPv6EchoRequest(type=139, id=9),
], ids=["timestamp", "redirect", "unrelated", "node-information"])
def test_other_icmp_from_the_internet_is_not_taken(lab, packet):
    before = sum(lab.counts("drop_").values())
    lab.send("inet", "wan", [packet])
    wait_for(lambda: sum(lab.counts("drop_").values()) > before, "it to be dropped", 3)


def forget_ban(lab, entry):
    lab.millrace("unban", entry, check=False)


@pytest.mark.parametrize(("target", "bad", "entry", "neighbour", "other"), [
    (WAN, BAD, f"{BAD}/32", None, FAR), (WAN6, BAD6, NET6, FAR6, INET6),
], ids=["ipv4", "ipv6"])
def test_who_tries_ssh_too_often_is_banned_alone(lab, target, bad, entry, neighbour, other):
    """Ten a minute are let in; IPv6 sources count by their /64, and are banned by it."""
    forget_ban(lab, entry)
    lines = len(lab.log_lines("banned: "))
    got = [lab.attempt("inet", target, "tcp/22", wait=0.3, source=bad)["got"] for _ in range(12)]
    assert got == ["answer"] * 10 + ["silence"] * 2, got
    wait_for(lambda: lab.millrace("show", "set", "banned")["entries"], "an entry", 3)
    entries = lab.millrace("show", "set", "banned")["entries"]
    assert len(entries) == 1, entries
    assert entries[0]["address"] == entry and 86000 <= entries[0]["left_sec"] <= 86400
    wait_for(lambda: len(lab.log_lines("banned: ")) > lines, "a line in the log", 3)
    line = lab.log_lines("banned: ")[-1]
    for words in (f"SRC={bad}", f"DST={target}", "PROTO=TCP", "DPT=22", "SYN", "IN=wan"):
        assert words in line, line
    try_row(lab, "inet", target, "echo", dropped("drop_rule"), source=bad)
    try_row(lab, "inet", target, "tcp/80", dropped("drop_rule"), source=bad)
    if neighbour:
        try_row(lab, "inet", target, "echo", dropped("drop_rule"), source=neighbour)
    assert lab.attempt("inet", target, "tcp/22", source=other)["got"] == "answer"
    forget_ban(lab, entry)
    time.sleep(1.1)
    assert lab.attempt("inet", target, "echo", source=bad)["got"] == "answer"


def test_its_file_is_checked_where_its_cards_are_not(lab):
    assert check(example_path("vpn-policy")) == (0, "")


@pytest.mark.parametrize(("change", "is_error", "said"), [
    (("mac: 02:00:00:00:00:0a", "mac: 01:00:5e:00:00:01"), True, "is a group address: the least"),
    (("mac: 02:00:00:00:00:0a", "mac: 00:00:00:00:00:00"), True, "00:00:00:00:00:00 is no address"),
    (("mac: 02:00:00:00:00:0a", "mac: 02:00:00:00:0a"), True, "expected a MAC address such as"),
    (("    - { source: banned, action: drop }\n    - { from: lan, action: accept }",
      "    - { icmp6: neighbour-solicitation, action: drop }\n    - { from: lan, action: accept }"),
     False, "stops neighbour-solicitation: IPv6 then fails on the link"),
    (("      - packet-too-big\n", "      - packet-too-bg\n"), True, "packet-too-bg"),
], ids=["mac-group", "mac-zero", "mac-short", "discovery", "misspelt"])
def test_the_mistakes_of_its_owner_are_named(lab, change, is_error, said):
    code, text = check(changed("vpn-policy", change))
    assert (code != 0) == is_error and said in text, text
