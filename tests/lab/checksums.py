# SPDX-License-Identifier: BSD-3-Clause
"""An oracle of checksums: what is wrong with a frame, by arithmetic of its own.

IPv4 header, TCP, UDP, ICMP and ICMPv6, and the same of the packet that an ICMP error quotes, as far
as it is quoted whole. Of pieces of a packet only the IPv4 header: the rest is for who joins them.
"""

import struct

ETHER = 14
IP4, IP6 = 0x0800, 0x86dd
ICMP, TCP, UDP, FRAGMENT6, ICMP6 = 1, 6, 17, 44, 58
ERRORS4, ERRORS6 = (3, 4, 5, 11, 12), (1, 2, 3, 4)
NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMP6: "ICMPv6"}
CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}


def folded_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def is_right(data):
    return folded_sum(data) == 0xffff


def upper_faults(protocol, upper, addresses, is_ip6, where):
    """Of a whole TCP segment, UDP datagram or ICMP message."""
    if protocol not in NAMES or len(upper) < CHECKSUM_AT[protocol] + 2:
        return []
    at = CHECKSUM_AT[protocol]
    if protocol == UDP and upper[at:at + 2] == b"\0\0":
        return [f"{where}UDP over IPv6 without a checksum"] if is_ip6 else []
    pseudo = b"" if protocol == ICMP else addresses + struct.pack("!IHBB", len(upper), 0, 0, protocol)
    return [] if is_right(pseudo + upper) else [f"{where}{NAMES[protocol]} checksum"]


def quote_faults(protocol, upper, is_ip6):
    if (protocol == ICMP6 and is_ip6 and upper[:1] and upper[0] in ERRORS6) or \
            (protocol == ICMP and not is_ip6 and upper[:1] and upper[0] in ERRORS4):
        return packet_faults(upper[8:], is_ip6, "quoted ")
    return []


def packet_faults(packet, is_ip6, where=""):
    if is_ip6:
        if len(packet) < 40:
            return []
        length, protocol, addresses, upper = (struct.unpack_from("!H", packet, 4)[0], packet[6],
                                              packet[8:40], packet[40:])
        faults = []
    else:
        if len(packet) < 20:
            return []
        header = (packet[0] & 15) * 4
        total, fragment = struct.unpack_from("!H2xH", packet, 2)
        length, protocol, addresses, upper = (total - header, packet[9], packet[12:20],
                                              packet[header:])
        faults = [] if is_right(packet[:header]) else [f"{where}IPv4 header checksum"]
        if fragment & 0x3fff:
            return faults
    if protocol == FRAGMENT6 or len(upper) < length:
        return faults
    upper = upper[:length]
    faults += upper_faults(protocol, upper, addresses, is_ip6, where)
    return faults if where else faults + quote_faults(protocol, upper, is_ip6)


def frame_faults(frame):
    """What is wrong with an Ethernet frame, in words; [] when nothing is, or it is not of IP."""
    kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= ETHER else 0
    if kind not in (IP4, IP6):
        return []
    return packet_faults(frame[ETHER:], kind == IP6)
