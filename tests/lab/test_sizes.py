# SPDX-License-Identifier: BSD-3-Clause
"""What is settled before a card is opened, by what cards and kernel say of themselves; and sizes
that senders settle with the router."""

import re
import socket

import pytest
from home import ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4
from lab import wait_for
from nat_lab import Wire, socket_of
from scapy.layers.inet import IP, UDP, fragment
from segment import GATEWAYS, PCS, PROBE_PORT, TARGET4, SegmentLab, segment_config, wait_answer
from tools import ping

ROUTES = f"routes:\n  - {{ to: 198.51.100.0/24, via: {GATEWAYS['gw1'][0]} }}\n"
MOST = 8192  # neighbours of a family
IP_MTU = 14  # of a connected socket, as its kernel knows it


@pytest.mark.xdist_group("sizes")
def test_a_jumbo_card_is_known_by_its_mac():
    """Buffers are made before it is opened, by the MTU it has."""
    with SegmentLab(mtu=9000) as lab:
        lab.start_answerers()
        config = segment_config(extra=ROUTES)
        for port in ("port-lan", "port-wan"):
            config = config.replace(f"name: {port} ", f"mac: '{lab.mac('rtr', port)}' ")
        lab.start_router(config)
        wait_answer(lab, TARGET4, "gw1")
        assert ping(lab, "pc1", TARGET4, payload=8972, dont_fragment=True).received == 3


@pytest.mark.xdist_group("sizes")
def test_no_more_neighbours_are_promised_than_the_kernel_has_room_for():
    """In a namespace of its own it can only say how to make more."""
    with SegmentLab() as lab:
        rooms = [min(MOST, int(lab.run("rtr", "ip", f"-{family}", "ntable", "show").stdout
                               .split(" thresh3 ")[1].split()[0]) // 4 * 3) for family in (4, 6)]
        lab.start_router(segment_config())
        said = lab.router.output()
        promised = re.search(r"budget: .* (\d+) \+ (\d+) neighbours", said)
        assert promised and [int(n) for n in promised.groups()] == rooms, said
        warned = re.findall(r"warning .*net\.ipv4\.neigh\.default\.gc_thresh2=\d+ and gc_thresh3=\d+",
                            said)
        assert len(warned) == (rooms != [MOST, MOST]), said


@pytest.mark.xdist_group("sizes")
def test_pieces_with_df_are_never_cut_and_their_sender_learns_the_mtu():
    """A kernel at both ends: one takes the router's word for the MTU, the other puts together what
    left as it came. IPv4 in such pieces is what other systems send; Linux only passes it on."""
    (pc, _), payload = PCS["pc1"], bytes(range(250)) * 12
    packet = IP(src=pc, dst=TARGET4, flags="DF", id=1) / UDP(sport=4000, dport=PROBE_PORT) / payload
    with SegmentLab() as lab:
        lab.start_router(segment_config(is_nat=True, extra=ROUTES, ports={"wan": ", mtu: 1400"}))
        assert ping(lab, "pc1", TARGET4).received == 3
        for router in (ROUTER_LAN4, ROUTER_LAN6):
            assert ping(lab, "pc1", router, payload=20000).received == 3, "pieces for itself"
        inside, outside = Wire(lab, "pc1", "eth0"), Wire(lab, "gw1", "eth0")
        inside.router_mac, outside.router_mac = lab.router_mac("lan"), lab.router_mac("wan")
        sender = socket_of(lab, "pc1", socket.SOCK_DGRAM, (pc, 4000))
        receiver = socket_of(lab, "gw1", socket.SOCK_DGRAM, (TARGET4, PROBE_PORT))
        sender.connect((TARGET4, PROBE_PORT))

        for piece in fragment(packet, 1480):
            inside.send(piece)
        wait_for(lambda: sender.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1400, "the sender to know")
        packet[IP].id = 2
        for piece in fragment(packet, 1376):
            inside.send(piece)
        assert receiver.recvfrom(len(payload) + 1) == (payload, (ROUTER_WAN4, 4000))
        left = [p[IP] for p in outside.all_until(0.3) if IP in p and p[IP].dst == TARGET4]
        assert [(p.id, p.len, bool(p.flags.DF)) for p in left] == [
            (2, 1396, True), (2, 1396, True), (2, 20 + 8 + len(payload) - 2 * 1376, True)]
        assert outside.faults == []
