# SPDX-License-Identifier: BSD-3-Clause
"""A lab of two segments with the router between them, and two gateways on the far one.

    pc1 --+                        rtr                           +--- gw1 203.0.113.11
          lsw --- port-lan   [ the router ]   port-wan --- wsw --+
    pc2 --+     198.18.0.1                203.0.113.2            +--- gw2 203.0.113.12

IPv6 beside it: 2001:db8:0:2::/64 and 2001:db8:0:1::/64. Either gateway answers for all of
198.51.100.0/24, 198.18.128.0/17 and 2001:db8:f::/48, with its name: who answers tells the way that
a packet took. The gateways know the LAN behind the router, with NAT or without.
"""

import ipaddress
import json
import struct
import subprocess
from pathlib import Path

from home import ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, ROUTER_WAN6, HomeLab, port_words
from lab import LabError, wait_for
from tools import ping

LAN4, LAN6 = "198.18.0.0/24", "2001:db8:0:2::/64"
PCS = {"pc1": ("198.18.0.11", "2001:db8:0:2::11"), "pc2": ("198.18.0.12", "2001:db8:0:2::12")}
GATEWAYS = {"gw1": ("203.0.113.11", "2001:db8:0:1::11"),
            "gw2": ("203.0.113.12", "2001:db8:0:1::12")}
FAR_NETS = ("198.51.100.0/24", "198.18.128.0/17", "2001:db8:f::/48")
TARGET4, TARGET6 = "198.51.100.10", "2001:db8:f::10"
PROBE_PORT = 7778
PROBE = Path(__file__).with_name("udp_probe.py")
FLOOD = Path(__file__).with_name("raw_flood.py")


class SegmentLab(HomeLab):
    """The router is not started yet on entry."""

    def __init__(self, mtu=1500, wires="veth"):
        super().__init__(wires=wires)
        self.mtu = mtu

    def setup(self):
        for host in ("rtr", "lsw", "wsw", *PCS, *GATEWAYS):
            self.add_host(host)
        self._add_segment("lsw", "port-lan", PCS)
        self._add_segment("wsw", "port-wan", GATEWAYS)
        for pc in PCS:
            self.ip(pc, f"route add default via {ROUTER_LAN4}")
            self.ip(pc, f"route add default via {ROUTER_LAN6}")
        for gw in GATEWAYS:
            for net in FAR_NETS:
                self.ip(gw, f"route add local {net} dev lo")
            self.ip(gw, f"route add {LAN4} via {ROUTER_WAN4}")
            self.ip(gw, f"route add {LAN6} via {ROUTER_WAN6}")

    def _add_segment(self, switch, port, hosts):
        self.ip(switch, "link add br0 type bridge mcast_snooping 0 forward_delay 0")
        self.ip(switch, f"link set br0 mtu {self.mtu} up")
        if self.wires == "veth":
            self.add_wire("rtr", port, switch, "router", mtu=self.mtu)
            self.ip(switch, "link set router master br0")
        for host, (addr4, addr6) in hosts.items():
            self.add_wire(switch, host, host, "eth0", mtu=self.mtu)
            self.ip(switch, f"link set {host} master br0")
            self.ip(host, f"addr add {addr4}/24 dev eth0")
            self.ip(host, f"addr add {addr6}/64 dev eth0 nodad")

    def _plug_taps(self):
        for port, switch in (("port-lan", "lsw"), ("port-wan", "wsw")):
            self._plug_tap(port, switch)
            self.ip(switch, "link set router master br0")

    def add_guest(self):
        """One more host on the LAN, without an address; no second one when asked again."""
        if "guest" not in self.hosts:
            self.add_host("guest")
            self.add_wire("lsw", "guest", "guest", "eth0", mtu=self.mtu)
            self.ip("lsw", "link set guest master br0")

    def start_answerers(self):
        """On each gateway a server that says its name; see udp_probe.py."""
        for gw in GATEWAYS:
            server = self.start(gw, "answerer", "/usr/bin/python3", PROBE, "serve", PROBE_PORT, gw)
            self.wait_port(gw, PROBE_PORT, server, "udp")

    def wait_lan(self, targets=(ROUTER_LAN4, ROUTER_LAN6)):
        """Until the router answers pc1 itself, and its own addresses are past their DAD."""
        self.wait_path(targets=targets)

    def probe(self, host, target, **options):
        """What became of each datagram: see udp_probe.py, whose options these are."""
        words = (f"{key}={value}" for key, value in options.items())
        said = self.run(host, "/usr/bin/python3", PROBE, "ask", target, PROBE_PORT, *words).stdout
        return [json.loads(line) for line in said.splitlines()]

    def who_answers(self, target, host="pc1", **options):
        """The names of the gateways that answered, None in the place of silence or an error."""
        return [result.get("name") for result in self.probe(host, target, **options)]

    def route(self, command):
        """`ip route <command>`, of the family that its destination is of, in the router."""
        family = "-6" if ":" in command else "-4"
        return self.ip("rtr", f"{family} route {command}")

    def batch(self, host, lines):
        """Many commands of `ip` in a host at once."""
        path = self.dir / f"{host}.batch"
        path.write_text("\n".join(lines) + "\n")
        self.run(host, "ip", "-batch", path, timeout=60)

    def start_listener(self, host, port):
        """Its output is the text of each datagram that comes to the port."""
        listener = self.start(host, f"listener-{port}", "/usr/bin/python3", PROBE, "listen", port)
        self.wait_port(host, port, listener, "udp")
        return listener

    def send_numbers(self, host, target, port, count, interval=0.0):
        """In the background; what arrives, a listener prints."""
        return self.start(host, f"numbers-{port}", "/usr/bin/python3", PROBE, "send", target, port,
                          count, interval)

    def router_mac(self, interface="lan"):
        return next(i["mac"] for i in self.millrace("show", "interfaces")["interfaces"]
                    if i["name"] == interface)

    def mac(self, host, dev="eth0"):
        return self.ip_json(host, f"link show dev {dev}")[0]["address"]

    def start_flood(self, host, frames, rate, seconds, dev="eth0"):
        """Frames (bytes) in turn, in the background; its output is how many were sent."""
        path = self.dir / f"{host}-flood.hex"
        path.write_text("\n".join(frame.hex() for frame in frames))
        return self.start(host, "flood", "/usr/bin/python3", FLOOD, dev, rate, seconds, path)

    def start_stream(self, host, target, seconds, interval=0.01):
        """A ping that goes on in the background; see end_stream."""
        count = int(seconds / interval)
        name = f"stream-{len(self.processes)}"
        return self.start(host, name, "ping", "-n", "-c", count, "-i", interval, "-W", 1, target)


def end_of(process, timeout=30):
    """Waits for a program that ends by itself; what it printed."""
    try:
        code = process.popen.wait(timeout)
    except subprocess.TimeoutExpired:
        raise LabError(f"{process.name} is still running after {timeout} s") from None
    if code not in (0, 1):  # ping's 1 is for the caller to judge by the numbers
        raise LabError(f"{process.name} ended with code {code}: {process.tail()}")
    return process.output()


def end_stream(process, timeout=60):
    """(sent, received) of a stream, once it is over."""
    words = end_of(process, timeout).split("--- ")[-1].split()
    return int(words[words.index("packets") - 1]), int(words[words.index("received,") - 1])


def stop_stream(process):
    """(sent, received) of a stream that is ended now."""
    process.popen.send_signal(2)
    return end_stream(process)


def wait_answer(lab, target, name, timeout=5.0):
    wait_for(lambda: lab.who_answers(target, wait=0.3) == [name], f"{name} to answer {target}",
             timeout)


def is_reachable(lab, host, target, wait=1):
    return ping(lab, host, target, count=1, wait=wait).received == 1


def segment_config(driver="af_packet", cores=(0,), is_nat=False, extra="", ports=None):
    """`extra`: more lines of YAML; `ports`: more words for ports, by name."""
    more = {"wan": "", "lan": "", **(ports or {})}
    lines = [f"workers: {{ cores: [{', '.join(str(core) for core in cores)}] }}", "ports:"]
    lines += [f"  {port}: {{ driver: {driver}, {port_words(driver, port)}{more[port]} }}"
              for port in ("wan", "lan")]
    lines += [
        "interfaces:",
        f"  wan: {{ port: wan, addresses: [{ROUTER_WAN4}/24, '{ROUTER_WAN6}/64'] }}",
        f"  lan: {{ port: lan, addresses: [{ROUTER_LAN4}/24, '{ROUTER_LAN6}/64'] }}",
    ]
    lines += ["nat:", "  - masquerade: wan"] if is_nat else []
    return "\n".join(lines) + "\n" + extra


# --- frames ---

def ones_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def udp_frame(dst_mac, src_mac, src, dst, ttl=64, sport=4000, dport=4001, payload=18):
    """UDP over IPv4 (without a UDP checksum) or IPv6 (with one)."""
    src, dst = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    udp = struct.pack("!HHHH", sport, dport, 8 + payload, 0) + bytes(payload)
    if len(src) == 16:
        total = ones_sum(src + dst + struct.pack("!IHH", len(udp), 0, 17) + udp)
        udp = udp[:6] + struct.pack("!H", ~total & 0xffff or 0xffff) + udp[8:]
        packet = struct.pack("!IHBB", 6 << 28, len(udp), 17, ttl) + src + dst + udp
        kind = 0x86dd
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, ttl, 17, 0) + src + dst
        header = header[:10] + struct.pack("!H", ~ones_sum(header) & 0xffff) + header[12:]
        packet = header + udp
        kind = 0x0800
    return mac_bytes(dst_mac) + mac_bytes(src_mac) + struct.pack("!H", kind) + packet
