# SPDX-License-Identifier: BSD-3-Clause
"""The house of home.py with a wire on either side of the router, for packets nobody sends by accident.

    HOSTS 198.18.0.32/27 --- inside wire (pc1) --- [ router ] --- outside wire (inet) --- 198.19.0.0/16

No kernel has those addresses, so that nobody answers but the test: the router's kernel is told that
the hosts are where pc1 is, and the internet's gateway drops what goes to 198.19.0.0/16 once it has
been seen. How a host is translated is told by its address, see NAT. A test that uses `nat` fails
when any packet that left the router meanwhile had a checksum that is not right.
"""

import ctypes
import itertools
import os
import select
import socket
import time
from contextlib import contextmanager

from checksums import frame_faults
from home import INET4, ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, HomeLab, home_config
from lab import LabError, wait_for
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

FAR_NET = "198.19.0.0/16"
FAR, FAR2 = "198.19.0.1", "198.19.1.2"  # two remotes of the internet
HOST, HOST2, SERVER = "198.18.0.33", "198.18.0.34", "198.18.0.35"
PARITY, FULL_CONE, RANDOM, POOLED, POOLED2 = (f"198.18.0.{n}" for n in (40, 41, 42, 43, 44))
FORBIDDEN = "198.18.0.45"
HOSTS = (HOST, HOST2, SERVER, PARITY, FULL_CONE, RANDOM, POOLED, POOLED2, FORBIDDEN)
POOL = "203.0.113.64/28"
BASIC_INSIDE, BASIC_OUTSIDE = "198.18.0.46", "203.0.113.96"
FORWARDED = 4430  # tcp and udp, to SERVER
NAT = f"""
  - {{ masquerade: wan, from: {PARITY}, keep-parity: true }}
  - {{ masquerade: wan, from: {FULL_CONE}, full-cone: true }}
  - {{ masquerade: wan, from: {RANDOM}, random-ports: true }}
  - {{ source: {POOL}, from: [{POOLED}, {POOLED2}], interface: wan }}
  - {{ one-to-one: {{ inside: {BASIC_INSIDE}, outside: {BASIC_OUTSIDE} }}, interface: wan }}
  - {{ masquerade: wan }}
  - {{ forward: {{ protocol: [tcp, udp], ports: {FORWARDED}, to: {SERVER} }}, interface: wan }}
"""
FIREWALL = f"""
zones:
  house: {{ interfaces: lan }}
  internet: {{ interfaces: wan }}
firewall:
  input:
    - {{ from: house, action: accept }}
  forward:
    - {{ source: {FORBIDDEN}, action: reject, reject-with: admin-prohibited }}
    - {{ from: house, action: accept }}
    - {{ from: internet, dnat: true, action: accept }}
"""
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count(1)


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


@contextmanager
def inside_of(namespace):
    """Sockets made in the block are that namespace's, wherever they are used afterwards."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def socket_of(lab, host, kind, bind=("", 0), family=socket.AF_INET, timeout=3.0):
    """An ordinary socket of a lab's host, in the test's own hands."""
    with inside_of(lab.namespace(host)):
        sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(timeout)
    sock.bind(bind)
    return sock


class Wire:
    """A device of a lab's host: what comes in there, and frames sent from there to the router."""

    def __init__(self, lab, host, dev):
        with inside_of(lab.namespace(host)):
            self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.raw.bind((dev, 0))
        self.mac = lab.ip_json(host, f"link show dev {dev}")[0]["address"]
        self.router_mac = None  # known once the router runs
        self.faults = []

    def send(self, packet):
        self.raw.send(bytes(Ether(src=self.mac, dst=self.router_mac) / packet))

    def receive(self, timeout):
        """The next packet from the router, as scapy reads it; None when none comes in time."""
        deadline = time.monotonic() + timeout
        while select.select([self.raw], [], [], max(0, deadline - time.monotonic()))[0]:
            frame, address = self.raw.recvfrom(65535)
            if address[2] == socket.PACKET_OUTGOING or Ether(frame).src != self.router_mac:
                continue
            self.faults += [f"{fault}: {frame.hex()}" for fault in frame_faults(frame)]
            return Ether(frame).payload
        return None

    def wait(self, fits, timeout=3.0):
        """The first packet that fits; None when none comes in time."""
        deadline = time.monotonic() + timeout
        while (packet := self.receive(deadline - time.monotonic())) is not None:
            if fits(packet):
                return packet
        return None

    def all_until(self, seconds):
        """Everything that comes in until then."""
        deadline = time.monotonic() + seconds
        packets = []
        while (packet := self.receive(deadline - time.monotonic())) is not None:
            packets.append(packet)
        return packets

    def drain(self):
        while self.receive(0) is not None:
            pass


class NatLab(HomeLab):
    SILENCE = 0.25  # what has not come by then was dropped

    def __init__(self):
        super().__init__()
        self.inside = self.outside = None

    def start_nat(self, cores, extra="", firewall=FIREWALL, nat=NAT, wan_mtu=None):
        """One worker on each core; `extra`: more of the file."""
        config = home_config("af_packet", cores, wan_mtu)
        self.start_router(config[:config.index("nat:")] + f"nat:{nat}{firewall}{extra}")
        self.inside, self.outside = Wire(self, "pc1", "eth0"), Wire(self, "inet", "router")
        self.ip("inet", f"route add blackhole {FAR_NET}")
        self.ip("inet", f"route add {POOL} via {ROUTER_WAN4}")
        self.ip("inet", f"route add {BASIC_OUTSIDE} via {ROUTER_WAN4}")
        for host in (*HOSTS, BASIC_INSIDE):
            self.ip("rtr", f"neigh replace {host} lladdr {self.inside.mac} dev lan nud permanent")
        macs = {i["name"]: i["mac"] for i in self.millrace("show", "interfaces")["interfaces"]}
        self.inside.router_mac, self.outside.router_mac = macs["lan"], macs["wan"]
        for host, target in (("pc1", ROUTER_LAN4), ("pc1", ROUTER_LAN6), ("rtr", INET4)):
            wait_for(lambda h=host, t=target: self.run(h, "ping", "-nc1", "-W1", t, check=False)
                     .returncode == 0, f"{host} to reach {target}")
        for source in (HOST, FULL_CONE):  # the neighbours have been followed
            wait_for(lambda s=source: self.is_heard(s), f"{source} to be reached")

    def is_heard(self, host):
        ask = IP(src=host, dst=ROUTER_LAN4) / ICMP(id=1)
        self.inside.send(ask)
        return self.inside.wait(lambda p: IP in p and p[IP].dst == host, 0.3) is not None

    @staticmethod
    def numbered(packet):
        """With an identification of its own, which NAT leaves alone: it is known again by it."""
        packet[IP].id = next(numbers) % 65535 + 1
        return packet

    def pass_on(self, packet, sender, catcher, timeout=3.0):
        self.numbered(packet)
        catcher.drain()
        sender.send(packet)
        return catcher.wait(lambda p: IP in p and p[IP].id == packet[IP].id, timeout)

    def out(self, packet):
        """From a host inside: as it is seen outside. LabError when it does not get there."""
        return self._arrived(self.pass_on(packet, self.inside, self.outside), packet)

    def back(self, packet):
        """From outside: as a host inside sees it."""
        return self._arrived(self.pass_on(packet, self.outside, self.inside), packet)

    def around(self, packet):
        """From a host inside to the outside of another one."""
        return self._arrived(self.pass_on(packet, self.inside, self.inside), packet)

    def _arrived(self, got, packet):
        if got is None:
            named = {name: n for name, n in self.counts("drop_", "punt_").items() if n}
            raise LabError(f"did not get through: {packet.summary()}; counted so far: {named}")
        return got

    def is_let_in(self, packet):
        return self.pass_on(packet, self.outside, self.inside, self.SILENCE) is not None

    def is_let_out(self, packet):
        return self.pass_on(packet, self.inside, self.outside, self.SILENCE) is not None

    def flow(self, **wanted):
        """The one flow of `millrace show flows --json` that has these values; None: there is none."""
        fit = [flow for flow in self.millrace("show", "flows")["flows"]
               if all(flow[key] == value for key, value in wanted.items())]
        assert len(fit) < 2, fit
        return fit[0] if fit else None

    def check_checksums(self):
        """All that left the router until now."""
        for wire in (self.inside, self.outside):
            wire.drain()
            faults, wire.faults = wire.faults, []
            assert not faults, "\n".join(faults)

