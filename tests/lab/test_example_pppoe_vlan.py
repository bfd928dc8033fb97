# SPDX-License-Identifier: BSD-3-Clause
"""cfg/examples/pppoe-vlan.yaml: a LAN and a network of things, kept apart but for one TV. IPv4.

    inet 203.0.113.1, VLAN 10 -- sw -- wan [ the router ] lan -- sw -- pc 198.18.20.11, VLAN 20
      \\ 198.51.100.10                                             +- tv 198.18.90.5 (by its MAC), VLAN 90
                                                                  +- thing 198.18.90.11, VLAN 90

PPPoE, DHCP, router advertisements and the mDNS reflector are not here: an Ethernet with a static
address stands for the PPP interface.
"""

import pytest
from example import (RAW_FRAMES, ExampleLab, Host, changed, check, dropped, example_path, passes, rows,
                     try_row, variants)
from lab import wait_for
from vlan_lab import plug_trunks
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

FAR = "198.51.100.10"
WAN, LAN, IOT = "203.0.113.2", "198.18.20.1", "198.18.90.1"
PC, TV, THING = "198.18.20.11", "198.18.90.5", "198.18.90.11"
TV_MAC = "02:00:00:aa:bb:cc"
VLANS = {"inet": ("wan", 10), "pc": ("lan", 20), "tv": ("lan", 90), "thing": ("lan", 90)}
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24",), more=(f"{FAR}/32",),
                 routes=(f"198.18.0.0/16 via {WAN}",)),
    "pc": Host("lan", (f"{PC}/24",), gateways=(LAN,)),
    "tv": Host("lan", (f"{TV}/24",), gateways=(IOT,), mac=TV_MAC),
    "thing": Host("lan", (f"{THING}/24",), gateways=(IOT,)),
}


class TrunksLab(ExampleLab):
    def setup(self):
        plug_trunks(self, VLANS)


@pytest.fixture(scope="module")
def lab(variant):
    with TrunksLab("pppoe-vlan", HOSTS) as lab:
        lab.begin(variant)
        lab.wait_answer("pc", FAR)
        lab.wait_answer("tv", FAR, "tcp/80")
        yield lab


pytestmark = pytest.mark.parametrize("variant", variants("pppoe-vlan"), scope="module")


@rows([
    # the LAN is trusted
    ("pc", LAN, "tcp/22", passes("rtr", PC)),
    ("pc", LAN, "udp/53", passes("rtr", PC)),
    ("pc", LAN, "echo", passes()),
    ("pc", FAR, "tcp/8080", passes("inet", WAN)),
    ("pc", FAR, "udp/9999", passes("inet", WAN)),
    ("pc", FAR, "echo", passes()),
    # but not to begin a talk with things
    ("pc", TV, "tcp/80", dropped("drop_rule")),
    ("pc", THING, "echo", dropped("drop_rule")),
    ("pc", IOT, "tcp/80", passes("rtr", PC)),
    # things: name service and addresses, and nothing else
    ("thing", IOT, "udp/53", passes("rtr", THING)),
    ("thing", IOT, "udp/67", passes("rtr", THING)),
    ("thing", IOT, "tcp/53", dropped("drop_rule")),
    ("thing", IOT, "tcp/22", dropped("drop_rule")),
    ("thing", IOT, "echo", dropped("drop_rule")),
    ("thing", IOT, "udp/5353", dropped("drop_rule")),
    ("thing", IOT, "udp/5355", dropped("drop_rule")),
    ("thing", LAN, "tcp/22", dropped("drop_rule")),
    ("thing", FAR, "tcp/80", dropped("drop_rule")),
    ("thing", FAR, "udp/53", dropped("drop_rule")),
    ("thing", FAR, "echo", dropped("drop_rule")),
    ("thing", PC, "tcp/80", dropped("drop_rule")),
    ("thing", PC, "echo", dropped("drop_rule")),
    # the TV: the web, the LAN, mDNS and LLMNR
    ("tv", FAR, "tcp/80", passes("inet", WAN)),
    ("tv", FAR, "tcp/443", passes("inet", WAN)),
    ("tv", FAR, "tcp/8080", dropped("drop_rule")),
    ("tv", FAR, "udp/443", dropped("drop_rule")),
    ("tv", PC, "tcp/8080", passes("pc", TV)),
    ("tv", PC, "udp/9999", passes("pc", TV)),
    ("tv", PC, "echo", passes()),
    ("tv", IOT, "udp/5353", passes("rtr", TV)),
    ("tv", IOT, "udp/5355", passes("rtr", TV)),
    ("tv", IOT, "udp/53", passes("rtr", TV)),
    ("tv", IOT, "tcp/22", dropped("drop_rule")),
    # things among themselves do not pass the router
    ("thing", TV, "tcp/80", passes("tv", THING)),
    # the provider's side: only answers
    ("inet", WAN, "tcp/22", dropped("drop_rule")),
    ("inet", WAN, "udp/53", dropped("drop_rule")),
    ("inet", WAN, "echo", dropped("drop_rule")),
    ("inet", PC, "tcp/80", dropped("drop_nat_unsolicited")),
    ("inet", TV, "tcp/80", dropped("drop_nat_unsolicited")),
    # the router's own
    ("rtr", FAR, "tcp/80", passes("inet", WAN)),
    ("rtr", PC, "tcp/80", passes("pc", LAN)),
    ("rtr", THING, "tcp/80", passes("thing", IOT)),
])
def test_who_may_speak_to_whom(lab, host, target, door, expected):
    try_row(lab, host, target, door, expected)


@pytest.mark.parametrize(("mac", "counter"), [(TV_MAC, "punt_multicast"), ("", "drop_rule")],
                         ids=["tv", "thing"])
def test_mdns_to_its_group_comes_from_the_tv_alone(lab, mac, counter):
    """As sent by a box that looks for others: to the group's address and MAC."""
    before = lab.counts("punt_", "drop_")
    packet = IP(src=TV if mac else THING, dst="224.0.0.251", ttl=255) / UDP(sport=5353, dport=5353)
    lab.send("tv" if mac else "thing", "iot", [packet], to_mac="01:00:5e:00:00:fb")
    wait_for(lambda: lab.counts("punt_", "drop_")[counter] > before[counter], counter, 3)


def test_the_tv_is_known_by_its_card_whatever_its_address(lab):
    lab.ip("tv", "addr add 198.18.90.77/24 dev eth0")
    try:
        try_row(lab, "tv", PC, "tcp/80", passes("pc", "198.18.90.77"), source="198.18.90.77")
    finally:
        lab.ip("tv", "addr del 198.18.90.77/24 dev eth0")


def test_a_frame_without_a_tag_is_for_nobody(lab):
    for host, port in (("inet", "wan"), ("pc", "lan")):
        before = lab.counted()
        frame = Ether(src=lab.mac(host), dst=lab.router_mac("lan" if port == "lan" else "ppp")) / IP(
            src=PC if port == "lan" else "203.0.113.1", dst=WAN) / UDP(sport=4, dport=53)
        lab.run("sw", "/usr/bin/python3", RAW_FRAMES, "send", f"to-{port}", stdin=bytes(frame).hex() + "\n")
        lab.wait_counted("drop_vlan_untagged", before)


def test_who_takes_the_tvs_address_is_not_the_tv(lab):
    before = lab.counted()
    lab.send("thing", "iot", [IP(src=TV, dst=PC) / UDP(sport=4444, dport=9999)])
    lab.wait_counted("drop_rule", before)


def test_its_file_is_checked_where_its_cards_are_not(lab):
    assert check(example_path("pppoe-vlan")) == (0, "")


@pytest.mark.parametrize(("change", "is_error", "said"), [
    (("    - { from: lan, action: accept }\n",
      "    - { icmp6: router-advertisement, action: drop }\n    - { from: lan, action: accept }\n"),
     False, "stops router-advertisement: hosts then find no router"),
    (("masquerade: ppp", "masquerade: ppp0"), True, "no interface `ppp0`, did you mean `ppp`?"),
], ids=["router-advertisement", "no-such-interface"])
def test_the_mistakes_of_its_owner_are_named(lab, change, is_error, said):
    code, text = check(changed("pppoe-vlan", change))
    assert (code != 0) == is_error and said in text, text


def test_a_default_route_that_is_there_already_does_not_stand_in_the_way(variant):
    """The machine's own, by another card: hosts behind the router go by the file's."""
    with TrunksLab("pppoe-vlan", HOSTS) as lab:
        lab.ip("rtr", "link add other type veth peer name other-end")
        lab.ip("rtr", "addr add 198.18.99.2/24 dev other")
        lab.ip("rtr", "link set other up")
        lab.ip("rtr", "link set other-end up")
        lab.ip("rtr", "route add default via 198.18.99.1 dev other")
        lab.begin(variant)
        lab.wait_answer("pc", FAR)
        assert lab.attempt("pc", FAR, "tcp/80").get("seen") == WAN
        assert "default via 203.0.113.1 dev ppp" in lab.ip("rtr", "route show default")


def test_rules_are_taken_before_the_link_of_the_uplink_is_there(variant):
    with TrunksLab("pppoe-vlan", HOSTS) as lab:
        lab.ip("sw", "link set to-wan down")
        lab.begin(variant)
        lab.wait_answer("pc", LAN)
        try_row(lab, "thing", IOT, "tcp/22", dropped("drop_rule"))
        lab.ip("sw", "link set to-wan up")
        lab.wait_answer("pc", FAR)
        assert lab.attempt("pc", FAR, "tcp/80").get("seen") == WAN
