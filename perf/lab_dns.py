# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab dns: answers from the cache, by this router, dnsmasq, Unbound and dnsdist in turns on the
same loopback and the same core, asked by dnsperf from another. Each forwards to the same Unbound,
and knows all answers before it is measured. As fast as it goes, for the rate; at a fixed rate that
all can bear, for how long an answer takes: dnsperf's own times, of each answer. dnsperf has one core
and may be the slower end: what a server's threads ran for each answer does not depend on that. Then
what else a router does, timed without a question for a name and under as many as the machine can
ask: tests/lab/dns_load.py.
"""

import re
import statistics
import time

from dns_load import LoadLab
from home import HomeLab, build_dir
from lab import LabError
from lab_cpu import thread_names, thread_times
from lab_report import say, table

SERVER_CORE, CLIENT_CORE = 1, 0
UPSTREAM_PORT = 5300
PORTS = {"Millrace": 53, "dnsmasq": 5301, "Unbound": 5302, "dnsdist": 5303}
GOAL_RATIO = 1.5

ROUTER = """workers: {{ cores: [{core}] }}
ports: {{ wan: {{ driver: "null" }} }}
interfaces: {{ wan: {{ port: wan, addresses: 203.0.113.2/24 }} }}
state: {{ file: {dir}/state.db }}
dns: {{ listen: lo, upstreams: 127.0.0.1 port {port}, cache: 64 }}
"""

UNBOUND = """server:
  directory: "{dir}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  so-rcvbuf: 4m
  module-config: "iterator"
  msg-cache-size: 64m
  rrset-cache-size: 128m
  {more}
remote-control:
  control-enable: no
"""

DNSDIST = """setLocal("127.0.0.1:{port}")
newServer({{address="127.0.0.1:{upstream}", checkName="n1.example.net."}})
cache = newPacketCache(100000)
getPool(""):setCache(cache)
setSecurityPollSuffix("")
"""


def add_arguments(parser):
    parser.add_argument("--names", type=int, default=10000, help="that are asked for (default: 10000)")
    parser.add_argument("--rate", type=int, default=10000,
                        help="questions a second where times are taken (default: 10000)")
    parser.add_argument("--alone", action="store_true",
                        help="without what else a router does meanwhile")
    parser.add_argument("--runs", type=int, default=5,
                        help="of each server, in turns; medians are shown (default: 5)")


class DnsPerf(HomeLab):
    def __init__(self, args):
        super().__init__(wires="none")
        self.args = args

    def setup(self):
        self.add_host("rtr")
        self.servers = {}  # name -> process

    def pinned(self, name, *argv):
        return self.start("rtr", name, "taskset", "-c", SERVER_CORE, *argv)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def start_upstream(self):
        lines = ["$TTL 86400", "@ SOA ns hostmaster 1 3600 600 86400 60", "@ NS ns", "ns A 203.0.113.53"]
        lines += [f"n{i} A 198.51.100.{i % 250 + 1}" for i in range(self.args.names)]
        zone = self.write("zone", "\n".join(lines) + "\n")
        conf = self.write("upstream.conf", UNBOUND.format(
            dir=self.dir, port=UPSTREAM_PORT, more="") +
            f'auth-zone:\n  name: "example.net"\n  zonefile: "{zone}"\n  for-downstream: yes\n'
            "  for-upstream: no\n")
        process = self.pinned("upstream", "unbound", "-d", "-c", conf)
        self.wait_port("rtr", UPSTREAM_PORT, process)

    def start_servers(self):
        self.start_upstream()
        config = self.write("router.yaml", ROUTER.format(
            core=SERVER_CORE, dir=self.dir, port=UPSTREAM_PORT))
        self.socket = self.dir / "millraced.sock"
        self.router = self.pinned("millraced", build_dir() / "millraced", "-c", config,
                                  "-s", self.socket)
        self.servers["Millrace"] = self.router
        self.wait_router()
        others = {
            "dnsmasq": ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
                        "--pid-file=", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1",
                        "--bind-interfaces", f"--port={PORTS['dnsmasq']}", "--cache-size=100000",
                        "--dns-forward-max=5000", f"--server=127.0.0.1#{UPSTREAM_PORT}"],
            "Unbound": ["unbound", "-d", "-c", self.write("unbound.conf", UNBOUND.format(
                dir=self.dir, port=PORTS["Unbound"], more="") +
                f'forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@{UPSTREAM_PORT}\n')],
            "dnsdist": ["dnsdist", "--supervised", "--disable-syslog", "-C", self.write(
                "dnsdist.conf", DNSDIST.format(port=PORTS["dnsdist"], upstream=UPSTREAM_PORT))],
        }
        for name, argv in others.items():
            self.servers[name] = process = self.pinned(name, *argv)
            self.wait_port("rtr", PORTS[name], process, "udp", timeout=20)

    def questions(self):
        return self.write("questions", "".join(
            f"n{i * 7919 % self.args.names}.example.net A\n" for i in range(self.args.names)))

    def cpu_seconds(self, server):
        """What it has run so far, in user and system mode, all its threads but those that forward
        packets: a name server has none of these."""
        return sum(thread_times(tid)[0] for tid, name in
                   thread_names(self.servers[server].pid).items() if not name.startswith("worker"))

    def ask(self, server, seconds, rate=None, is_once=False, wants_times=False):
        argv = ["taskset", "-c", CLIENT_CORE, "dnsperf", "-s", "127.0.0.1", "-p", PORTS[server],
                "-d", self.dir / "questions", "-c", 16, "-q", 200, "-t", 2]
        argv += ["-n", 1] if is_once else ["-l", max(1, round(seconds))]
        argv += ["-Q", rate] if rate else []
        argv += ["-v"] if wants_times else []
        return self.run("rtr", *argv, timeout=seconds + 60).stdout


def rate_of(said):
    return float(re.search(r"Queries per second: +([\d.]+)", said)[1])


def answers_of(said):
    return int(re.search(r"Queries completed: +(\d+)", said)[1])


def lost_of(said):
    return float(re.search(r"Queries lost: +\d+ \(([\d.]+)%\)", said)[1])


def times_of(said):
    """Microseconds of each answer, sorted."""
    return sorted(float(found) * 1e6 for found in re.findall(r"^> NOERROR .* ([\d.]+)$", said, re.M))


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


def run(args):
    rounds = {name: {"rate": [], "lost": [], "cpu_us": [], "core": [], "p50": [], "p99": []}
              for name in PORTS}
    with DnsPerf(args) as lab:
        lab.start_servers()
        lab.questions()
        for name in PORTS:
            said = lab.ask(name, 20, rate=5000, is_once=True)
            if lost_of(said) > 1:
                raise LabError(f"{name} does not answer: {said}")
        before = lab.millrace("show", "dns")["counts"]
        for number in range(args.runs):
            for name in PORTS:
                say(f"round {number + 1} of {args.runs}, {name}")
                before_sec = lab.cpu_seconds(name)
                said = lab.ask(name, args.seconds)
                cpu_sec = lab.cpu_seconds(name) - before_sec
                rounds[name]["rate"].append(rate_of(said))
                rounds[name]["cpu_us"].append(1e6 * cpu_sec / answers_of(said))
                rounds[name]["core"].append(cpu_sec * rate_of(said) / answers_of(said))
                rounds[name]["lost"].append(lost_of(said))
                times = times_of(lab.ask(name, args.seconds, rate=args.rate, wants_times=True))
                rounds[name]["p50"].append(percentile(times, 0.5))
                rounds[name]["p99"].append(percentile(times, 0.99))
        after = lab.millrace("show", "dns")["counts"]
        loop_late_us = lab.millrace("show", "version")["loop_late_us"]
    asked = after["udp"] - before["udp"]
    hits = after["cache_hits"] - before["cache_hits"]
    medians = {name: {key: statistics.median(values) for key, values in one.items()}
               for name, one in rounds.items()}
    ratio = medians["Millrace"]["rate"] / medians["dnsmasq"]["rate"]
    cpu_ratio = medians["dnsmasq"]["cpu_us"] / medians["Millrace"]["cpu_us"]
    return {"names": args.names, "rate": args.rate, "rounds": rounds, "medians": medians,
            "ratio_to_dnsmasq": ratio, "cpu_ratio_to_dnsmasq": cpu_ratio,
            "hit_share": hits / asked if asked else 0, "loop_late_us": loop_late_us,
            "beside": None if args.alone else measure_beside()}


def measure_beside():
    say("what else a router does, without and with a load of questions")
    with LoadLab() as lab:
        lab.start_all()
        idle = lab.measure()
        load = lab.start_load()
        time.sleep(3)  # so that what there is at the start is over
        busy = lab.measure()
        late_ms = lab.loop_late_ms()
        return {"idle": idle, "busy": busy, "load": lab.end_load(load), "loop_late_ms": late_ms}


def beside_rows(beside):
    """Milliseconds, idle and busy: p50, p99, worst."""
    for title, key in (("link's change to its event", "links_ms"),
                       ("route until workers use it", "routes_ms"),
                       ("command", "commands_ms"), ("packet there and back", "packets_ms")):
        yield [title, *(f"{beside[state][key][what]:.2f}" for what in ("p50", "p99", "worst")
                        for state in ("idle", "busy"))]
    for title, key in (("DHCP: until the OFFER", "offer"), ("DHCP: until the ACK", "ack")):
        yield [title, *(f"{beside[state]['leases'][f'{key}_{what}_ms']:.2f}"
                        for what in ("p50", "p99") for state in ("idle", "busy")), "", ""]


def show_beside(beside):
    load = beside["load"]
    print(f"What else it does, in ms, without questions and with {load['hits']['answers_per_sec']:.0f} "
          f"answers a second from the cache and {load['misses']['answers_per_sec']:.0f} that are asked "
          "upstream:")
    table(["", "p50", "loaded", "p99", "loaded", "worst", "loaded"], list(beside_rows(beside)))
    print(f"Packets lost: {beside['idle']['packets_ms']['lost']} and "
          f"{beside['busy']['packets_ms']['lost']}. The forwarder's thread had "
          f"{beside['busy']['dns_core']:.2f} of the core that it shares with control, whose loop was "
          f"{beside['loop_late_ms']:.1f} ms late at worst.")


def show(result):
    medians = result["medians"]
    print(f"{result['names']} names from the cache, one core each in turns; times at "
          f"{result['rate']} questions a second, medians of the rounds:")
    of = medians["dnsmasq"]
    table(["server", "answers/s", "of dnsmasq's", "CPU us/answer", "dnsmasq's of it", "of its core",
           "lost %", "p50 us", "p99 us"],
          [[name, f"{one['rate']:.0f}", f"{one['rate'] / of['rate']:.2f}", f"{one['cpu_us']:.2f}",
            f"{of['cpu_us'] / one['cpu_us']:.2f}", f"{one['core']:.2f}", f"{one['lost']:.2f}",
            f"{one['p50']:.0f}", f"{one['p99']:.0f}"]
           for name, one in medians.items()])
    print("Who has less than all of its core waited for dnsperf: then CPU time for each answer says "
          "how many more it could give.")
    print(f"{100 * result['hit_share']:.1f} % of the router's answers came from its cache. Meanwhile "
          f"its control loop was {result['loop_late_us']} us late at worst; goal: {GOAL_RATIO} of "
          "dnsmasq's rate, and its p99 no higher.")
    if result["beside"]:
        show_beside(result["beside"])
