# SPDX-License-Identifier: BSD-3-Clause
"""Counts the instructions of each case of perf/bench and compares them with the baseline.

Exit status: 0 none rose, 1 one did or cases are unknown, 2 there is nothing to judge by."""

import argparse
import json
import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from guard_baseline import (Baseline, GuardError, build_differences, case_differences, parse,
                            render, verdict)
from lab_report import table

REPO = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("MILLRACE_BUILD", REPO / "build"))
BENCH = BUILD / "perf" / "millrace-bench"
BASELINE = REPO / "perf" / "guard.baseline"
JUDGED_WORSE, NOT_JUDGED = 1, 2
BENCH_SEC = 600
PROCESSES_MAX = 8  # each takes some 300 MB

# What of the build changes the code that is counted. Debug information does not.
OPTIONS = ("b_coverage", "b_lto", "b_ndebug", "b_pgo", "b_pie", "b_sanitize", "c_args", "fuzz",
           "optimization")

# Widths of vectors differ between processors: 256 bits all have, and DPDK's FIB is then scalar.
# One run of few packets: clocks are not looked at.
COUNT = ["--json", "--no-huge", "--simd", "256", "--runs", "1", "--packets", "512",
         "--instructions"]


def bench(*words):
    try:
        done = subprocess.run([BENCH, *words], capture_output=True, text=True, timeout=BENCH_SEC,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise GuardError(f"perf/bench {' '.join(words)}: {e}") from e
    if done.returncode != 0:
        raise GuardError(f"perf/bench {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout


def case_names():
    """Series, which the benchmark runs only when asked for by name, are for plots."""
    return [line.split()[0] for line in bench("--list").splitlines()
            if not line.endswith("(only with --case)")]


def count(name, core):
    """What the benchmark says of itself, and the case's instructions per packet."""
    said = json.loads(bench(*COUNT, "--core", str(core), "--case", name))
    return said, said["cases"][0]["instructions_per_packet"]


def count_all(names, cores):
    """Each case in a process of its own, as many at a time as there are cores."""
    free = queue.SimpleQueue()
    for core in cores[:PROCESSES_MAX]:
        free.put(core)

    def on_free_core(name):
        core = free.get()
        try:
            return name, count(name, core)[1]
        finally:
            free.put(core)

    with ThreadPoolExecutor(min(len(cores), PROCESSES_MAX)) as pool:
        return dict(pool.map(on_free_core, names))


def build_facts(core):
    """What the counts hold for: compiler, DPDK without its point release, options."""
    said, _ = count("floor", core)
    known = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    options = {o["name"]: o["value"] for o in known}
    facts = {"compiler": said["compiler"].strip(),
             "dpdk": ".".join(said["dpdk"].split()[-1].split(".")[:2])}
    for name in OPTIONS:
        value = options[name]
        text = " ".join(value) if isinstance(value, list) else str(value)
        facts[name] = text or "none"
    return facts


def read_baseline(path):
    try:
        return parse(path.read_text(), path.name)
    except (OSError, UnicodeDecodeError) as e:
        raise GuardError(f"{path}: {e}") from e


def show(before, after):
    table(["case", "before", "now", "ratio", ""],
          [[name, f"{before[name]:.1f}" if name in before else "-", f"{now:.1f}",
            f"{now / before[name]:.3f}" if name in before else "-",
            verdict(before[name], now) if name in before else "new"]
           for name, now in sorted(after.items())])


def record(path, cores):
    """All cases but those left out; only these lines and those of the build are rewritten."""
    old = read_baseline(path) if path.exists() else Baseline()
    names = case_names()
    new = Baseline(build_facts(cores[0]),
                   left_out={k: v for k, v in old.left_out.items() if k in names})
    new.cases = count_all([n for n in names if n not in new.left_out], cores)
    show(old.cases, new.cases)
    for name in sorted({*old.cases, *old.left_out} - set(names)):
        print(f"{name} is gone: perf/bench has no such case")
    for line in build_differences(old, new.build):
        print(line)
    path.write_text(render(new))
    print(f"recorded in {path}")
    return 0


def judge(path, wanted, cores):
    baseline = read_baseline(path)
    for name in wanted:
        if name not in baseline.cases:
            raise GuardError(f"{path.name} counts no case '{name}'")
    strange = build_differences(baseline, build_facts(cores[0]))
    if strange:
        raise GuardError("not judged, since this build is another than the baseline's:\n  " +
                         "\n  ".join(strange) +
                         "\nBuild as it was, in another directory with MILLRACE_BUILD, or take "
                         "this build's counts before the change and after:\n"
                         "  perf/guard --baseline FILE --record; perf/guard --baseline FILE")
    names = case_names()
    unknown = case_differences(baseline, names)
    present = [name for name in baseline.cases if name in names and name in (wanted or names)]
    # the longest first, so that no core waits at the end
    present.sort(key=lambda name: -baseline.cases[name])
    counts = count_all(present, cores)
    show(baseline.cases, counts)
    return conclude(baseline.cases, counts, unknown)


def conclude(before, counts, unknown):
    verdicts = {name: verdict(before[name], now) for name, now in counts.items()}
    worse = sorted(name for name, said in verdicts.items() if said == "MORE")
    better = sorted(name for name, said in verdicts.items() if said == "less")
    for line in unknown:
        print(line)
    if worse:
        print(f"More than 3 % above the baseline: {', '.join(worse)}.")
    if worse or unknown:
        print("If that is meant: `perf/guard --record`, and the reason in the commit. What is not "
              "to be counted gets a line `left-out NAME REASON`.")
    if better:
        print(f"More than 3 % below it: {', '.join(better)}. Record the gain: "
              "`perf/guard --record`.")
    return JUDGED_WORSE if worse or unknown else 0


def main(words):
    parser = argparse.ArgumentParser(prog="perf/guard", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="rewrite the baseline")
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE",
                        help="compare with this one, or record it (default: %(default)s)")
    parser.add_argument("--case", action="append", default=[], metavar="NAME",
                        help="judge this case only; may be repeated")
    args = parser.parse_args(words)
    if args.record and args.case:
        parser.error("--record is of all cases")
    cores = sorted(os.sched_getaffinity(0))
    try:
        if args.record:
            return record(args.baseline, cores)
        return judge(args.baseline, args.case, cores)
    except (GuardError, OSError) as e:
        print(f"perf/guard: {e}", file=sys.stderr)
        return NOT_JUDGED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
