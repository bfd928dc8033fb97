# SPDX-License-Identifier: BSD-3-Clause
"""A house under attack: what must go on meanwhile, and what is looked at afterwards.

    pc2 --+   a transfer of 100 Mbit/s each way: pc1 - srv
          sw - [ rtr: firewall, NAT, 8192 flows, sshd ] - inet --- srv
    pc1 --+   SSH sessions: pc2 - rtr, srv - rtr
"""

import json
import select
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from home import (INET4, INET6, ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, ROUTER_WAN6, SERVER4, HomeLab)
from lab import LabError, run_command, wait_for
from tools import fetch

RAW_FLOOD = Path(__file__).with_name("raw_flood.py")
CAPACITY = 8192
RATE, SECONDS = 20000, 3  # of a flood
WORST_MBPS = 50  # of the transfer, in its worst second, each way
WORST_ANSWER_SEC = 1.0  # of an SSH session
NEW_SEC = 5.0  # of a login, a page: new connections of a host that does not attack
# Tables that the flood is the first to touch come by huge pages of 2 MB each, four of them at times.
# A buffer lost with each of its packets would be more than 100 MB.
RSS_GROWTH_KB = 16 << 10
LOG_LINES = 60  # 10 a second of each `log`, and what the router itself has to say
BANNED_PORT, LOGGED_PORT = 9999, 9998

SSHD_CONFIG = """
ListenAddress 0.0.0.0
HostKey {dir}/host-key
PidFile none
AuthorizedKeysFile {dir}/key.pub
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
MaxStartups 100
"""


def attack_config(cores, state_file):
    """As cfg/examples/fibre-sfp.yaml, with IPv6, few flows and short timeouts."""
    return f"""
workers: {{ cores: [{', '.join(str(core) for core in cores)}] }}
state: {{ file: {state_file} }}
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  wan: {{ port: wan, addresses: [{ROUTER_WAN4}/24, '{ROUTER_WAN6}/64'] }}
  lan: {{ port: lan, addresses: [{ROUTER_LAN4}/24, '{ROUTER_LAN6}/64'] }}
routes:
  - {{ to: 0.0.0.0/0, via: {INET4} }}
  - {{ to: '::/0', via: '{INET6}' }}
flows:
  capacity: {CAPACITY}
  timeouts: {{ tcp-unreplied: 2s, udp-unreplied: 2s, icmp: 2s, tcp-closed: 2s }}
zones:
  lan: {{ interfaces: lan }}
  wan: {{ interfaces: wan }}
sets:
  banned: {{ addresses: [], timeout: 5s }}
firewall:
  input:
    - {{ from: lan, action: accept }}
    - {{ from: wan, protocol: tcp, port: [ssh, https], action: accept }}
    - {{ from: wan, icmp: echo-request, icmp6: echo-request, rate: 100/s, action: accept }}
    - {{ from: wan, protocol: udp, port: {BANNED_PORT}, add-to: {{ set: banned }}, action: drop }}
    - {{ from: wan, protocol: udp, port: {LOGGED_PORT}, log: 'flood: ', action: drop }}
    - {{ from: wan, count: wan-refused, action: drop }}
  forward:
    - {{ from: lan, to: wan, action: accept }}
    - {{ from: wan, to: lan, dnat: true, action: accept }}
nat:
  - {{ masquerade: wan, from: 198.18.0.0/24 }}
  - {{ redirect: {{ protocol: tcp, ports: ssh }}, interface: wan }}
  - {{ forward: {{ protocol: tcp, ports: https, to: 198.18.0.12 }}, interface: wan }}
"""


class AttackLab(HomeLab):
    def setup(self):
        super().setup()
        self.ip("inet", "route add blackhole 198.19.0.0/16")
        self.ip("inet", "route add blackhole 2001:db8:bad::/48")

    def start_sshd(self):
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # the package's service makes it
        for name in ("key", "host-key"):
            run_command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.dir / name])
        conf = self.dir / "sshd_config"
        conf.write_text(SSHD_CONFIG.format(dir=self.dir))
        sshd = self.start("rtr", "sshd", "/usr/sbin/sshd", "-D", "-e", "-f", conf)
        self.wait_port("rtr", 22, sshd)

    def ssh_words(self, address, *command):
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
                   "LogLevel=ERROR", "ConnectTimeout=8")
        return ["ssh", "-F", "none", "-i", str(self.dir / "key"),
                *(word for option in options for word in ("-o", option)), f"root@{address}", *command]

    def wire(self, host, device, port):
        """The MACs of frames from a host's device to the router's port."""
        return (self.ip_json(host, f"link show {device}")[0]["address"],
                self.ip_json("rtr", f"link show {port}")[0]["address"])

    def outside(self):
        return self.wire("inet", "router", "port-wan")

    def inside(self):
        return self.wire("pc2", "eth0", "port-lan")

    def rss_kb(self):
        """`ip netns exec` has become the program itself."""
        status = Path(f"/proc/{self.router.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    def flows(self):
        return sum(worker["flows"] for worker in self.millrace("show", "workers")["workers"])

    def log_lines(self):
        return len(self.router.output().splitlines())


class Session:
    """An SSH login that stays; what is typed comes back, and the longest wait for it is kept."""

    def __init__(self, lab, host, address):
        self.name = f"{host} to {address}"
        argv = ["ip", "netns", "exec", lab.namespace(host), *lab.ssh_words(address, "cat")]
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, start_new_session=True, bufsize=0)
        self.worst_sec = 0.0
        self.answers = 0
        self.error = None
        self._must_end = threading.Event()
        self._thread = None
        self.ask(10)

    def ask(self, timeout):
        self.popen.stdin.write(b"?\n")
        if not select.select([self.popen.stdout], [], [], timeout)[0]:
            raise LabError(f"SSH of {self.name}: no answer in {timeout} s")
        if not self.popen.stdout.readline():
            raise LabError(f"SSH of {self.name}: closed")

    def watch(self):
        self._must_end.clear()
        self.worst_sec, self.answers, self.error = 0.0, 0, None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._must_end.wait(0.05):
            began = time.monotonic()
            try:
                self.ask(10)
            except (LabError, OSError) as e:
                self.error = e
                return
            self.worst_sec = max(self.worst_sec, time.monotonic() - began)
            self.answers += 1

    def rest(self):
        self._must_end.set()
        self._thread.join()

    def close(self):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()


@dataclass
class Outcome:
    said: str = ""  # by the attacker's program
    sent: int = 0  # what raw_flood.py says
    counts: dict = field(default_factory=dict)  # what the router's counters rose by
    worst_mbps: float = 0.0
    login_sec: float = 0.0
    page_sec: float = 0.0
    answers_sec: dict = field(default_factory=dict)
    rss_kb: int = 0
    log_lines: int = 0
    flows: int = 0

    def among(self, *names):
        return sum(self.counts.get(name, 0) for name in names)


def transfer_begin(lab, seconds):
    return subprocess.Popen(
        ["ip", "netns", "exec", lab.namespace("pc1"), "iperf3", "-J", "-c", SERVER4, "-b", "100M",
         "--bidir", "-t", str(seconds)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)


def transfer_ports(lab):
    """The outside ports of the transfer's connections: an attacker off path is given that much."""
    flows = lab.millrace("show", "flows", "--limit", CAPACITY)["flows"]
    return [flow["nat_sport"] for flow in flows
            if flow["dport"] == 5201 and flow["state"] == "established" and flow["idle_sec"] < 2]


def transfer_worst(popen):
    """The Mbit/s of the worst second either way. LabError when it did not last."""
    said = popen.communicate(timeout=30)[0]
    report = json.loads(said)
    if "error" in report:
        raise LabError(f"the transfer ended early: {report['error']}")
    whole = [i for i in report["intervals"] if i["sum"]["seconds"] > 0.9]
    return min(i[way]["bits_per_second"] / 1e6
               for i in whole[1:] for way in ("sum", "sum_bidir_reverse"))


def timed(what):
    began = time.monotonic()
    what()
    return time.monotonic() - began


def attack(lab, host, device, frames, rate=RATE, seconds=SECONDS, meanwhile=None):
    """Floods with what `frames()` gives once the transfer runs."""
    def prepare():
        path = lab.dir / "frames"
        path.write_text("\n".join(frame.hex() for frame in frames()))
        return "/usr/bin/python3", RAW_FLOOD, device, rate, seconds, path

    return attack_by(lab, host, prepare, seconds, meanwhile)


def attack_by(lab, host, prepare, seconds=SECONDS, meanwhile=None):
    """Runs the program that `prepare()` names while people use the router, and `meanwhile` halfway.
    Asserts what holds in any attack."""
    user = "pc1" if host == "pc2" else "pc2"  # somebody else
    transfer = transfer_begin(lab, seconds + 2)
    time.sleep(0.7)
    argv = prepare()
    before, rss, lines = lab.counts(""), lab.rss_kb(), lab.log_lines()
    for session in lab.sessions:
        session.watch()
    result = Outcome()
    try:
        flood = lab.start(host, "flood", *argv)
        time.sleep(0.5)
        result.login_sec = timed(lambda: lab.run(
            user, *lab.ssh_words(ROUTER_LAN4, "true"), timeout=20))
        if meanwhile:
            meanwhile()
        result.page_sec = timed(lambda: fetch(lab, user, f"http://{SERVER4}/"))
        flood.popen.wait(seconds + 10)
        lab.processes.remove(flood)
        result.said = flood.output().strip()
        if result.said.isdigit():
            result.sent = int(result.said)
        flood.log.unlink()
        result.worst_mbps = transfer_worst(transfer)
    finally:
        for session in lab.sessions:
            session.rest()
        if transfer.poll() is None:
            transfer.kill()
            transfer.wait()
        result.flows = lab.flows()
        after = lab.counts("")
        result.counts = {name: n - before[name] for name, n in after.items() if n > before[name]}
        result.rss_kb = lab.rss_kb() - rss
        result.log_lines = lab.log_lines() - lines
        result.answers_sec = {s.name: round(s.worst_sec, 3) for s in lab.sessions}
        print(result)  # shown when the test fails
    check(lab, result)
    return result


def check(lab, result):
    for session in lab.sessions:
        assert session.error is None, session.error
        assert session.answers > 10 and session.worst_sec < WORST_ANSWER_SEC, result
    assert result.login_sec < NEW_SEC and result.page_sec < NEW_SEC, result
    assert result.worst_mbps >= WORST_MBPS, result
    assert result.rss_kb < RSS_GROWTH_KB, result
    assert result.log_lines <= LOG_LINES, result
    wait_for(lambda: lab.flows() < 200, "the flood's flows to expire", timeout=12, interval=0.2)
