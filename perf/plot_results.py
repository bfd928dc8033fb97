# SPDX-License-Identifier: BSD-3-Clause
"""What perf/bench printed with --json, read back from files and looked over: files are kept, edited
and sent around."""

import json
import math
import re
from dataclasses import dataclass, field

FILE_MAX_BYTES = 1 << 20
CPU_MAX_CHARS = 128
SUFFIXES = {"": 1, "k": 1000, "m": 1000000}


class ResultError(Exception):
    """What is wrong with a file, in a sentence."""


@dataclass(frozen=True)
class Machine:
    cpu: str
    tsc_mhz: float
    burst: int


@dataclass
class Results:
    machine: Machine = None
    runs: set = field(default_factory=set)
    cases: dict = field(default_factory=dict)  # name: {"cycles_per_packet": ..., ...}
    steps: dict = field(default_factory=dict)  # name: {"cycles_per_packet": ..., "cycles": {...}}

    def packets_per_second(self, name):
        return self.machine.tsc_mhz * 1e6 / self.cases[name]["cycles_per_packet"]

    def goal_packets_per_second(self, name):
        """None: the case has no goal."""
        case = self.cases[name]
        clk = case.get("goal_cycles")
        if clk is None and "goal_ratio_to_floor" in case:
            clk = case["goal_ratio_to_floor"] * case["floor_cycles"]
        return None if clk is None else self.machine.tsc_mhz * 1e6 / clk

    def series(self, pattern):
        """(how many, name) of the cases whose name is the pattern with a number for `#`."""
        name_of = re.compile(re.escape(pattern).replace(r"\#", r"(\d{1,9})([km]?)"))
        found = [(int(match[1]) * SUFFIXES[match[2]], match[0])
                 for match in map(name_of.fullmatch, self.cases) if match]
        return sorted(found)


def number(where, owner, key):
    value = owner.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise ResultError(f"{where}: {key} must be a number above 0, not {value!r}")
    return value


def check_machine(path, found):
    cpu = found.get("cpu")
    if not isinstance(cpu, str) or len(cpu) > CPU_MAX_CHARS:
        raise ResultError(f"{path}: cpu must be the processor's name, not {cpu!r}")
    return Machine(cpu.strip() or "unknown processor", number(path, found, "tsc_mhz"),
                   int(number(path, found, "burst")))


def check_entry(path, kind, entry):
    """The name of a case, once all that is drawn of it has been found to be a number."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ResultError(f"{path}: an entry of {kind} has no name")
    where = f"{path}: {entry['name']}"
    number(where, entry, "cycles_per_packet")
    for key in ("goal_cycles", "goal_ratio_to_floor"):
        if key in entry:
            number(where, entry, key)
    if "goal_ratio_to_floor" in entry:
        number(where, entry, "floor_cycles")
    if kind == "steps":
        steps = entry.get("cycles")
        if not isinstance(steps, dict) or not steps:
            raise ResultError(f"{where}: cycles must have the clocks of each step")
        for name in steps:
            number(where, steps, name)
    return entry["name"]


def add_file(results, path):
    try:
        with open(path, "rb") as file:
            text = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from error
    if len(text) > FILE_MAX_BYTES:
        raise ResultError(f"{path}: more than {FILE_MAX_BYTES >> 20} MiB is no result of ours")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict) or not found.keys() & {"cases", "steps"}:
        raise ResultError(f"{path}: neither cases nor steps are in it: perf/bench --json writes "
                          "the ones, perf/bench steps --json the others")
    machine = check_machine(path, found)
    if results.machine not in (None, machine):
        raise ResultError(f"{path}: measured on {machine}, the one before on {results.machine}: "
                          "they are not to be compared")
    results.machine = machine
    results.runs.add(int(number(path, found, "runs")))
    for kind, seen in (("cases", results.cases), ("steps", results.steps)):
        entries = found.get(kind, [])
        if not isinstance(entries, list):
            raise ResultError(f"{path}: {kind} must be a list")
        for entry in entries:
            name = check_entry(path, kind, entry)
            if name in seen:
                raise ResultError(f"{path}: {name} is there twice")
            seen[name] = entry


def read(paths):
    results = Results()
    for path in paths:
        add_file(results, path)
    return results
