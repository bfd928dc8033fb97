# SPDX-License-Identifier: BSD-3-Clause
"""The main job, shown: two hosts of a house use the internet through Millrace, and the same
through the kernel's nftables NAT on wires of the same kind. Started by perf/demo."""

import os
import statistics
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests/lab"))

from home import (BIG_FILE_BYTES, QUICKSTART, ROUTER_WAN4, SERVER4, SERVER6,  # noqa: E402
                  SERVER_NAME, HomeLab, build_dir)
from lab import LabError, end_kept, exit_status, run_command  # noqa: E402
from tools import fetch, iperf, lookup, ping, traceroute  # noqa: E402

HUGEPAGES = 256  # of 2 MB
ROUNDS = 3
TCP_SEC = 2
UDP_SEC = 1
UDP_MBPS = 100
PINGS = 50


def say(text=""):
    print(text, flush=True)


class Report:
    """Collects what did not work, so that one failure does not hide the next."""

    def __init__(self):
        self.problems = []

    def step(self, what, action):
        """Runs one part; its result, or None when it failed."""
        try:
            return action()
        except LabError as e:
            self.problems.append(f"{what}: {e}")
            say(f"  FAILED  {what}")
            return None

    def expect(self, what, is_true, seen):
        if not is_true:
            self.problems.append(f"{what}: {seen}")
            say(f"  FAILED  {what}: {seen}")


# --- the main job, once, as people would try it ---

def show_ping(report, lab, pc, target):
    result = report.step(f"ping {target}", lambda: ping(lab, pc, target, count=5))
    if result:
        report.expect(f"ping {target}", result.received == result.sent,
                      f"{result.received} of {result.sent} answered")
    if result and result.rtts_ms:
        say(f"  {pc} pings {target}: {result.received} of {result.sent} answered, "
            f"median {result.median_ms:.3f} ms")


def show_main_job(report, lab):
    for pc, target in (("pc1", SERVER4), ("pc2", SERVER4), ("pc1", SERVER6), ("pc2", SERVER6)):
        show_ping(report, lab, pc, target)

    for kind, wanted in (("A", SERVER4), ("AAAA", SERVER6)):
        answers = report.step(f"DNS {kind}", lambda k=kind: lookup(lab, "pc1", SERVER_NAME, k, SERVER4))
        if answers is not None:
            report.expect(f"DNS {kind}", answers == [wanted], answers)
            say(f"  pc1 asks {SERVER4} for {SERVER_NAME}, {kind}: {', '.join(answers)}")

    page = report.step("web page", lambda: fetch(lab, "pc2", f"http://{SERVER_NAME}/"))
    if page is not None:
        say(f"  pc2 opens http://{SERVER_NAME}/: {page.strip()}")
    for pc in ("pc1", "pc2"):
        seen = report.step("source address", lambda p=pc: fetch(lab, p, f"http://{SERVER4}/address"))
        if seen is not None:
            report.expect("source address", seen.strip() == ROUTER_WAN4, seen)
            say(f"  {pc} by IPv4: the far end sees {seen.strip()}, the router's address")
    size = report.step("file", lambda: lab.run("pc1", "curl", "-sS", "--fail", "-o", "/dev/null", "-w",
                                               "%{size_download}", f"http://{SERVER4}/big").stdout)
    if size is not None:
        report.expect("file", int(size) == BIG_FILE_BYTES, f"{size} bytes")
        say(f"  pc1 downloads a file of {int(size) / 1e6:.1f} MB")

    for target in (SERVER4, SERVER6):
        hops = report.step(f"traceroute {target}", lambda t=target: traceroute(lab, "pc1", t))
        if hops is not None:
            report.expect(f"traceroute {target}", len(hops) == 3 and hops[-1] == target, hops)
            say(f"  pc1 traces {target}: {' > '.join(hops)}")


# --- the same work through both, in turns so that the machine's noise hits both ---

def ping_ms(lab, target):
    result = ping(lab, "pc1", target, count=PINGS, interval=0.005)
    if result.received != result.sent:
        raise LabError(f"{result.received} of {result.sent} answered")
    return result.median_ms


def tcp_mbps(lab, target, reverse):
    return iperf(lab, "pc1", target, seconds=TCP_SEC, reverse=reverse).mbps


def udp_result(lab, target, reverse):
    result = iperf(lab, "pc1", target, seconds=UDP_SEC, udp_mbps=UDP_MBPS, reverse=reverse)
    return result.mbps, result.lost_percent


def median_of(measured):
    if isinstance(measured[0], tuple):
        return tuple(statistics.median(column) for column in zip(*measured))
    return statistics.median(measured)


ROWS = [
    ("ping IPv4, median", lambda lab: ping_ms(lab, SERVER4), "{:.3f} ms"),
    ("ping IPv6, median", lambda lab: ping_ms(lab, SERVER6), "{:.3f} ms"),
    ("TCP up, IPv4 with NAT", lambda lab: tcp_mbps(lab, SERVER4, False), "{:.0f} Mbit/s"),
    ("TCP down, IPv4 with NAT", lambda lab: tcp_mbps(lab, SERVER4, True), "{:.0f} Mbit/s"),
    ("TCP up, IPv6", lambda lab: tcp_mbps(lab, SERVER6, False), "{:.0f} Mbit/s"),
    ("TCP down, IPv6", lambda lab: tcp_mbps(lab, SERVER6, True), "{:.0f} Mbit/s"),
    (f"UDP up, {UDP_MBPS} Mbit/s sent", lambda lab: udp_result(lab, SERVER4, False),
     "{:.0f} Mbit/s, {:.1f} % lost"),
    (f"UDP down, {UDP_MBPS} Mbit/s sent", lambda lab: udp_result(lab, SERVER4, True),
     "{:.0f} Mbit/s, {:.1f} % lost"),
    ("the far end sees", lambda lab: fetch(lab, "pc1", f"http://{SERVER4}/address").strip(), "{}"),
]
ROW = "  {:<26}  {:<23}  {:<23}"


def compare(report, ours, kernel):
    say(ROW.format("", "Millrace", "kernel, nftables").rstrip())
    say("  " + "-" * 74)
    for what, measure, form in ROWS:
        rounds = 1 if form == "{}" else ROUNDS
        measured = {ours: [], kernel: []}
        for _ in range(rounds):
            for lab in measured:
                name = "Millrace" if lab is ours else "the kernel"
                value = report.step(f"{what}, {name}", lambda m=measure, on=lab: m(on))
                if value is not None:
                    measured[lab].append(value)
        cells = []
        for values in measured.values():
            if len(values) < rounds:
                cells.append("failed")
                continue
            value = values[0] if form == "{}" else median_of(values)
            cells.append(form.format(*value) if isinstance(value, tuple) else form.format(value))
        say(ROW.format(what, *cells).rstrip())


def describe(lab):
    """How the router runs: what it chose by itself."""
    ports = [f"{port['name']} by {port['driver']}" for port in lab.millrace("show", "ports")["ports"]]
    cores = [str(worker["core"]) for worker in lab.millrace("show", "workers")["workers"]]
    return f"  {', '.join(ports)}; {len(cores)} worker{'s' * (len(cores) > 1)} on core {', '.join(cores)}"


def say_how_to_enter(lab):
    say("The house stays up. Its hosts, and how to enter one:")
    for host, namespace in lab.hosts.items():
        about = {"pc1": "a host of the house", "pc2": "another", "sw": "the house's switch",
                 "rtr": "the router", "inet": "the internet's gateway", "srv": "its servers",
                 "far": "a server behind a small MTU"}[host]
        say(f"  ip netns exec {namespace} bash   # {about}")
    say("Ask the router:")
    say(f"  build/millrace -s {lab.socket} show interfaces")
    say(f"Logs are in {lab.dir}. End it with")
    say("  perf/demo --end")


def demo(keep):
    report = Report()
    with HomeLab(kept=keep) as ours, HomeLab() as kernel:
        pages = ours.reserve_hugepages(HUGEPAGES)
        say("A house of two hosts, a router and an internet, in network namespaces on this machine.")
        say("Each wire is a veth pair with checksum and segmentation offloads off on both ends,")
        say("for Millrace and for the kernel alike: frames are what a cable would carry.")
        say(f"Hugepages reserved for this run: {pages} of 2 MB." if pages else
            "No hugepages could be reserved: running without.")
        say()
        for lab in (ours, kernel):
            lab.start_servers()
        ours.start_router(QUICKSTART)
        kernel.start_kernel_router()
        for lab in (ours, kernel):
            lab.wait_path()

        say(f"Through {run_command([build_dir() / 'millraced', '--version']).stdout.strip()}, "
            f"{QUICKSTART.relative_to(REPO)}:")
        say(f"{describe(ours)}.")
        show_main_job(report, ours)
        say()
        say(f"The same transfers side by side, in turns; medians of {ROUNDS} runs on "
            f"{os.cpu_count()} cores that also")
        say("run the hosts. Up: from pc1 to the internet. Sizes as iperf3 counts them.")
        compare(report, ours, kernel)
        say()
        if report.problems:
            raise LabError("these parts did not work:\n  " + "\n  ".join(report.problems)
                           + f"\nThe router's last words:\n{ours.router.tail(15)}")
        if keep:
            say_how_to_enter(ours)
    if not keep:
        say("All of it worked. The lab is gone" + (", the hugepages are given back." if pages else "."))


def main():
    if sys.argv[1:] == ["--end"]:
        ended = end_kept()
        say(f"Ended: {', '.join(ended)}" if ended else "Nothing was left up.")
        return 0
    return exit_status("perf/demo", lambda: demo(keep=sys.argv[1:] == ["--keep"]))


if __name__ == "__main__":
    sys.exit(main())
