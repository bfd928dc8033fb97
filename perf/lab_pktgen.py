# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab pktgen: packets per second through one worker on a core of its own, over memif; and
through the kernel, over veth.

Saturation is what testpmd drives through, counted by the router. Zero loss is a binary search with
millrace-traffic, which has a pace: a rate counts when all that was sent came out again.
"""

import statistics
import time
from dataclasses import dataclass

from lab import LabError
from lab_cpu import kernel_thread, thread_named, thread_times
from lab_report import say, table
from lab_wires import WiresLab

GENERATOR_CORE, ROUTER_CORE = 0, 1
HUGEPAGES = 384  # of 2 MB: the router's and the generator's
SETTLE_SEC = 0.7
SEARCH_STEPS = 6
SEARCH_TRIES = 3  # of a rate at which something was lost while others had a core
GOAL = 8


@dataclass(frozen=True)
class Case:
    name: str
    family: int
    is_nat: bool
    size: object  # with FCS, or "imix"


CASES = {case.name: case for case in [
    Case("ipv4-64", 4, False, 64),
    Case("ipv6-82", 6, False, 82),  # the least with a stamp in it
    Case("nat44-64", 4, True, 64),
    Case("nat44-512", 4, True, 512),
    Case("nat44-1500", 4, True, 1518),
    Case("nat44-imix", 4, True, "imix"),
]}


def add_arguments(parser):
    parser.add_argument("--case", action="append", choices=CASES, dest="cases",
                        help="only these (default: all)")
    parser.add_argument("--flows", type=int, default=1000, help="each way (default: 1000)")
    parser.add_argument("--runs", type=int, default=3,
                        help="of each router, in turns; medians are shown (default: 3)")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PERCENT",
                        help="what the search takes for none (default: 0)")
    parser.add_argument("--no-search", action="store_true", help="saturation alone")
    parser.add_argument("--no-kernel", action="store_true", help="Millrace alone")


# --- saturation ---

def saturation_of_millrace(lab, case, args):
    """(packets per second, per second of the worker's, share of turns that found nothing)"""
    files = lab.capture_files(case.size, args.flows, case.family, case.is_nat)
    open_flows(lab, files)
    testpmd = lab.start_testpmd(files, GENERATOR_CORE)
    time.sleep(SETTLE_SEC)
    tid = lab.worker_thread()
    turns = lab.millrace("show", "workers")["workers"][0]
    ran, began, before = thread_times(tid)[0], time.monotonic(), lab.forwarded()
    time.sleep(args.seconds)
    packets = lab.forwarded() - before
    seconds, ran = time.monotonic() - began, thread_times(tid)[0] - ran
    after = lab.millrace("show", "workers")["workers"][0]
    lab.end_testpmd(testpmd)
    if packets == 0:
        raise LabError(f"{case.name}: nothing came through:\n{testpmd.tail()}")
    idle = (after["idle_turns"] - turns["idle_turns"]) / max(1, after["turns"] - turns["turns"])
    return packets / seconds, packets / ran, idle


def open_flows(lab, files):
    """Answers of the WAN are let in only when the LAN has asked: testpmd knows no order."""
    lab.traffic(0.05, rate=100000, lan=files[0], wan=files[1], warm=0, core=GENERATOR_CORE)


def saturation_of_kernel(lab, case, args):
    """(packets per second on its own core, per second of processor time, None). Fed from the LAN
    alone: nothing listens at the other end, where the kernel drops what arrives."""
    files = lab.capture_files(case.size, args.flows, case.family, case.is_nat)
    open_flows(lab, files)
    lab.forward_on(ROUTER_CORE)
    pps, _ = feed_kernel(lab, files[0], args.seconds)
    lab.forward_on(None)  # where the sender is, in its system call: its thread's time tells
    _, cost = feed_kernel(lab, files[0], args.seconds)
    lab.drop_at_once()
    _, of_sending = feed_kernel(lab, files[0], args.seconds)
    if cost <= of_sending:
        raise LabError(f"{case.name}: sending alone took {of_sending * 1e9:.0f} ns a packet, with "
                       f"forwarding {cost * 1e9:.0f}: this machine is too busy to tell")
    return pps, 1 / (cost - of_sending), None


def feed_kernel(lab, path, seconds):
    """(packets per second, processor seconds a packet of the thread that sends, and of the
    kernel's own on that core, which takes over when there is much)."""
    testpmd = lab.start_testpmd([path], GENERATOR_CORE)
    time.sleep(SETTLE_SEC)
    threads = [thread_named(testpmd.pid, "rte-worker", "lcore-worker"),
               kernel_thread(f"ksoftirqd/{GENERATOR_CORE}")]
    ran = sum(thread_times(tid)[0] for tid in threads)
    began, before = time.monotonic(), lab.received()
    time.sleep(seconds)
    packets, seconds = lab.received() - before, time.monotonic() - began
    ran = sum(thread_times(tid)[0] for tid in threads) - ran
    lab.end_testpmd(testpmd)
    if packets == 0:
        raise LabError(f"the kernel got no packets:\n{testpmd.tail()}")
    return packets / seconds, ran / packets


# --- zero loss ---

def is_disturbed(seen, waited):
    """Somebody else had the generator's core, or the worker's, for more than 1 % of the time."""
    return seen["pauses"]["seconds"] > 0.01 * seen["seconds"] or waited > 0.01 * seen["seconds"]


def loses(lab, files, rate, args):
    """(whether packets are lost at that rate, what it really was, whether that is to be trusted)"""
    for _ in range(SEARCH_TRIES):
        tid = lab.worker_thread()
        waited = thread_times(tid)[1]
        seen = lab.traffic(args.seconds / 2, rate, *files, core=GENERATOR_CORE)
        waited = thread_times(tid)[1] - waited
        offered = seen["sent"] + seen["refused"]
        lost = offered - seen["received"]
        pps = seen["received"] / seen["seconds"]
        if lost <= offered * args.loss / 100:
            return False, pps, True
        if not is_disturbed(seen, waited):
            return True, pps, True
    return True, pps, False


def search_zero_loss(lab, case, args, most):
    """(the highest rate found without loss, or None, and whether no trial was disturbed)"""
    files = lab.capture_files(case.size, args.flows, case.family, case.is_nat)
    low, high, best, is_clean = 0.0, most, None, True
    for _ in range(SEARCH_STEPS):
        rate = (low + high) / 2
        is_lossy, pps, is_trusted = loses(lab, files, rate, args)
        is_clean = is_clean and is_trusted
        if is_lossy:
            high = rate
        else:
            low, best = rate, max(best or 0, pps)
    return best, is_clean


# --- all of it ---

def measure_case(case, args):
    measured = {"millrace": [], "kernel": []}
    row = {"case": case.name, "flows": args.flows, "size": case.size}
    for number in range(args.runs):
        with WiresLab("memif") as lab:
            lab.start_millrace(case.is_nat, core=ROUTER_CORE)
            row["hugepages"] = lab.router_has_hugepages()
            measured["millrace"].append(saturation_of_millrace(lab, case, args))
            if number == args.runs - 1 and not args.no_search:
                most = 1.2 * max(pps for pps, _, _ in measured["millrace"])
                row["zero_loss_pps"], row["zero_loss_is_clean"] = \
                    search_zero_loss(lab, case, args, most)
        if not args.no_kernel:
            with WiresLab("veth") as lab:
                lab.start_kernel(case.is_nat)
                measured["kernel"].append(saturation_of_kernel(lab, case, args))
    for router, runs in measured.items():
        if runs:
            row[f"{router}_pps"] = round(statistics.median(r[0] for r in runs))
            row[f"{router}_pps_per_cpu_second"] = round(statistics.median(r[1] for r in runs))
            row[f"{router}_runs"] = [{"pps": round(r[0]), "pps_per_cpu_second": round(r[1])}
                                     for r in runs]
    row["idle_turns"] = round(statistics.median(r[2] for r in measured["millrace"]), 3)
    if measured["kernel"]:
        row["ratio"] = round(row["millrace_pps_per_cpu_second"] /
                             row["kernel_pps_per_cpu_second"], 2)
    return row


def run(args):
    rows = []
    with WiresLab("memif") as keeper:  # one reservation for all: they come slowly on a full machine
        keeper.reserve_hugepages(HUGEPAGES)
        for name in args.cases or CASES:
            say(f"{name} ...")
            rows.append(measure_case(CASES[name], args))
    return {"goal_ratio": GOAL, "rows": rows}


def mpps(value):
    return "-" if value is None else f"{value / 1e6:.2f}"


def show(result):
    columns = ["case", "saturated", "per CPU s", "zero loss", "kernel", "per CPU s", "ratio", "idle turns"]
    rows = []
    for row in result["rows"]:
        lossless = mpps(row.get("zero_loss_pps"))
        rows.append([row["case"], mpps(row["millrace_pps"]),
                     mpps(row["millrace_pps_per_cpu_second"]),
                     lossless if row.get("zero_loss_is_clean", True) else lossless + " ?",
                     mpps(row.get("kernel_pps")), mpps(row.get("kernel_pps_per_cpu_second")),
                     f"{row['ratio']:.1f}" if "ratio" in row else "-", f"{row['idle_turns']:.0%}"])
    table(columns, rows)
    print("Million packets a second, both ways together. Per CPU s: in a second that the worker had a")
    print("processor; of the kernel what forwarding adds to sending, its receiving not counted. Ratio:")
    print("of these. Zero loss with ?: others had the cores while something was lost. Many idle")
    print("turns: testpmd was the limit, not the worker.")
    print(f"Goal: {result['goal_ratio']} times the kernel at 64 bytes.")
