# SPDX-License-Identifier: BSD-3-Clause
"""A house with two providers, each with a DHCP server and resolver of its own.

                                        isp1 203.0.113.1 ---- .1 +
    pc 198.18.0.11 -- lan [ router ] wan                          srv 198.51.100.10
                                     lte                          |    .53, .54: who is probed
                                        isp2 198.18.64.1 ---- .5 +

A provider lets nobody send from another one's addresses (BCP 38), and WHICH is at each of them
another address.
"""

import re
import time
from dataclasses import dataclass

from conftest import cores_for
from home import HomeLab
from lab import wait_for
from tools import ping

SERVER, PROBES = "198.51.100.10", ("198.51.100.53", "198.51.100.54")
ISPS = {"isp1": ("wan", "203.0.113", "198.18.101.1", "198.18.101.2"),
        "isp2": ("lte", "198.18.64", "198.18.102.1", "198.18.102.2")}
WHICH, ANSWERS = "which.example.net", {"fibre": "203.0.113.201", "lte": "203.0.113.202"}
GATEWAYS = {"fibre": "203.0.113.1", "lte": "198.18.64.1"}
OWN = """
table ip own {{
	chain forward {{
		type filter hook forward priority 0
		iifname "router" ip saddr != {net}.0/24 counter drop
	}}
}}
"""
# Nothing comes or goes, and the link stays up.
DEAD = """
table inet dead {
	chain in { type filter hook prerouting priority -400; iifname "router" drop; }
	chain out { type filter hook output priority -400; oifname "router" drop; }
	chain through { type filter hook postrouting priority 400; oifname "router" drop; }
}
table arp dead {
	chain in { type filter hook input priority 0; iifname "router" drop; }
	chain out { type filter hook output priority 0; oifname "router" drop; }
}
"""
LOSSY = """
table ip lossy {{
	chain in {{
		type filter hook prerouting priority -400
		iifname "router" numgen random mod 100 < {percent} drop
	}}
}}
"""


@dataclass(frozen=True)
class Ways:
    wan: str
    lte: str
    lan: str
    pc: str
    family: str


IPV4 = Ways("dhcp4: yes", "dhcp4: yes", "addresses: 198.18.0.1/24", "198.18.0.11", "ipv4")


def uplinks_config(fibre="priority: 1", lte="priority: 2", common="hold: 2s", more="", workers=1,
                   driver="af_packet", probes=PROBES, ways=IPV4):
    """`ways`: what `wan`, `lte` and `lan` are said to be, who is behind the forward, the family."""
    asks = f"probes: [{', '.join(repr(probe) for probe in probes)}], " if probes else ""
    return (f"workers: {{ cores: [{', '.join(map(str, cores_for(workers)))}] }}\n"
            "ports:\n" +
            "".join(f"  {p}: {{ driver: {driver}, match: {{ name: port-{p} }} }}\n"
                    for p in ("wan", "lte", "lan")) +
            "interfaces:\n"
            f"  wan: {{ port: wan, {ways.wan} }}\n"
            f"  lte: {{ port: lte, {ways.lte} }}\n"
            f"  lan: {{ port: lan, {ways.lan} }}\n"
            "uplinks:\n"
            f"  fibre: {{ interface: wan, {asks}{fibre}, {common} }}\n"
            f"  lte: {{ interface: lte, {asks}{lte}, {common} }}\n"
            "nat:\n"
            f"  - {{ forward: {{ protocol: tcp, ports: 8080, to: '{ways.pc}' }}, interface: [wan, lte] }}\n"
            f"  - {{ masquerade: [wan, lte], family: {ways.family} }}\n"
            "zones: { home: { interfaces: lan }, internet: { interfaces: [wan, lte] } }\n"
            "firewall:\n"
            "  input: [{ from: home, action: accept },\n"
            "    { from: internet, protocol: tcp, port: 8022, action: accept }]\n"
            "  forward: [{ from: home, action: accept }, { dnat: true, action: accept }]\n" + more)


class UplinksLab(HomeLab):
    family, server, config = "ipv4", SERVER, staticmethod(uplinks_config)

    def setup(self):
        for host in ("pc", "rtr", "srv", *ISPS):
            self.add_host(host)
        self.add_wire("rtr", "port-lan", "pc", "eth0")
        self.ip("pc", "addr add 198.18.0.11/24 dev eth0")
        self.ip("pc", "route add default via 198.18.0.1")
        for address in (SERVER, *PROBES):
            self.ip("srv", f"addr add {address}/32 dev lo")
        for isp, (port, net, here, there) in ISPS.items():
            self.add_wire("rtr", f"port-{port}", isp, "router")
            self.add_wire(isp, "core", "srv", isp)
            self.ip(isp, f"addr add {net}.1/24 dev router")
            self.ip(isp, f"addr add {here}/30 dev core")
            self.ip("srv", f"addr add {there}/30 dev {isp}")
            self.ip("srv", f"route add {net}.0/24 via {here}")
            self.ip(isp, f"route add default via {there}")
            self.sysctl(isp, {"net.ipv4.ip_forward": 1})
            self.run(isp, "nft", "-f", "-", stdin=OWN.format(net=net))

    def start_providers(self, resolvers=None):
        """`resolvers`: those that they tell of, if not their own addresses on the link."""
        for (isp, (_, net, _, _)), answer in zip(ISPS.items(), ANSWERS.values()):
            words = ()
            if resolvers:
                self.ip(isp, f"addr add {resolvers[isp]}/32 dev lo")
                words = (f"--dhcp-option=6,{resolvers[isp]}", "--interface=lo")
            server = self.start(
                isp, f"dnsmasq-{isp}", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                "--user=root", "--pid-file=", "--interface=router", "--bind-interfaces", "--no-resolv",
                "--no-hosts", "--log-facility=-", "--log-queries", "--dhcp-authoritative", "--no-ping",
                f"--host-record={WHICH},{answer}", f"--address=/load.example.net/{answer}",
                f"--dhcp-leasefile={self.dir}/{isp}.leases",
                f"--dhcp-range={net}.100,{net}.110,255.255.255.0,1h", *words)
            self.wait_port(isp, 67, server, kind="udp")

    def start_web(self, host, port, name):
        """Tells each caller its address; of the name "stream" it goes on talking."""
        server = self.start(host, name, "/usr/bin/python3", "-u", "-c", TELLER, port, self.family, name)
        self.wait_port(host, port, server)
        return server

    def begin(self, text=None, resolvers=None):
        self.start_providers(resolvers)
        self.start_web("srv", 80, "teller")
        self.start_router((text or self.config()) + f"state: {{ file: {self.dir}/state.db }}\n")
        for name in ("fibre", "lte"):
            wait_for(lambda n=name: self.uplink(n)["state"] == "up" and self.way(n)["has_way"],
                     f"{name} to be up", 20)
        wait_for(lambda: ping(self, "pc", self.server, count=1).received, "pc to reach the internet", 15)
        self.addresses = {name: self.way(name)["address"] for name in ("fibre", "lte")}

    def uplink(self, name):
        return next(u for u in self.millrace("show", "uplinks")["uplinks"] if u["name"] == name)

    def way(self, name):
        return self.uplink(name)[self.family]

    def used(self):
        return sorted(u["name"] for u in self.millrace("show", "uplinks")["uplinks"] if u["is_used"])

    def wait_used(self, *names, timeout=15):
        wait_for(lambda: self.used() == sorted(names), f"{names} to be used", timeout)

    def wait_state(self, name, state, timeout=15):
        wait_for(lambda: self.uplink(name)["state"] == state, f"{name} to be {state}", timeout)

    def seen_as(self):
        """From which uplink's address pc comes."""
        done = self.run("pc", "/usr/bin/python3", "-c", ASKER, self.server, 80, check=False)
        return {v: k for k, v in self.addresses.items()}.get(done.stdout.strip(), done.stderr[-200:])

    def kernel_default(self, host="rtr"):
        route = self.ip_json(host, f"route get {self.server}")
        return route[0]["dev"]

    # --- harm ---

    def cut(self, isp):
        self.ip(isp, "link set router down")

    def mend(self, isp):
        self.ip(isp, "link set router up")

    def kill(self, isp):
        self.run(isp, "nft", "-f", "-", stdin=DEAD)

    def revive(self, isp):
        self.run(isp, "nft", "delete", "table", "inet", "dead")
        self.run(isp, "nft", "delete", "table", "arp", "dead")

    def lose(self, isp, percent):
        self.run(isp, "nft", "-f", "-", stdin=LOSSY.format(percent=percent))

    def lose_nothing(self, isp):
        self.run(isp, "nft", "delete", "table", "ip", "lossy")


class Pulse:
    """A ping each 10 ms from pc; how long nothing came back."""

    def __init__(self, lab):
        self.process = lab.start("pc", "pulse", "ping", "-n", "-D", "-i", "0.01", lab.server)
        wait_for(lambda: len(self.times()) > 5, "the first answers", 5)

    def times(self):
        return [float(t) for t in re.findall(r"^\[(\d+\.\d+)\] 64 bytes", self.process.output(), re.M)]

    def wait_back(self, since, timeout=20):
        wait_for(lambda: any(t > since + 0.2 for t in self.times()[-3:]) and
                 self.times()[-1] > time.time() - 0.2, "answers to come again", timeout)

    def gap(self, since):
        """The longest silence that began after `since`, or was under way then."""
        times = [t for t in self.times()]
        return max(b - a for a, b in zip(times, times[1:]) if b > since)

    def stop(self):
        self.process.popen.terminate()
        self.process.popen.wait(5)


# Says who calls; then what it hears, until the other end closes, or, as a "stream" whose client only
# listens, something each millisecond.
TELLER = r"""
import socket, sys, threading, time
def hear(conn):
    while data := conn.recv(4096):
        conn.sendall(data)
def stream(conn):
    while True:
        conn.sendall(b"tick ")
        time.sleep(0.001)
def serve(conn, peer):
    try:
        conn.sendall((peer[0] + "\n").encode())
        (stream if sys.argv[3] == "stream" else hear)(conn)
    except OSError:
        pass
    conn.close()
family = socket.AF_INET6 if sys.argv[2] == "ipv6" else socket.AF_INET
listener = socket.create_server(("", int(sys.argv[1])), family=family, backlog=64)
while True:
    threading.Thread(target=serve, args=listener.accept(), daemon=True).start()
"""
ASKER = r"""
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
print(s.makefile().readline().strip())
"""
# Stays connected, says something each 50 ms, and tells when and how that ended.
TALKER = r"""
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
f = s.makefile()
print("as", f.readline().strip(), flush=True)
s.settimeout(float(sys.argv[3]))
n = 0
try:
    while True:
        s.sendall(b"%d\n" % n)
        if f.readline().strip() != str(n):
            raise OSError("closed")
        n += 1
        print("said", n, flush=True)
        time.sleep(0.05)
except Exception as e:
    print("ended", time.time(), type(e).__name__, n, flush=True)
"""
# Only waits: a client of a download whose server is silent.
WAITER = r"""
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
f = s.makefile()
print("as", f.readline().strip(), flush=True)
s.settimeout(float(sys.argv[3]))
try:
    f.readline()
    print("ended", time.time(), "closed", 0, flush=True)
except Exception as e:
    print("ended", time.time(), type(e).__name__, 0, flush=True)
"""


def talk(lab, script=TALKER, host="pc", target=None, port=80, patience=30, name="talker"):
    process = lab.start(host, name, "/usr/bin/python3", "-u", "-c", script, target or lab.server, port,
                        patience)
    wait_for(lambda: "as " in process.output() or not process.is_alive(), "a connection", 5)
    return process


def said(process):
    return process.output().count("said")


def wait_ended(process, timeout=10):
    """When it ended, and by what."""
    wait_for(lambda: "ended" in process.output(), "the connection to end", timeout)
    words = re.search(r"ended (\S+) (\S+)", process.output())
    return float(words[1]), words[2]


def see_a_cut_cable(lab):
    """What goes by the better uplink goes by the other at once. Who spoke by the dead one hears of it and
    can connect anew, also who only waits."""
    pulse, talker, waiter = Pulse(lab), talk(lab), talk(lab, WAITER, name="waiter")
    began = time.time()
    lab.cut("isp1")
    pulse.wait_back(began)
    gap = pulse.gap(began)
    print(f"cut to first answer by the other: {gap * 1000:.0f} ms")
    assert gap < 1
    lab.wait_used("lte")
    assert lab.kernel_default() == "lte" and lab.seen_as() == "lte"
    for process in (talker, waiter):
        at, how = wait_ended(process)
        print(f"{process.name}: {how} after {at - began:.2f} s")
        assert how == "ConnectionResetError" and at - began < 1, (process.name, how, at - began)
