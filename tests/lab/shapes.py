# SPDX-License-Identifier: BSD-3-Clause
"""Frames that a router must not forward, a few hundred of them, each with a name.

They come from pc1 for a server on the internet and are wrong in one way each: cut short, with a
length that lies, an address that may not travel, a header chain without end. Each says under which
counter a router that keeps state ends it. `sound` are their well-formed counterparts, which prove
that the way they are sent would carry them.
"""

import logging
import random
import struct
from typing import NamedTuple

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt,  # noqa: E402
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

PAYLOAD = b"twelve bytes"
ETHER, IP4, IP6 = 14, 20, 40  # header lengths


class Shape(NamedTuple):
    end: str  # the counter
    name: str
    frame: bytes


def ones_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def header_fault(frame):
    """The counter of the first thing that is wrong with a frame and its IP header, in the order in
    which RFC 1812 5.2.2 has them checked; None when nothing is."""
    if len(frame) < ETHER + 2:
        return "drop_short_frame"
    packet, is_ip6 = frame[ETHER:], frame[12:14] == b"\x86\xdd"
    family, least = ("ip6", IP6) if is_ip6 else ("ip4", IP4)
    if len(packet) < least:
        return f"drop_{family}_short"
    if packet[0] >> 4 != int(family[2]):
        return f"drop_{family}_version"
    if is_ip6:
        total = IP6 + struct.unpack_from("!H", packet, 4)[0]
        return "drop_ip6_length" if total > len(packet) else None
    header, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
    if not IP4 <= header <= len(packet):
        return "drop_ip4_header_len"
    if not header <= total <= len(packet):
        return "drop_ip4_length"
    return None if ones_sum(packet[:header]) == 0xffff else "drop_ip4_checksum"


class Shapes:
    """`mac`, `mac_to`: pc1's and the router's; `src*`, `dst*`: pc1's and the server's; `local6`:
    pc1's link-local address."""

    def __init__(self, mac, mac_to, src4, dst4, src6, dst6, local6, router4):
        self.ether = Ether(src=mac, dst=mac_to)
        self.src4, self.dst4, self.src6, self.dst6 = src4, dst4, src6, dst6
        self.local6, self.router4 = local6, router4

    # --- sound packets ---

    def ip4(self, upper, **fields):
        return bytes(self.ether / IP(**{"src": self.src4, "dst": self.dst4, "ttl": 64, **fields}) / upper)

    def ip6(self, upper, **fields):
        return bytes(self.ether / IPv6(**{"src": self.src6, "dst": self.dst6, "hlim": 64, **fields})
                     / upper)

    @staticmethod
    def uppers4():
        return {"udp": UDP(sport=40001, dport=9999) / PAYLOAD,
                "tcp": TCP(sport=40002, dport=9999, flags="S", options=[("MSS", 1460)]) / PAYLOAD,
                "icmp": ICMP(id=77) / PAYLOAD}

    @staticmethod
    def uppers6():
        return {"udp": UDP(sport=40001, dport=9999) / PAYLOAD,
                "tcp": TCP(sport=40002, dport=9999, flags="S", options=[("MSS", 1440)]) / PAYLOAD,
                "icmp": ICMPv6EchoRequest(id=77, data=PAYLOAD)}

    def sound(self):
        for name, upper in self.uppers4().items():
            yield f"ip4 {name}", self.ip4(upper)
        for name, upper in self.uppers6().items():
            yield f"ip6 {name}", self.ip6(upper)

    # --- broken ones ---

    def broken(self):
        for make in (self.truncated, self.ip4_header, self.ip4_options, self.ip4_addresses,
                     self.ip4_upper, self.ip4_fragments, self.ip6_header, self.ip6_addresses,
                     self.ip6_upper, self.ip6_chains, self.link_layer, self.noise):
            for end, name, frame in make():
                yield Shape(end, f"{make.__name__}: {name}", frame)

    def truncated(self):
        """Every length at which the frame can end before its IP length says so."""
        for name, frame in self.sound():
            for cut in range(ETHER, len(frame)):
                yield header_fault(frame[:cut]), f"{name} cut at {cut} of {len(frame)}", frame[:cut]

    @staticmethod
    def patched(frame, at, value, checksum=True):
        """`value` written over the frame at an offset, the IPv4 header's checksum made right."""
        out = bytearray(frame)
        out[at:at + len(value)] = value
        header = (out[ETHER] & 15) * 4
        if checksum and out[12:14] == b"\x08\x00" and IP4 <= header <= len(out) - ETHER:
            out[ETHER + 10:ETHER + 12] = b"\0\0"
            total = ones_sum(out[ETHER:ETHER + header])
            out[ETHER + 10:ETHER + 12] = struct.pack("!H", ~total & 0xffff)
        return bytes(out)

    @staticmethod
    def with_option(good, option):
        """Bytes, a multiple of four, put behind an IPv4 header that has no options."""
        words = bytes([0x45 + len(option) // 4])
        longer = good[:ETHER] + words + good[ETHER + 1:ETHER + IP4] + option + good[ETHER + IP4:]
        return Shapes.patched(longer, ETHER + 2, struct.pack("!H", len(longer) - ETHER))

    def ip4_header(self):
        good = self.ip4(self.uppers4()["udp"])
        for version in (v for v in range(16) if v != 4):
            yield ("drop_ip4_version", f"version {version}",
                   self.patched(good, ETHER, bytes([version << 4 | 5])))
        for ihl in range(5):
            yield "drop_ip4_header_len", f"ihl {ihl}", self.patched(good, ETHER, bytes([0x40 | ihl]))
        for ihl in (11, 15):
            yield ("drop_ip4_header_len", f"ihl {ihl} past the end",
                   self.patched(good, ETHER, bytes([0x40 | ihl])))
        for length in (0, 1, 4, 10, 19):
            yield ("drop_ip4_length", f"total length {length}",
                   self.patched(good, ETHER + 2, struct.pack("!H", length)))
        for more in (1, 8, 1000, 65535 - len(good) + ETHER):
            length = struct.pack("!H", len(good) - ETHER + more)
            yield ("drop_ip4_length", f"total length {more} too long",
                   self.patched(good, ETHER + 2, length))
        checksum = struct.unpack("!H", good[ETHER + 10:ETHER + 12])[0]
        for wrong in (checksum ^ 1, checksum ^ 0x8000, 0):
            yield ("drop_ip4_checksum", f"checksum {wrong:#x}",
                   self.patched(good, ETHER + 10, struct.pack("!H", wrong), False))
        for ttl in (0, 1):
            yield "drop_ttl", f"ttl {ttl}", self.ip4(self.uppers4()["udp"], ttl=ttl)

    def ip4_options(self):
        """Source routes (RFC 7126 4.3, 4.4), and options that are none (RFC 791 3.1); of no flow
        that the sound packets have begun."""
        good = self.ip4(UDP(sport=40009, dport=9999) / PAYLOAD)
        for name, option in (("a loose source route", bytes([131, 7, 4]) + bytes(4)),
                             ("a strict source route", bytes([137, 7, 4]) + bytes(4)),
                             ("a source route behind padding", bytes([1, 1, 131, 3, 4])),
                             ("without a length", bytes([1, 1, 1, 7])),
                             ("of length 0", bytes([7, 0])), ("of length 1", bytes([7, 1])),
                             ("past the end", bytes([7, 9, 4])), ("by one past the end", bytes([1, 7, 4]))):
            option = option.ljust(-(-len(option) // 4) * 4, b"\1")
            yield "drop_ip4_options", name, self.with_option(good, option)

    def ip4_addresses(self):
        upper = self.uppers4()["udp"]
        for src in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "239.255.255.250", "255.255.255.255"):
            yield "drop_ip4_source", f"from {src}", self.ip4(upper, src=src)
        for src in ("127.255.255.254", "0.1.2.3", "240.0.0.1"):
            yield "drop_ip4_source", f"from {src}", self.ip4(upper, src=src)
        yield "drop_ip4_source", "from the router's own address", self.ip4(upper, src=self.router4)
        for dst in ("0.0.0.0", "127.0.0.1", "240.0.0.1"):
            yield "drop_blackhole", f"to {dst}", self.ip4(upper, dst=dst)
        for dst in ("255.255.255.255", "224.0.0.5", "239.1.2.3"):
            yield "drop_multicast", f"to {dst}", self.ip4(upper, dst=dst)

    def ip4_upper(self):
        tcp, udp = self.ip4(self.uppers4()["tcp"]), self.ip4(self.uppers4()["udp"])
        for offset in range(5):
            yield ("drop_tcp_header", f"tcp data offset {offset}",
                   self.patched(tcp, ETHER + IP4 + 12, bytes([offset << 4])))
        yield ("drop_tcp_header", "tcp data offset past the end",
               self.patched(tcp, ETHER + IP4 + 12, b"\xf0"))
        for length in (0, 1, 7, 8 + len(PAYLOAD) + 1, 0xffff):
            yield ("drop_udp_header", f"udp length {length}",
                   self.patched(udp, ETHER + IP4 + 4, struct.pack("!H", length)))
        for protocol, name, least in ((6, "tcp", 20), (17, "udp", 8), (1, "icmp", 8)):
            for size in {0, 1, 3, 4, 7, least - 1}:
                yield f"drop_{name}_header", f"{name} of {size} bytes", self.ip4(Raw(bytes(size)), proto=protocol)
        inner = bytes(IP(src=self.dst4, dst=self.src4) / UDP(sport=9999, dport=40001))
        for size in (0, 1, 19, 20, 24, 27):
            yield ("drop_icmp_inner", f"icmp error around {size} bytes",
                   self.ip4(ICMP(type=3, code=1) / inner[:size]))
        for first in (0x00, 0x44, 0x4f, 0x60, 0xff):
            yield ("drop_icmp_inner", f"icmp error around a header that begins {first:#x}",
                   self.ip4(ICMP(type=3, code=3) / (bytes([first]) + inner[1:])))
        error = self.ip4(ICMP(type=3, code=3) / inner)
        at = ETHER + IP4 + 2
        yield ("drop_icmp_checksum", "icmp error with a wrong checksum",
               self.patched(error, at, bytes([error[at] ^ 1])))

    def icmp_error_about_nothing(self):
        """Well-formed, and about a packet that the server has never sent."""
        return self.ip4(ICMP(type=3, code=3) / IP(src=self.dst4, dst=self.src4)
                        / UDP(sport=9999, dport=48888))

    def ip4_fragments(self):
        """Each of a packet of its own: none may be put together with another."""
        rest = 8 * bytes(8)
        for number, (name, upper, fields) in enumerate((
                ("beyond 65535", rest, {"proto": 17, "frag": 8191}),
                ("more to come, not a multiple of 8", bytes(13), {"proto": 17, "flags": "MF", "frag": 4}),
                ("tcp header cut by the first", bytes(8), {"proto": 6, "flags": "MF"}),
                ("tcp flags overwritten by the second", bytes(16), {"proto": 6, "frag": 1}),
                ("first of nothing", b"", {"proto": 17, "flags": "MF"}),
                ("last of nothing", b"", {"proto": 17, "frag": 10}),
                ("a first one alone", rest, {"proto": 17, "flags": "MF"}),
                ("a middle one alone", rest, {"proto": 17, "flags": "MF", "frag": 10}),
                ("a last one alone", rest, {"proto": 17, "frag": 10}))):
            yield "drop_reassembly", name, self.ip4(Raw(upper), id=1000 + number, **fields)

    def ip6_header(self):
        good = self.ip6(self.uppers6()["udp"])
        for version in (v for v in range(16) if v != 6):
            yield ("drop_ip6_version", f"version {version}",
                   self.patched(good, ETHER, bytes([version << 4])))
        for more in (1, 8, 1000, 65535 - len(good) + ETHER + IP6):
            length = struct.pack("!H", len(good) - ETHER - IP6 + more)
            yield "drop_ip6_length", f"payload length {more} too long", self.patched(good, ETHER + 4, length)
        for hops in (0, 1):
            yield "drop_ttl", f"hop limit {hops}", self.ip6(self.uppers6()["udp"], hlim=hops)

    def ip6_addresses(self):
        upper = self.uppers6()["udp"]
        for src in ("::", "::1", "ff02::1", "ff0e::1", "::ffff:198.18.0.11"):
            yield "drop_ip6_source", f"from {src}", self.ip6(upper, src=src)
        yield "drop_ip6_scope", "from a link-local address", self.ip6(upper, src=self.local6)
        for dst in ("::", "::1"):
            yield "drop_blackhole", f"to {dst}", self.ip6(upper, dst=dst)
        for dst in ("ff01::1", "ff02::5", "ff0e::1"):
            yield "drop_multicast", f"to {dst}", self.ip6(upper, dst=dst)
        yield "punt_local", "to another link-local address", self.ip6(upper, dst="fe80::99")

    def ip6_upper(self):
        """Sound for a router that looks at no more than the IPv6 header, which is all that plain
        forwarding reads (RFC 7045 2.1)."""
        tcp, udp = self.ip6(self.uppers6()["tcp"]), self.ip6(self.uppers6()["udp"])
        for offset in range(5):
            yield ("drop_tcp_header", f"tcp data offset {offset}",
                   self.patched(tcp, ETHER + IP6 + 12, bytes([offset << 4])))
        yield ("drop_tcp_header", "tcp data offset past the end",
               self.patched(tcp, ETHER + IP6 + 12, b"\xf0"))
        yield "drop_udp_header", "payload length 0", self.patched(udp, ETHER + 4, b"\0\0")
        for length in (1, 7, 8 + len(PAYLOAD) + 1, 0xffff):
            yield ("drop_udp_header", f"udp length {length}",
                   self.patched(udp, ETHER + IP6 + 4, struct.pack("!H", length)))
        for header, name, least in ((6, "tcp", 20), (17, "udp", 8), (58, "icmp", 4)):
            for size in {0, 1, 3, least - 1}:
                yield f"drop_{name}_header", f"{name} of {size} bytes", self.ip6(Raw(bytes(size)), nh=header)

    def ip6_chains(self):
        """As ip6_upper: not looked at by a router that keeps no state."""
        for name, frame in self._ip6_chains():
            yield "drop_ip6_extension", name, frame
        for kind in (133, 134, 135, 136, 137, 148):
            for more, what in ((0, "all in one fragment"), (1, "a first fragment")):
                discovery = Raw(bytes([kind, 0, 0, 0]) + bytes(28))
                yield ("drop_nd_fragment", f"neighbour discovery of type {kind}, {what}",
                       self.ip6(IPv6ExtHdrFragment(m=more, nh=58) / discovery))
        for kind, hops in ((133, 64), (134, 254), (135, 50), (136, 0), (137, 1), (130, 2), (143, 255)):
            yield ("drop_nd_hop_limit", f"type {kind} with hop limit {hops}",
                   self.ip6(Raw(bytes([kind, 0, 0, 0]) + bytes(28)), nh=58, hlim=hops))

    def _ip6_chains(self):
        udp = self.uppers6()["udp"]
        chain = udp
        for _ in range(60):
            chain = IPv6ExtHdrDestOpt() / chain
        yield "sixty headers", self.ip6(chain)
        yield "hop-by-hop not first", self.ip6(IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop() / udp)
        yield "hop-by-hop twice", self.ip6(IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop() / udp)
        for header, name in ((0, "hop-by-hop"), (43, "routing"), (60, "destination")):
            for length in (4, 31, 255):
                yield (f"{name} of {8 * (length + 1)} bytes past the end",
                       self.ip6(Raw(bytes([17, length]) + bytes(22)), nh=header))
            for size in (0, 1, 7):
                yield f"{name} cut at {size}", self.ip6(Raw(bytes([17, 0, 1, 4, 0, 0, 0])[:size]), nh=header)
        yield "fragment header cut", self.ip6(Raw(bytes([17, 0, 0])), nh=44)
        yield "fragment beyond 65535", self.ip6(IPv6ExtHdrFragment(offset=8191, nh=17) / Raw(bytes(64)))
        yield ("more to come, not a multiple of 8",
               self.ip6(IPv6ExtHdrFragment(offset=4, m=1, nh=17) / Raw(bytes(13))))
        yield ("a fragment in a fragment",
               self.ip6(IPv6ExtHdrFragment(nh=44) / IPv6ExtHdrFragment(nh=17, m=1) / udp))
        yield "first without its upper header", self.ip6(IPv6ExtHdrFragment(m=1, nh=60) / Raw(bytes(8)))

    def link_layer(self):
        good4, good6 = self.ip4(self.uppers4()["udp"]), self.ip6(self.uppers6()["udp"])
        for name, good in (("ip4", good4), ("ip6", good6)):
            for mac, what in ((b"\xff" * 6, "all"), (b"\x01\x00\x5e\x00\x00\x05", "a group"),
                              (b"\x33\x33\x00\x00\x00\x05", "a group of IPv6")):
                yield "punt_multicast", f"{name} to {what}", mac + good[6:]
            yield "drop_not_for_us", f"{name} to somebody else", b"\x02\xde\xad\xbe\xef\x99" + good[6:]
            for ethertype in (0x0000, 0x002e, 0x05dc, 0x8847, 0x8863, 0x8864, 0x88cc, 0x9000, 0xffff):
                yield ("punt_other", f"{name} as type {ethertype:#06x}",
                       good[:12] + struct.pack("!H", ethertype) + good[14:])
            yield "punt_arp", f"{name} as ARP", good[:12] + b"\x08\x06" + good[14:]
        yield "drop_ip6_version", "ip4 as ip6", good4[:12] + b"\x86\xdd" + good4[14:]
        yield "drop_ip4_version", "ip6 as ip4", good6[:12] + b"\x08\x00" + good6[14:]
        udp = IP(src=self.src4, dst=self.dst4) / self.uppers4()["udp"]
        for vlan in (1, 10, 4095):
            yield "drop_vlan_unknown", f"in VLAN {vlan}", bytes(self.ether / Dot1Q(vlan=vlan) / udp)
        yield "drop_vlan_unknown", "in VLAN 10 in VLAN 20", bytes(self.ether / Dot1Q(vlan=20) / Dot1Q(vlan=10) / udp)
        # the least that the kernel of the lab's switch lets pass
        yield "drop_vlan_nested", "in VLAN 10 in VLAN 0", bytes(self.ether / Dot1Q(vlan=0) / Dot1Q(vlan=10) / udp)
        yield "drop_vlan_unknown", "cut behind a VLAN tag", bytes(self.ether / Dot1Q(vlan=10) / udp)[:20]

    def noise(self):
        """Random bytes after a right Ethernet header; the same ones each time."""
        source = random.Random(2544)
        for i in range(60):
            kind = (b"\x08\x00", b"\x86\xdd")[i % 2]
            frame = bytes(self.ether)[:12] + kind + source.randbytes(source.randint(20, 200))
            yield header_fault(frame), f"number {i}", frame
