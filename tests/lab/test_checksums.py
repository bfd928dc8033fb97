# SPDX-License-Identifier: BSD-3-Clause
"""The oracle of checksums itself: it finds nothing in sound frames, and each single flipped bit."""

import pytest
from checksums import frame_faults
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether

IN4 = IP(src="198.18.0.33", dst="198.19.0.1")
IN6 = IPv6(src="2001:db8:0:2::11", dst="2001:db8:0:f::10")
QUOTED4 = bytes(IN4 / UDP(sport=5, dport=7) / b"quoted")
QUOTED6 = bytes(IN6 / UDP(sport=5, dport=7) / b"quoted")
FRAMES = {
    "udp4": IN4 / UDP(sport=5, dport=7) / b"odd",
    "tcp4": IN4 / TCP(sport=5, dport=7) / b"payload",
    "echo4": IN4 / ICMP(id=3) / b"payload",
    "error4": IN4 / ICMP(type=3, code=3) / QUOTED4,
    "udp6": IN6 / UDP(sport=5, dport=7) / b"odd",
    "tcp6": IN6 / TCP(sport=5, dport=7) / b"payload",
    "echo6": IN6 / ICMPv6EchoRequest(data=b"payload"),
    "error6": IN6 / ICMPv6PacketTooBig() / QUOTED6,
}
UNCOVERED6 = {*range(14, 18), 21}  # version, class, flow label; hop limit


@pytest.mark.parametrize("name", FRAMES)
def test_a_sound_frame_has_no_faults(name):
    assert frame_faults(bytes(Ether() / FRAMES[name])) == []


@pytest.mark.parametrize("name", FRAMES)
def test_each_flipped_bit_is_found(name):
    frame = bytes(Ether() / FRAMES[name])
    skipped = UNCOVERED6 | {18, 19, 20} if name.endswith("6") else {14, 16, 17, 20, 21, 23}
    for at in set(range(14, len(frame))) - skipped:
        damaged = bytearray(frame)
        damaged[at] ^= 0x10
        assert frame_faults(bytes(damaged)), f"{name}: byte {at}"


def test_a_quote_of_wrong_checksums_is_found_in_a_right_error():
    for at, what in ((10, "quoted IPv4 header checksum"), (26, "quoted UDP checksum")):
        quoted = bytearray(QUOTED4)
        quoted[at] ^= 1
        assert frame_faults(bytes(Ether() / IN4 / ICMP(type=3, code=3) / bytes(quoted))) == [what]


def test_what_is_quoted_in_part_is_checked_in_part():
    for cut in range(28, len(QUOTED4)):
        assert frame_faults(bytes(Ether() / IN4 / ICMP(type=3, code=3) / QUOTED4[:cut])) == []


def test_udp_over_ipv6_must_have_a_checksum():
    frame = bytes(Ether() / IN6 / UDP(sport=5, dport=7, chksum=0) / b"x")
    assert frame_faults(frame) == ["UDP over IPv6 without a checksum"]
    assert frame_faults(bytes(Ether() / IN4 / UDP(sport=5, dport=7, chksum=0) / b"x")) == []
