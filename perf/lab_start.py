# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab start: how long a router takes from the exec of millraced to the first packet that has
left by its other side. One packet a millisecond is sent into the first LAN all the while; what
counts is when the first of them is seen at the internet's end of the WAN, translated.
"""

import ctypes
import os
import select
import socket
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from home import HomeLab, build_dir
from lab import LabError
from lab_cpu import FIRST_NICE, go_first, thread_names, thread_times
from lab_frames import udp_frame
from lab_report import say, table

ROUTER_CORE = 1
HUGEPAGES = 400
GOALS_SEC = {"hugepages": 1.0, "small pages": 2.0}
WAN4, GATEWAY4, SERVER4 = "203.0.113.2", "203.0.113.1", "198.51.100.10"
PORT = 40000
PATIENCE_SEC = 30
LARGE_LANS = 9
LARGE_RULES = 10000
LARGE_SET = 100000
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Case:
    name: str
    pages: str  # a key of GOALS_SEC
    lans: int = 1
    rules: int = 0
    elements: int = 0  # of a set, out of a file

    def goal_sec(self):
        return GOALS_SEC[self.pages]


CASES = {case.name: case for case in [
    Case("small", "hugepages"),
    Case("small, no hugepages", "small pages"),
    Case("large", "hugepages", LARGE_LANS, LARGE_RULES, LARGE_SET),
    Case("large, no hugepages", "small pages", LARGE_LANS, LARGE_RULES, LARGE_SET),
    # what is between these is what a port and what a rule takes of memory
    Case("ports, no hugepages", "small pages", LARGE_LANS),
    Case("rules, no hugepages", "small pages", LARGE_LANS, LARGE_RULES),
]}
COSTS = (("port", "small, no hugepages", "ports, no hugepages", LARGE_LANS - 1),
         ("rule", "ports, no hugepages", "rules, no hugepages", LARGE_RULES))


def add_arguments(parser):
    parser.add_argument("--case", action="append", choices=CASES, dest="cases",
                        help="only these (default: all)")
    parser.add_argument("--driver", choices=("af_packet", "af_xdp"), default="af_packet",
                        help="of the router's ports (default: af_packet)")
    parser.add_argument("--runs", type=int, default=5,
                        help="of each case, in turns; medians are shown (default: 5)")


# --- what is started ---

def rules(lans, count, has_set):
    """Each host and port is named once or twice, as in a file that somebody's program wrote; none
    is that of the packet, which the last rule lets through."""
    lines = []
    for i in range(count - 2):
        lines.append(f"    - {{ from: lan{i % lans}, destination: 198.51.{100 + i % 2}."
                     f"{20 + i // 40 % 200}, protocol: {'udp' if i % 3 else 'tcp'}, "
                     f"port: {1000 + i % 997}, action: {'accept' if i % 2 else 'drop'} }}")
    lines.append(f"    - {{ source: {'listed' if has_set else '198.19.0.0/16'}, action: drop }}")
    lines.append("    - { from: [" + ", ".join(f"lan{i}" for i in range(lans)) + "], action: accept }")
    return lines


def set_file(count):
    """Hosts of the benchmarking networks' upper half and networks of IPv6; none touch."""
    return "".join(f"198.19.{i >> 8}.{i & 255}/32\n" if i < 65536 else
                   f"2001:db8:{i & 0xffff:x}:{i >> 16:x}::/64\n" for i in range(0, 2 * count, 2))


class StartLab(HomeLab):
    """A router with so many LANs and a WAN; the ends of all wires are this program's."""

    def __init__(self, lans):
        super().__init__()
        self.lans = lans

    def setup(self):
        self.add_host("rtr")
        self.add_host("gen")
        for name in [*self.lan_names(), "wan"]:
            self.add_wire("rtr", f"port-{name}", "gen", name)
        self.ip("gen", f"addr add {GATEWAY4}/24 dev wan")

    def lan_names(self):
        return [f"lan{i}" for i in range(self.lans)]

    def config(self, case, driver):
        names = [*self.lan_names(), "wan"]
        lines = [f"workers: {{ cores: [{ROUTER_CORE}] }}", f"state: {{ file: {self.dir}/state.db }}",
                 "memory: { hugepages: " + ("auto" if case.pages == "hugepages" else "never") + " }",
                 "ports:"]
        lines += [f"  {n}: {{ driver: {driver}, match: {{ name: port-{n} }} }}" for n in names]
        lines += ["interfaces:", f"  wan: {{ port: wan, addresses: {WAN4}/24 }}"]
        lines += [f"  lan{i}: {{ port: lan{i}, addresses: 198.18.{i}.1/24 }}" for i in range(self.lans)]
        lines += ["routes:", f"  - {{ to: 0.0.0.0/0, via: {GATEWAY4} }}", "nat:",
                  "  - { masquerade: wan }"]
        if case.elements:
            listed = self.dir / "listed.txt"
            listed.write_text(set_file(case.elements))
            lines += ["sets:", f"  listed: {{ addresses: [], file: {listed} }}"]
        if case.rules:
            lines += ["zones:", *(f"  {n}: {{ interfaces: {n} }}" for n in names), "firewall:",
                      "  forward:", *rules(self.lans, case.rules, case.elements > 0)]
        return "\n".join(lines) + "\n"


# --- one start ---

@contextmanager
def inside_of(namespace):
    """Sockets made in the block are that namespace's, wherever they are used afterwards."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def raw_socket(lab, dev):
    with inside_of(lab.namespace("gen")):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.bind((dev, ETH_P_ALL))
    raw.setblocking(False)
    return raw


def is_the_packet(frame):
    """Ours, by the WAN's address and the port that it went to."""
    return frame[12:14] == b"\x08\0" and frame[26:30] == socket.inet_aton(WAN4) and \
        frame[30:34] == socket.inet_aton(SERVER4) and frame[36:38] == PORT.to_bytes(2, "big")


def first_packet(lan, wan, frame, router):
    """When it was seen, by the monotonic clock."""
    deadline = time.monotonic() + PATIENCE_SEC
    while time.monotonic() < deadline:
        try:
            lan.send(frame)
        except OSError:  # no room on the wire while the router takes the port: the next will do
            pass
        while select.select([wan], [], [], 0.001)[0]:
            seen, now = wan.recv(2048), time.monotonic()
            if is_the_packet(seen):
                return now
        if not router.is_alive():
            raise LabError(f"millraced ended:\n{router.tail()}")
    raise LabError(f"no packet came through in {PATIENCE_SEC} s:\n{router.tail()}")


def start_once(lab, case, driver, number):
    path = lab.dir / "start.yaml"
    path.write_text(lab.config(case, driver))
    lan_mac = lab.ip_json("rtr", "link show dev port-lan0")[0]["address"]
    frame = udp_frame(lan_mac, "02:00:5e:00:53:11", "198.18.0.11", SERVER4, PORT, PORT, 60)
    lan, wan = raw_socket(lab, "lan0"), raw_socket(lab, "wan")
    lab.socket = lab.dir / "start.sock"
    lab.ip("gen", "neigh flush dev wan", check=False)
    with lan, wan:
        began = time.monotonic()
        router = lab.start("rtr", f"start-{number}", "nice", "-n", FIRST_NICE,
                           build_dir() / "millraced", "-c", path, "-s", lab.socket)
        go_first(router.pid)  # its session
        seconds = first_packet(lan, wan, frame, router) - began
        ran = sum(thread_times(tid)[0] for tid in thread_names(router.pid))
    status = dict(line.split(":", 1) for line in
                  Path(f"/proc/{router.pid}/status").read_text().splitlines() if ":" in line)
    lab.router = router
    said = lab.stop_router().output()
    return {"seconds": round(seconds, 3), "cpu_seconds": round(ran, 3),
            "rss_mib": round(int(status["VmRSS"].split()[0]) / 1024, 1),
            "worst_rss_mib": round(int(status["VmHWM"].split()[0]) / 1024, 1),
            "huge_mib": int(status["HugetlbPages"].split()[0]) // 1024,
            "has_hugepages": " with hugepages" in said}


def judge(cases, seen):
    """(a row for each case that was seen, what is wrong in words)"""
    rows, problems = [], []
    for case in cases:
        if not seen[case.name]:
            problems.append(f"{case.name}: there were no hugepages to be had")
            continue
        row = {"case": case.name, "goal": case.goal_sec(), "runs": len(seen[case.name]),
               "best": min(one["seconds"] for one in seen[case.name])}
        row.update({key: round(statistics.median(one[key] for one in seen[case.name]), 3)
                    for key in ("seconds", "cpu_seconds", "rss_mib", "worst_rss_mib", "huge_mib")})
        rows.append(row)
        if row["seconds"] > row["goal"]:
            problems.append(f"{case.name}: {row['seconds']} s, goal {row['goal']:g}")
    return rows, problems


def costs(rows):
    """What one more of something takes, in KiB of the whole process: tables, rings, buffers and
    what the control side keeps of it."""
    rss = {row["case"]: row["rss_mib"] for row in rows}
    return {what: round((rss[more] - rss[less]) * 1024 / count, 2)
            for what, less, more, count in COSTS if less in rss and more in rss}


def run(args):
    cases = [CASES[name] for name in args.cases or CASES]
    seen = {case.name: [] for case in cases}
    for number in range(args.runs):
        for case in cases:
            with StartLab(case.lans) as lab:
                if case.pages == "hugepages":
                    lab.reserve_hugepages(HUGEPAGES)
                one = start_once(lab, case, args.driver, number)
            if one["has_hugepages"] != (case.pages == "hugepages"):
                say(f"{case.name}: another program took the hugepages, not counted")
                continue
            seen[case.name].append(one)
            say(f"{case.name}: {one['seconds']:.3f} s, of processor time {one['cpu_seconds']:.3f}")
    rows, problems = judge(cases, seen)
    return {"driver": args.driver, "rows": rows, "costs_kib": costs(rows), "problems": problems}


def show(result):
    table(["start to first packet, seconds", "median", "best", "goal", "CPU", "RSS MiB", "worst",
           "hugepages MiB"],
          [[row["case"], f"{row['seconds']:.3f}", f"{row['best']:.3f}", f"{row['goal']:g}",
            f"{row['cpu_seconds']:.3f}", row["rss_mib"], row["worst_rss_mib"], row["huge_mib"]]
           for row in result["rows"]])
    print(f"On {result['driver']}; small: a LAN and a WAN; large: {LARGE_LANS} LANs and a WAN, "
          f"{LARGE_RULES} rules, a set of {LARGE_SET} elements from a file.")
    print("CPU: processor time of all threads of the router until then.")
    for what, kib in result["costs_kib"].items():
        print(f"A {what} takes {kib:g} KiB, all in.")
    for problem in result["problems"]:
        print(f"OVER: {problem}")
