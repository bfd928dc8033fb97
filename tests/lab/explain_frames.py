# SPDX-License-Identifier: BSD-3-Clause
"""Frames by their fields, numbered at their end, for test_explain.py."""

import socket
import struct
from dataclasses import dataclass, field, replace

MARKER = b"explained"
NOT_SENT4 = (0, 3, 5, 11, 12, 14)  # answers and errors, which repeat what they are about
NOT_SENT6 = (1, 2, 3, 4, 129)


@dataclass
class Packet:
    port: str
    family: int
    source: str
    target: str
    kind: str
    number: int
    sport: int
    dport: int
    flags: int
    protocol: int
    icmp: tuple
    ident: int
    ttl: int
    dscp: int
    has_df: bool
    payload: int
    is_fragment: bool
    bad_checksum: bool
    options: bytes
    frame: bytes = field(default=b"", repr=False)

    def again(self, number, is_answer):
        if not is_answer or self.kind not in ("tcp", "udp"):
            return replace(self, number=number, flags=0x10 if self.flags == 2 else self.flags)
        return replace(self, number=number, source=self.target, target=self.source,
                       sport=self.dport, dport=self.sport, flags=0x12,
                       port={"lan": "wan", "dmz": "wan", "wan": "dmz"}[self.port])


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def layer4(packet, payload, pseudo):
    """(protocol, bytes)"""
    if packet.kind == "tcp":
        head = struct.pack("!HHIIBBHHH", packet.sport, packet.dport, 1, 0, 5 << 4, packet.flags,
                           65535, 0, 0)
        total = checksum(pseudo(6, len(head + payload)) + head + payload)
        return 6, head[:16] + struct.pack("!H", total) + head[18:] + payload
    if packet.kind == "udp":
        head = struct.pack("!HHHH", packet.sport, packet.dport, 8 + len(payload), 0)
        total = checksum(pseudo(17, len(head + payload)) + head + payload) or 0xffff
        return 17, head[:6] + struct.pack("!H", total) + payload
    if packet.kind == "icmp":
        protocol = 1 if packet.family == 4 else 58
        head = struct.pack("!BBHHH", *packet.icmp, 0, packet.ident, 1)
        before = b"" if packet.family == 4 else pseudo(58, len(head + payload))
        total = checksum(before + head + payload)
        return protocol, head[:2] + struct.pack("!H", total) + head[4:] + payload
    return packet.protocol, payload


def ip4(packet, payload):
    ends = socket.inet_aton(packet.source) + socket.inet_aton(packet.target)
    protocol, body = layer4(packet, payload, lambda p, n: ends + struct.pack("!HH", p, n))
    offset = (0x4000 if packet.has_df else 0) | (0x2000 if packet.is_fragment else 0)
    head = struct.pack("!BBHHHBBH", 0x45 + len(packet.options) // 4, packet.dscp << 2,
                       20 + len(packet.options) + len(body), packet.number & 0xffff, offset,
                       packet.ttl, protocol, 0) + ends + packet.options
    total = checksum(head) ^ packet.bad_checksum
    return head[:10] + struct.pack("!H", total) + head[12:] + body


def ip6(packet, payload):
    ends = (socket.inet_pton(socket.AF_INET6, packet.source) +
            socket.inet_pton(socket.AF_INET6, packet.target))
    protocol, body = layer4(packet, payload, lambda p, n: ends + struct.pack("!II", n, p))
    if packet.is_fragment:
        body = struct.pack("!BBHI", protocol, 0, 1, packet.number) + body
        protocol = 44
    return struct.pack("!IHBB", 6 << 28 | packet.dscp << 22, len(body), protocol,
                       packet.ttl) + ends + body


def packet_frame(packet, to_mac, from_mac):
    mark = MARKER + struct.pack("!I", packet.number)
    size = max(packet.payload, len(mark) + 7) // 8 * 8 + 8  # a fragment's is of eights
    payload = bytes(size - len(mark)) + mark
    body = ip4(packet, payload) if packet.family == 4 else ip6(packet, payload)
    return mac(to_mac) + mac(from_mac) + (b"\x08\0" if packet.family == 4 else b"\x86\xdd") + body


def is_answer(frame):
    if frame[12:14] == b"\x86\xdd":
        return frame[20] == 58 and frame[54] in NOT_SENT6
    is_first = struct.unpack("!H", frame[20:22])[0] & 0x1fff == 0
    return frame[23] == 1 and is_first and frame[14 + (frame[14] & 15) * 4] in NOT_SENT4


def number_of(frame):
    """Which packet it is; None: another, or an answer to one."""
    at = frame.rfind(MARKER)
    if at < 0 or is_answer(frame):
        return None
    return struct.unpack("!I", frame[at + len(MARKER):at + len(MARKER) + 4])[0]


@dataclass
class Captured:
    interface: str
    frame: bytes
    comment: str = None


def pcapng_options(block):
    """(code, value) of each."""
    while len(block) >= 4:
        code, size = struct.unpack("<HH", block[:4])
        if code == 0:
            return
        yield code, block[4:4 + size]
        block = block[4 + (size + 3) // 4 * 4:]


def read_pcapng(path):
    """What a capture of the router's wrote; its interface and packet blocks are all that counts."""
    data, at, interfaces = path.read_bytes(), 0, []
    while len(data) - at >= 12:
        kind, size = struct.unpack("<II", data[at:at + 8])
        block, at = data[at + 8:at + size - 4], at + size
        if at > len(data):
            return  # the last one is not all there yet
        if kind == 1:
            names = [value.decode() for code, value in pcapng_options(block[8:]) if code == 2]
            interfaces.append(names[0] if names else "")
        elif kind == 6:
            number, length = struct.unpack("<I8xI", block[:16])
            options = dict(pcapng_options(block[20 + (length + 3) // 4 * 4:]))
            comment = options.get(1)
            yield Captured(interfaces[number], block[20:20 + length],
                           None if comment is None else comment.decode())
