# SPDX-License-Identifier: BSD-3-Clause
"""What people use to try a network, run in a lab's host, the answer parsed."""

import json
import math
import re
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import LabError, wait_for

UDP_BYTES = 1400  # of data, in each datagram of iperf3's
UDP_REPORTER = Path(__file__).with_name("udp_reporter.py")


@dataclass
class Ping:
    sent: int
    received: int
    rtts_ms: list = field(default_factory=list)
    text: str = ""

    @property
    def median_ms(self):
        return statistics.median(self.rtts_ms)


def ping(lab, host, target, count=3, interval=0.02, payload=56, dont_fragment=False, wait=1,
         source=None):
    """Echo requests; answers that never came are for the caller to judge. ping waits for what has not
    been answered for twice the slowest answer so far, which on a busy machine is called lost and is
    late; with a deadline it waits that long, asks on meanwhile, and those answers do not count. Asking
    alone may take some times as long as it should."""
    deadline = ["-w", math.ceil(4 * count * interval + wait)] if count > 1 and wait >= 1 else ["-W", wait]
    argv = ["ping", "-n", "-c", count, "-i", interval, *deadline, "-s", payload]
    if dont_fragment:
        argv += ["-M", "do"]
    if source:
        argv += ["-I", source]
    text = lab.run(host, *argv, target, timeout=count * (4 * interval + wait) + 10, check=False).stdout
    if "packets transmitted" not in text:
        raise LabError(f"{host}: ping {target} gave no summary:\n{text}")
    rtts = {int(seq): float(rtt) for seq, rtt in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+) ms", text)}
    rtts = [rtt for seq, rtt in sorted(rtts.items()) if seq <= count]
    return Ping(count, len(rtts), rtts, text)


def fetch(lab, host, url, timeout=10):
    """The body of a web page. LabError when it could not be had."""
    return lab.run(host, "curl", "-sS", "--fail", "--noproxy", "*", "--max-time", timeout, url,
                   timeout=timeout + 5).stdout


def lookup(lab, host, name, kind, server):
    """The answers of a DNS server to one question, as dig prints them."""
    text = lab.run(host, "dig", "+short", "+tries=1", "+time=3", f"@{server}", name, kind).stdout
    return text.split()


@dataclass
class Transfer:
    mbps: float  # what arrived
    sent_mbps: float
    lost: int = 0  # UDP, packets
    lost_percent: float = 0.0
    retransmits: int = 0  # TCP


def iperf(lab, host, server, seconds=2, udp_mbps=None, reverse=False, port=5201, omit=0):
    """One iperf3 run; UDP when a rate is given. `reverse`: the server sends."""
    argv = ["iperf3", "-J", "-c", server, "-p", port, "-t", seconds, "--connect-timeout", 5000]
    if omit:
        argv += ["-O", omit]
    if udp_mbps:
        argv += ["-u", "-b", f"{udp_mbps}M", "-l", UDP_BYTES]
    if reverse:
        argv += ["-R"]

    def run():
        done = lab.run(host, *argv, timeout=seconds + omit + 20, check=False)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            raise LabError(f"{host}: iperf3 said {done.stderr or done.stdout!r}") from None
        error = report.get("error", "")
        # between two runs iperf3's server does not listen for a moment, or drops who comes too early
        if error.startswith(("unable to connect", "unable to receive control")) and \
                ("reset" in error or "refused" in error):
            return None
        if error:
            raise LabError(f"{host}: iperf3 -c {server}: {error}")
        return report["end"]

    end = wait_for(run, f"iperf3 on {server} to take another run", timeout=3)
    return transfer_of(end, is_udp=bool(udp_mbps))


def transfer_of(end, is_udp):
    """What the end of iperf3's report says; UDP was sent in pieces of UDP_BYTES."""
    if not is_udp:
        return Transfer(end["sum_received"]["bits_per_second"] / 1e6,
                        end["sum_sent"]["bits_per_second"] / 1e6,
                        retransmits=end["sum_sent"].get("retransmits", 0))
    # The sums of iperf3's UDP report mix both sides up; the one stream's own entry does not. What
    # arrived is counted from its packets: those sent less those lost.
    stream = end["streams"][0]["udp"]
    sent, lost = stream["packets"], stream["lost_packets"]
    if sent == 0:
        raise LabError("iperf3 -u: no packet was sent")
    sent_mbps = sent * UDP_BYTES * 8 / stream["seconds"] / 1e6
    return Transfer(sent_mbps * (sent - lost) / sent, sent_mbps, lost=lost,
                    lost_percent=100.0 * lost / sent)


def losses(lab):
    """Every counter of packets lost on their way through a lab, by name: what the router dropped,
    what devices and the sockets of programs had no room for."""
    named = dict(lab.counts("drop_")) if lab.router else {}
    for host in lab.hosts:
        for link in lab.ip_json(host, "-s link"):
            # what comes to the router's own ports and finds no room is drop_port_missed
            for way in ("tx",) if host == "rtr" and lab.router else ("rx", "tx"):
                named[f"{host} {link['ifname']} {way}"] = link["stats64"][way]["dropped"]
        for kind, prefix in (("snmp", "Udp:"), ("snmp6", "Udp6")):
            named[f"{host} {prefix[:4]}"] = udp_receive_errors(lab, host, kind, prefix)
    return named


def udp_receive_errors(lab, host, kind, prefix):
    lines = [line.split() for line in lab.run(host, "cat", f"/proc/net/{kind}").stdout.splitlines()
             if line.startswith(prefix)]
    if kind == "snmp6":
        return int(dict(lines)["Udp6RcvbufErrors"])
    return int(dict(zip(*lines))["RcvbufErrors"])


def udp_gets_through(lab, host, server, mbps, reverse=False, allowed_percent=0.5):
    """What is lost has a name, each time. One run of three loses next to nothing but where a host's
    program came too late for its own socket: a machine busy with other things loses packets too, a
    router that loses some does so each time."""
    said = []
    for _ in range(3):
        before = losses(lab)
        result = iperf(lab, host, server, seconds=1, udp_mbps=mbps, reverse=reverse)
        named = {name: n - before[name] for name, n in losses(lab).items() if n > before[name]}
        said.append(f"{result}: {named or 'no loss has a name'}")
        if result.lost > sum(named.values()):
            break
        by_hosts = sum(n for name, n in named.items() if re.fullmatch(r"(?!rtr )\S+ Udp[6:]", name))
        on_the_way = max(0, result.lost - by_hosts)
        sent = mbps * 1e6 / 8 / UDP_BYTES
        if result.sent_mbps > 0.9 * mbps and 100 * on_the_way / sent < allowed_percent:
            return
    raise LabError("\n".join(said + ([str(port) for port in lab.millrace("show", "ports")["ports"]]
                                     if lab.router else [])))


def traceroute(lab, host, target, method=None, max_hops=6):
    """The address of each hop, "*" for one that did not answer. Methods: UDP, or -I, or -T."""
    text = lab.run(host, "traceroute", *([method] if method else []), "-n", "-q", 1, "-w", 2, "-m", max_hops, target,
                   timeout=40).stdout
    return re.findall(r"^ *\d+  (\S+)", text, re.MULTILINE)


def udp_ask(lab, host, server, sport=0, payload=16, port=7777, check=True):
    """Asks udp_reporter.py whom it sees: (address, port, bytes it got). None when `check` is off
    and no answer came."""
    done = lab.run(host, "/usr/bin/python3", UDP_REPORTER, "ask", server, port, sport, payload,
                   check=check)
    if done.returncode != 0:
        return None
    address, seen_port, seen_bytes = done.stdout.split()
    return address, int(seen_port), int(seen_bytes)


@contextmanager
def within(seconds):
    """What happens in the block is to become true in so much time."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"it took {took:.2f} s"
