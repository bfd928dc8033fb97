# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab latency: how long a packet is on its way from one end of the router to the other, by the
time that millrace-traffic writes into each, in one process and by one clock.

"Wire" is the same without a router: what it takes off, the router adds. Loads are shares of what
each router itself took at most, so at 95 % each of them has its own hardest time.
"""

import statistics
from dataclasses import dataclass

from lab_report import say, table
from lab_wires import WiresLab

GENERATOR_CORE, ROUTER_CORE = 0, 1
HUGEPAGES = 384
SIZE, FLOWS = 64, 256
NO_LOAD_PPS = 5000
LOADS = (0, 50, 95)
PERCENTILES = ("p50", "p99", "p99.9")
GOAL = 0.5


@dataclass(frozen=True)
class Path:
    name: str
    wires: str
    router: str  # "wire", "millrace" or "kernel"
    driver: str = None
    idle: str = "adaptive"
    core: int = None  # the kernel's


PATHS = {path.name: path for path in [
    Path("memif wire", "memif", "wire"),
    Path("memif", "memif", "millrace", "memif"),
    Path("memif, idle: busy", "memif", "millrace", "memif", idle="busy"),
    Path("veth wire", "veth", "wire"),
    Path("veth af_packet", "veth", "millrace", "af_packet"),
    Path("veth af_packet, idle: busy", "veth", "millrace", "af_packet", idle="busy"),
    Path("veth af_xdp", "veth", "millrace", "af_xdp"),
    Path("veth af_xdp, idle: busy", "veth", "millrace", "af_xdp", idle="busy"),
    Path("veth kernel, own core", "veth", "kernel", core=ROUTER_CORE),
    Path("veth kernel, sender's core", "veth", "kernel"),
]}


def add_arguments(parser):
    parser.add_argument("--path", action="append", choices=PATHS, dest="paths",
                        help="only these (default: all)")
    parser.add_argument("--runs", type=int, default=3,
                        help="of each path, in turns; medians are shown (default: 3)")


def start(lab, path):
    if path.router == "millrace":
        lab.start_millrace(True, path.driver, core=ROUTER_CORE, idle=path.idle)
    elif path.router == "kernel":
        lab.start_kernel(True)
        lab.forward_on(path.core)
    else:
        lab.join_wires()


def measure_path(path, args):
    """{load: what was seen}, and what the path took at most."""
    with WiresLab(path.wires) as lab:
        start(lab, path)
        files = lab.capture_files(SIZE, FLOWS, 4, path.router != "wire")
        most = lab.traffic(args.seconds, 0, *files, core=GENERATOR_CORE)
        most_pps = most["received"] / most["seconds"]
        seen = {}
        for load in LOADS:
            rate = most_pps * load / 100 if load else NO_LOAD_PPS
            seen[load] = lab.traffic(args.seconds, rate, *files, core=GENERATOR_CORE)
    return most_pps, seen


def combine(path, runs):
    """Medians over the runs of one path."""
    row = {"path": path.name, "router": path.router, "wires": path.wires,
           "most_pps": round(statistics.median(most for most, _ in runs)), "loads": {}}
    for load in LOADS:
        at = [seen[load] for _, seen in runs]
        row["loads"][str(load)] = {
            "pps": round(statistics.median(s["received"] / s["seconds"] for s in at)),
            "lost": sum(s["sent"] + s["refused"] - s["received"] for s in at),
            "paused_share": round(statistics.median(s["pauses"]["seconds"] / s["seconds"]
                                                    for s in at), 4),
            **{f"{p}_us": round(statistics.median(s["latency_ns"][p] for s in at) / 1000, 2)
               for p in PERCENTILES},
        }
    return row


def add_what_the_router_adds(rows):
    wires = {row["wires"]: row["loads"]["0"]["p50_us"] for row in rows if row["router"] == "wire"}
    for row in rows:
        if row["router"] != "wire" and row["wires"] in wires:
            for load in row["loads"].values():
                load["added_p50_us"] = round(load["p50_us"] - wires[row["wires"]], 2)


def ratios(rows):
    """{a way of the kernel's: {a path of Millrace's: {load: p50 against p50}}}, the wires taken off
    where both were measured."""
    found = {}
    for kernel in (row for row in rows if row["router"] == "kernel"):
        of_kernel = found.setdefault(kernel["path"], {})
        for row in (row for row in rows if row["router"] == "millrace"):
            for load, seen in row["loads"].items():
                theirs = kernel["loads"][load]
                key = "added_p50_us" if "added_p50_us" in seen and "added_p50_us" in theirs \
                    else "p50_us"
                if theirs[key] > 0:
                    of_kernel.setdefault(row["path"], {})[load] = round(seen[key] / theirs[key], 2)
    return found


def run(args):
    paths = [PATHS[name] for name in args.paths or PATHS]
    measured = {path: [] for path in paths}
    with WiresLab("memif") as keeper:
        keeper.reserve_hugepages(HUGEPAGES)
        for number in range(args.runs):
            for path in paths:
                say(f"{path.name}, {number + 1} of {args.runs} ...")
                measured[path].append(measure_path(path, args))
    rows = [combine(path, runs) for path, runs in measured.items()]
    add_what_the_router_adds(rows)
    return {"goal_ratio": GOAL, "rows": rows, "p50_to_kernel": ratios(rows)}


def show(result):
    lines = []
    for row in result["rows"]:
        for load, seen in row["loads"].items():
            lines.append([
                row["path"] if load == "0" else "", f"{load} %" if load != "0" else "none",
                f"{seen['pps'] / 1e6:.3f}", *(f"{seen[f'{p}_us']:.1f}" for p in PERCENTILES),
                f"{seen['added_p50_us']:.1f}" if "added_p50_us" in seen else "-",
                seen["lost"], f"{seen['paused_share']:.0%}"])
    table(["way", "load", "Mpps", *PERCENTILES, "added p50", "lost", "paused"], lines)
    print("Microseconds, one way, 64-byte frames, masqueraded, through a firewall. Added: less the")
    print("wire's p50 without load. Paused: how long the sender had no processor; what came meanwhile")
    print("is not timed.")
    for kernel, paths in result["p50_to_kernel"].items():
        print(f"Added p50 against the {kernel.split(' ', 1)[1]} (goal: {result['goal_ratio']}):")
        table(["", *(f"{load} %" if load else "none" for load in LOADS)],
              [[path, *(by_load.get(str(load), "-") for load in LOADS)]
               for path, by_load in paths.items()])
