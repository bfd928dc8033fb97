# SPDX-License-Identifier: BSD-3-Clause
"""Whole routers measured through real ports, in network namespaces; started by perf/lab."""

import argparse
import json
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests/lab"))

import lab_dns  # noqa: E402
import lab_iperf3  # noqa: E402
import lab_latency  # noqa: E402
import lab_pktgen  # noqa: E402
import lab_soak  # noqa: E402
import lab_start  # noqa: E402
from lab import exit_status  # noqa: E402
from lab_frames import FLOWS_MAX  # noqa: E402
from lab_report import machine, show_machine  # noqa: E402

VERBS = {
    "pktgen": (lab_pktgen, "packets per second, by testpmd over memif, beside the kernel"),
    "iperf3": (lab_iperf3, "TCP and UDP beside the kernel on the same wires, and what limits it"),
    "latency": (lab_latency, "how long a packet takes, idle and under load, beside the kernel"),
    "soak": (lab_soak, "hours of everything at once; fails when memory, buffers or flows leak"),
    "dns": (lab_dns, "answers from the cache, beside dnsmasq, Unbound and dnsdist"),
    "start": (lab_start, "from exec to the first packet; fails when it takes too long"),
}
RUNS_MAX = 1000


def parse(words):
    parser = argparse.ArgumentParser(prog="perf/lab", description=__doc__.split(";")[0] + ".")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (module, about) in VERBS.items():
        verb = verbs.add_parser(name, help=about, description=about.capitalize() + ".")
        verb.add_argument("--json", action="store_true", help="the result for programs")
        if name not in ("soak", "start"):
            verb.add_argument("--seconds", type=float, default=2.0,
                              help="of each measurement (default: 2)")
        module.add_arguments(verb)
    args = parser.parse_args(words)
    for name, most in (("runs", RUNS_MAX), ("flows", FLOWS_MAX)):
        if not 1 <= getattr(args, name, 1) <= most:
            parser.error(f"--{name} is a number from 1 to {most}")
    if getattr(args, "seconds", 1) <= 0:
        parser.error("--seconds is a number above 0")
    return args


def measure(args):
    """The exit status: 1 when what was measured is a failure in itself."""
    module = VERBS[args.verb][0]
    result = {"verb": args.verb, "machine": machine()}
    result.update(module.run(args))
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        show_machine(result["machine"])
        module.show(result)
    return 1 if result.get("problems") else 0


def main():
    args = parse(sys.argv[1:])
    return exit_status("perf/lab", lambda: measure(args))


if __name__ == "__main__":
    sys.exit(main())
