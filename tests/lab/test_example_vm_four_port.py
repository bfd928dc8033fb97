# SPDX-License-Identifier: BSD-3-Clause
"""cfg/examples/vm-four-port.yaml: three private networks that do not see each other, IPv4 alone.

    inet 203.0.113.1 -- wan  [        ] lan  -- pc 198.18.1.11, admin 198.18.1.5
      \\ 198.51.100.10      [ the    ] opt1 -- box 198.18.2.11
      \\ 198.51.100.66      [ router ] opt2 -- nothing is plugged in

The DHCP client of the WAN, DHCP servers and DNS are not here: addresses are static, and doors of a
test program stand for services.
"""

import time

import pytest
from example import (PROHIBITED, ExampleLab, Host, changed, check, dropped, example_path, passes,
                     rejected, rows, try_row, variants)
from lab import wait_for
from scapy.layers.inet import ICMP, IP, TCP
from tools import ping

FAR, BAD = "198.51.100.10", "198.51.100.66"
WAN, LAN, OPT1, OPT2 = "203.0.113.2", "198.18.1.1", "198.18.2.1", "198.18.3.1"
PC, ADMIN, BOX = "198.18.1.11", "198.18.1.5", "198.18.2.11"
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24",), more=(f"{FAR}/32", f"{BAD}/32"),
                 routes=(f"198.18.0.0/16 via {WAN}",)),
    "pc": Host("lan", (f"{PC}/24",), gateways=(LAN,)),
    "admin": Host("lan", (f"{ADMIN}/24",), gateways=(LAN,)),
    "box": Host("opt1", (f"{BOX}/24",), gateways=(OPT1,)),
}


@pytest.fixture(scope="module")
def lab(variant):
    with ExampleLab("vm-four-port", HOSTS, idle_ports=("opt2",)) as lab:
        lab.begin(variant)
        lab.wait_answer("pc", FAR)
        lab.wait_answer("box", FAR)
        yield lab


pytestmark = pytest.mark.parametrize("variant", variants("vm-four-port", (1, 2, 4)), scope="module")


@rows([
    # services of the router, for each private network
    ("pc", LAN, "udp/53", passes("rtr", PC, "services")),
    ("pc", LAN, "tcp/53", passes("rtr", PC, "services")),
    ("pc", LAN, "udp/67", passes("rtr", PC, "services")),
    ("pc", LAN, "udp/123", passes("rtr", PC, "services")),
    ("box", OPT1, "udp/53", passes("rtr", BOX, "services")),
    ("box", OPT1, "udp/67", passes("rtr", BOX, "services")),
    ("pc", LAN, "echo", passes()),
    ("box", OPT1, "echo", passes()),
    # what else the router has, for admins alone
    ("admin", LAN, "tcp/22", passes("rtr", ADMIN)),
    ("pc", LAN, "tcp/22", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("pc", LAN, "tcp/80", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("pc", LAN, "udp/9999", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("box", OPT1, "tcp/22", rejected(PROHIBITED, OPT1, "drop_rejected")),
    ("admin", LAN, "tcp/443", rejected(PROHIBITED, LAN, "drop_rejected")),
    # from the internet to the router
    ("inet", WAN, "echo", passes()),
    ("inet", WAN, "tcp/22", rejected(PROHIBITED, WAN, "drop_rejected")),
    ("inet", WAN, "udp/53", rejected(PROHIBITED, WAN, "drop_rejected")),
    ("inet", WAN, "udp/67", rejected(PROHIBITED, WAN, "drop_rejected")),
    # to the internet, counted
    ("pc", FAR, "tcp/80", passes("inet", WAN, "outbound")),
    ("pc", FAR, "udp/53", passes("inet", WAN, "outbound")),
    ("pc", FAR, "echo", passes(counter="outbound")),
    ("box", FAR, "tcp/443", passes("inet", WAN, "outbound")),
    ("rtr", FAR, "tcp/443", passes("inet", WAN)),
    # from the internet to the private networks: nothing
    ("inet", PC, "tcp/22", dropped("drop_nat_unsolicited")),
    ("inet", BOX, "udp/9999", dropped("drop_nat_unsolicited")),
    ("inet", PC, "echo", dropped("drop_nat_unsolicited")),
    # and from one to another nothing either
    ("pc", BOX, "tcp/22", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("pc", BOX, "udp/9999", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("pc", BOX, "echo", rejected(PROHIBITED, LAN, "drop_rejected")),
    ("box", PC, "tcp/80", rejected(PROHIBITED, OPT1, "drop_rejected")),
    ("admin", BOX, "tcp/22", rejected(PROHIBITED, LAN, "drop_rejected")),
])
def test_who_may_speak_to_whom(lab, host, target, door, expected):
    if expected.got["got"] == "error":
        time.sleep(0.25)  # five rejections a second
    try_row(lab, host, target, door, expected)


def test_no_more_than_five_rejections_a_second_are_said(lab):
    time.sleep(1.1)
    before = lab.counted()
    got = [one["got"] for one in lab.tries("pc", BOX, "udp/9999", count=40, wait=0.6)]
    assert set(got) == {"error", "silence"} and 5 <= got.count("error") <= 9, got
    lab.wait_counted("drop_rule", before, 40 - got.count("error"))


def test_echoes_from_the_internet_are_answered_100_times_a_second(lab):
    time.sleep(1.1)
    got = [one["got"] for one in lab.tries("inet", WAN, "echo", count=300, wait=0.8)]
    assert 100 <= got.count("answer") <= 200, got.count("answer")
    time.sleep(1.1)
    # 250 at once are what one sender may have the host answer
    got = [one["got"] for one in lab.tries("pc", LAN, "echo", count=230, wait=2)]
    assert got.count("answer") == 230, "the private networks have no such limit"


@pytest.mark.parametrize("kind", [13, 15, 17])
def test_other_icmp_is_not_for_the_internet(lab, kind):
    """A timestamp, information or mask request."""
    before = lab.counted()
    lab.send("inet", "wan", [IP(src="203.0.113.1", dst=WAN) / ICMP(type=kind, id=7)])
    wait_for(lambda: sum(lab.counts("drop_rejected", "drop_rule").values()) >
             before["drop_rejected"] + before["drop_rule"], "it to be dropped", 3)


@pytest.mark.parametrize("flags", ["A", "FA", "R", "PA"])
def test_segments_of_no_connection_are_dropped_before_any_rule(lab, flags):
    before = lab.counted()
    lab.send("pc", "lan", [IP(src=PC, dst=FAR) / TCP(sport=4444, dport=80, flags=flags)])
    lab.wait_counted("drop_tcp_new", before)


def test_a_banned_address_is_dropped_both_ways_until_it_is_free_again(lab):
    assert lab.attempt("pc", BAD, "tcp/80")["got"] == "answer"
    lab.millrace("ban", BAD, "for", "1h")
    try:
        entry, = lab.millrace("show", "set", "blackhole")["entries"]
        assert entry["address"] == f"{BAD}/32" and 3590 <= entry["left_sec"] <= 3600
        try_row(lab, "pc", BAD, "tcp/80", dropped("blackhole"))
        try_row(lab, "pc", BAD, "echo", dropped("blackhole"))
        try_row(lab, "inet", WAN, "echo", dropped("blackhole"), source=BAD)
        assert lab.attempt("inet", WAN, "echo")["got"] == "answer", "others are not concerned"
    finally:
        lab.millrace("unban", BAD)
    assert lab.attempt("pc", BAD, "tcp/80")["got"] == "answer"
    assert lab.attempt("inet", WAN, "echo", source=BAD)["got"] == "answer"


def test_a_ban_ends_by_itself(lab):
    lab.millrace("ban", BAD, "for", "2s")
    assert lab.attempt("inet", WAN, "echo", source=BAD, wait=0.3)["got"] == "silence"
    wait_for(lambda: lab.attempt("inet", WAN, "echo", source=BAD, wait=0.3)["got"] == "answer",
             "the ban to end", 6)
    assert lab.millrace("show", "set", "blackhole")["entries"] == []


def test_a_ban_without_a_time_is_for_the_day_that_the_file_says(lab):
    lab.millrace("ban", f"{BAD}/32", "in", "blackhole")
    entry, = lab.millrace("show", "set", "blackhole")["entries"]
    lab.millrace("unban", BAD)
    assert 86390 <= entry["left_sec"] <= 86400


def test_a_port_where_nothing_is_plugged_in_is_up_once_something_is(lab):
    def opt2():
        return next(i for i in lab.millrace("show", "interfaces")["interfaces"]
                    if i["name"] == "opt2")

    assert opt2()["addresses"] == [f"{OPT2}/24"] and not opt2()["is_up"]
    lab.ip("sw", "addr add 198.18.3.11/24 dev to-opt2")
    lab.ip("sw", "link set to-opt2 up")
    try:
        wait_for(lambda: opt2()["is_up"], "opt2 to be up", 5)
        wait_for(lambda: ping(lab, "sw", OPT2, count=1).received == 1, "opt2 to answer", 5)
    finally:
        lab.ip("sw", "link set to-opt2 down")
        lab.ip("sw", "addr flush dev to-opt2")


def test_its_file_is_checked_where_its_cards_are_not(lab):
    assert check(example_path("vm-four-port")) == (0, "")


@pytest.mark.parametrize(("changes", "is_error", "said"), [
    ([("    - { in-interface: private, port: services, count: services, action: accept }\n", "")],
     False, "28:3: warning: set services: no rule asks for it"),
    ([("  private: {", "  wan-side: { interfaces: opt1 }\n  private: {"),
      ("in-interface: private, port", "in-interface: wan-side, port")], False,
     "27:27: warning: set wan-side: interface opt1 has neither a default route nor a masquerade as "
     "wan has"),
    ([("  wan: { interfaces: wan }\n  lan: { interfaces: lan }",
       "  wan: { interfaces: lan }\n  lan: { interfaces: wan }")], False,
     "20:22: warning: zone wan: interface lan has neither a default route nor a masquerade as wan "
     "has"),
    ([("    - { from: wan, icmp: pings,", "    - { to: wan, icmp: pings,")], True,
     "rules of `input` are for what comes to the router itself: what passes through is for "
     "`forward`"),
    ([("  forward:\n", "  prerouting:\n")], True,
     "unknown key `prerouting`, expected one of defaults, input, forward, output"),
], ids=["services", "set-wan", "zone-wan", "hook", "chain"])
def test_the_mistakes_of_its_owner_are_named(lab, changes, is_error, said):
    code, text = check(changed("vm-four-port", *changes))
    assert (code != 0) == is_error and said in text, text
