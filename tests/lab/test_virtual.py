# SPDX-License-Identifier: BSD-3-Clause
"""Ports without a card: memif to another DPDK process, pcap files, and null.

    pc1 --- port-lan [ the router ] memif ====== testpmd 203.0.113.1 (answers ARP and ping)
"""

import struct

import pytest
from home import HomeLab
from lab import wait_for
from tools import ping

pytestmark = [pytest.mark.xdist_group("virtual")]

PEER = "203.0.113.1"

CONFIG = """
workers: {{cores: [0]}}
memory: {{hugepages: never}}
ports:
  wan: {wan}
  lan: {lan}
interfaces:
  wan: {{port: wan, addresses: 203.0.113.2/24}}
  lan: {{port: lan, addresses: 198.18.0.1/24}}
routes:
  - {{to: 0.0.0.0/0, via: 203.0.113.1}}
nat:
  - {{masquerade: wan}}
"""
LAN = "{match: {name: port-lan}}"


def start_testpmd(lab):
    """A DPDK process at the other end of a memif that answers ARP and echo requests. A client of
    DPDK's memif connects once, at its start: the server must be there before it."""
    socket = lab.dir / "memif.sock"
    testpmd = lab.start(
        "rtr", "testpmd", "dpdk-testpmd", "--no-huge", "--no-shconf", "--file-prefix",
        lab.namespace("rtr"), "-m", 256, "--no-pci", "-l", "0,1",
        f"--vdev=net_memif0,role=server,socket={socket},socket-abstract=no", "--",
        "--total-num-mbufs=4096", "--forward-mode=icmpecho", "--auto-start", "--stats-period", 1)
    wait_for(lambda: "start packet forwarding" in testpmd.output(), "testpmd to listen on its memif")
    return socket


def test_memif_reaches_another_dpdk_process_through_nat():
    with HomeLab() as lab:
        socket = start_testpmd(lab)
        lab.start_router(CONFIG.format(wan=f"{{driver: memif, socket: {socket}}}", lan=LAN))
        wait_for(lambda: ping(lab, "pc1", PEER, count=1).received == 1, "an answer over memif", 20)
        result = ping(lab, "pc1", PEER, count=50)
        assert result.received == 50, result.text
        flow = next(f for f in lab.millrace("show", "flows")["flows"] if f["protocol"] == "icmp")
        assert "203.0.113.2" in str(flow)
        lab.stop_router()


def colons(mac):
    return ":".join(mac[i:i + 2] for i in range(0, 12, 2))


def ethernet(dst, src, kind, payload):
    return bytes.fromhex(dst) + bytes.fromhex(src) + struct.pack(">H", kind) + payload


def ones_sum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_packet(src, dst, sport, dport, payload):
    """IPv4 and UDP without a checksum, which UDP allows."""
    udp = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, src, dst)
    return ip[:10] + struct.pack(">H", ones_sum(ip)) + ip[12:] + udp


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    data = path.read_bytes() if path.exists() else b""
    at, frames = 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + size > len(data):
            break  # being written
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


def test_pcap_files_stand_in_for_both_cards():
    lan_mac, wan_mac, gateway_mac = "020000000001", "020000000002", "020000000099"
    pc, server = bytes([198, 18, 0, 7]), bytes([198, 51, 100, 10])
    with HomeLab() as lab:
        rx, tx = lab.dir / "in.pcap", lab.dir / "out.pcap"
        write_pcap(rx, [ethernet(lan_mac, "020000000007", 0x0800,
                                 udp_packet(pc, server, 5000, 53, b"in a file"))])
        # Read once, at the start: the packet is held until the gateway is known.
        lab.start_router(CONFIG.format(wan=f"{{driver: pcap, tx-file: {tx}, mac: {colons(wan_mac)}}}",
                                       lan=f"{{driver: pcap, rx-file: {rx}, mac: {colons(lan_mac)}}}"))
        lab.ip("rtr", f"neigh replace {PEER} dev wan nud permanent lladdr {colons(gateway_mac)}")

        def translated():
            return [f for f in read_pcap(tx) if f[12:14] == b"\x08\x00" and f[23] == 17]

        wait_for(translated, "translated packets in the file", 20)
        frame = translated()[0]
        assert frame[:12].hex() == gateway_mac + wan_mac
        assert frame[26:30] == bytes([203, 0, 113, 2]) and frame[30:34] == server
        assert frame[34:38] == struct.pack(">HH", 5000, 53)
        assert frame[22] == 63
        assert ones_sum(frame[14:34]) == 0
        lab.stop_router()


def test_null_swallows_what_it_is_sent():
    with HomeLab() as lab:
        lab.start_router(CONFIG.format(wan="{driver: 'null'}", lan=LAN))
        lab.ip("rtr", f"neigh replace {PEER} dev wan nud permanent lladdr 02:00:00:00:00:99")
        wait_for(lambda: ping(lab, "pc1", "198.18.0.1", count=1).received == 1, "the router to answer")
        assert ping(lab, "pc1", "198.51.100.10", count=3, wait=1).received == 0

        def sent():
            return next(i for i in lab.millrace("show", "interfaces")["interfaces"]
                        if i["name"] == "wan")["tx_packets"]

        wait_for(lambda: sent() >= 3, "the packets to leave by the null port")
        lab.stop_router()
