# SPDX-License-Identifier: BSD-3-Clause
"""Frames of those who wish a router ill, thousands at a time: built here without scapy, which
takes a second for a few hundred. Each function gives a list of bytes for raw_flood.py.

A `wire` is the pair of MACs (the sender's, the router's) that the frames wear.
"""

import ipaddress
import random
import struct

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
SYN, RST, PSH_ACK = 0x02, 0x04, 0x18
NOBODY4 = ipaddress.ip_network("198.19.0.0/16")  # sources that answer nothing
NOBODY6 = ipaddress.ip_network("2001:db8:bad::/48")


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def packed(address):
    return ipaddress.ip_address(address).packed


def somebody(network):
    """A random address of a network, as it stands in a header."""
    host_bits = network.max_prefixlen - network.prefixlen
    return (int(network.network_address) | random.getrandbits(host_bits)).to_bytes(
        network.max_prefixlen // 8, "big")


def checksum(data):
    """RFC 1071: the sum in ones' complement is the remainder by 0xffff."""
    if len(data) % 2:
        data += b"\0"
    return ~(int.from_bytes(data, "big") % 0xffff or 0xffff) & 0xffff


def ethernet(wire, kind, payload, to=None):
    return (to or mac_bytes(wire[1])) + mac_bytes(wire[0]) + struct.pack(">H", kind) + payload


def packet(wire, src, dst, protocol, payload, fragment=0, hops=64):
    """An IP packet of the family of its addresses; `fragment`: IPv4's word, IPv6's header."""
    if len(src) == 4:
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), random.getrandbits(16),
                             fragment, hops, protocol, 0, src, dst)
        header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
        return ethernet(wire, 0x0800, header + payload)
    if fragment:
        payload = struct.pack(">BBHI", protocol, 0, fragment, random.getrandbits(32)) + payload
        protocol = 44
    return ethernet(wire, 0x86dd, struct.pack(">IHBB16s16s", 6 << 28, len(payload), protocol, hops,
                                              src, dst) + payload)


def summed(src, dst, protocol, segment, at):
    """The segment with its checksum, which stands at byte `at`."""
    pseudo = src + dst + struct.pack(">IHBB", len(segment), 0, 0, protocol)
    return segment[:at] + struct.pack(">H", checksum(pseudo + segment)) + segment[at + 2:]


def tcp(src, dst, sport, dport, flags, seq, ack=0, data=b""):
    options = struct.pack(">BBH", 2, 4, 1460) if flags & SYN else b""
    header = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) << 2, flags,
                         64240, 0, 0)
    return summed(src, dst, TCP, header + options + data, 16)


def udp(src, dst, sport, dport, data=b"flood"):
    return summed(src, dst, UDP, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data, 6)


def port():
    return random.randint(1024, 65535)


# --- floods of new flows ---

def syns(wire, n, to, dport=None, sources=NOBODY4):
    """SYNs to a port, or to any, from whoever is in `sources`."""
    def frame():
        src = somebody(sources)
        return packet(wire, src, packed(to), TCP,
                      tcp(src, packed(to), port(), dport or random.randint(1, 65535), SYN,
                          random.getrandbits(32)))
    return [frame() for _ in range(n)]


def datagrams(wire, n, to, dport=None, sources=NOBODY4):
    def frame():
        src = somebody(sources)
        return packet(wire, src, packed(to), UDP,
                      udp(src, packed(to), port(), dport or port()))
    return [frame() for _ in range(n)]


# --- pieces, errors ---

def first_pieces(wire, n, to):
    """Of datagrams whose rest never comes."""
    target = packed(to)
    sources, more = (NOBODY4, 0x2000) if len(target) == 4 else (NOBODY6, 1)

    def frame():
        src = somebody(sources)
        return packet(wire, src, target, UDP,
                      struct.pack(">HHHH", port(), 53, 1208, 0) + bytes(592), fragment=more)
    return [frame() for _ in range(n)]


def echoes(wire, n, to):
    def frame():
        body = struct.pack(">BBHHH", 8, 0, 0, random.getrandbits(16), 1) + bytes(24)
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        return packet(wire, somebody(NOBODY4), packed(to), ICMP, body)
    return [frame() for _ in range(n)]


def forged_errors(wire, n, about_src, about_dst, sports):
    """`Port unreachable` and `fragmentation needed` about segments that were never sent: the
    ports fit a connection, the sequence numbers are guessed."""
    def frame():
        src, dst = packed(about_src), packed(about_dst)
        quoted = tcp(src, dst, random.choice(sports), 5201, PSH_ACK, random.getrandbits(32))
        quoted = packet(wire, src, dst, TCP, quoted)[14:]
        code, mtu = random.choice(((3, 0), (4, 576)))
        body = struct.pack(">BBHHH", 3, code, 0, 0, mtu) + quoted
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        return packet(wire, somebody(NOBODY4), src, ICMP, body)
    return [frame() for _ in range(n)]


def injections(wire, n, src, sport, dst, dports):
    """Off path: resets and data of a connection whose sequence numbers are not known."""
    def frame():
        flags = random.choice((RST, PSH_ACK, SYN))
        data = b"injected" if flags == PSH_ACK else b""
        return packet(wire, packed(src), packed(dst), TCP,
                      tcp(packed(src), packed(dst), sport, random.choice(dports), flags,
                          random.getrandbits(32), random.getrandbits(32), data))
    return [frame() for _ in range(n)]


# --- the link ---

def arps(wire, n, network, router):
    """Questions for the router from addresses nobody has, and announcements of them."""
    def frame():
        mac, src = bytes([2]) + random.randbytes(5), somebody(network)
        kind, target = random.choice(((1, packed(router)), (2, src)))
        body = struct.pack(">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, kind, mac, src, bytes(6), target)
        return b"\xff" * 6 + mac + struct.pack(">H", 0x0806) + body
    return [frame() for _ in range(n)]


def solicitations(wire, n, network, router, hops=255):
    """Neighbour solicitations for the router, and advertisements nobody asked for."""
    target = packed(router)

    def frame():
        mac, src = bytes([2]) + random.randbytes(5), somebody(network)
        if random.random() < 0.5:
            body = struct.pack(">BBHI16sBB6s", 135, 0, 0, 0, target, 1, 1, mac)
        else:
            body = struct.pack(">BBHI16sBB6s", 136, 0, 0, 0x20000000, src, 2, 1, mac)
        return packet(wire, src, target, ICMP6, summed(src, target, ICMP6, body, 2), hops=hops)
    return [frame() for _ in range(n)]
