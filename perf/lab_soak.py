# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab soak: a house at work for as long as one likes: transfers, downloads, names, pings, new
flows all the time, clients that ask for addresses and names, links that go and come, sets, routes
and neighbours that change; and beside all of it another whole file is applied again and again. At
rest before and after, the router holds the same memory, buffers, flows, files and threads, or it
has a leak.
"""

import threading
import time
from pathlib import Path

from home import (INET4, INET6, PCS, ROUTER_LAN4, ROUTER_WAN4, SERVER4, SERVER6, SERVER_NAME,
                  HomeLab, home_config)
from lab import LabError, wait_for
from lab_cpu import thread_names
from lab_report import say, table
from lab_wires import FIREWALL_RULES
from tools import fetch, iperf, lookup, ping

HUGEPAGES = 256
DRIVERS = ("af_packet", "af_xdp", "tap")
ROUNDS_LEAST = 2  # the first fills caches, and is what the others are measured by
CHURN_FLOWS = 1000
CHURN_ROUTES = 500
CHURN = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for _ in range(int(sys.argv[2])):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(bytes(16), (sys.argv[1], 7777))
"""
FLAP_SEC = 0.5
REST_TIMEOUT_SEC = 40
BUSY_SEC = 10
RSS_SLACK_KB = 4096
TABLES_SLACK_KB = 8192  # of two policies and a set that is read again: no more at a time
FILES_SLACK = 4  # connections of who asks
BUFFER_SLACK = 512  # that drivers give back late
TIMEOUTS = ("flows: { timeouts: { tcp-unreplied: 3s, tcp-established: 5s, tcp-closing: 3s, "
            "tcp-closed: 2s, udp-unreplied: 2s, udp-assured: 4s, icmp: 2s, other: 2s } }\n")
RULES = 60
LEASES = 10  # clients that ask for an address, each by an id of its own: a card may have 16
NAMES = 30
APPLY_REST_SEC = 0.1
HISTORY = 50  # revisions that the router keeps: as many again make no difference


def add_arguments(parser):
    parser.add_argument("--minutes", type=float, default=1.0, help="(default: 1)")
    parser.add_argument("--driver", choices=DRIVERS, default="af_packet",
                        help="of the router's ports (default: af_packet)")


def config(lab, args, turn=0):
    """The whole file; with each turn another part of it has changed: rules, translations, routes,
    sets, DHCP and DNS, each at a pace of its own."""
    rules = "".join(f"    - {{ from: inside, destination: 192.0.2.{(i + turn) % 250}, protocol: "
                    f"{'tcp' if i % 2 else 'udp'}, port: {9000 + i}, action: drop }}\n"
                    for i in range(RULES + turn % 7))
    return home_config(args.driver).replace(
        "nat:\n", f"  - {{ to: 192.0.2.{turn % 5 * 32}/27, via: {INET4} }}\n"
        f"  - {{ to: '2001:db8:{turn % 11:x}77::/48', via: '{INET6}' }}\nnat:\n"
        f"  - {{ forward: {{ protocol: tcp, ports: {8000 + turn % 3}, to: {PCS['pc1'][0]} }}, "
        "interface: wan }\n") + FIREWALL_RULES.replace(
        "  forward:\n",
        "  forward:\n    - { source: [banned, caught, fixed], action: drop }\n" + rules) \
        + TIMEOUTS + f"state: {{ file: {lab.dir}/state.db }}\n" \
        + f"sets:\n  banned: {{ addresses: [], file: {lab.dir}/banned.txt }}\n" \
        + "  caught: { addresses: [], timeout: 1h }\n" \
        + f"  fixed: {{ addresses: [192.0.2.{turn % 13}, 203.0.113.{200 + turn % 4}] }}\n" \
        + f"dhcp-server:\n  lan: {{ pool: 198.18.0.100-198.18.0.{150 + turn % 9} }}\n" \
        + f"dns: {{ listen: [lan], upstreams: {SERVER4}, cache: {8 + turn % 2}, domains: "\
          f"[{{ names: millrace.test, upstreams: {SERVER4} }}] }}\n"


class Applies(threading.Thread):
    """Another file each time, beside all else, until `end`."""

    def __init__(self, lab, args):
        super().__init__(daemon=True)
        self.lab, self.args = lab, args
        self.is_over = threading.Event()
        self.may_apply = threading.Event()
        self.is_resting = threading.Event()
        self.n, self.failed = 0, []

    def run(self):
        while not self.is_over.is_set():
            if not self.may_apply.is_set():
                self.is_resting.set()
                self.may_apply.wait(0.2)
                continue
            self.is_resting.clear()
            path = self.lab.dir / "next.yaml"
            path.write_text(config(self.lab, self.args, self.n + 1))
            try:
                self.lab.millrace("apply", path)
            except LabError as e:
                self.failed.append(f"apply {self.n + 1}: {e}")
            self.n += 1
            self.is_over.wait(APPLY_REST_SEC)

    def go(self):
        self.is_resting.clear()
        self.may_apply.set()

    def pause(self):
        """Returns when none is under way."""
        self.may_apply.clear()
        self.is_resting.wait(60)

    def end(self):
        self.is_over.set()
        self.join(60)


# --- what goes on ---

def transfer(lab, pc, server, **options):
    """Also when iperf3's server has not yet seen the end of the run before."""
    def run():
        try:
            return iperf(lab, pc, server, 1, **options)
        except LabError as e:
            if "the server is busy" not in str(e):
                raise
            return None

    if wait_for(run, f"iperf3 on {server} to be free", BUSY_SEC, 0.5).mbps <= 0:
        raise LabError(f"iperf3 {options} carried nothing")


def transfers(lab, number):
    for reverse in (False, True):
        transfer(lab, "pc1", SERVER6 if number % 2 else SERVER4, reverse=reverse)
    transfer(lab, "pc2", SERVER4, udp_mbps=50, reverse=number % 2 == 1)


def small_things(lab, number):
    for pc in ("pc1", "pc2"):
        fetch(lab, pc, f"http://{SERVER_NAME}/")
    lab.run("pc1", "curl", "-sS", "--fail", "-o", "/dev/null", f"http://{SERVER4}/big")
    if lookup(lab, "pc2", SERVER_NAME, "A", SERVER4) != [SERVER4]:
        raise LabError("DNS gave no answer")
    for target, size in ((SERVER4, 56), (SERVER6, 1400), (SERVER4, 4000)):  # the last in fragments
        if ping(lab, "pc1", target, count=20, payload=size).received == 0:
            raise LabError(f"{target} does not answer to {size} bytes")


def clients(lab, number):
    """Hosts that want an address and give it back, and names that the router asks others for."""
    for i in range(LEASES):
        lab.run("pc2", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-R", "-t", 5, "-T", 1, "-s",
                "/bin/true", "-x", f"0x3d:01020304{i:04x}")
    for i in range(NAMES):
        lookup(lab, "pc1", f"host{i}.millrace.test", "A", ROUTER_LAN4)
    if lookup(lab, "pc2", SERVER_NAME, "A", ROUTER_LAN4) != [SERVER4]:
        raise LabError("the router has no answer to a question for a name")


def churn(lab, number):
    """Flows that are answered, flows that never are, and what the firewall drops."""
    for host, target in (("pc1", SERVER4), ("pc2", SERVER6), ("pc1", "198.51.100.99"),
                         ("srv", ROUTER_WAN4)):
        lab.run(host, "/usr/bin/python3", "-c", CHURN, target, CHURN_FLOWS)


def reloads(lab, number):
    (lab.dir / "banned.txt").write_text("".join(
        f"198.51.100.{200 + (number + i) % 50}\n" for i in range(20)))
    # in between two applies: while one is under way, the router says that it has no time
    wait_for(lambda: lab.millrace("sets", "reload", "banned", check=False), "a turn for the set",
             BUSY_SEC)
    lab.millrace("ban", f"198.51.100.{1 + number % 9}", "in", "caught", "for", "1m")
    lab.millrace("unban", f"198.51.100.{1 + number % 9}", "in", "caught")
    routes = [f"198.18.{128 + i // 256}.{i % 256}/32" for i in range(CHURN_ROUTES)]
    neighbours = [f"203.0.113.{20 + i} dev wan" for i in range(200)]
    for verbs in (("route add {} via " + INET4, "neigh replace {} lladdr 02:00:5e:00:53:99"),
                  ("route del {}", "neigh del {}")):
        lines = [verbs[0].format(to) for to in routes] + [verbs[1].format(to) for to in neighbours]
        batch = lab.dir / "batch"
        batch.write_text("\n".join(lines) + "\n")
        lab.run("rtr", "ip", "-batch", batch, timeout=60)


def flaps(lab, number):
    """While a transfer goes on, whose packets find no way out."""
    stream = lab.start("pc1", f"stream-{number}", "ping", "-n", "-i", 0.01, "-W", 1, SERVER4)
    for host in ("sw", "inet"):
        lab.ip(host, "link set router down")
        time.sleep(FLAP_SEC)
        lab.ip(host, "link set router up")
        if host == "inet":  # addresses of IPv6 go with the link, and routes by them
            lab.ip(host, "addr replace 2001:db8:0:1::1/64 dev router nodad")
            lab.ip(host, "route replace 2001:db8:0:2::/64 via 2001:db8:0:1::2")
    lab.wait_path()
    stream.stop(signum=2)
    lab.processes.remove(stream)


JOBS = {"transfers": transfers, "small things": small_things, "clients": clients, "churn": churn,
        "reloads": reloads, "link flaps": flaps}


# --- what it holds ---

def memory(pid):
    """Kilobytes: (resident, but for the large tables; all that those may come to; huge pages). A
    table is taken whole, and the kernel gives its pages, or joins them, when it likes: what of it
    is resident says nothing, and how large it is everything."""
    resident = tables = huge = 0
    mapping = {}
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        key, _, value = line.partition(":")
        if key != "VmFlags":
            mapping[key] = value.split()
        else:
            if "hg" in value.split():
                tables += int(mapping["Size"][0])
            else:
                resident += int(mapping["Rss"][0])
            huge += int(mapping["Private_Hugetlb"][0]) + int(mapping["Shared_Hugetlb"][0])
            mapping = {}
    return resident, tables, huge


def sample(lab):
    pid = lab.router.pid
    resident, tables, huge = memory(pid)
    ports = lab.millrace("show", "ports")
    return {"rss_kb": resident, "tables_kb": tables, "huge_kb": huge,
            "buffers": ports["buffers_in_use"],
            "flows": sum(w["flows"] for w in lab.millrace("show", "workers")["workers"]),
            "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": len(thread_names(pid))}


def rest(lab):
    """Nothing is sent until the last flow's time is up; of a leak of flows, until patience is."""
    try:
        wait_for(lambda: sample(lab)["flows"] == 0, "flows to end", REST_TIMEOUT_SEC, 0.2)
    except LabError:
        pass  # judge says how many there are
    return sample(lab)


def judge(samples):
    """What is wrong, in words. The first sample is of a router that has done nothing yet, the
    second after its first round, the last at the end; all at rest."""
    first, warm, last = samples[0], samples[1], samples[-1]
    problems = []
    if last["flows"] > first["flows"]:
        problems.append(f"{last['flows']} flows are left, {first['flows']} were there at first")
    if last["buffers"] > warm["buffers"] + BUFFER_SLACK:
        problems.append(f"{last['buffers']} buffers are in use, {warm['buffers']} were")
    for what, slack in (("rss_kb", RSS_SLACK_KB), ("tables_kb", TABLES_SLACK_KB), ("huge_kb", 0)):
        if last[what] > warm[what] + slack:
            problems.append(f"{what} has grown from {warm[what]} to {last[what]}")
    for what, slack in (("files", FILES_SLACK), ("threads", 0)):
        if last[what] > warm[what] + slack:
            problems.append(f"{last[what]} {what} are open, {warm[what]} were")
    return problems


def run(args):
    samples, failed = [], []
    with HomeLab(wires="tap" if args.driver == "tap" else "veth") as lab:
        lab.reserve_hugepages(HUGEPAGES)
        lab.start_servers()
        (lab.dir / "banned.txt").write_text("198.51.100.200\n")
        lab.start_router(config(lab, args), args=("--state", lab.dir / "state.db"))
        lab.wait_path(targets=(SERVER4, SERVER6, ROUTER_LAN4))
        samples.append(rest(lab))
        applies = Applies(lab, args)
        applies.start()
        began = time.monotonic()
        end = began + 60 * args.minutes
        number = 0
        while number < ROUNDS_LEAST or time.monotonic() < end:
            applies.go()
            for name, job in JOBS.items():
                try:
                    job(lab, number)
                except LabError as e:
                    failed.append(f"round {number + 1}, {name}: {e}")
            if not lab.router.is_alive():
                raise LabError(f"millraced ended:\n{lab.router.tail()}")
            number += 1
            if number == 1:
                wait_for(lambda: applies.n > HISTORY or not applies.is_alive(),
                         "as many applies as the history keeps", 120, 0.2)
            applies.pause()
            samples.append(rest(lab) if number == 1 else sample(lab))
            say(f"round {number}: {samples[-1]}")
        applies.end()
        samples.append(rest(lab))
        seconds = time.monotonic() - began
        drops = {name: n for name, n in lab.counts("drop_").items() if n}
    return {"driver": args.driver, "seconds": round(seconds), "rounds": number,
            "applies": applies.n, "samples": samples, "drops": drops,
            "failed_jobs": failed + applies.failed,
            "problems": judge(samples) + failed + applies.failed}


def show(result):
    columns = ["", *result["samples"][0]]
    names = ["at first", "after a round", *(f"round {i}" for i in range(2, result["rounds"] + 1)),
             "at the end"]
    if len(names) > 12:
        names[6:-5] = ["..."]
        result["samples"][6:-5] = [dict.fromkeys(result["samples"][0], "...")]
    table(columns, [[name, *seen.values()] for name, seen in zip(names, result["samples"])])
    print(f"{result['rounds']} rounds in {result['seconds']} s on {result['driver']}: "
          f"{', '.join(JOBS)}; {result['applies']} whole files applied meanwhile. At rest at "
          "first, after a round and at the end.")
    print("Nothing leaks." if not result["problems"] else "PROBLEMS:\n  " +
          "\n  ".join(result["problems"]))
