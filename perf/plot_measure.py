# SPDX-License-Identifier: BSD-3-Clause
"""Runs perf/bench for all that is drawn, and keeps what it prints."""

import json
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LIMIT_SEC = 600  # of all of it; perf/plot has built before
LARGEST = "nat44-10m"
LARGEST_MB = 7000
AGREEMENT = 0.1  # of the steps with the case by itself
AGAIN_MAX = 3

SIZES = ("10", "100", "1k", "10k", "100k")
CASES = ("floor", "forward4", "forward6", "flow4-10k", "flow6-10k",
         *[f"nat44-{n}" for n in ("1k", "10k", "100k", "1m", "10m")],
         *[f"{family}{n}" for family in ("fib4", "fib6")
           for n in ("-1", "-100", "-1k", "-10k", "-100k", "")],
         *[f"{kind}-{n}" for kind in ("first-rules", "nat44-rules", "rules") for n in SIZES])
STEP_CASES = ("forward4", "fib4", "forward6", "fib6", "flow4-10k", "flow6-10k", "nat44-1k",
              "nat44-10k", "nat44-100k", "nat44-1m")


class MeasureError(Exception):
    pass


def say(text):
    print(f"perf/plot: {text}", file=sys.stderr, flush=True)


def available_mb():
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) >> 10
    return 0


def bench(words, deadline):
    """What perf/bench says in JSON."""
    left = deadline - time.monotonic()
    command = [str(REPO / "perf/bench"), *words]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=max(left, 0.1), check=False)
    except subprocess.TimeoutExpired as error:
        raise MeasureError(f"not done after {LIMIT_SEC} s: is the machine at rest?") from error
    if done.returncode != 0:
        raise MeasureError(f"perf/bench ended with status {done.returncode}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise MeasureError(f"perf/bench printed what is not JSON: {error}") from error


def of_cases(names):
    return [word for name in names for word in ("--case", name)]


def disturbed(cases, steps):
    """The cases whose steps do not add up to about what the case took by itself."""
    took = {case["name"]: case["cycles_per_packet"] for case in cases["cases"]}
    return [case["name"] for case in steps["steps"] if case["name"] in took
            and abs(case["cycles_per_packet"] / took[case["name"]] - 1) > AGREEMENT]


def measure_steps(common, cases, deadline):
    """One case after another has all its runs: of a burst of other work a case has much or nothing.
    Who had it is measured again, and the case by itself too, for either may have had it."""
    steps = bench(["steps", *common, *of_cases(STEP_CASES)], deadline)
    for _ in range(AGAIN_MAX):
        names = disturbed(cases, steps)
        if not names:
            break
        say(f"something else was busy, measuring again: {', '.join(names)}")
        again = {case["name"]: case
                 for case in bench(["steps", *common, *of_cases(names)], deadline)["steps"]}
        steps["steps"] = [again.get(case["name"], case) for case in steps["steps"]]
        again = {case["name"]: case
                 for case in bench([*common, *of_cases(names)], deadline)["cases"]}
        cases["cases"] = [again.get(case["name"], case) for case in cases["cases"]]
    for name in disturbed(cases, steps):
        say(f"{name}: its steps do not add up to what it takes: the machine is not at rest")
    return steps


def write(path, result, kind):
    """A line for each case, so that a change of one is a change of a line."""
    head = json.dumps({key: value for key, value in result.items() if key != kind})
    lines = ",\n".join("  " + json.dumps(entry) for entry in result[kind])
    path.write_text(f'{head[:-1]},\n "{kind}": [\n{lines}\n ]}}\n', encoding="utf-8")


def measure(directory, runs, options):
    """The two files that it wrote. `options` are perf/bench's own."""
    names = CASES
    if available_mb() < LARGEST_MB:
        say(f"{LARGEST} takes {LARGEST_MB} MB of memory: left out")
        names = [name for name in CASES if name != LARGEST]
    common = ["--json", "--runs", str(runs), *options]
    deadline = time.monotonic() + LIMIT_SEC
    say(f"measuring, {runs} runs of each case")
    cases = bench([*common, *of_cases(names)], deadline)
    steps = measure_steps(common, cases, deadline)
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / "bench.json", directory / "steps.json"]
    write(files[0], cases, "cases")
    write(files[1], steps, "steps")
    return files
