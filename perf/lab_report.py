# SPDX-License-Identifier: BSD-3-Clause
"""What perf/lab prints, for people and for programs, and where it ran."""

import os
import re
import sys
from pathlib import Path

from lab_cpu import load_average


def say(text):
    """Progress: to stderr, so that --json can be piped."""
    print(f"perf/lab: {text}", file=sys.stderr, flush=True)


def table(columns, rows):
    """The first column to the left, numbers to the right."""
    cells = [columns, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for number, row in enumerate(cells):
        line = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                           zip(row[1:], widths[1:]))]
        print("  " + "  ".join(line).rstrip())
        if number == 0:
            print("  " + "-" * (sum(widths) + 2 * (len(widths) - 1)))


def machine():
    """Numbers mean nothing without it."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {"processor": model[1] if model else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release, "load_before": round(load_average(), 2)}


def show_machine(seen):
    print(f"{seen['processor']}, {seen['cores']} cores, Linux {seen['kernel']}.")
    if seen["load_before"] > 0.3 * seen["cores"]:
        print(f"BUSY: {seen['load_before']} programs wanted a core before this began. Ratios hold "
              "better than rates.")
