# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab iperf3: transfers between two hosts through Millrace's ports and through the kernel, on
wires of the same kind.

    pc ---- [ Millrace on AF_XDP, AF_PACKET or TAP, or the kernel ] ---- srv

Checksum and segmentation offloads are off on all ends, so frames are what a cable would carry. Both
routers masquerade behind a firewall that lets in answers alone. The hosts share the cores with the
router, so what a transfer costs of them all is measured too.

Over veth and TAP a frame is received in the system call that sends it. So a router would be charged
for the TCP of both ends, and all three would be one core's. Between machines each has cores of its
own for what it receives; here the two ends receive on the cores that are not the router's, whichever
router it is. --apart none leaves all as it falls; with --apart all the kernel forwards on the
router's core as well, as it would by a card's interrupts.
"""

import itertools
import json
import os
import statistics
import time

from home import (INET4, INET6, ROUTER_LAN4, ROUTER_LAN6, HomeLab, home_config)
from lab import LabError, wait_for
from lab_cpu import Meter, go_first
from lab_report import say, table
from lab_wires import FILTER_RULES, FIREWALL_RULES
from segment import end_of
from tools import UDP_BYTES, transfer_of

PC4, PC6 = "198.18.0.11", "2001:db8:0:2::11"
DRIVERS = ("af_xdp", "af_packet", "tap")
ROUTER_CORE = 1
HUGEPAGES = 256
SETTLE_SEC = 0.3
PATH_SEC = 30
TESTS = {  # what: (words for the client, whether it is UDP)
    "tcp up": ([], False),
    "tcp down": (["-R"], False),
    "tcp up, 8 streams": (["-P", 8], False),
    "tcp down, 8 streams": (["-P", 8, "-R"], False),
    "udp up": (["-u", "-b", "0", "-l", UDP_BYTES], True),
    "udp down": (["-u", "-b", "0", "-l", UDP_BYTES, "-R"], True),
}
numbers = itertools.count(1)  # a log for each client: its report is all that is in there


def add_arguments(parser):
    parser.add_argument("--driver", action="append", choices=DRIVERS, dest="drivers",
                        help="of the router's ports (default: each of them)")
    parser.add_argument("--test", action="append", choices=TESTS, dest="tests",
                        help="only these (default: all)")
    parser.add_argument("--runs", type=int, default=5,
                        help="of each router, in turns; medians are shown (default: 5)")
    parser.add_argument("--apart", choices=("none", "ends", "all"), default="ends",
                        help="who receives on cores of their own: nobody, the two ends, the kernel "
                             "as a router too (default: ends)")
    parser.add_argument("--ipv6", action="store_true", help="IPv6, without translation")


class PairLab(HomeLab):
    """Two hosts and the router between them. The kernel's is never on TAPs."""

    def setup(self):
        for host in ("rtr", "pc", "srv"):
            self.add_host(host)
        if self.wires == "veth":
            self.add_wire("rtr", "port-lan", "pc", "router")
            self.add_wire("rtr", "port-wan", "srv", "router")
            self._address_hosts()

    def _plug_taps(self):
        self._plug_tap("port-lan", "pc")
        self._plug_tap("port-wan", "srv")
        self._address_hosts()

    def _address_hosts(self):
        for host, addr4, addr6 in (("pc", PC4, PC6), ("srv", INET4, INET6)):
            self.ip(host, f"addr add {addr4}/24 dev router")
            self.ip(host, f"addr add {addr6}/64 dev router nodad")
        self.ip("pc", f"route add default via {ROUTER_LAN4}")
        self.ip("pc", f"route add default via {ROUTER_LAN6}")
        self.ip("srv", "route add 2001:db8:0:2::/64 via 2001:db8:0:1::2")

    def start_millrace(self, driver):
        self.start_router(home_config(driver, (ROUTER_CORE,)) + FIREWALL_RULES
                          + f"state: {{ file: {self.dir}/state.db }}\n")
        go_first(self.router.pid)

    def start_kernel(self):
        self.start_kernel_router()
        self.run("rtr", "nft", "-f", "-", stdin=FILTER_RULES)

    def receive_apart(self, who):
        """By receive packet steering."""
        ends = (1 << os.cpu_count()) - 1 & ~(1 << ROUTER_CORE)
        ports = [("pc", "router", ends), ("srv", "router", ends)] if who != "none" else []
        if who == "all" and not self.router:
            ports += [("rtr", f"port-{port}", 1 << ROUTER_CORE) for port in ("lan", "wan")]
        for host, dev, cores in ports:
            self.run(host, "sh", "-c",
                     f"echo {cores:x} > /sys/class/net/{dev}/queues/rx-0/rps_cpus")

    def wait_pair(self):
        def is_reached():
            return all(self.run("pc", "ping", "-n", "-c", 1, "-W", 1, target,
                                check=False).returncode == 0 for target in (INET4, INET6))

        wait_for(is_reached, "pc to reach srv through the router", PATH_SEC, 0.1)


def transfer(lab, what, seconds, target):
    """(Mbit/s that arrived, share lost, {thread: share of a core})"""
    words, is_udp = TESTS[what]
    server = lab.start("srv", "iperf3-server", "iperf3", "-s", "-1")
    lab.wait_port("srv", 5201, server)
    go_first(server.pid)
    client = lab.start("pc", f"iperf3-client-{next(numbers)}", "iperf3", "-J", "-c", target,
                       "-t", seconds, *words)
    go_first(client.pid)
    time.sleep(SETTLE_SEC)
    processes = {"iperf3 on pc": client.pid, "iperf3 on srv": server.pid}
    if lab.router:
        processes["millraced"] = lab.router.pid
    meter = Meter(processes)
    time.sleep(max(0.1, seconds - 2 * SETTLE_SEC))
    shares = meter.read()
    said = end_of(client, seconds + 30)
    end_of(server, 10)
    for process in (client, server):
        lab.processes.remove(process)
    report = json.loads(said)
    if report.get("error"):
        raise LabError(f"iperf3, {what}: {report['error']}")
    seen = transfer_of(report["end"], is_udp)
    if seen.mbps <= 0:
        raise LabError(f"iperf3, {what}: nothing arrived")
    return seen.mbps, seen.lost_percent / 100 if is_udp else None, shares


def summary(runs):
    mbps = [run[0] for run in runs]
    names = {name for run in runs for name in run[2]}
    shares = {name: round(statistics.median(run[2].get(name, 0) for run in runs), 3)
              for name in names}
    shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
    median_mbps = statistics.median(mbps)
    found = {"mbps": round(median_mbps, 1), "least_mbps": round(min(mbps), 1),
             "most_mbps": round(max(mbps), 1), "core_shares": shares,
             "cores_per_gbps": round(sum(shares.values()) / median_mbps * 1000, 3)}
    if runs[0][1] is not None:
        found["lost"] = round(statistics.median(run[1] for run in runs), 4)
    return found


def compare(driver, what, ours, kernel, args):
    runs = {"millrace": [], "kernel": []}
    target = INET6 if args.ipv6 else INET4
    for _ in range(args.runs):
        for name, lab in (("millrace", ours), ("kernel", kernel)):
            runs[name].append(transfer(lab, what, args.seconds, target))
    ratios = sorted(a[0] / b[0] for a, b in zip(runs["millrace"], runs["kernel"]))
    return {"driver": driver, "test": what, "millrace": summary(runs["millrace"]),
            "kernel": summary(runs["kernel"]), "ratio": round(statistics.median(ratios), 2),
            "least_ratio": round(ratios[0], 2), "most_ratio": round(ratios[-1], 2)}


def run(args):
    rows = []
    for driver in args.drivers or DRIVERS:
        with PairLab(wires="tap" if driver == "tap" else "veth") as ours, PairLab() as kernel:
            ours.reserve_hugepages(HUGEPAGES)
            ours.start_millrace(driver)
            kernel.start_kernel()
            for lab in (ours, kernel):
                lab.receive_apart(args.apart)
                lab.wait_pair()
            for what in args.tests or TESTS:
                say(f"{driver}, {what} ...")
                rows.append(compare(driver, what, ours, kernel, args))
    return {"family": "ipv6" if args.ipv6 else "ipv4", "runs": args.runs, "apart": args.apart,
            "rows": rows}


def spread(found):
    return f"{found['mbps']:.0f} ({found['least_mbps']:.0f}-{found['most_mbps']:.0f})"


def show(result):
    table(["ports, transfer", "Millrace", "kernel", "ratio", "cores a Gbit/s", "kernel's"],
          [[f"{row['driver']}, {row['test']}", spread(row["millrace"]), spread(row["kernel"]),
            f"{row['ratio']:.2f} ({row['least_ratio']:.2f}-{row['most_ratio']:.2f})",
            f"{row['millrace']['cores_per_gbps']:.2f}", f"{row['kernel']['cores_per_gbps']:.2f}"]
           for row in result["rows"]])
    print(f"Mbit/s that arrived, medians of {result['runs']} runs (least-most); cores: of router and both ends.")
    print(f"On cores of their own: {result['apart']}.")
    print("Who had the cores:")
    for row in result["rows"]:
        for name in ("millrace", "kernel"):
            shares = ", ".join(f"{thread} {share:.0%}" for thread, share in
                               list(row[name]["core_shares"].items())[:4])
            print(f"  {row['driver']}, {row['test']}, {name}: {shares}")
