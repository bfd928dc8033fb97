# SPDX-License-Identifier: BSD-3-Clause
"""Capture files with one UDP frame of each flow, for testpmd (net_pcap) and millrace-traffic.

UDP, so that a router that tracks TCP needs no handshake. The last 16 bytes are eight of zero and
eight of ones: a stamp and its complement may take their place, and the checksum stays right.
"""

import ipaddress
import random
import struct

from segment import mac_bytes, ones_sum

LAN_MAC, WAN_MAC = "02:00:5e:00:53:01", "02:00:5e:00:53:02"  # the router's
HOST_MAC, GATEWAY_MAC = "02:00:5e:00:53:11", "02:00:5e:00:53:12"  # everybody else's
ROUTER_WAN4 = "203.0.113.2"
HOSTS = 50
NETS = {4: ("198.18.0.0", "198.51.100.0"), 6: ("2001:db8:0:2::", "2001:db8:f::")}
STAMP = bytes(8) + b"\xff" * 8
FCS_BYTES = 4
LEAST_BYTES = {4: 60, 6: 14 + 40 + 8 + len(STAMP)}  # without FCS; IPv6 has no room in 60
IMIX = ((64, 7), (594, 4), (1518, 1))  # sizes with FCS, and how many of twelve are of it
FIRST_PORT = 10000
FLOWS_MAX = 50000


def hosts(family):
    """The LAN's addresses."""
    first = int(ipaddress.ip_address(NETS[family][0]))
    return [str(ipaddress.ip_address(first + 11 + i)) for i in range(HOSTS)]


def udp_frame(dst_mac, src_mac, src, dst, sport, dport, size):
    """`size` without FCS; checksums are right."""
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    l4 = size - 14 - (20 if src.version == 4 else 40)
    udp = struct.pack("!HHHH", sport, dport, l4, 0) + bytes(l4 - 8 - len(STAMP)) + STAMP
    odd = b"\0" * (len(udp) % 2)
    total = ones_sum(src.packed + dst.packed + struct.pack("!HH", l4, 17) + udp + odd)
    udp = udp[:6] + struct.pack("!H", ~total & 0xffff or 0xffff) + udp[8:]
    if src.version == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + l4, 0, 0x4000, 64, 17, 0)
        header += src.packed + dst.packed
        header = header[:10] + struct.pack("!H", ~ones_sum(header) & 0xffff) + header[12:]
        kind = 0x0800
    else:
        header = struct.pack("!IHBB", 6 << 28, l4, 17, 64) + src.packed + dst.packed
        kind = 0x86dd
    return mac_bytes(dst_mac) + mac_bytes(src_mac) + struct.pack("!H", kind) + header + udp


def sizes(size, flows, family):
    """The size of each flow's frames, without FCS; `size` is with FCS, or "imix"."""
    if size == "imix":
        turn = [s for s, count in IMIX for _ in range(count)]
    else:
        turn = [size]
    return [max(turn[i % len(turn)] - FCS_BYTES, LEAST_BYTES[family]) for i in range(flows)]


def flow_frames(size, flows, family, is_nat):
    """(frames from the LAN, frames from the WAN), a flow each, in an order of chance. Its port is
    the flow's own, so that a translation that keeps ports where it can keeps all of them."""
    assert flows <= FLOWS_MAX
    choose = random.Random(1)
    lan_hosts = hosts(family)
    remote = int(ipaddress.ip_address(NETS[family][1]))
    lan, wan = [], []
    for i, bytes_ in enumerate(sizes(size, flows, family)):
        host, port = lan_hosts[i % HOSTS], FIRST_PORT + i
        server = str(ipaddress.ip_address(remote + choose.randrange(1, 255)))
        lan.append(udp_frame(LAN_MAC, HOST_MAC, host, server, port, 4000, bytes_))
        back_to = ROUTER_WAN4 if is_nat else host
        wan.append(udp_frame(WAN_MAC, GATEWAY_MAC, server, back_to, 4000, port, bytes_))
    choose.shuffle(lan)
    choose.shuffle(wan)
    return lan, wan


def write_capture(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return path
