# SPDX-License-Identifier: BSD-3-Clause
"""perf/guard: what it lets pass, what it does not, and what it says. A program that prints what
the benchmark would stands in for it where the counts themselves are what a test is about."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from home import REPO, build_dir

sys.path.append(str(REPO / "perf"))
import guard_baseline  # noqa: E402

OPTIONS = {"b_coverage": False, "b_lto": False, "b_ndebug": "false", "b_pgo": "off",
           "b_pie": False, "b_sanitize": "none", "c_args": [], "fuzz": False, "optimization": "3"}
COUNTS = {"floor": 80.0, "nat44-10k": 400.0, "drop-flood": 1600.0}

FAKE = """#!/usr/bin/python3
import json, sys
said = json.load(open(sys.argv[0] + ".json"))
words = sys.argv[1:]
if words == ["--list"]:
    print("\\n".join(f"{name:<16} about it" for name in said["counts"]))
    print("line-of-a-plot   one of many (only with --case)")
    sys.exit()
name = words[words.index("--case") + 1]
assert words[words.index("--simd") + 1] == "256" and "--instructions" in words
if name == said["broken"]:
    sys.exit("bench: frame 7 differs")
case = {"name": name, "instructions_per_packet": said["counts"][name]}
print(json.dumps({"compiler": said["compiler"], "dpdk": "DPDK 22.11.9", "cases": [case]}))
"""


class Guard:
    """A build whose benchmark counts what it is told, and a baseline of it."""

    def __init__(self, path):
        self.path = path
        self.bench = path / "perf" / "millrace-bench"
        self.baseline = path / "guard.baseline"
        self.bench.parent.mkdir()
        (path / "meson-info").mkdir()
        self.bench.write_text(FAKE)
        self.bench.chmod(0o755)
        self.build()
        self.counts()

    def build(self, **changed):
        options = [{"name": k, "value": v} for k, v in {**OPTIONS, **changed}.items()]
        (self.path / "meson-info" / "intro-buildoptions.json").write_text(json.dumps(options))

    def counts(self, counts=None, compiler="gcc 12.2.0", broken=None):
        Path(f"{self.bench}.json").write_text(json.dumps(
            {"counts": COUNTS if counts is None else counts, "compiler": compiler,
             "broken": broken}))

    def run(self, *words):
        return subprocess.run(
            ["/usr/bin/python3", "-B", REPO / "perf" / "guard_main.py", "--baseline", self.baseline,
             *words], env={**os.environ, "MILLRACE_BUILD": str(self.path)}, capture_output=True,
            text=True, timeout=30, check=False)


@pytest.fixture
def guard(tmp_path):
    made = Guard(tmp_path)
    done = made.run("--record")
    assert done.returncode == 0, done.stderr
    return made


def test_the_same_counts_pass(guard):
    done = guard.run()
    assert done.returncode == 0, done.stderr + done.stdout
    assert [line.split() for line in done.stdout.splitlines()[2:]] == [
        ["drop-flood", "1600.0", "1600.0", "1.000", "ok"], ["floor", "80.0", "80.0", "1.000", "ok"],
        ["nat44-10k", "400.0", "400.0", "1.000", "ok"]]


@pytest.mark.parametrize(("now", "status", "word"), [
    (412.0, 0, "ok"), (412.1, 1, "MORE"), (800.0, 1, "MORE"), (389.0, 0, "ok"), (388.0, 0, "less")])
def test_three_per_cent_more_are_let_pass_and_no_more(guard, now, status, word):
    guard.counts({**COUNTS, "nat44-10k": now})
    done = guard.run()
    assert done.returncode == status, done.stderr + done.stdout
    row, = [line.split() for line in done.stdout.splitlines() if line.split()[0] == "nat44-10k"]
    assert row == ["nat44-10k", "400.0", f"{now:.1f}", f"{now / 400:.3f}", word]
    assert ("above the baseline: nat44-10k." in done.stdout) == (word == "MORE")
    assert ("below it: nat44-10k. Record the gain" in done.stdout) == (word == "less")
    assert ("perf/guard --record" in done.stdout) == (word != "ok")


def test_a_case_that_the_benchmark_lost_fails(guard):
    guard.counts({"floor": 80.0, "nat44-10k": 400.0})
    done = guard.run()
    assert done.returncode == 1
    assert "drop-flood is in the baseline, but perf/bench has no such case" in done.stdout


def test_a_new_case_fails_until_it_is_recorded_or_left_out(guard):
    guard.counts({**COUNTS, "nat66": 500.0})
    done = guard.run()
    assert done.returncode == 1
    assert "nat66 is a case of perf/bench that the baseline neither" in done.stdout
    guard.baseline.write_text(guard.baseline.read_text() + "left-out  nat66  takes a day\n")
    assert guard.run().returncode == 0
    assert guard.run("--record").returncode == 0
    assert "left-out  nat66            takes a day\n" in guard.baseline.read_text()


def test_a_recorded_rise_passes_from_then_on(guard):
    guard.counts({**COUNTS, "floor": 90.0, "nat66": 500.0})
    assert guard.run().returncode == 1
    assert guard.run("--record").returncode == 0
    assert guard.run().returncode == 0
    guard.counts({**COUNTS, "floor": 80.0, "nat66": 520.0})
    assert "above the baseline: nat66." in guard.run().stdout


@pytest.mark.parametrize(("change", "fact"), [
    ({"compiler": "clang 14.0.6"}, "compiler is 'clang 14.0.6', of the baseline 'gcc 12.2.0'"),
    ({"optimization": "0"}, "optimization is '0', of the baseline '3'"),
    ({"c_args": ["-march=native"]}, "c_args is '-march=native', of the baseline 'none'"),
    ({"b_sanitize": "address"}, "b_sanitize is 'address', of the baseline 'none'")])
def test_another_build_is_not_judged_and_does_not_pass(guard, change, fact):
    if "compiler" in change:
        guard.counts(**change)
    else:
        guard.build(**change)
    done = guard.run()
    assert done.returncode == 2
    assert "not judged" in done.stderr and fact in done.stderr
    assert "ok" not in done.stdout.split()


def test_a_benchmark_that_fails_is_no_pass(guard):
    guard.counts(broken="nat44-10k")
    done = guard.run()
    assert done.returncode == 2 and "bench: frame 7 differs" in done.stderr


def test_one_case_alone_is_judged_alone(guard):
    guard.counts({**COUNTS, "floor": 200.0})
    assert guard.run("--case", "nat44-10k").returncode == 0
    assert guard.run("--case", "floor").returncode == 1
    done = guard.run("--case", "nat64")
    assert done.returncode == 2 and "counts no case 'nat64'" in done.stderr


@pytest.mark.parametrize(("text", "sentence"), [
    ("build compiler gcc\ncase floor many\n", "guard.baseline:2: 'many' is no number of"),
    ("build compiler gcc\ncase floor -3\n", "guard.baseline:2: '-3' is no number of"),
    ("build compiler gcc\ncase floor nan\n", "guard.baseline:2: 'nan' is no number of"),
    ("# said\n\nbuild compiler gcc\ncase floor\n", "guard.baseline:4: a line is a kind, a name"),
    ("build compiler gcc\ncases floor 3\n", "guard.baseline:2: 'build', 'case' or 'left-out'"),
    ("case a 3\nleft-out a slow\n", "guard.baseline:2: 'a' for the second time"),
    ("build compiler gcc\n", "guard.baseline: names no case"),
    ("case floor 3\n", "guard.baseline: names no build"),
    ("\0\n", "guard.baseline:1: a line is")])
def test_a_malformed_baseline_is_told_by_its_line(guard, text, sentence):
    guard.baseline.write_text(text)
    done = guard.run()
    assert done.returncode == 2 and sentence in done.stderr, done.stderr


def test_no_baseline_is_no_pass(guard):
    guard.baseline.unlink()
    done = guard.run()
    assert done.returncode == 2 and "No such file" in done.stderr


def test_what_is_written_reads_the_same():
    whole = guard_baseline.Baseline({"compiler": "gcc 12.2.0", "c_args": "-O2 -g"},
                                    {"b": 1234567.8, "a": 0.5}, {"c": "for reasons of its own"})
    text = guard_baseline.render(whole)
    assert guard_baseline.parse(text, "x") == whole
    assert text.index(" a ") < text.index(" b ")


def test_the_tree_s_baseline_knows_the_benchmark_s_cases():
    path = REPO / "perf" / "guard.baseline"
    known = guard_baseline.parse(path.read_text(), path.name)
    said = subprocess.run([build_dir() / "perf" / "millrace-bench", "--list"], capture_output=True,
                          text=True, timeout=30, check=True).stdout
    names = [line.split()[0] for line in said.splitlines()
             if not line.endswith("(only with --case)")]
    assert guard_baseline.case_differences(known, names) == []
    assert {"forward4", "nat44-10k", "new-flow-10k", "drop-flood", "rules-1k"} <= set(known.cases)
    assert guard_baseline.render(known) == path.read_text(), "written by --record"
