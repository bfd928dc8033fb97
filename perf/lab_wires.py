# SPDX-License-Identifier: BSD-3-Clause
"""A router between two wires and nothing else: what is sent into one end is made by programs.

    generator ==== memif or veth ==== [ Millrace, or the kernel ] ==== memif or veth ==== sink

With memif, Millrace's ports are servers: generators come and go, the router stays. With veth, the
ends in `gen` are for a program's raw sockets. All neighbours are known beforehand.
"""

import itertools
import json

import lab_frames as frames
from home import NFT_RULES, HomeLab, build_dir
from lab import HUGEPAGES, LabError, wait_for
from lab_cpu import go_first, thread_named
from segment import end_of

GATEWAY4, GATEWAY6 = "203.0.113.1", "2001:db8:0:1::1"
LAN4, LAN6 = "198.18.0.1/24", "2001:db8:0:2::1/64"
WAN4, WAN6 = f"{frames.ROUTER_WAN4}/24", "2001:db8:0:1::2/64"
TRAFFIC = "perf/millrace-traffic"
PROGRAM_HUGEPAGES = 64  # of 2 MB: testpmd's or millrace-traffic's buffers and rings

FILTER_RULES = """
table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "port-lan" accept
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "port-lan" accept
		meta l4proto { icmp, ipv6-icmp } accept
	}
}
"""

FIREWALL_RULES = """
zones:
  inside: { interfaces: lan }
  outside: { interfaces: wan }
firewall:
  input:
    - { from: inside, action: accept }
    - { icmp: echo-request, icmp6: echo-request, action: accept }
  forward:
    - { from: inside, action: accept }
"""
MASQUERADE = "nat:\n  - { masquerade: wan }\n"


def has_hugepages():
    """Enough for one more program. Other labs' routers take what they find, ours or not."""
    return int(HUGEPAGES.with_name("free_hugepages").read_text()) >= PROGRAM_HUGEPAGES


class WiresLab(HomeLab):
    """`kind`: "memif" or "veth". The router is started by start_millrace or start_kernel."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.is_joined = False
        self.numbers = itertools.count(1)

    def setup(self):
        self.add_host("rtr")
        if self.kind == "memif":
            return
        self.add_host("gen")
        for port, mac in (("lan", frames.LAN_MAC), ("wan", frames.WAN_MAC)):
            self.add_wire("rtr", f"port-{port}", "gen", port)
            self.ip("rtr", f"link set port-{port} address {mac}")
            self._without_words("gen", port)

    def _without_words(self, host, dev):
        """Only what the generator sends is on the wire."""
        self.sysctl(host, {f"net.ipv6.conf.{dev}.disable_ipv6": 1})
        self.ip(host, f"link set {dev} arp off")

    def _add_neighbours(self, lan, wan):
        lines = [f"neigh replace {host} lladdr {frames.HOST_MAC} dev {lan} nud permanent"
                 for family in (4, 6) for host in frames.hosts(family)]
        lines += [f"neigh replace {gateway} lladdr {frames.GATEWAY_MAC} dev {wan} nud permanent"
                  for gateway in (GATEWAY4, GATEWAY6)]
        batch = self.dir / "neighbours"
        batch.write_text("\n".join(lines) + "\n")
        self.run("rtr", "ip", "-batch", batch)

    # --- the routers ---

    def start_millrace(self, is_nat, driver=None, core=1, idle="adaptive"):
        driver = driver or ("memif" if self.kind == "memif" else "af_packet")
        ports = []
        for port, mac in (("lan", frames.LAN_MAC), ("wan", frames.WAN_MAC)):
            words = f"socket: {self.memif(port)}, role: server" if driver == "memif" \
                else f"match: {{ name: port-{port} }}"
            ports.append(f"  {port}: {{ driver: {driver}, {words}, mac: '{mac}' }}")
        config = "\n".join([
            f"workers: {{ cores: [{core}], idle: {idle} }}",
            f"state: {{ file: {self.dir}/state.db }}",
            "ports:", *ports,
            "interfaces:",
            f"  lan: {{ port: lan, addresses: [{LAN4}, '{LAN6}'] }}",
            f"  wan: {{ port: wan, addresses: [{WAN4}, '{WAN6}'] }}",
            "routes:",
            f"  - {{ to: 0.0.0.0/0, via: {GATEWAY4} }}",
            f"  - {{ to: '::/0', via: '{GATEWAY6}' }}",
        ]) + "\n" + (FIREWALL_RULES + MASQUERADE if is_nat else "")
        self.start_router(config)
        go_first(self.router.pid)
        self._add_neighbours("lan", "wan")

    def start_kernel(self, is_nat):
        for dev, addr4, addr6 in (("port-lan", LAN4, LAN6), ("port-wan", WAN4, WAN6)):
            self.ip("rtr", f"addr add {addr4} dev {dev}")
            self.ip("rtr", f"addr add {addr6} dev {dev} nodad")
        self.ip("rtr", f"route add default via {GATEWAY4}")
        self.ip("rtr", f"route add default via {GATEWAY6}")
        self.sysctl("rtr", {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
        if is_nat:
            self.run("rtr", "nft", "-f", "-", stdin=FILTER_RULES + NFT_RULES)
        self._add_neighbours("port-lan", "port-wan")

    def forward_on(self, core):
        """The kernel forwards on that core, as a card's interrupts would choose; None: on the
        core, and in the system call, of who sends."""
        for dev in ("port-lan", "port-wan"):
            self.run("rtr", "sh", "-c", f"echo {0 if core is None else 1 << core:x} > "
                                        f"/sys/class/net/{dev}/queues/rx-0/rps_cpus")

    def drop_at_once(self):
        """What comes in by the kernel's ports is received, and goes no further."""
        rules = "".join(f"chain {port} {{ type filter hook ingress device port-{port} priority 0; "
                        "policy drop; }\n" for port in ("lan", "wan"))
        self.run("rtr", "nft", "-f", "-", stdin=f"table netdev gone {{\n{rules}}}\n")

    def join_wires(self):
        """No router: one end is the other."""
        self.is_joined = True
        if self.kind == "veth":
            self.ip("rtr", "link del port-lan")
            self.ip("rtr", "link del port-wan")
            self.add_wire("gen", "lan", "gen", "wan")
            for dev in ("lan", "wan"):
                self._without_words("gen", dev)

    # --- what is sent through them ---

    def memif(self, port):
        return self.dir / f"{port}.memif"

    def device(self, port, index):
        """As DPDK's --vdev takes the generator's end of a wire."""
        if self.kind == "memif":
            role = "server" if self.is_joined and port == "lan" else "client"
            path = self.memif("lan" if self.is_joined else port)
            return f"net_memif{index},role={role},socket={path},socket-abstract=no,rsize=12"
        return f"net_af_packet{index},iface={port},qpairs=1,qdisc_bypass=1"

    def generator_host(self):
        return "rtr" if self.kind == "memif" else "gen"

    def traffic(self, seconds, rate=0, lan=None, wan=None, warm=0.1, core=0):
        """What millrace-traffic saw: see its print_result. The files are of lab_frames."""
        argv = [build_dir() / TRAFFIC, "--lan", self.device("lan", 0), "--wan",
                self.device("wan", 1), "--seconds", seconds, "--rate", rate, "--warm", warm,
                "--core", core]
        argv += ["--lan-frames", lan] if lan else []
        argv += ["--wan-frames", wan] if wan else []
        argv += [] if has_hugepages() else ["--no-huge"]
        traffic = self.start(self.generator_host(), f"traffic-{next(self.numbers)}", *argv)
        go_first(traffic.pid)
        said = end_of(traffic, timeout=seconds + warm + 60)
        self.processes.remove(traffic)
        if traffic.popen.returncode != 0:
            raise LabError(f"millrace-traffic: {said}")
        seen = json.loads(said[said.index("{"):])
        if seen["sent"] == 0:  # nothing was lost of it, either
            raise LabError("millrace-traffic sent nothing")
        return seen

    def capture_files(self, size, flows, family, is_nat):
        lan, wan = frames.flow_frames(size, flows, family, is_nat)
        name = f"{size}-{flows}-{family}-{'nat' if is_nat else 'plain'}"
        return (frames.write_capture(self.dir / f"lan-{name}.pcap", lan),
                frames.write_capture(self.dir / f"wan-{name}.pcap", wan))

    def start_testpmd(self, files, core=0):
        """One core sends a file round and round into each side (the LAN alone, if there is but
        one), and swallows what comes back: ports in pairs, in the order of their --vdev; file to
        wire, and wire to file, which takes all and writes none."""
        vdevs = []
        for i, (port, path) in enumerate(zip(("lan", "wan"), files)):
            vdevs += [f"--vdev=net_pcap{i},rx_pcap={path},infinite_rx=1",
                      f"--vdev={self.device(port, i)}"]
        memory = ["--in-memory"] if has_hugepages() else ["--no-shconf", "--no-huge", "-m", 256]
        testpmd = self.start(
            self.generator_host(), "testpmd", "dpdk-testpmd", "--no-pci",
            "--no-telemetry", f"--lcores=0@{core},1@{core}", *memory, *vdevs, "--",
            "--nb-cores=1", "--forward-mode=io", "--port-topology=paired", "--burst=64",
            "--total-num-mbufs=32768", "--rxd=1024", "--txd=1024", "--auto-start",
            "--stats-period=1", "--no-lsc-interrupt")

        go_first(testpmd.pid)

        def is_sending():
            if not testpmd.is_alive():
                raise LabError(f"testpmd ended:\n{testpmd.tail()}")
            return "start packet forwarding" in testpmd.output() or \
                "Port statistics" in testpmd.output()

        wait_for(is_sending, "testpmd to send", 20)
        return testpmd

    def end_testpmd(self, testpmd):
        testpmd.stop(signum=2)
        self.processes.remove(testpmd)

    # --- what the routers count ---

    def forwarded(self):
        """Packets that have left by either side."""
        if self.router:
            return sum(i["tx_packets"] for i in self.millrace("show", "interfaces")["interfaces"])
        return sum(self.ip_json("rtr", f"-s link show dev port-{port}")[0]
                   ["stats64"]["tx"]["packets"] for port in ("lan", "wan"))

    def received(self):
        """Packets that the kernel has taken from either wire: what its backlog had no room for is
        not among them."""
        if self.kind != "veth":
            raise LabError("only veth ports are the kernel's")
        return sum(self.ip_json("rtr", f"-s link show dev port-{port}")[0]
                   ["stats64"]["rx"]["packets"] for port in ("lan", "wan"))

    def router_has_hugepages(self):
        return " with hugepages" in self.router.output()

    def worker_thread(self):
        return thread_named(self.router.pid, "worker-")
