# SPDX-License-Identifier: BSD-3-Clause
"""A thousand applies in a row under 100,000 packets a second each way lose none of them.

    generator ==== memif ==== [ east  the router  west ] ==== memif ==== the same generator
    pc 198.19.0.11 -- veth -- [ lan               wan  ] -- veth -- inet 198.19.1.1, 198.19.2.10

veth overflows on a machine whose cores the sender, the router and the receiver share, whether
somebody applies or not; memif carries millions a second between two processes, with rings that
hold 40 ms of this stream. The generator numbers what it sends (perf/traffic.h: stamps that grow)
and both directions are translated flows, so one that the router forgot would be dropped from
outside. Live TCP and UDP of real hosts go by veth at the same time.
"""

import json
import os
import signal
import sys
import time
from contextlib import contextmanager

import pytest
from example import ExampleLab, Host
from home import REPO, build_dir
from lab import LabError, wait_for
from apply_lab import LIVE, ApplyLab, Caller, own_kib
from tools import ping

sys.path.append(str(REPO / "perf"))
import lab_frames as frames  # noqa: E402
from lab_cpu import go_first, thread_names, thread_times  # noqa: E402

FAR = "198.19.2.10"
HOSTS = {
    "inet": Host("wan", ("198.19.1.1/24",), more=(f"{FAR}/32",)),
    "pc": Host("lan", ("198.19.0.11/24",), gateways=("198.19.0.1",)),
}
GATEWAY = "203.0.113.1"
RATE = 200000  # of both directions together
FLOWS = 1000
REST_US = 50  # of the generator, between its turns: who applies has its core too
HUGEPAGES = 384
RULES = 200
PARTS = ("rules", "translations", "routes", "DHCP", "sets")
VARIANTS = 60
APPLIES = int(os.environ.get("MILLRACE_APPLIES", "1000"))
TRIES = 4  # somebody else may have the cores
AWAY_SEC = 0.02  # in all, of the worker's: half of what the rings hold
RATE_LEAST = 100000
LATE_NS = 20e6
SETTLING = 30
GROWTH_KIB = 1024
PORT_CHANGES = 40
CLIENTS = 5
GUEST_PORT = "  guest: { driver: af_packet, match: { name: port-guest } }\n"
GUEST = "  guest: { port: guest, addresses: 198.19.3.1/24 }\n"


def rules(turn):
    """As in an office's file: hosts and services by address, port and name; one changes."""
    lines = [f"    - {{ from: office, destination: 198.51.100.{254 - i % 100}, protocol: "
             f"{'tcp' if i % 3 else 'udp'}, port: {20000 + i}, action: drop }}"
             for i in range(RULES)]
    lines[turn % RULES] = (f"    - {{ from: office, destination: 192.0.2.{turn % 250}, "
                           "action: drop }")
    return "\n".join(lines)


def config(lab, turns):
    """`turns`: how often each of PARTS has changed."""
    nat, routes, dhcp, sets = (turns[part] for part in PARTS[1:])
    return f"""
ports:
  east: {{ driver: memif, socket: {lab.dir}/lan.memif, role: server{lab.queues}, mac: '{frames.LAN_MAC}' }}
  west: {{ driver: memif, socket: {lab.dir}/wan.memif, role: server{lab.queues}, mac: '{frames.WAN_MAC}' }}
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  east: {{ port: east, addresses: 198.18.0.1/24 }}
  west: {{ port: west, addresses: {frames.ROUTER_WAN4}/24 }}
  wan: {{ port: wan, addresses: 198.19.1.2/24 }}
  lan: {{ port: lan, addresses: 198.19.0.1/24 }}
routes:
  - {{ to: 0.0.0.0/0, via: {GATEWAY} }}
  - {{ to: {FAR}/32, via: 198.19.1.1 }}
  - {{ to: 192.0.2.{routes % 8 * 32}/27, via: 198.19.1.1 }}
zones:
  office: {{ interfaces: [east, lan] }}
  outside: {{ interfaces: [west, wan] }}
nat:
  - {{ masquerade: west }}
  - {{ masquerade: wan }}
  - {{ forward: {{ protocol: tcp, ports: {8000 + nat % 500}, to: 198.19.0.11 }}, interface: wan }}
dhcp-server:
  lan: {{ pool: 198.19.0.100-198.19.0.{150 + dhcp % 50} }}
sets:
  guests: {{ addresses: [192.0.2.{1 + sets % 250}, 192.0.2.252/31] }}
  banned: {{ addresses: [], timeout: 1d }}
firewall:
  input:
    - {{ from: office, action: accept }}
  forward:
    - {{ source: [banned, guests], action: drop }}
{rules(turns["rules"])}
    - {{ from: office, to: outside, action: accept }}
    - {{ from: outside, dnat: true, action: accept }}
workers: {{ {lab.workers} }}
state: {{ file: {lab.dir}/state.db }}
"""


class HitlessLab(ExampleLab):
    """The router's worker has a core; the generator, control and all hosts share the other."""

    def __init__(self):
        super().__init__("hitless", HOSTS)
        self.core = max(os.sched_getaffinity(0))
        self.others = min(os.sched_getaffinity(0))
        self.workers = f"cores: [{self.core}]"
        self.queues = ""  # of the memif ports, where it is not one for each worker
        self.rate = RATE

    live = ApplyLab.live

    def begin(self):
        self.reserve_hugepages(HUGEPAGES)
        self.files, turns = [], dict.fromkeys(PARTS, 0)
        for i in range(VARIANTS):  # each differs from the one before in one part
            turns[PARTS[i % len(PARTS)]] += 1
            path = self.dir / f"variant{i}.yaml"
            path.write_text(config(self, turns))
            self.files.append(path)
        self.start_router(self.files[-1], args=("--state", self.dir / "state.db"))
        go_first(self.router.pid)
        known = [f"neigh replace {host} lladdr {frames.HOST_MAC} dev east nud permanent"
                 for host in frames.hosts(4)]
        known.append(f"neigh replace {GATEWAY} lladdr {frames.GATEWAY_MAC} dev west nud permanent")
        batch = self.dir / "neighbours"
        batch.write_text("\n".join(known) + "\n")
        self.run("rtr", "ip", "-batch", batch)
        wait_for(lambda: ping(self, "pc", FAR, count=1).received == 1, "the path", 10)
        wait_for(lambda: ping(self, "pc", FAR, count=1).received == 1, "the path")
        server = self.start("inet", "live", "/usr/bin/python3", LIVE, "serve", FAR, 4000)
        wait_for(lambda: "serving" in server.output(), "the server")
        lan, wan = frames.flow_frames(64, FLOWS, 4, is_nat=True)
        self.captures = [frames.write_capture(self.dir / f"{side}.pcap", side_frames)
                         for side, side_frames in (("lan", lan), ("wan", wan))]
        self.caller = Caller(self.socket)
        self.n_applied = 0

    def apply(self):
        file = self.files[self.n_applied % VARIANTS]
        done = self.caller.call("config.apply", file=str(file))
        assert done["done"] and not done["is_unchanged"], done
        self.n_applied += 1

    def worker_waited(self):
        return sum(thread_times(tid)[1] for tid, name in thread_names(self.router.pid).items()
                   if name.startswith("worker-"))

    @contextmanager
    def stream(self):
        """The generator's while the block runs; then what came of it, and who had the cores."""
        devices = [f"net_memif{i},role=client,socket={self.dir}/{side}.memif,socket-abstract=no,"
                   "rsize=12" for i, side in enumerate(("lan", "wan"))]
        name = f"traffic-{len(self.processes)}-{self.n_applied}"
        traffic = self.start(
            "rtr", name, build_dir() / "perf/millrace-traffic", "--lan", devices[0], "--wan",
            devices[1], "--lan-frames", self.captures[0], "--wan-frames", self.captures[1],
            "--rate", self.rate, "--rest", REST_US, "--seconds", 3600, "--core", self.others)
        go_first(traffic.pid)

        def is_sending():
            if not traffic.is_alive():
                raise LabError(f"millrace-traffic ended:\n{traffic.tail()}")
            return "sending" in traffic.output()

        wait_for(is_sending, "traffic", 30)
        waited, drops = self.worker_waited(), self.counts("drop_")
        seen = {}
        yield seen
        traffic.stop(signal.SIGINT)
        self.processes.remove(traffic)
        said = traffic.output()
        seen.update(json.loads(said[said.index("{"):]))
        # what the router left in its ring until that was full counts, too
        seen["lost"] = seen["sent"] + seen["refused"] - seen["received"]
        seen["worker_waited"] = self.worker_waited() - waited
        seen["drops"] = {name: n - drops[name] for name, n in self.counts("drop_").items()
                         if n != drops[name]}


def told(seen):
    return (f"{seen['lost']} of {seen['sent'] + seen['refused']} lost at {rate(seen):.0f} pps, "
            f"{seen['disordered']} out of order; the worker waited {seen['worker_waited']:.3f} s of {seen['seconds']:.1f}, the "
            f"generator {seen['pauses']['longest_seconds']:.3f} s at once; latency "
            f"{seen['latency_ns']}; {seen['drops']}")


def rate(seen):
    return seen["sent"] / seen["seconds"]


def judge(seen, what, lab):
    """False: the machine was not there, and it is to be tried again."""
    print(f"{what}: {told(seen)}")
    is_late = seen["latency_ns"]["p99.9"] > LATE_NS
    if (seen["lost"] > 0 or is_late) and seen["worker_waited"] > AWAY_SEC:
        with lab.stream() as alone:
            time.sleep(seen["seconds"])
        print(f"as long without: {told(alone)}")
        return False
    assert seen["lost"] == seen["disordered"] == 0 and not is_late, told(seen)
    return rate(seen) >= RATE_LEAST


def apply_under_load(lab, n, apply):
    """`n` times, under all traffic, what it was like: (the stream, UDP, TCP, KiB more memory)."""
    with lab.live("tcp", target=FAR) as tcp, lab.live("udp", 500, target=FAR) as udp:
        with lab.stream() as seen:
            for _ in range(SETTLING):  # pages of what the traffic needs are touched once
                apply()
            before = own_kib(lab.router.pid)
            for _ in range(n):
                apply()
            more = own_kib(lab.router.pid) - before
    assert udp["answered"] == udp["sent"] > 0, (udp, seen)
    assert "error" not in tcp and tcp["answered"] == tcp["sent"] > 0, tcp
    return seen, more


def try_under_load(lab, what, n, apply):
    for _ in range(TRIES):
        seen, more = apply_under_load(lab, n, apply)
        if judge(seen, f"{what} ({more} KiB more)", lab):
            assert more < GROWTH_KIB, f"{more} KiB more after {what}"
            return
    pytest.fail(f"each of {TRIES} times packets were lost, or late, or too few: {told(seen)}")


@pytest.fixture(scope="module")
def lab():
    with HitlessLab() as lab:
        lab.begin()
        for _ in range(VARIANTS):  # as many revisions as the history keeps
            lab.apply()
        yield lab


pytestmark = [pytest.mark.alone, pytest.mark.xdist_group("hugepages"), pytest.mark.timeout(900)]


def test_a_thousand_applies_under_100000_packets_a_second_lose_none(lab):
    try_under_load(lab, f"{APPLIES} applies", APPLIES, lab.apply)
    flows = sum(w["flows"] for w in lab.millrace("show", "workers")["workers"])
    assert flows >= FLOWS


def test_ports_that_come_and_go_stop_no_other(lab):
    """One more port, with its interface and address: its card is taken, and given back."""
    lab.add_wire("rtr", "port-guest", "sw", "to-guest")
    base = lab.files[-1].read_text()
    path = lab.dir / "guest.yaml"
    path.write_text(base.replace("interfaces:\n", GUEST_PORT + "interfaces:\n" + GUEST, 1))
    others = [path, lab.files[-1]]

    def apply():
        done = lab.caller.call("config.apply", file=str(others[0]))
        assert done["done"], done
        names = {i["name"] for i in lab.millrace("show", "interfaces")["interfaces"]}
        assert ("guest" in names) == (others[0] is path)
        others.reverse()

    try_under_load(lab, f"{PORT_CHANGES} ports that come or go", PORT_CHANGES, apply)


def test_hosts_get_addresses_while_files_are_applied(lab):
    """From the first message to the last there are many applies in between, some of the pool."""
    for i in range(CLIENTS):
        client = lab.start("pc", f"udhcpc-{i}", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", 3,
                           "-T", 1, "-s", "/bin/true", "-x", f"0x3d:01020304{i:04x}")
        before = lab.n_applied
        while client.is_alive():
            lab.apply()
        assert client.popen.returncode == 0, client.output()
        assert lab.n_applied > before + 1 and "obtained" in client.output()
        lab.processes.remove(client)
