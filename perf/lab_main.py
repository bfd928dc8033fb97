# SPDX-License-Identifier: BSD-3-Clause
"""Whole routers measured through real ports, in network namespaces; started by perf/lab."""

import argparse
import json
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests/lab"))

import lab_iperf3  # noqa: E402
import lab_latency  # noqa: E402
import lab_pktgen  # noqa: E402
import lab_soak  # noqa: E402
from lab import LabError, Terminated  # noqa: E402
from lab_report import machine, show_machine  # noqa: E402

VERBS = {
    "pktgen": (lab_pktgen, "packets per second, by testpmd over memif, beside the kernel"),
    "iperf3": (lab_iperf3, "TCP and UDP beside the kernel on the same wires, and what limits it"),
    "latency": (lab_latency, "how long a packet takes, idle and under load, beside the kernel"),
    "soak": (lab_soak, "hours of everything at once; fails when memory, buffers or flows leak"),
}


def parse(words):
    parser = argparse.ArgumentParser(prog="perf/lab", description=__doc__.split(";")[0] + ".")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (module, about) in VERBS.items():
        verb = verbs.add_parser(name, help=about, description=about.capitalize() + ".")
        verb.add_argument("--json", action="store_true", help="the result for programs")
        if name != "soak":
            verb.add_argument("--seconds", type=float, default=2.0,
                              help="of each measurement (default: 2)")
        module.add_arguments(verb)
    return parser.parse_args(words)


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
    try:
        return measure(args)
    except LabError as e:
        print(f"perf/lab: {e}", file=sys.stderr)
        return 1
    except Terminated as e:
        print(f"perf/lab: {e}; the lab is cleaned up.", file=sys.stderr)
        return 128 + e.signum
    except KeyboardInterrupt:
        print("\nperf/lab: interrupted; the lab is cleaned up.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
