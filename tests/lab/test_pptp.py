# SPDX-License-Identifier: BSD-3-Clause
"""PPTP through masquerade without a helper: its control connection (TCP 1723) and its GRE (RFC 2637).

Kernels here have no PPP over GRE: the packets are made by hand. GRE knows no ports, so what tells
two hosts apart is the server, or an address outside for each.
"""

import itertools

import pytest
from conftest import cores_for
from home import ROUTER_WAN4
from nat_lab import BASIC_INSIDE, BASIC_OUTSIDE, FAR, FAR2, HOST, HOST2, NatLab
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import GRE_PPTP
from scapy.layers.ppp import PPP, PPP_LCP

CONTROL = 1723
ports = itertools.count(30000)


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"pptp-{n}w")) for n in (1, 2, 4)])
def pptp_lab(request):
    with NatLab() as lab:
        lab.start_nat(cores_for(request.param))
        yield lab


@pytest.fixture
def pptp(pptp_lab):
    yield pptp_lab
    pptp_lab.check_checksums()


def gre(src, dst, call_id):
    return IP(src=src, dst=dst) / GRE_PPTP(call_id=call_id, seqnum_present=1, sequence_number=1) \
        / PPP() / PPP_LCP(code=1, data=b"\x05\x06abcd")


def call(lab, host, server):
    """The control connection's handshake; GRE of the tunnel has to come from the address it has."""
    port = next(ports)
    syn = lab.out(IP(src=host, dst=server) / TCP(sport=port, dport=CONTROL, flags="S", seq=100))
    outside = (syn[IP].src, syn[TCP].sport)
    lab.back(IP(src=server, dst=outside[0]) / TCP(sport=CONTROL, dport=outside[1], flags="SA", seq=900, ack=101))
    lab.out(IP(src=host, dst=server) / TCP(sport=port, dport=CONTROL, flags="A", seq=101, ack=901))
    return outside[0]


def assert_tunnel(lab, host, server, call_id):
    """Both ways, and the call's number stays as it is."""
    outside = call(lab, host, server)
    sent = lab.out(gre(host, server, call_id))
    assert (sent[IP].src, sent[GRE_PPTP].call_id) == (outside, call_id)
    got = lab.back(gre(server, outside, call_id + 1))
    assert (got[IP].dst, got[GRE_PPTP].call_id) == (host, call_id + 1)
    return outside


def test_two_hosts_talk_to_two_servers(pptp):
    assert assert_tunnel(pptp, HOST, FAR, 10) == ROUTER_WAN4
    assert assert_tunnel(pptp, HOST2, FAR2, 10) == ROUTER_WAN4
    for host, server in ((HOST, FAR), (HOST2, FAR2)):  # each still has its own
        assert pptp.back(gre(server, ROUTER_WAN4, 11))[IP].dst == host


def test_a_host_has_a_tunnel_to_each_of_two_servers(pptp):
    server, server2 = "198.19.3.1", "198.19.3.2"
    assert_tunnel(pptp, HOST, server, 20)
    assert_tunnel(pptp, HOST, server2, 30)
    assert pptp.back(gre(server, ROUTER_WAN4, 21))[IP].dst == HOST


def test_the_second_host_at_one_server_is_dropped_by_name(pptp):
    """Nothing but the call's number would tell them apart. The first one is not disturbed."""
    server = "198.19.3.3"
    assert_tunnel(pptp, HOST, server, 40)
    before = pptp.counts("drop_nat_no_port")["drop_nat_no_port"]
    call(pptp, HOST2, server)
    assert not pptp.is_let_out(gre(HOST2, server, 50))
    assert pptp.counts("drop_nat_no_port")["drop_nat_no_port"] == before + 1
    assert pptp.back(gre(server, ROUTER_WAN4, 41))[IP].dst == HOST


def test_two_hosts_at_one_server_with_an_address_each(pptp):
    server = "198.19.3.4"
    assert assert_tunnel(pptp, HOST, server, 60) == ROUTER_WAN4
    assert assert_tunnel(pptp, BASIC_INSIDE, server, 60) == BASIC_OUTSIDE
    assert pptp.back(gre(server, ROUTER_WAN4, 61))[IP].dst == HOST


def test_gre_that_nobody_inside_began_is_not_let_in(pptp):
    assert not pptp.is_let_in(gre("198.19.3.5", ROUTER_WAN4, 70))
