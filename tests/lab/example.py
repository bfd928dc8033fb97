# SPDX-License-Identifier: BSD-3-Clause
"""A lab for a file of cfg/examples: the router runs it as it is, but for the cards of its ports.

    host --+                                             +-- host
    host --+-- bridge -- port-A [ the router ] port-B -- bridge --+-- host

One switch stands on each port; which hosts are on it, each lab says. What was tried and what became
of it is compared by rows:

    host, target, door (see doors.py), expected: passes(...), dropped(...) or rejected(...)
"""

import json
import logging
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import Variant, cores_for, params
from home import REPO, HomeLab, build_dir
from lab import run_command, wait_for

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it warns about missing routes

from scapy.layers.l2 import Ether  # noqa: E402

DOORS = Path(__file__).with_name("doors.py")
RAW_FRAMES = Path(__file__).with_name("raw_frames.py")
ALL_DOORS = ("tcp/22", "tcp/53", "tcp/80", "tcp/443", "tcp/8080", "udp/53", "udp/67", "udp/123",
             "udp/546", "udp/5353", "udp/5355", "udp/9999")
WATCH_ICMP6 = """
import socket
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
print("watching", flush=True)
while True:
    print(raw.recv(100)[0], flush=True)
"""
PORT_LINE = re.compile(r"^  (\w+): \{ match: \{[^}]*\}", re.MULTILINE)

NET, HOST, PORT, PROHIBITED = [3, 0], [3, 1], [3, 3], [3, 13]  # ICMP: destination unreachable
NO_ROUTE6 = [1, 0]


def variants(name, workers=(1, 2)):
    """The file's router with so many workers."""
    return params([Variant("af_packet", n) for n in workers], f"-{name}")


def example_path(name):
    return REPO / f"cfg/examples/{name}.yaml"


def example_text(name, driver, cores, state_file):
    """The file with the lab's wires as its cards, and bans kept where they are the lab's own."""
    text, n = PORT_LINE.subn(
        lambda m: f"  {m[1]}: {{ driver: {driver}, match: {{ name: port-{m[1]} }}",
        example_path(name).read_text())
    ports = text.split("ports:\n")[1].split("\n\n")[0]
    assert n == len(ports.splitlines()), "each port has its card on its own line"
    return (f"workers: {{ cores: [{', '.join(map(str, cores))}] }}\n"
            f"state: {{ file: {state_file} }}\n" + text)


def check(config):
    """(exit code, what it says) of `millraced --check`; the path of a file, or the text of one."""
    if isinstance(config, Path):
        done = run_command([build_dir() / "millraced", "--check", "-c", config], check=False)
    else:
        done = run_command([build_dir() / "millraced", "--check", "-c", "/dev/stdin"], check=False,
                           stdin=config)
    return done.returncode, done.stderr


def changed(name, *changes):
    """The file's text with each (old, new) of the changes made once."""
    text = example_path(name).read_text()
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Host:
    port: str  # whose switch it is on
    addresses: tuple
    gateways: tuple = ()  # default routes
    mac: str = ""
    more: tuple = ()  # addresses beyond its own network, as "the internet" has
    routes: tuple = ()  # "198.18.0.0/24 via 203.0.113.2"


class ExampleLab(HomeLab):
    """`hosts` by name. The router is not started yet on entry."""

    def __init__(self, example, hosts, idle_ports=()):
        super().__init__()
        self.example = example
        self.plan = hosts
        self.idle_ports = idle_ports  # nothing is plugged in there

    def setup(self):
        for host in ("rtr", "sw", *self.plan):
            self.add_host(host)
        for port in dict.fromkeys([host.port for host in self.plan.values()]):
            self.ip("sw", f"link add br-{port} type bridge mcast_snooping 0 forward_delay 0")
            self.ip("sw", f"link set br-{port} up")
            self.add_wire("rtr", f"port-{port}", "sw", f"to-{port}")
            self.ip("sw", f"link set to-{port} master br-{port}")
        for port in self.idle_ports:
            self.add_wire("rtr", f"port-{port}", "sw", f"to-{port}")
            self.ip("sw", f"link set to-{port} down")
        for name, host in self.plan.items():
            self._add_plugged(name, host)

    def _add_plugged(self, name, host):
        self.add_wire("sw", name, name, "eth0")
        self.ip("sw", f"link set {name} master br-{host.port}")
        self.settle(name, host)

    def settle(self, name, host):
        """The host's addresses and routes; its cable is there."""
        if host.mac:
            self.ip(name, f"link set eth0 address {host.mac}")
        for address in host.addresses:
            self.ip(name, f"addr add {address} dev eth0" + (" nodad" if ":" in address else ""))
        for address in host.more:
            self.ip(name, f"addr add {address} dev lo")
        for gateway in host.gateways:
            self.ip(name, f"route add default via {gateway}")
        for route in host.routes:
            self.ip(name, f"{'-6' if ':' in route else '-4'} route add {route}")

    def begin(self, variant):
        """Router and doors."""
        self.start_router(example_text(self.example, variant.driver, cores_for(variant.workers),
                                       self.dir / "state.db"))
        for host in ("rtr", *self.plan):
            self.open_doors(host)

    def open_doors(self, host):
        doors = self.start(host, f"doors-{host}", "/usr/bin/python3", DOORS, host,
                           self.dir / f"{host}.doors", *ALL_DOORS)
        wait_for(lambda: "open" in doors.output(), f"the doors of {host}")

    # --- tries ---

    def tries(self, host, target, door, **options):
        """What became of each; see doors.py, whose options these are."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(20)
            stream.connect(str(self.dir / f"{host}.doors"))
            with stream.makefile("rw") as lines:
                lines.write(json.dumps({"target": target, "door": door, **options}) + "\n")
                lines.flush()
                return json.loads(lines.readline())

    def attempt(self, host, target, door, **options):
        return self.tries(host, target, door, **options)[0]

    def wait_answer(self, host, target, door="echo"):
        wait_for(lambda: self.attempt(host, target, door, wait=0.3)["got"] == "answer",
                 f"{host} to reach {door} of {target}", 10)

    # --- what the router says of it ---

    def counted(self):
        """Drops, and the counters that the file names."""
        named = {one["name"]: one["packets"]
                 for one in self.millrace("show", "counters")["counters"]}
        return {**named, **self.counts("drop_")}

    def log_lines(self, prefix):
        """Those about packets that begin so."""
        return [line for line in self.router.output().splitlines() if f" {prefix}IN=" in line]

    def mac(self, host):
        return self.ip_json(host, "link show dev eth0")[0]["address"]

    def router_mac(self, interface):
        return next(i["mac"] for i in self.millrace("show", "interfaces")["interfaces"]
                    if i["name"] == interface)

    def send(self, host, interface, packets, to_mac=None):
        """Packets of scapy's, from the host to the MAC that the router has on that interface."""
        head = Ether(dst=to_mac or self.router_mac(interface), src=self.mac(host))
        self.run(host, "/usr/bin/python3", RAW_FRAMES, "send", "eth0",
                 stdin="".join(bytes(head / packet).hex() + "\n" for packet in packets))

    def watch_icmp6(self, host):
        """Its output is the type of each ICMPv6 message that comes, a line each."""
        watch = self.start(host, "icmp6", "/usr/bin/python3", "-c", WATCH_ICMP6)
        wait_for(lambda: "watching" in watch.output(), "the watch")
        return watch

    def wait_counted(self, counter, before, n=1):
        wait_for(lambda: self.counted()[counter] >= before[counter] + n,
                 f"{counter} to count {n}", 3)


# --- rows ---

@dataclass(frozen=True)
class Expected:
    words: str
    got: dict
    counters: tuple = field(default=())

    def __str__(self):
        return self.words


def passes(by="", seen=None, counter=None):
    """`by` answers and has `seen` that address; of an echo nobody says who answered."""
    got = {"got": "answer", "name": by, **({"seen": seen} if seen else {})}
    return Expected("passes", got, (counter,) if counter else ())


def dropped(*counters):
    """Without a word, and each of these counted it."""
    return Expected("is dropped", {"got": "silence"}, counters)


def rejected(code, by=None, *counters):
    return Expected("is rejected", {"got": "error", "code": code, **({"by": by} if by else {})},
                    counters)


def reset(*counters):
    return Expected("is reset", {"got": "reset"}, counters)


def rows(table):
    """As parameters of a test: host, target, door, expected."""
    return pytest.mark.parametrize(
        ("host", "target", "door", "expected"),
        [pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[2].replace('/', '')}".replace(":", "."))
         for row in table])


def try_row(lab, host, target, door, expected, **options):
    before = lab.counted()
    got = lab.attempt(host, target, door, **options)
    if door == "echo":
        got["name"] = expected.got.get("name", "")
        got["seen"] = expected.got.get("seen", "")
    relevant = {key: got.get(key) for key in expected.got}
    after = lab.counted()
    grown = {name: after[name] - n for name, n in before.items() if after[name] > n}
    assert relevant == expected.got, f"it {expected}; got {got}, counted {grown}"
    assert set(expected.counters) <= set(grown), f"counted {grown}"
