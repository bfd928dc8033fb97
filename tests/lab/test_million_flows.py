# SPDX-License-Identifier: BSD-3-Clause
"""A million flows, looked through while the router goes on.

    in.pcap, one packet of each flow --- lan (pcap) [ the router ] wan (null)
"""

import socket
import struct
import time

import pytest
from api_lab import ApiLab
from conftest import cores_for
from lab import wait_for

FLOWS = 1_000_000
PORTS = 500  # of each host
MAC = "02:00:00:00:00:01"
SERVER = "198.51.100.7"
LATE_US = 50_000  # beside what the start took, see test_api.py

CONFIG = """
workers: {{ cores: {cores} }}
ports:
  wan: {{ driver: "null" }}
  lan: {{ driver: pcap, mac: "{mac}", rx-file: {dir}/in.pcap, tx-file: {dir}/out.pcap }}
interfaces:
  wan: {{ port: wan, addresses: 203.0.113.2/24 }}
  lan: {{ port: lan, addresses: 198.18.0.1/16 }}
flows: {{ capacity: {capacity} }}
state: {{ file: {dir}/state.db }}
routes: [{{ to: 0.0.0.0/0, via: 203.0.113.1 }}]
firewall: {{ defaults: {{ forward: accept }} }}
"""


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def write_packets(path):
    """UDP of FLOWS // PORTS hosts to a name server; the ports are such as the flows' buckets like."""
    ether = bytes.fromhex(MAC.replace(":", "")) + bytes.fromhex("020000000002") + b"\x08\x00"
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for host in range(FLOWS // PORTS):
            source = socket.inet_aton(f"198.18.{1 + host // 250}.{1 + host % 250}")
            ip = (struct.pack("!BBHHHBBH", 0x45, 0, 46, 0, 0, 64, socket.IPPROTO_UDP, 0) + source
                  + socket.inet_aton(SERVER))
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
            for i in range(PORTS):
                out.write(struct.pack("<IIII", 0, 0, 60, 60) + ether + ip
                          + struct.pack("!HHHH", 1024 + i * 64 + host % 64, 53, 26, 0) + bytes(18))


@pytest.mark.alone
def test_a_million_flows_are_looked_through_without_holding_up_the_loop():
    with ApiLab() as lab:
        write_packets(lab.dir / "in.pcap")
        lab.start_router(CONFIG.format(dir=lab.dir, mac=MAC, cores=cores_for(1),
                                       capacity=FLOWS + FLOWS // 10), timeout=60)
        wait_for(lambda: sum(worker["flows"] for worker in
                             lab.millrace("show", "workers")["workers"]) == FLOWS, "the flows", 40)
        late = lab.millrace("show", "version")["loop_late_us"]
        for words, shown, total in (
                (["sort", "bytes", "top", "20"], 20, FLOWS),
                (["from", "198.18.1.7", "to-port", "53", "limit", "5"], 5, PORTS),
                (["from", "198.18.2.0/24"], 1000, 250 * PORTS),
                (["proto", "tcp"], 0, 0), (["limit", "10000"], 10000, FLOWS)):
            began = time.monotonic()
            said = lab.millrace("show", "flows", *words)
            print(f"{' '.join(words)}: {1000 * (time.monotonic() - began):.0f} ms")
            assert (len(said["flows"]), said["total"]) == (shown, total), words
        path = lab.dir / "next.yaml"
        path.write_text((lab.dir / "millraced.yaml").read_text().replace(
            "forward: accept", "forward: drop"))
        began = time.monotonic()
        plan = lab.millrace("plan", path)
        print(f"plan: {1000 * (time.monotonic() - began):.0f} ms")
        assert plan["judged"] == plan["cut_total"] == FLOWS and plan["cut_is_all"]
        assert plan["causes"] == [{"what": "default", "flows": FLOWS, "reason": "drop_rule",
                                   "list": "forward", "rule": None}]
        after = lab.millrace("show", "version")["loop_late_us"]
        print(f"the loop was {after} us late at worst, {late} before")
        assert after <= max(late, LATE_US)
