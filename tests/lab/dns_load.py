# SPDX-License-Identifier: BSD-3-Clause
"""A router that is asked for as many names as the machine can ask, and what everything else takes
meanwhile: links, routes, leases, commands, packets. For a test and for perf/lab dns.

dnsperf asks twice: names from the cache, by the router's loopback, and names that nobody has asked for
before, from pc1 with ten thousand sockets. Both run on the workers' core and step back for them
(nice 19), as clients are on other machines: the core of control and of the forwarder is theirs
alone. Cores are as the router chooses them.
"""

import json
import os
import random
import re
import statistics
import time
from contextlib import contextmanager
from pathlib import Path

from api_lab import Caller
from dns_lab import DnsLab
from home import INET4, ROUTER_LAN4, SERVER4, build_dir, home_config
from lab import LabError
from tools import ping

CLIENTS = 10000
NAMES = 10000
MISSES = 400000
CLIENT_CORE = max(os.sched_getaffinity(0))  # a worker's, where there is more than one
LINKS, ROUTES, COMMANDS = 15, 30, 200
PINGS, PING_SEC = 1500, 0.004

DNSDIST = """setLocal("{address}:53")
setACL("0.0.0.0/0")
setSecurityPollSuffix("")
addAction(AllRule(), SpoofAction("203.0.113.80", {{ttl=3600}}))
"""

MORE = """
dhcp-server: {{ lan: {{ pool: 198.18.0.128-198.18.0.250, conflict-check: false }} }}
state: {{ file: {dir}/state.db }}
dns: {{ listen: [lan, lo], upstreams: {upstream}, cache: {cache} }}
"""


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def summary(values):
    """Milliseconds, of seconds."""
    return {"p50": round(1e3 * statistics.median(values), 3),
            "p99": round(1e3 * percentile(values, 0.99), 3),
            "worst": round(1e3 * max(values), 3), "n": len(values)}


def thread_seconds(pid, name):
    """What a thread of a process ran."""
    return sum(int((task / "schedstat").read_text().split()[0]) / 1e9
               for task in Path(f"/proc/{pid}/task").iterdir()
               if (task / "comm").read_text().strip() == name)


def core_waits(pid):
    """Of a process's first thread: seconds that it was ready to run and another had the core, and how
    often it came to run. The scheduler's own count, whatever the lab's processes wait for."""
    _, waited_ns, times = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()
    return int(waited_ns) / 1e9, int(times)


def stolen_seconds():
    """Of all cores together, what the machine's own host gave to others (proc_stat(5))."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(words[8]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def goes_first():
    """This program, and not those that it starts."""
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(2))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class LoadLab(DnsLab):
    def setup(self):
        super().setup()
        self.add_host("side")
        self.add_wire("rtr", "port-side", "side", "eth0")

    def config_text(self, cache=64):
        lines = home_config().splitlines()
        lines = [line for line in lines if not line.startswith("workers:")]
        lines.insert(lines.index("interfaces:"), "  side: { match: { name: port-side } }")
        lines.insert(lines.index("interfaces:") + 1,
                     "  side: { port: side, addresses: 198.18.64.1/24 }")
        return "\n".join(lines) + MORE.format(dir=self.dir, upstream=SERVER4, cache=cache)

    def start_upstream(self):
        """It knows each name, and is quick."""
        conf = self.dir / "dnsdist.conf"
        conf.write_text(DNSDIST.format(address=SERVER4))
        upstream = self.start("srv", "dnsdist", "nice", "-n", 10, "dnsdist", "--supervised",
                              "--disable-syslog", "-C", conf)
        self.wait_port("srv", 53, upstream, "udp", timeout=20)

    def start_all(self):
        self.start_upstream()
        self.start_router(self.config_text())
        self.wait_path(targets=(SERVER4,))
        (self.dir / "hits").write_text(
            "".join(f"n{i * 7919 % NAMES}.example.net A\n" for i in range(NAMES)))
        (self.dir / "misses").write_text(
            "".join(f"m{i}.example.net A\n" for i in range(MISSES)))
        self.dnsperf("rtr", "fill", "127.0.0.1", "hits", "-n", 1, "-Q", 5000).popen.wait(60)

    def dnsperf(self, host, name, server, file, *words):
        return self.start(host, f"dnsperf-{name}", "taskset", "-c", CLIENT_CORE, "nice", "-n", 19,
                          "dnsperf", "-s", server, "-d", self.dir / file, "-t", 2, *words)

    def start_load(self):
        return [self.dnsperf("rtr", "hits", "127.0.0.1", "hits", "-c", 16, "-q", 400, "-l", 600),
                self.dnsperf("pc1", "misses", ROUTER_LAN4, "misses", "-c", CLIENTS, "-q", 400,
                             "-l", 600)]

    @staticmethod
    def end_load(load):
        """Answers a second of each, and what share was lost."""
        for one in load:
            one.popen.send_signal(2)  # SIGINT: it says what it has
        for one in load:
            one.popen.wait(20)
        return {one.name.split("-")[1]: {
            "answers_per_sec": float(re.search(r"Queries per second: +([\d.]+)", one.output())[1]),
            "lost_percent": float(re.search(r"Queries lost: +\d+ \(([\d.]+)%\)", one.output())[1])}
            for one in load}

    # --- what is timed ---

    def links(self):
        """From the link's change, when `ip` has made it, to the event on the control socket. What a
        program takes to begin beside two busy cores is not the router's."""
        took = []
        with Caller(self.socket) as caller:
            caller.ask("subscribe", topics=["links"])
            for i in range(2 * LINKS):
                is_up = i % 2 == 1
                time.sleep(random.uniform(0, 0.1))  # at any moment of whatever goes round
                self.ip("side", f"link set eth0 {'up' if is_up else 'down'}")
                began = time.monotonic()
                while True:
                    event = caller.next()["params"]
                    if event["interface"] == "side" and event["is_up"] == is_up:
                        break
                took.append(time.monotonic() - began)
        return summary(took)

    def routes(self):
        """From the kernel's having it, as above, to the workers' using it."""
        took = []
        with Caller(self.socket) as caller:
            for i in range(ROUTES):
                to = f"198.19.{i}.0/24"
                self.ip("rtr", f"route add {to} via {INET4}")
                began = time.monotonic()
                while not any(route["is_active"] for route in
                              caller.ask("show.routes", to=to)["result"]["routes"]):
                    if time.monotonic() - began > 5:
                        raise LabError(f"no route to {to} after 5 s")
                took.append(time.monotonic() - began)
                self.ip("rtr", f"route del {to}")
        return summary(took)

    def commands(self):
        """A question to the control socket, and its answer: the loop's turn."""
        took = []
        with Caller(self.socket) as caller:
            for _ in range(COMMANDS):
                began = time.monotonic()
                caller.ask("show.version")
                took.append(time.monotonic() - began)
                time.sleep(0.005)
        return summary(took)

    def leases(self):
        """From DISCOVER to OFFER, and from REQUEST to ACK."""
        clients = self.start("pc2", f"clients-{len(self.processes)}",
                             build_dir() / "tests/dhcp/dhcp_clients", "eth0", 1, 8, 1, 3, 1000)
        clients.popen.wait(20)
        return json.loads(clients.output().splitlines()[-1])

    def packets(self):
        seen = ping(self, "pc2", SERVER4, count=PINGS, interval=PING_SEC)
        result = summary([rtt / 1e3 for rtt in seen.rtts_ms])
        result["lost"] = seen.sent - seen.received
        return result

    def measure(self):
        """All of them, one after the other, and what the threads had of a core meanwhile. The clock goes
        first on its core: what a program waits for to look at it is not the router's."""
        with goes_first():
            return self.measure_all()

    def measure_all(self):
        pid = self.router.pid
        began, dns, control = (time.monotonic(), thread_seconds(pid, "dns"),
                               thread_seconds(pid, "millraced"))
        waited, times = core_waits(pid)
        stolen = stolen_seconds()
        result = {"links_ms": self.links(), "routes_ms": self.routes(), "leases": self.leases(),
                  "commands_ms": self.commands(), "packets_ms": self.packets()}
        seconds = time.monotonic() - began
        result["dns_core"] = round((thread_seconds(pid, "dns") - dns) / seconds, 3)
        result["control_core"] = round((thread_seconds(pid, "millraced") - control) / seconds, 3)
        result["stolen_core"] = round((stolen_seconds() - stolen) / seconds, 3)
        waited, times = (after - before for after, before in zip(core_waits(pid), (waited, times)))
        result["control_waits_us"] = round(1e6 * waited / times, 1)
        return result

    def loop_late_ms(self):
        """At worst, in the last minute or two."""
        return self.millrace("show", "version")["loop_late_us"] / 1e3
