# SPDX-License-Identifier: BSD-3-Clause
"""Frames that a router must not forward, a few hundred of them, each with a name.

They come from pc1 for a server on the internet and are wrong in one way each: cut short, with a
length that lies, an address that may not travel, a header chain without end. `sound` are their
well-formed counterparts, which prove that the way they are sent would carry them.
"""

import logging
import random
import struct

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt,  # noqa: E402
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

PAYLOAD = b"twelve bytes"
ETHER, IP4, IP6 = 14, 20, 40  # header lengths


class Shapes:
    """`mac`, `mac_to`: pc1's and the router's; `src*`, `dst*`: pc1's and the server's."""

    def __init__(self, mac, mac_to, src4, dst4, src6, dst6, router4):
        self.ether = Ether(src=mac, dst=mac_to)
        self.src4, self.dst4, self.src6, self.dst6 = src4, dst4, src6, dst6
        self.router4 = router4

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
        return self._named(self.truncated, self.ip4_header, self.ip4_addresses, self.ip4_upper,
                           self.ip4_fragments, self.ip6_header, self.ip6_addresses,
                           self.link_layer, self.noise)

    def broken_behind_ip6(self):
        """Sound for a router that looks at no more than the IPv6 header, which is all that plain
        forwarding reads (RFC 7045 2.1). One that keeps state, as the labs' does, drops them."""
        return self._named(self.ip6_upper, self.ip6_chains)

    @staticmethod
    def _named(*makers):
        for make in makers:
            for name, frame in make():
                yield f"{make.__name__}: {name}", frame

    def truncated(self):
        """Every length at which the frame can end before its IP length says so."""
        for name, frame in self.sound():
            for cut in range(ETHER, len(frame)):
                yield f"{name} cut at {cut} of {len(frame)}", frame[:cut]

    @staticmethod
    def patched(frame, at, value, checksum=True):
        """`value` written over the frame at an offset, the IPv4 header's checksum made right."""
        out = bytearray(frame)
        out[at:at + len(value)] = value
        header = (out[ETHER] & 15) * 4
        if checksum and out[12:14] == b"\x08\x00" and IP4 <= header <= len(out) - ETHER:
            out[ETHER + 10:ETHER + 12] = b"\0\0"
            words = struct.unpack(f"!{header // 2}H", out[ETHER:ETHER + header])
            total = sum(words)
            total = (total & 0xffff) + (total >> 16)
            total = (total & 0xffff) + (total >> 16)
            out[ETHER + 10:ETHER + 12] = struct.pack("!H", ~total & 0xffff)
        return bytes(out)

    def ip4_header(self):
        good = self.ip4(self.uppers4()["udp"])
        for version in (v for v in range(16) if v != 4):
            yield f"version {version}", self.patched(good, ETHER, bytes([version << 4 | 5]))
        for ihl in range(5):
            yield f"ihl {ihl}", self.patched(good, ETHER, bytes([0x40 | ihl]))
        for ihl in (11, 15):
            yield f"ihl {ihl} past the end", self.patched(good, ETHER, bytes([0x40 | ihl]))
        for length in (0, 1, 4, 10, 19):
            yield f"total length {length}", self.patched(good, ETHER + 2, struct.pack("!H", length))
        for more in (1, 8, 1000, 65535 - len(good) + ETHER):
            length = struct.pack("!H", len(good) - ETHER + more)
            yield f"total length {more} too long", self.patched(good, ETHER + 2, length)
        checksum = struct.unpack("!H", good[ETHER + 10:ETHER + 12])[0]
        for wrong in (checksum ^ 1, checksum ^ 0x8000, 0):
            yield f"checksum {wrong:#x}", self.patched(good, ETHER + 10, struct.pack("!H", wrong), False)
        for ttl in (0, 1):
            yield f"ttl {ttl}", self.ip4(self.uppers4()["udp"], ttl=ttl)

    def ip4_addresses(self):
        upper = self.uppers4()["udp"]
        for src in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "239.255.255.250", "255.255.255.255"):
            yield f"from {src}", self.ip4(upper, src=src)
        for src in ("127.255.255.254", "0.1.2.3", "240.0.0.1"):
            yield f"from {src}", self.ip4(upper, src=src)
        yield "from the router's own address", self.ip4(upper, src=self.router4)
        for dst in ("0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.5", "239.1.2.3", "240.0.0.1"):
            yield f"to {dst}", self.ip4(upper, dst=dst)

    def ip4_upper(self):
        tcp, udp = self.ip4(self.uppers4()["tcp"]), self.ip4(self.uppers4()["udp"])
        for offset in range(5):
            yield f"tcp data offset {offset}", self.patched(tcp, ETHER + IP4 + 12, bytes([offset << 4]))
        yield "tcp data offset past the end", self.patched(tcp, ETHER + IP4 + 12, b"\xf0")
        for length in (0, 1, 7, 8 + len(PAYLOAD) + 1, 0xffff):
            yield f"udp length {length}", self.patched(udp, ETHER + IP4 + 4, struct.pack("!H", length))
        for protocol, name, least in ((6, "tcp", 20), (17, "udp", 8), (1, "icmp", 8)):
            for size in {0, 1, 3, 4, 7, least - 1}:
                yield f"{name} of {size} bytes", self.ip4(Raw(bytes(size)), proto=protocol)
        inner = bytes(IP(src=self.dst4, dst=self.src4) / UDP(sport=9999, dport=40001))
        for size in (0, 1, 19, 20, 24, 27):
            yield f"icmp error around {size} bytes", self.ip4(ICMP(type=3, code=1) / inner[:size])
        for first in (0x00, 0x44, 0x4f, 0x60, 0xff):
            yield (f"icmp error around a header that begins {first:#x}",
                   self.ip4(ICMP(type=3, code=3) / (bytes([first]) + inner[1:])))

    def ip4_fragments(self):
        upper = self.uppers4()["udp"]
        yield "beyond 65535", self.ip4(Raw(bytes(64)), proto=17, frag=8191)
        yield "more to come, not a multiple of 8", self.ip4(Raw(bytes(13)), proto=17, flags="MF", frag=4)
        yield "tcp header cut by the first", self.ip4(Raw(bytes(8)), proto=6, flags="MF")
        yield "tcp flags overwritten by the second", self.ip4(Raw(bytes(16)), proto=6, frag=1)
        yield "first of nothing", self.ip4(Raw(b""), proto=17, flags="MF")
        yield "last of nothing", self.ip4(Raw(b""), proto=17, frag=10)
        yield "one alone", self.ip4(upper, flags="MF")
        yield "a last one alone", self.ip4(Raw(bytes(24)), proto=17, frag=10)

    def ip6_header(self):
        good = self.ip6(self.uppers6()["udp"])
        for version in (v for v in range(16) if v != 6):
            yield f"version {version}", self.patched(good, ETHER, bytes([version << 4]))
        for more in (1, 8, 1000, 65535 - len(good) + ETHER + IP6):
            length = struct.pack("!H", len(good) - ETHER - IP6 + more)
            yield f"payload length {more} too long", self.patched(good, ETHER + 4, length)
        for hops in (0, 1):
            yield f"hop limit {hops}", self.ip6(self.uppers6()["udp"], hlim=hops)

    def ip6_addresses(self):
        upper = self.uppers6()["udp"]
        for src in ("::", "::1", "ff02::1", "ff0e::1", "fe80::11"):
            yield f"from {src}", self.ip6(upper, src=src)
        for dst in ("::", "::1", "ff01::1", "ff02::5", "ff0e::1", "fe80::99"):
            yield f"to {dst}", self.ip6(upper, dst=dst)

    def ip6_upper(self):
        tcp, udp = self.ip6(self.uppers6()["tcp"]), self.ip6(self.uppers6()["udp"])
        for offset in range(5):
            yield f"tcp data offset {offset}", self.patched(tcp, ETHER + IP6 + 12, bytes([offset << 4]))
        yield "tcp data offset past the end", self.patched(tcp, ETHER + IP6 + 12, b"\xf0")
        yield "payload length 0", self.patched(udp, ETHER + 4, b"\0\0")
        for length in (1, 7, 8 + len(PAYLOAD) + 1, 0xffff):
            yield f"udp length {length}", self.patched(udp, ETHER + IP6 + 4, struct.pack("!H", length))
        for header, name, least in ((6, "tcp", 20), (17, "udp", 8), (58, "icmp", 4)):
            for size in {0, 1, 3, least - 1}:
                yield f"{name} of {size} bytes", self.ip6(Raw(bytes(size)), nh=header)

    def ip6_chains(self):
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
        yield "first without its upper header", self.ip6(IPv6ExtHdrFragment(m=1, nh=60) / Raw(bytes(8)))

    def link_layer(self):
        good4, good6 = self.ip4(self.uppers4()["udp"]), self.ip6(self.uppers6()["udp"])
        for name, good in (("ip4", good4), ("ip6", good6)):
            for mac, what in ((b"\xff" * 6, "all"), (b"\x01\x00\x5e\x00\x00\x05", "a group"),
                              (b"\x33\x33\x00\x00\x00\x05", "a group of IPv6"),
                              (b"\x02\xde\xad\xbe\xef\x99", "somebody else")):
                yield f"{name} to {what}", mac + good[6:]
            for ethertype in (0x0000, 0x002e, 0x05dc, 0x0806, 0x8847, 0x8863, 0x8864, 0x88cc, 0x9000, 0xffff):
                yield f"{name} as type {ethertype:#06x}", good[:12] + struct.pack("!H", ethertype) + good[14:]
        yield "ip4 as ip6", good4[:12] + b"\x86\xdd" + good4[14:]
        yield "ip6 as ip4", good6[:12] + b"\x08\x00" + good6[14:]
        udp = IP(src=self.src4, dst=self.dst4) / self.uppers4()["udp"]
        for vlan in (1, 10, 4095):
            yield f"in VLAN {vlan}", bytes(self.ether / Dot1Q(vlan=vlan) / udp)
        yield "in VLAN 10 in VLAN 20", bytes(self.ether / Dot1Q(vlan=20) / Dot1Q(vlan=10) / udp)
        yield "VLAN tag cut", bytes(self.ether / Dot1Q(vlan=10))[:16]

    def noise(self):
        """Random bytes after a right Ethernet header; the same ones each time."""
        source = random.Random(2544)
        for i in range(60):
            kind = (b"\x08\x00", b"\x86\xdd")[i % 2]
            body = bytearray(source.randbytes(source.randint(20, 200)))
            yield f"number {i}", bytes(self.ether)[:12] + kind + bytes(body)
