# SPDX-License-Identifier: BSD-3-Clause
"""Draws what perf/bench measured; started by perf/plot."""

import argparse
import sys
from pathlib import Path

import plot_draw
import plot_measure
import plot_results
from plot_measure import REPO

RESULTS = REPO / "perf/results"
PICTURES = REPO / "perf/plots"
RUNS_MAX = 1001


def parse(words):
    parser = argparse.ArgumentParser(
        prog="perf/plot", description="Draws what perf/bench measured: cycles of each step, and "
        "packets per second against flows, routes and rules.")
    parser.add_argument("files", nargs="*", type=Path, metavar="RESULT.json",
                        help="what perf/bench --json and perf/bench steps --json printed "
                        "(default: those kept in perf/results)")
    parser.add_argument("--measure", action="store_true",
                        help="measure first, some minutes, and keep the results")
    parser.add_argument("--runs", type=int, default=15, help="of each case (default: 15)")
    parser.add_argument("--core", type=int, help="to measure on (default: the last one)")
    parser.add_argument("--no-huge", action="store_true", help="do without reserved huge pages")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR",
                        help="where results are kept (default: perf/results)")
    parser.add_argument("--out", type=Path, default=PICTURES, metavar="DIR",
                        help="where the pictures go (default: perf/plots)")
    parser.add_argument("--png", action="store_true", help="PNG too")
    args = parser.parse_args(words)
    if args.measure and args.files:
        parser.error("--measure writes results, it reads none")
    if not 1 <= args.runs <= RUNS_MAX:
        parser.error(f"--runs is a number from 1 to {RUNS_MAX}")
    return args


def draw(args):
    if args.measure:
        options = [] if args.core is None else ["--core", str(args.core)]
        options += ["--no-huge"] if args.no_huge else []
        files = plot_measure.measure(args.results, args.runs, options)
    else:
        files = args.files or sorted(args.results.glob("*.json"))
    if not files:
        raise plot_results.ResultError(f"{args.results}: no results are kept there")
    for path in plot_draw.draw_all(plot_results.read(files), args.out, args.png):
        print(path)


def main(words):
    try:
        draw(parse(words))
    except (plot_results.ResultError, plot_measure.MeasureError, OSError) as error:
        print(f"perf/plot: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
