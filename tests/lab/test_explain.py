# SPDX-License-Identifier: BSD-3-Clause
"""`millrace explain` against what really happens: random packets, each explained before it is sent.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1        | dmz (1280)         2001:db8:0:2::11
                             srv 198.18.2.10, 2001:db8:0:3::10

The truth is a capture's, which has each packet as it left or the reason and the rule of its drop;
each has its number at its end. What is in neither has gone up to the router itself.
"""

import json
import random
import re
import socket
import time
from dataclasses import dataclass

import pytest
from conftest import Variant, cores_for, params
from example import RAW_FRAMES, ExampleLab, Host
from explain_frames import Packet, number_of, packet_frame, read_pcapng
from home import build_dir
from lab import run_command, wait_for
from scapy.layers.inet import IP, UDP
from tools import ping

PACKETS = 10_000
CHUNK = 500  # explained, then sent
BATCH = 18  # as many as fit a line of the socket
SEED = 20

HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24", "2001:db8:0:1::1/64")),
    "pc": Host("lan", ("198.18.0.11/24", "2001:db8:0:2::11/64"), gateways=("198.18.0.1",)),
    "srv": Host("dmz", ("198.18.2.10/24", "2001:db8:0:3::10/64"), gateways=("198.18.2.1",)),
}
SENDERS = {"wan": "inet", "lan": "pc", "dmz": "srv"}
ROUTER = """
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
  dmz: {{ driver: af_packet, match: {{ name: port-dmz }} }}
interfaces:
  wan: {{ port: wan, addresses: [203.0.113.2/24, 203.0.113.40/24, "2001:db8:0:1::2/64"] }}
  lan: {{ port: lan, addresses: [198.18.0.1/24, "2001:db8:0:2::1/64"] }}
  dmz: {{ port: dmz, addresses: [198.18.2.1/24, "2001:db8:0:3::1/64"] }}
routes:
  - {{ to: 0.0.0.0/0, via: 203.0.113.1 }}
  - {{ to: "::/0", via: "2001:db8:0:1::1" }}
  - {{ to: 198.51.100.64/26, via: 203.0.113.77 }}
  - {{ to: 198.51.100.128/26, type: blackhole }}
  - {{ to: 198.51.100.192/27, type: unreachable }}
  - {{ to: 198.51.100.224/27, type: prohibit }}
  - {{ to: "2001:db8:d::/64", type: blackhole }}
zones:
  lan: {{ interfaces: lan }}
  wan: {{ interfaces: wan }}
  dmz: {{ interfaces: dmz }}
sets:
  servers: {{ addresses: [198.18.2.10, "2001:db8:0:3::10"] }}
  good: {{ addresses: [198.51.100.0/28, "2001:db8:f::/64"] }}
  bad: {{ addresses: [198.51.100.16/28, "2001:db8:e::/64"] }}
  web: {{ ports: [80, 443, 8000-8099] }}
  banned: {{ addresses: [], timeout: 1d }}
  pings: {{ icmp-types: [echo-request, timestamp-request] }}
nat:
  - {{ exempt: wan, from: 198.18.0.32/28 }}
  - {{ one-to-one: {{ inside: 198.18.2.10, outside: 203.0.113.40 }}, interface: wan }}
  - {{ forward: {{ protocol: tcp, ports: 8443, to: 198.18.2.10, to-port: 443 }}, interface: wan }}
  - {{ forward: {{ protocol: udp, ports: 5000-5010, to: 198.18.2.10 }}, interface: wan }}
  - {{ redirect: {{ protocol: tcp, ports: 2222, to-port: 22 }}, interface: wan }}
  - {{ masquerade: wan }}
firewall:
  defaults: {{ input: drop, forward: drop, output: accept }}
  input:
    - {{ source: banned, action: drop, comment: out with them }}
    - {{ from: lan, protocol: tcp, port: ssh, action: accept }}
    - {{ from: lan, protocol: udp, port: [53, 67], action: accept }}
    - {{ from: wan, icmp: pings, rate: 1/d, action: accept }}
    - {{ from: wan, protocol: tcp, port: 22, dnat: true, action: accept }}
    - {{ from: wan, protocol: tcp, action: reject, reject-with: tcp-reset }}
    - {{ from: dmz, action: reject }}
  forward:
    - {{ source: banned, action: drop }}
    - {{ destination: bad, count: bad, action: drop }}
    - {{ protocol: udp, port: 137-139, action: drop }}
    - {{ from: lan, destination: good, port: not web, protocol: tcp, action: reject }}
    - {{ from: lan, destination: good, action: accept }}
    - {{ from: lan, to: dmz, jump: to-servers }}
    - {{ from: wan, to: dmz, dnat: true, action: accept }}
    - {{ from: wan, to: dmz, family: ipv6, destination: servers, port: web, action: accept }}
    - {{ from: dmz, to: lan, action: reject, reject-with: admin-prohibited }}
    - {{ from: dmz, to: wan, protocol: udp, port: 123, dscp: ef, action: accept }}
    - {{ from: dmz, to: wan, protocol: tcp, set-mark: 7 }}
    - {{ mark: 7, tcp-flags: syn, port: web, action: accept }}
    - {{ from: dmz, to: wan, protocol: 47, action: accept }}
    - {{ from: dmz, action: reject, reject-with: net-unreachable }}
    - {{ from: lan, to: wan, protocol: tcp, source-port: 1-1023, action: drop }}
    - {{ from: lan, to: wan, rate: over 1/d, icmp: pings, action: drop }}
    - {{ from: lan, to: wan, action: accept }}
  lists:
    to-servers:
      - {{ destination: not servers, action: return }}
      - {{ port: web, action: accept }}
      - {{ icmp: echo-request, icmp6: echo-request, action: accept }}
      - {{ protocol: udp, action: continue, log: "udp to servers: " }}
      - {{ source: "198.18.0.0/28", action: accept }}
flows:
  timeouts: {{ tcp-unreplied: 1h, tcp-closing: 1h, tcp-closed: 1h, udp-unreplied: 1h, icmp: 1h,
             other: 1h }}
workers: {{ cores: [{cores}] }}
state: {{ file: {dir}/state.db }}
"""

REMOTES4 = ("198.51.100.3", "198.51.100.20", "198.51.100.40", "198.51.100.70", "198.51.100.130",
            "198.51.100.200", "198.51.100.230", "192.0.2.9", "10.1.2.3", "203.0.113.1")
REMOTES6 = ("2001:db8:f::9", "2001:db8:e::9", "2001:db8:c::9", "2001:db8:d::9", "fd00::9")
INSIDE4 = {"lan": ("198.18.0.11", "198.18.0.35", "198.18.0.66", "198.18.0.200"),
           "dmz": ("198.18.2.10", "198.18.2.33")}
INSIDE6 = {"lan": ("2001:db8:0:2::11", "2001:db8:0:2::66"), "dmz": ("2001:db8:0:3::10",)}
OURS4 = {"lan": ("198.18.0.1",), "dmz": ("198.18.2.1",), "wan": ("203.0.113.2", "203.0.113.40")}
OURS6 = {"lan": ("2001:db8:0:2::1",), "dmz": ("2001:db8:0:3::1",), "wan": ("2001:db8:0:1::2",)}
ODD4 = ("127.0.0.1", "0.0.0.0", "224.0.0.9", "240.0.0.1", "169.254.3.3", "198.18.0.255",
        "255.255.255.255", "198.18.0.1", "203.0.113.2")
PORTS = (22, 53, 67, 80, 123, 137, 443, 2222, 5003, 8080, 8443, 9999)


class ExplainLab(ExampleLab):
    def __init__(self):
        super().__init__("explain", HOSTS)

    def call(self, requests):
        """One batch over the socket."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(20)
            stream.connect(str(self.socket))
            stream.sendall(json.dumps([
                {"jsonrpc": "2.0", "id": i, "method": "explain", "params": params}
                for i, params in enumerate(requests)]).encode() + b"\n")
            with stream.makefile("rb") as lines:
                answers = json.loads(lines.readline())
        assert not [one for one in answers if "error" in one], answers[0]
        return [one["result"] for one in sorted(answers, key=lambda one: one["id"])]

    def explain(self, *words):
        return run_command([build_dir() / "millrace", "-s", self.socket, "explain",
                            *map(str, words)])

    def received(self):
        return sum(one["rx_packets"] for one in self.millrace("show", "interfaces")["interfaces"])


@pytest.fixture(scope="module")
def lab(variant):
    with ExplainLab() as lab:
        lab.switch_without_opinions()
        lab.start_router(ROUTER.format(
            dir=lab.dir, cores=", ".join(map(str, cores_for(variant.workers)))))
        lab.ip("rtr", "link set dmz mtu 1280")
        for host, target in (("pc", "198.18.0.1"), ("pc", "203.0.113.1")):
            wait_for(lambda host=host, target=target: ping(lab, host, target, count=1).received or
                     host == "pc" and target == "198.18.0.1", f"{host} to reach {target}", 10)
        learn_neighbours(lab)
        ping(lab, "inet", "203.0.113.2", count=1)  # the day's only one, as that of `pc` above
        lab.millrace("ban", "198.18.0.66", "in", "banned")
        lab.millrace("ban", "2001:db8:0:2::66", "in", "banned")
        yield lab


def learn_neighbours(lab):
    """The kernel of the router knows every host there is, for good."""
    for port, host in SENDERS.items():
        mac = lab.mac(host)
        for address in HOSTS[host].addresses:
            lab.ip("rtr", f"neigh replace {address.split('/')[0]} lladdr {mac} dev {port} "
                   "nud permanent")
        for address in (*INSIDE4.get(port, ()), *INSIDE6.get(port, ())):
            lab.ip("rtr", f"neigh replace {address} lladdr {mac} dev {port} nud permanent")


pytestmark = pytest.mark.parametrize(
    "variant", params([Variant("af_packet", 1), Variant("af_packet", 2)], "-explain"),
    scope="module")


# --- random packets ---

def pick_ends(draw, port, family):
    ours = (OURS4 if family == 4 else OURS6)
    inside = (INSIDE4 if family == 4 else INSIDE6)
    remotes = REMOTES4 if family == 4 else REMOTES6
    source = draw.choice(remotes[:3] if port == "wan" else inside[port])
    if draw.random() < 0.05:
        source = draw.choice(ODD4) if family == 4 else draw.choice(("::1", "ff02::5", "fe80::77"))
    everybody = [*remotes, *inside["lan"], *inside["dmz"], *ours["wan"], *ours[port]]
    if port == "wan":
        everybody += [*ours["wan"], *inside["dmz"]] * 3
    target = draw.choice(everybody)
    if draw.random() < 0.03 and family == 4:
        target = draw.choice(ODD4[:5])
    return source, target


def draw_packet(draw, number):
    port = draw.choice(("lan", "lan", "wan", "wan", "dmz"))
    family = draw.choice((4, 4, 6))
    source, target = pick_ends(draw, port, family)
    kind = draw.choices(("tcp", "udp", "icmp", "other"), (45, 35, 12, 8))[0]
    flags = draw.choices((0x02, 0x10, 0x12, 0x04, 0x03, 0x00, 0x29, 0x3f, 0xc2),
                         (80, 8, 2, 2, 2, 2, 1, 1, 2))[0]
    return Packet(
        port=port, family=family, source=source, target=target, kind=kind, number=number,
        sport=2000 + number if draw.random() < 0.9 else draw.randrange(1, 1024),
        dport=draw.choice(PORTS), flags=flags, protocol=draw.choice((47, 50, 99, *range(143, 253))),
        icmp=(draw.choice((8, 13)) if family == 4 else 128, 0), ident=2000 + number,
        ttl=draw.choices((64, 1, 2, 0, 255), (80, 8, 5, 3, 4))[0],
        dscp=draw.choice((0, 0, 46)), has_df=draw.random() < 0.5,
        payload=draw.choice((20, 20, 20, 1230, 1260, 1400)),
        is_fragment=draw.random() < 0.02, bad_checksum=draw.random() < 0.02,
        options=draw.choices((b"", b"\x83\x07\x04\xc6\x33\x64\x09\x00", b"\x01\x01\x01\x01"),
                             (96, 2, 2))[0])


def repeat_packet(draw, earlier, number):
    """Of a flow that an earlier one may have begun: once more, or as its answer."""
    packet = draw.choice(earlier)
    return packet.again(number, draw.random() < 0.5)


def next_packet(draw, earlier, number, taken):
    """Two of one chunk are never of one flow, for both are explained before either is sent."""
    while True:
        packet = (repeat_packet(draw, earlier, number) if earlier and draw.random() < 0.25
                  else draw_packet(draw, number))
        flow = packet.protocol if packet.kind == "other" else packet.ident
        if flow not in taken:
            taken.add(flow)
            return packet


# --- what happened ---

@dataclass
class Fate:
    fate: str
    reason: str = None
    line: int = None
    port: str = None
    frame: bytes = None


def captured(path):
    """Each numbered packet's fate, by its number."""
    fates = {}
    for packet in read_pcapng(path):
        number = number_of(packet.frame)
        if number is None:
            continue
        if packet.comment is None:
            fates.setdefault(number, Fate("sent", port=packet.interface, frame=packet.frame))
            continue
        rule = re.search(r"; rule [^:]*:(\d+):", packet.comment)
        fates.setdefault(number, Fate(
            "dropped", packet.comment.split(":")[0], int(rule[1]) if rule else None))
    return fates


def ends_of(frame):
    """(source, target, hops) as the explanation words them."""
    is_ip6 = frame[12:14] == b"\x86\xdd"
    family, at, n = (socket.AF_INET6, 22, 16) if is_ip6 else (socket.AF_INET, 26, 4)
    head = 54 if is_ip6 else 14 + (frame[14] & 15) * 4
    protocol = frame[20] if is_ip6 else frame[23]
    texts = [socket.inet_ntop(family, frame[i:i + n]) for i in (at, at + n)]
    if protocol in (6, 17):
        ports = [int.from_bytes(frame[head + i:head + i + 2], "big") for i in (0, 2)]
        form = "[{}]:{}" if is_ip6 else "{}:{}"
        texts = [form.format(text, port) for text, port in zip(texts, ports)]
    return *texts, frame[21] if is_ip6 else frame[22]


def disagreement(said, fate):
    """None, or what differs."""
    if said["fate"] == "waits-for-fragments":
        return None if fate and fate.reason == "drop_reassembly" else "not put by"
    if said["fate"] == "waits-for-neighbour":
        return None if fate and fate.reason in ("drop_no_neighbour", "drop_hold_full") else "not held"
    if fate is None:
        return None if said["fate"] == "to-router" else "it went up to the router"
    if any(step["step"] == "doubt" for step in said["steps"]):
        return "it doubts itself"
    if said["fate"] != fate.fate:
        return f"said {said['fate']}, was {fate}"
    if fate.fate == "dropped":
        line = said["rule"]["line"] if said["rule"] else None
        if said["reason"] != fate.reason:
            return f"said {said['reason']}, was {fate.reason}"
        if fate.reason in ("drop_rule",) and line != fate.line:
            return f"said the rule of line {line}, was {fate.line}"
        return None
    left = said["left"]
    if said["interface"] != fate.port:
        return f"said by {said['interface']}, was by {fate.port}"
    if said["pieces"] == 1 and (left["source"], left["destination"], left["ttl"]) != \
            ends_of(fate.frame):
        return f"said {left}, was {ends_of(fate.frame)}"
    if bytes.fromhex(left["destination_mac"].replace(":", "")) != fate.frame[:6]:
        return "another neighbour"
    return None


def send_all(lab, packets):
    for port, host in SENDERS.items():
        frames = [packet.frame for packet in packets if packet.port == port]
        before = lab.received()
        lab.run(host, "/usr/bin/python3", RAW_FRAMES, "send", "eth0",
                stdin="".join(frame.hex() + "\n" for frame in frames))
        wait_for(lambda frames=frames, before=before: lab.received() - before >= len(frames),
                 "the router to have taken all", 10)


def run_all(lab, draw, n):
    """What was said of each."""
    macs = {port: (lab.router_mac(port), lab.mac(host)) for port, host in SENDERS.items()}
    packets, said, seconds = [], [], 0.0
    for first in range(0, n, CHUNK):
        settled = packets[:-CHUNK]  # of the last ones answers may be under way
        chunk, taken = [], set()
        for number in range(first, min(first + CHUNK, n)):
            packet = next_packet(draw, settled, number, taken)
            packet.frame = packet_frame(packet, *macs[packet.port])
            chunk.append(packet)
        began = time.monotonic()
        for at in range(0, len(chunk), BATCH):
            batch = chunk[at:at + BATCH]
            said += lab.call([{"in": packet.port, "frame": packet.frame.hex()}
                              for packet in batch])
        seconds += time.monotonic() - began
        send_all(lab, chunk)
        packets += chunk
    return packets, said, seconds


@pytest.mark.timeout(180)
def test_explanations_agree_with_what_happens(lab, capsys):
    path = lab.dir / "fates.pcapng"
    process = lab.start("pc", "fates", *map(str, (
        build_dir() / "millrace", "-s", lab.socket, "capture", "drop", "tx", "all", "to", path)))
    wait_for(lambda: path.exists() and path.stat().st_size > 0, "the capture to begin")
    packets, said, seconds = run_all(lab, random.Random(SEED), PACKETS)
    waiting = {packet.number for packet, one in zip(packets, said)
               if one["fate"].startswith("waits")}
    wait_for(lambda: waiting <= set(captured(path)), "what waits to be given up", 20)
    process.popen.send_signal(2)
    assert process.popen.wait(20) == 0
    fates = captured(path)
    wrong = [(packet, one, what) for packet, one in zip(packets, said)
             if (what := disagreement(one, fates.get(packet.number))) is not None]
    reasons = {one["reason"] or one["fate"] for one in said}
    with capsys.disabled():
        print(f"\n{PACKETS - len(wrong)} of {PACKETS} agreed, explained in {seconds:.1f} s; "
              f"{len(reasons)} different ends: {', '.join(sorted(reasons))}")
        for packet, one, what in wrong[:10]:
            print(what, one["rule"], packet, json.dumps(one["steps"][-4:]))
    assert not wrong
    assert len(reasons) >= 25


def line_of(lab, text):
    config = (lab.dir / "millraced.yaml").read_text().splitlines()
    return 1 + next(i for i, line in enumerate(config) if text in line)


def test_the_command_says_which_rule_and_where(lab):
    said = lab.explain("in", "lan", "udp", "198.18.0.11:5000", "to", "198.51.100.20:53").stdout
    assert re.search(r"^rules +forward: drop, from lan to wan$", said, re.M), said
    assert f"millraced.yaml:{line_of(lab, 'count: bad')}\n" in said
    assert f"not line {line_of(lab, 'port: 137-139')}, by port:" not in said, "it comes later"
    assert re.search(r"^sets +source in none; destination in bad$", said, re.M), said
    assert re.search(r"^end +dropped: drop_rule$", said, re.M), said
    assert max(len(line) for line in said.splitlines() if "/" not in line) <= 80


def test_what_leaves_is_said_with_its_translation_way_and_neighbour(lab):
    before = lab.counted()
    said = lab.explain("in", "lan", "tcp", "198.18.0.11:5000", "->", "198.51.100.40:443",
                       "payload", 1000).stdout
    for words in (r"source nat +it leaves as 203\.0\.113\.2:5000",
                  r"route +0\.0\.0\.0/0 via 203\.0\.113\.1 on wan, metric 0, from config",
                  rf"neighbour +203\.0\.113\.1 is {lab.mac('inet')}", r"mtu +1500: it fits",
                  r"end +sent by wan, queue \d"):
        assert re.search(rf"^{words}$", said, re.M), (words, said)
    assert f"not line {line_of(lab, 'count: bad')}, by destination:" in said
    assert f"not line {line_of(lab, 'exempt: wan')}, by from:" in said
    assert lab.counted() == before, "nothing was sent, nothing is counted"


@pytest.mark.parametrize("words, fault", [
    (("in", "lan", "tcp", "198.18.0.11", "to", "198.51.100.40:443"), "a port at both ends"),
    (("in", "nowhere", "udp", "198.18.0.11:1", "to", "198.51.100.40:1"), "no interface 'nowhere'"),
    (("udp", "198.18.0.11:1", "to", "198.51.100.40:1"), "'in' and an interface"),
    (("in", "lan", "icmp", "198.18.0.11", "to", "2001:db8::1"), "of one family"),
    (("in", "lan", "udp", "198.18.0.11:99999", "to", "198.51.100.40:1"), "is wrong"),
])
def test_a_wrong_description_is_refused_by_name(lab, words, fault):
    done = run_command([build_dir() / "millrace", "-s", lab.socket, "explain", *words],
                       check=False)
    assert done.returncode != 0 and fault in done.stderr, done.stderr


def test_the_next_live_packet_is_explained(lab):
    process = lab.start("pc", "live", *map(str, (
        build_dir() / "millrace", "-s", lab.socket, "explain", "live", "in", "lan",
        "filter", "udp port 7", "for", 20)))
    packet = IP(src="198.18.0.11", dst="198.51.100.20") / UDP(sport=6, dport=7)

    def is_seen():
        lab.send("pc", "lan", [packet])
        return process.popen.poll() is not None

    wait_for(is_seen, "the packet to be explained", 15)
    assert process.popen.wait(10) == 0, process.output()
    said = process.output()
    assert f"millraced.yaml:{line_of(lab, 'count: bad')}" in said, said
    assert re.search(r"^end +dropped: drop_rule$", said, re.M), said


def test_nothing_that_comes_is_said(lab):
    done = run_command([build_dir() / "millrace", "-s", lab.socket, "explain", "live", "in", "lan",
                        "filter", "udp port 8", "for", "1"], check=False)
    assert done.returncode == 1 and "none has come" in done.stderr
