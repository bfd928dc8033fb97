# SPDX-License-Identifier: BSD-3-Clause
"""The file that perf/guard compares with, and the comparison.

Lines of text, one for each thing known: `build NAME VALUE` says what the counts hold for,
`case NAME INSTRUCTIONS` is a count per packet, `left-out NAME REASON` a case that is not counted.
"""

import math
from dataclasses import dataclass, field

RISE_MAX = 1.03
HEADER = """\
# SPDX-License-Identifier: BSD-3-Clause
# Instructions per packet, which perf/guard compares with. `perf/guard --record` writes them anew;
# "left-out" is written by hand, with the reason.
"""


class GuardError(Exception):
    """What keeps the guard from judging, in a sentence."""


@dataclass
class Baseline:
    build: dict = field(default_factory=dict)  # name: value, as text
    cases: dict = field(default_factory=dict)  # name: instructions per packet
    left_out: dict = field(default_factory=dict)  # name: reason


def parse(text, name):
    """GuardError names the line that is wrong."""
    baseline = Baseline()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{name}:{number}"
        words = line.split(None, 2)
        if len(words) != 3:
            raise GuardError(f"{where}: a line is a kind, a name and a value, not '{line}'")
        kind, key, value = words
        if any(key in known for known in (baseline.cases, baseline.left_out)) or (
                key in baseline.build):
            raise GuardError(f"{where}: '{key}' for the second time")
        if kind == "build":
            baseline.build[key] = value.rstrip()
        elif kind == "case":
            baseline.cases[key] = parse_count(value, where)
        elif kind == "left-out":
            baseline.left_out[key] = value.rstrip()
        else:
            raise GuardError(f"{where}: 'build', 'case' or 'left-out', not '{kind}'")
    if not baseline.cases or not baseline.build:
        raise GuardError(f"{name}: names no {'build' if baseline.cases else 'case'}, "
                         "so there is nothing to compare with")
    return baseline


def parse_count(text, where):
    try:
        count = float(text)
    except ValueError:
        count = math.nan
    if not 0 < count < math.inf:
        raise GuardError(f"{where}: '{text.strip()}' is no number of instructions")
    return count


def render(baseline):
    """What `parse` reads, sorted."""
    lines = [HEADER]
    lines += [f"build     {k:<16} {v}\n" for k, v in sorted(baseline.build.items())]
    lines += [f"case      {k:<16} {v:8.1f}\n" for k, v in sorted(baseline.cases.items())]
    lines += [f"left-out  {k:<16} {v}\n" for k, v in sorted(baseline.left_out.items())]
    return "".join(lines)


def build_differences(baseline, build):
    """Counts of another compiler or of other options say nothing about the code: a line each."""
    return [f"{name} is '{build.get(name, '')}', of the baseline '{baseline.build.get(name, '')}'"
            for name in sorted({*baseline.build, *build})
            if build.get(name) != baseline.build.get(name)]


def case_differences(baseline, names):
    """What is in the benchmark or in the baseline only: a line each."""
    known = {*baseline.cases, *baseline.left_out}
    return ([f"{name} is in the baseline, but perf/bench has no such case"
             for name in sorted(known - set(names))] +
            [f"{name} is a case of perf/bench that the baseline neither counts nor leaves out"
             for name in sorted(set(names) - known)])


def verdict(before, after):
    if after > before * RISE_MAX:
        return "MORE"
    return "less" if after < before / RISE_MAX else "ok"
