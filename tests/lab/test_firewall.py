# SPDX-License-Identifier: BSD-3-Clause
"""What every firewall has: what it shows, sets, bans, and what no rule breaks by accident.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1                          2001:db8:0:2::11
      \\ 198.51.100.10, 198.51.100.66, 2001:db8:f::10: the internet
"""

import re
import signal

import pytest
from conftest import Variant, cores_for, params
from example import PORT, ExampleLab, Host, dropped, passes, rejected, reset, try_row
from home import build_dir
from lab import run_command, wait_for
from scapy.layers.inet import UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.packet import Raw
from tools import ping

FAR, BAD, FAR6 = "198.51.100.10", "198.51.100.66", "2001:db8:f::10"
WAN, LAN, PC = "203.0.113.2", "198.18.0.1", "198.18.0.11"
WAN6, LAN6, PC6 = "2001:db8:0:1::2", "2001:db8:0:2::1", "2001:db8:0:2::11"
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24", "2001:db8:0:1::1/64"),
                 more=(f"{FAR}/32", f"{BAD}/32", f"{FAR6}/128"),
                 routes=(f"198.18.0.0/24 via {WAN}", f"2001:db8:0:2::/64 via {WAN6}")),
    "pc": Host("lan", (f"{PC}/24", f"{PC6}/64"), gateways=(LAN, LAN6)),
}
LISTED = 1_000_000

ROUTER = """
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  wan: {{ port: wan, addresses: [203.0.113.2/24, "2001:db8:0:1::2/64"] }}
  lan: {{ port: lan, addresses: [198.18.0.1/24, "2001:db8:0:2::1/64"] }}
routes:
  - {{ to: 0.0.0.0/0, via: 203.0.113.1 }}
  - {{ to: "::/0", via: "2001:db8:0:1::1" }}
zones:
  lan: {{ interfaces: lan }}
  wan: {{ interfaces: wan }}
nat:
  - {{ masquerade: wan }}
  - {{ forward: {{ protocol: tcp, ports: 8080, to: 198.18.0.11, to-port: 80 }}, interface: wan }}
workers: {{ cores: [{cores}] }}
state: {{ file: {dir}/state.db }}
"""
RULES = """
sets:
  banned: {{ addresses: [], timeout: 1d }}
  listed: {{ addresses: [], file: {dir}/listed }}
  web: {{ ports: [http, https, 8000-8099] }}
firewall:
  input:
    - {{ source: banned, action: drop, comment: who was banned }}
    - {{ from: lan, action: accept }}
    - {{ from: wan, protocol: tcp, port: web, count: web, action: reject }}
    - {{ from: wan, protocol: udp, log: "udp: ", rate: 10/s, action: reject }}
  forward:
    - {{ destination: banned, count: to-banned, action: drop }}
    - {{ destination: listed, count: listed, action: reject, reject-with: port-unreachable }}
    - {{ from: lan, to: wan, jump: outwards }}
    - {{ from: wan, dnat: true, action: accept }}
  lists:
    outwards:
      - {{ protocol: tcp, port: 22, action: return }}
      - {{ action: accept, comment: "the rest, \\"as ever\\"" }}
"""
DROP_ALL = """
firewall:
  input: [{{ action: drop }}]
  forward: [{{ from: lan, to: wan, action: accept }}, {{ action: drop }}]
  output: [{{ protocol: [udp, tcp], action: accept }}, {{ action: drop }}]
"""


class FirewallLab(ExampleLab):
    def __init__(self):
        super().__init__("firewall", HOSTS)
        self.workers = 1

    def start_rules(self, rules, workers):
        self.workers = workers
        (self.dir / "listed").touch()
        self.start_router((ROUTER + rules).format(
            dir=self.dir, cores=", ".join(map(str, cores_for(workers)))))

    def start_again(self):
        self.start_router(self.dir / "millraced.yaml")
        for target in (FAR, FAR6):
            self.wait_answer("pc", target)

    def told(self, *words):
        """What the command says to a person."""
        return run_command([build_dir() / "millrace", "-s", self.socket, *words]).stdout


VARIANTS = params([Variant("af_packet", 1), Variant("af_packet", 2)], "-firewall")


@pytest.fixture(scope="module")
def lab(variant):
    with FirewallLab() as lab:
        lab.start_rules(RULES, variant.workers)
        for host in ("rtr", *HOSTS):
            lab.open_doors(host)
        for target in (FAR, FAR6):
            lab.wait_answer("pc", target)
        yield lab


on_both = pytest.mark.parametrize("variant", VARIANTS, scope="module")
on_one = pytest.mark.parametrize("variant", VARIANTS[:1], scope="module")


# --- what it shows ---

@on_one
def test_each_rule_is_shown_as_it_was_written_and_counts(lab):
    try_row(lab, "inet", WAN, "tcp/80", reset("web", "drop_rejected"))
    shown = lab.told("show", "firewall")
    for words in ("input", "forward", "output", "outwards", "# who was banned",
                  '# the rest, "as ever"', "source: banned", "jump: outwards", "count: web",
                  'log: "udp: "', "rate: 10/s", "otherwise: drop", "otherwise: accept",
                  "A rule counts the packets that begin"):
        assert words in shown, f"{words} in\n{shown}"
    assert max(map(len, shown.splitlines())) <= 120, shown
    lists = {one["name"]: one for one in lab.millrace("show", "firewall")["lists"]}
    assert list(lists) == ["input", "forward", "output", "outwards"]
    assert [lists[name].get("default") for name in lists] == ["drop", "drop", "accept", None]
    web = next(rule for rule in lists["input"]["rules"] if "count: web" in rule["rule"])
    assert web["packets"] >= 1 and web["bytes"] >= 40 * web["packets"] and web["line"] > 0
    assert web["packets"] == lab.counted()["web"]


@on_one
def test_sets_zones_translations_and_counters_are_shown(lab):
    sets = {one["name"]: one for one in lab.millrace("show", "sets")["sets"]}
    assert sets["web"] == {"name": "web", "kind": "ports", "elements": 3}
    assert sets["banned"]["timeout_sec"] == 86400 and sets["banned"]["entries"] == 0
    assert sets["listed"]["file"] == f"{lab.dir}/listed"
    shown = lab.told("show", "sets")
    assert re.search(r"^web +ports +3 ", shown, re.MULTILINE), shown
    assert lab.told("show", "set", "web").split() == ["80", "443", "8000-8099"]
    zones = lab.millrace("show", "zones")["zones"]
    assert [(zone["name"], [i["name"] for i in zone["interfaces"]]) for zone in zones] == [
        ("lan", ["lan"]), ("wan", ["wan"]), ("none", [])]
    assert re.search(r"^lan +lan *$", lab.told("show", "zones"), re.MULTILINE)
    nat = lab.told("show", "nat")
    for words in ("masquerade: wan", "ports: 8080", "to: 198.18.0.11"):
        assert words in nat, nat
    assert re.search(r"^to-banned +0 ", lab.told("show", "counters"), re.MULTILINE)


@on_one
@pytest.mark.parametrize("words", [
    ("ban", "198.51.100.300"), ("ban", "198.51.100.66", "for", "soon"),
    ("ban", "198.51.100.1/24"), ("ban", BAD, "in", "web"), ("ban", BAD, "in", "nowhere"),
    ("ban",), ("unban", BAD), ("show", "set", "nowhere"), ("show", "set"),
    ("sets", "reload", "web"), ("sets", "reload"), ("ban", BAD, "until", "1d"),
], ids=" ".join)
def test_who_asks_wrongly_is_told_in_one_line(lab, words):
    done = run_command([build_dir() / "millrace", "-s", lab.socket, *words], check=False)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert re.fullmatch(r"millrace: .+\n", done.stderr), done.stderr
    assert lab.millrace("show", "set", "banned")["entries"] == []


# --- bans ---

@on_both
def test_a_ban_cuts_what_is_under_way_and_nothing_else(lab):
    streams = {target: lab.start("pc", f"ping-{target}", "ping", "-n", "-i", "0.05", target)
               for target in (BAD, FAR)}

    def answers(target):
        return streams[target].output().count("time=")

    try:
        wait_for(lambda: answers(BAD) > 3 and answers(FAR) > 3, "answers", 5)
        assert lab.told("ban", BAD, "for", "10m") == f"{BAD}/32 is in banned for 10m00s\n"
        before = {target: answers(target) for target in streams}
        wait_for(lambda: answers(FAR) > before[FAR] + 10, "the other to go on", 5)
        assert answers(BAD) <= before[BAD] + 2
        assert lab.counted()["to-banned"] > 0
        try_row(lab, "inet", WAN, "tcp/80", dropped("drop_rule"), source=BAD)
    finally:
        lab.told("unban", BAD)
        for stream in streams.values():
            stream.stop(signal.SIGINT)
            lab.processes.remove(stream)
    try_row(lab, "pc", BAD, "tcp/80", passes("inet", WAN))


@on_both
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=["stop", "kill"])
def test_bans_are_there_again_after_the_router(lab, signum):
    lab.told("ban", BAD, "for", "1h")
    lab.told("ban", "2001:db8:bad::/48", "for", "forever")
    if signum == signal.SIGTERM:
        lab.stop_router()
    else:
        lab.router.popen.kill()
        lab.router.popen.wait()
        lab.processes.remove(lab.router)
        lab.socket.unlink()
    lab.start_again()
    entries = {e["address"]: e["left_sec"] for e in lab.millrace("show", "set", "banned")["entries"]}
    assert set(entries) == {f"{BAD}/32", "2001:db8:bad::/48"}, entries
    assert 3500 < entries[f"{BAD}/32"] <= 3600 and entries["2001:db8:bad::/48"] is None
    assert "ever" in lab.told("show", "set", "banned")
    try_row(lab, "pc", BAD, "tcp/80", dropped("to-banned"))
    for address in entries:
        lab.told("unban", address)
    try_row(lab, "pc", BAD, "tcp/80", passes("inet", WAN))


# --- the router as a host ---

@on_both
@pytest.mark.parametrize("target", [FAR, FAR6], ids=["ipv4", "ipv6"])
def test_the_router_pings_in_pieces_past_rules_that_let_nobody_in(lab, target):
    """Each time another identifier: of two workers, either has the flow, or puts it together."""
    try_row(lab, "inet", WAN if target == FAR else WAN6, "echo", dropped("drop_rule"))
    lab.run("rtr", "ping", "-n", "-c", 1, "-W", 2, target)
    for _ in range(4):
        said = ping(lab, "rtr", target, payload=4000, wait=2)
        assert said.received == 3, said.text


# --- a large set from a file ---

def write_list(lab, *more):
    """A million networks of all sizes, many within others."""
    lines = [f"{8 + (i >> 20)}.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/{28 if i % 3 else 32}"
             for i in range(LISTED - len(more))]
    (lab.dir / "listed").write_text("\n".join((*lines, *more)) + "\n")


@on_one
def test_a_set_of_a_million_prefixes_is_read_and_swapped_whole(lab):
    try_row(lab, "pc", FAR, "tcp/80", passes("inet", WAN))
    write_list(lab, FAR)
    assert re.fullmatch(r"listed has \d+ elements from its file\n", lab.told("sets", "reload", "listed"))
    assert lab.millrace("show", "sets")["sets"][1]["file_elements"] > LISTED // 2
    try_row(lab, "pc", FAR, "udp/9999", rejected(PORT, LAN, "listed"))
    (lab.dir / "listed").write_text(f"{BAD}\nno address\n")
    done = run_command([build_dir() / "millrace", "-s", lab.socket, "sets", "reload", "listed"],
                       check=False)
    assert done.returncode == 1 and f"{lab.dir}/listed:2" in done.stderr, done.stderr
    try_row(lab, "pc", BAD, "tcp/80", passes("inet", WAN))  # nothing of a file with a mistake
    (lab.dir / "listed").write_text(f"# one\n{BAD}\n")
    assert lab.told("sets", "reload", "listed") == "listed has 1 elements from its file\n"
    try_row(lab, "pc", FAR, "udp/9999", passes("inet", WAN))
    assert lab.attempt("pc", BAD, "tcp/80")["got"] == "error"
    (lab.dir / "listed").write_text("")
    lab.told("sets", "reload", "listed")
    try_row(lab, "pc", BAD, "tcp/80", passes("inet", WAN))


# --- what rules do not break ---

@pytest.fixture
def strict():
    with FirewallLab() as lab:
        lab.start_rules(DROP_ALL, 1)
        for host in ("rtr", *HOSTS):
            lab.open_doors(host)
        lab.wait_answer("pc", FAR6)
        yield lab


def test_rules_that_drop_everything_leave_ipv6_its_neighbours_and_too_big(strict):
    lab = strict
    for _ in range(3):
        for host in ("rtr", *HOSTS):
            lab.ip(host, "-6 neigh flush all")
        assert lab.attempt("pc", FAR6, "tcp/443", wait=3)["got"] == "answer"
    try_row(lab, "pc", LAN6, "echo", dropped("drop_rule"))
    try_row(lab, "inet", WAN6, "tcp/22", dropped("drop_rule"))
    sport = lab.attempt("pc", FAR6, "udp/9999")["port"]
    types = lab.watch_icmp6("pc")
    lab.send("inet", "wan", [
        IPv6(src="2001:db8:0:1::1", dst=PC6) / ICMPv6PacketTooBig(mtu=1280) /
        IPv6(src=PC6, dst=FAR6) / UDP(sport=sport, dport=9999) / Raw(bytes(64))])
    wait_for(lambda: "2" in types.output().split(), "packet too big at the host", 3)


def test_what_is_doubtful_is_in_the_log_of_the_start(strict):
    said = strict.router.output()
    assert "nobody can log in to it" in said, said
