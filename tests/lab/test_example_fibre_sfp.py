# SPDX-License-Identifier: BSD-3-Clause
"""cfg/examples/fibre-sfp.yaml: one LAN behind one address, IPv4 alone.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11, web 198.18.0.10
      \\ 198.51.100.10: the internet

Bond, bridge, DHCP client and server, DNS are not here: plain wires and static addresses stand for
them. `inet` has a route to the LAN by the router: who is let in is not for it to decide.
"""

import re

import pytest
from example import (PORT, ExampleLab, Host, changed, check, dropped, example_path, passes, rejected,
                     rows, try_row, variants)
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

FAR = "198.51.100.10"
WAN, LAN, PC, WEB = "203.0.113.2", "198.18.0.1", "198.18.0.11", "198.18.0.10"
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24",), more=(f"{FAR}/32",),
                 routes=(f"198.18.0.0/24 via {WAN}",)),
    "pc": Host("lan", (f"{PC}/24",), gateways=(LAN,)),
    "web": Host("lan", (f"{WEB}/24",), gateways=(LAN,)),
}


@pytest.fixture(scope="module")
def lab(variant):
    with ExampleLab("fibre-sfp", HOSTS) as lab:
        lab.begin(variant)
        lab.wait_answer("pc", FAR)
        lab.wait_answer("web", FAR)
        yield lab


pytestmark = pytest.mark.parametrize("variant", variants("fibre-sfp"), scope="module")


@rows([
    # from the LAN to the router, by either address
    ("pc", LAN, "tcp/22", passes("rtr", PC)),
    ("pc", LAN, "udp/53", passes("rtr", PC)),
    ("pc", LAN, "echo", passes()),
    ("pc", WAN, "tcp/22", passes("rtr", PC)),
    ("pc", WAN, "tcp/80", passes("rtr", PC)),
    ("pc", WAN, "echo", passes()),
    # from the LAN to the internet, and what is told from there
    ("pc", FAR, "tcp/80", passes("inet", WAN)),
    ("pc", FAR, "udp/9999", passes("inet", WAN)),
    ("pc", FAR, "echo", passes()),
    ("web", FAR, "tcp/443", passes("inet", WAN)),
    ("pc", FAR, "udp/4444", rejected(PORT, FAR)),
    # the router's own
    ("rtr", FAR, "tcp/443", passes("inet", WAN)),
    ("rtr", FAR, "udp/53", passes("inet", WAN)),
    ("rtr", FAR, "echo", passes()),
    ("rtr", PC, "tcp/80", passes("pc", LAN)),
    ("rtr", PC, "echo", passes()),
    # from the internet to the router
    ("inet", WAN, "tcp/22", passes("rtr", "203.0.113.1")),
    ("inet", WAN, "tcp/80", dropped("wan-refused", "drop_rule")),
    ("inet", WAN, "tcp/8080", dropped("wan-refused", "drop_rule")),
    ("inet", WAN, "udp/53", dropped("wan-refused", "drop_rule")),
    ("inet", WAN, "udp/67", dropped("wan-refused", "drop_rule")),
    ("inet", WAN, "udp/443", dropped("wan-refused", "drop_rule")),
    ("inet", WAN, "echo", dropped("wan-refused", "drop_rule")),
    # to the LAN: what is forwarded, and nothing by knowing an address
    ("inet", WAN, "tcp/443", passes("web", "203.0.113.1")),
    ("inet", WEB, "tcp/443", dropped("drop_nat_unsolicited")),
    ("inet", PC, "tcp/22", dropped("drop_nat_unsolicited")),
    ("inet", PC, "udp/9999", dropped("drop_nat_unsolicited")),
    ("inet", PC, "echo", dropped("drop_nat_unsolicited")),
    # the server by its public address from inside, and by itself: no rule more for that
    ("pc", WAN, "tcp/443", passes("web")),
    ("web", WAN, "tcp/443", passes("web")),
    ("pc", WEB, "tcp/443", passes("web", PC)),
])
def test_who_may_speak_to_whom(lab, host, target, door, expected):
    try_row(lab, host, target, door, expected)


def test_answers_of_a_lan_server_come_from_the_address_that_was_asked(lab):
    """Each by the same address, however often: the translation is undone on the way back."""
    got = lab.tries("pc", WAN, "tcp/443", count=20, wait=2)
    assert [one.get("name") for one in got] == ["web"] * 20, got


@pytest.mark.parametrize(("host", "interface", "counter", "packet"), [
    # a strict reverse path, and martians, on every interface
    ("inet", "wan", "drop_reverse_path", IP(src="198.18.0.77", dst=WAN) / UDP(dport=53)),
    ("pc", "lan", "drop_reverse_path", IP(src="203.0.113.77", dst=FAR) / UDP(dport=53)),
    ("pc", "lan", "drop_reverse_path", IP(src="8.8.8.8", dst=FAR) / UDP(dport=53)),
    ("inet", "wan", "drop_martian_source", IP(src="10.1.1.1", dst=WAN) / UDP(dport=53)),
    ("inet", "wan", "drop_martian_source", IP(src="192.168.1.1", dst=WAN) / TCP(dport=22)),
    ("inet", "wan", "drop_martian_source", IP(src="127.0.0.1", dst=WAN) / TCP(dport=22)),
    ("inet", "wan", "drop_martian_source", IP(src="240.0.0.1", dst=WAN) / TCP(dport=22)),
    ("inet", "wan", "drop_own_source", IP(src=LAN, dst=WAN) / TCP(dport=22)),
    ("pc", "lan", "drop_own_source", IP(src=WAN, dst=LAN) / TCP(dport=22)),
], ids=str)
def test_sources_that_cannot_be_are_dropped_by_name(lab, host, interface, counter, packet):
    before = lab.counted()
    lab.send(host, interface, [packet / Raw(bytes(18))])
    lab.wait_counted(counter, before)


def test_its_file_is_checked_where_its_cards_are_not(lab):
    code, text = check(example_path("fibre-sfp"))
    assert code == 0
    assert re.findall(r"\[([a-z-]+)\]$", text, re.M) == ["management-exposed"], text  # meant


@pytest.mark.parametrize(("change", "said"), [
    (("interface: wan }\n  - { forward", "interface: wam }\n  - { forward"), "no interface `wam`"),
    (("wan: { interfaces: wan }", "wan: { interfaces: eth0 }"), "no interface `eth0`"),
], ids=["nat", "zone"])
def test_a_name_of_nothing_is_an_error_all_the_same(lab, change, said):
    code, text = check(changed("fibre-sfp", change))
    assert code != 0 and said in text, text
