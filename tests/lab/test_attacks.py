# SPDX-License-Identifier: BSD-3-Clause
"""Under attack the house goes on: its transfer, its SSH sessions, its new connections. See attack.py
for what holds each time; the tests here say where the flood's packets went."""

import ipaddress
import re

import pytest
from attack import (BANNED_PORT, CAPACITY, LOGGED_PORT, AttackLab, Session, attack, attack_by,
                    attack_config, transfer_ports)
from attack_frames import (NOBODY6, arps, datagrams, echoes, first_pieces, forged_errors, injections,
                           solicitations, syns)
from conftest import Variant, cores_for, params
from home import (ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, ROUTER_WAN6, SERVER4, SERVER6)
from tools import ping

VARIANTS = params([Variant("af_packet", 1), Variant("af_packet", 2)])
pytestmark = [pytest.mark.alone,
              pytest.mark.parametrize("variant", VARIANTS, scope="module")]

N = 20000  # different frames, more than twice what the table holds
EMPTY4 = ipaddress.ip_network("198.18.0.128/25")  # of the house, where nobody is
HOUSE6 = ipaddress.ip_network("2001:db8:0:2::/64")


@pytest.fixture(scope="module")
def house(variant):
    with AttackLab() as lab:
        lab.start_servers()
        lab.start_router(attack_config(cores_for(variant.workers), lab.dir / "state.db"))
        lab.start_sshd()
        lab.wait_path()
        lab.sessions = [Session(lab, "pc2", ROUTER_LAN4), Session(lab, "srv", ROUTER_WAN4)]
        try:
            yield lab
        finally:
            for session in lab.sessions:
                session.close()


def accounted(result, *names, share=0.8):
    """Of what was sent, these counters know about that share."""
    assert result.among(*names, "drop_port_missed") >= share * result.sent, result


def test_syn_flood_at_an_open_port(house):
    """Who logs in from outside meanwhile has to try more than once, and gets in."""
    result = attack(house, "inet", "router", lambda: syns(house.outside(), N, ROUTER_WAN4, 22),
                    meanwhile=lambda: house.run("srv", *house.ssh_words(ROUTER_WAN4, "true")))
    accounted(result, "flow_created", "drop_flow_share", "drop_punt_budget", "drop_punt_share", "drop_punt_full")
    assert result.flows <= CAPACITY


def test_syn_flood_from_inside_at_the_routers_ssh(house):
    """By addresses that nobody has: the kernel's answers wait for neighbours."""
    result = attack(house, "pc2", "eth0",
                    lambda: syns(house.inside(), N, ROUTER_LAN4, 22, sources=EMPTY4))
    accounted(result, "punt_local", "drop_punt_budget", "drop_punt_share")


def test_syn_flood_at_random_ports(house):
    result = attack(house, "inet", "router", lambda: syns(house.outside(), N, ROUTER_WAN4))
    accounted(result, "drop_rule")


def test_udp_flood_of_random_sources_and_ports(house):
    result = attack(house, "inet", "router", lambda: datagrams(house.outside(), N, ROUTER_WAN4))
    accounted(result, "drop_rule")


@pytest.mark.parametrize("target", [ROUTER_WAN4, ROUTER_WAN6], ids=["ipv4", "ipv6"])
def test_flood_of_first_fragments(house, target):
    result = attack(house, "inet", "router", lambda: first_pieces(house.outside(), N, target))
    accounted(result, "drop_reassembly")


def test_echo_flood(house):
    result = attack(house, "inet", "router", lambda: echoes(house.outside(), N, ROUTER_WAN4))
    accounted(result, "drop_rule")


def test_neighbour_discovery_from_afar(house):
    """It takes nothing of the budget by which the gateway is found."""
    def find_gateway():
        house.ip("rtr", "neigh flush dev wan")
        assert ping(house, "pc1", SERVER6, count=5, interval=0.2).received > 0

    result = attack(house, "inet", "router", meanwhile=find_gateway, frames=lambda: solicitations(
        house.outside(), N, NOBODY6, ROUTER_WAN6, hops=64))
    accounted(result, "drop_nd_hop_limit")


def test_forged_errors_about_the_transfer(house):
    result = attack(house, "inet", "router", lambda: forged_errors(
        house.outside(), N, ROUTER_WAN4, SERVER4, transfer_ports(house)))
    accounted(result, "drop_icmp_sequence")


def test_one_host_begins_flows_as_fast_as_it_can(house):
    pc2 = ipaddress.ip_network("198.18.0.12/32")
    result = attack(house, "pc2", "eth0",
                    lambda: datagrams(house.inside(), N, SERVER4, sources=pc2))
    accounted(result, "flow_created", "drop_flow_share", "drop_nat_no_port")


def test_one_host_begins_connections_as_fast_as_it_can(house):
    pc2 = ipaddress.ip_network("198.18.0.12/32")
    result = attack(house, "pc2", "eth0", lambda: syns(house.inside(), N, SERVER4, sources=pc2))
    accounted(result, "flow_created", "drop_flow_share", "drop_nat_no_port")


def test_invented_ipv6_sources_of_one_network(house):
    result = attack(house, "pc2", "eth0",
                    lambda: datagrams(house.inside(), N, SERVER6, sources=HOUSE6))
    accounted(result, "flow_created", "drop_flow_share")


def test_arp_flood(house):
    """The gateway outside is found all the same: it has a budget of its own."""
    result = attack(house, "pc2", "eth0", lambda: arps(house.inside(), N, EMPTY4, ROUTER_LAN4),
                    meanwhile=lambda: house.ip("rtr", "neigh flush dev wan"))
    accounted(result, "punt_arp", "drop_punt_budget", "drop_punt_share")


def test_neighbour_discovery_flood(house):
    result = attack(house, "pc2", "eth0",
                    lambda: solicitations(house.inside(), N, HOUSE6, ROUTER_LAN6))
    accounted(result, "punt_nd", "drop_punt_budget", "drop_punt_share")


def test_flood_of_additions_to_a_timed_set(house):
    result = attack(house, "inet", "router",
                    lambda: datagrams(house.outside(), N, ROUTER_WAN4, BANNED_PORT))
    accounted(result, "drop_rule")


def test_log_flood(house):
    result = attack(house, "inet", "router",
                    lambda: datagrams(house.outside(), N, ROUTER_WAN4, LOGGED_PORT))
    accounted(result, "drop_rule")
    assert result.log_lines > 10


def test_port_scan(house):
    result = attack_by(house, "srv", lambda: (
        "nmap", "-n", "-Pn", "-sS", "-p", "1-6000", "--min-rate", 2000, "--max-retries", 0, ROUTER_WAN4))
    assert re.findall(r"^(\d+)/tcp +(open|closed) ", result.said, re.MULTILINE) == [
        ("22", "open"), ("443", "closed")], result.said
    assert "5998 filtered" in result.said, result.said
    assert result.among("drop_rule") >= 5998, result


def test_resets_and_data_injected_off_path(house):
    result = attack(house, "inet", "router", lambda: injections(
        house.outside(), N, SERVER4, 5201, ROUTER_WAN4, transfer_ports(house)))
    # A third are SYNs: they pass, for their receiver to ask back (RFC 5961 4).
    accounted(result, "drop_tcp_reset", "drop_tcp_window", share=0.6)
    assert result.among("drop_tcp_reset") >= 0.3 * result.sent, result
