# SPDX-License-Identifier: BSD-3-Clause
"""The pictures: each is drawn when the results have the cases that it is made of."""

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from plot_results import ResultError
from plot_style import BLUE, GREEN, GRID, INK, PAPER, RED, figure, legend, save

LINE_HEIGHT_INCHES = 4.1

# Steps in their order, and what they are called.
STEPS = {
    "parse": ("parse and check", "#858f9d"),
    "key": ("key and hash", "#6a9bd6"),
    "probe": ("find flow", "#2a62a8"),
    "flow": ("follow, translate, send", "#3a8a66"),
    "route": ("route", "#c9962f"),
    "forward": ("forward", "#c26f35"),
}
STEP_ROWS = {
    "forward4": "plain IPv4, 1k routes",
    "fib4": "plain IPv4, 1M routes",
    "forward6": "plain IPv6, 1k routes",
    "fib6": "plain IPv6, 200k routes",
    "flow4-10k": "IPv4 firewall, 10k flows",
    "flow6-10k": "IPv6 firewall, 10k flows",
    "nat44-1k": "NAT and firewall, 1k flows",
    "nat44-10k": "NAT and firewall, 10k flows",
    "nat44-100k": "NAT and firewall, 100k flows",
    "nat44-1m": "NAT and firewall, 1M flows",
}
NARROWEST_WITH_TEXT = 0.035  # of the axes' width
FIB_SIZES = {"fib4": 1000000, "fib6": 200000}  # the cases that have no number in their name


def footer(results):
    machine, runs = results.machine, sorted(results.runs)
    return (f"{machine.cpu}, TSC {machine.tsc_mhz / 1000:.2g} GHz, one core. The pipeline alone, without a "
            f"card's receive and send: smallest frames, bursts of {machine.burst}, medians of "
            f"{' and '.join(map(str, runs))} runs.")


def short(count):
    """10, 1k, 200k, 1M."""
    for unit, suffix in ((1000000, "M"), (1000, "k")):
        if count >= unit:
            return f"{count / unit:g}{suffix}"
    return f"{count:g}"


def mpps(packets):
    """Millions, in three digits or two decimals."""
    millions = packets / 1e6
    return f"{millions:.{0 if millions >= 99.95 else 1 if millions >= 9.995 else 2}f}"


def draw_steps(results):
    rows = [name for name in STEP_ROWS if name in results.steps]
    if not rows:
        return None
    fig, axes = figure(1.95 + 0.34 * len(rows), "Where a packet's cycles go",
                       "TSC cycles by step of the pipeline. Dashed: the least that any router does.",
                       footer(results), left=190)
    widest = max(results.steps[name]["cycles_per_packet"] for name in rows)
    axes.set_xlim(0, widest * 1.12)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    for y, name in enumerate(rows):
        x = 0
        for step, (_, color) in STEPS.items():
            clk = results.steps[name]["cycles"].get(step)
            if clk is None:
                continue
            axes.barh(y, clk, 0.62, x, color=color, edgecolor=PAPER, linewidth=1)
            if clk > NARROWEST_WITH_TEXT * widest:
                axes.text(x + clk / 2, y + 0.02, f"{clk:.0f}", color="white", fontsize=9, ha="center",
                          va="center")
            x += clk
        axes.text(x + widest * 0.012, y + 0.02, f"{results.steps[name]['cycles_per_packet']:.0f}",
                  fontsize=10, fontweight="bold", va="center")
    used = {step for name in rows for step in results.steps[name]["cycles"]}
    entries = [("s", color, text) for step, (text, color) in STEPS.items() if step in used]
    axes.set_yticks(range(len(rows)), [STEP_ROWS[name] for name in rows], color=INK)
    axes.xaxis.grid(True, color=GRID)
    axes.set_xlabel("cycles per packet")
    if "floor" in results.cases:
        floor = results.cases["floor"]["cycles_per_packet"]
        axes.axvline(floor, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        axes.text(floor, -0.62, f"{floor:.0f}", fontsize=9, ha="center", va="bottom")
    legend(fig, entries)
    return fig


PLACES = {"above": ((0, 8), "center", "bottom"), "below": ((0, -8), "center", "top"),
          "right": ((7, -6), "left", "top")}


def put(axes, text, at, place, color):
    """Next to a point; no line of the grid strikes it through."""
    offset, ha, va = PLACES[place]
    axes.annotate(text, at, offset, textcoords="offset points", ha=ha, va=va, fontsize=9, color=color,
                  zorder=2.5, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6})


def is_power_of_ten(count):
    return set(str(count)[1:]) <= {"0"} and str(count)[0] == "1"


def draw_series(results, title, subtitle, xlabel, lines, is_log=False):
    """Lines of (label, color, points); a point is (how many, case)."""
    lines = [(label, color, points) for label, color, points in lines if len(points) > 1]
    if not lines:
        return None
    fig, axes = figure(LINE_HEIGHT_INCHES, title, subtitle, footer(results))
    axes.set_xscale("log")
    if is_log:
        axes.set_yscale("log")
    ends = []
    entries = []
    for index, (label, color, points) in enumerate(lines):
        entries.append(("o", color, label))
        xs = [n for n, _ in points]
        ys = [results.packets_per_second(case) for _, case in points]
        ends += ys
        axes.plot(xs, ys, color=color, linewidth=2.2, marker="o", markersize=6, markeredgecolor=PAPER,
                  markeredgewidth=1.2, clip_on=False, zorder=3)
        for x, y in zip(xs, ys):
            if is_power_of_ten(x):
                put(axes, mpps(y), (x, y), "above" if index == 0 else "below", color)
            else:  # not a tick of the axis
                put(axes, f"{mpps(y)} at {short(x)}", (x, y), "right", color)
    goals = [(n, results.goal_packets_per_second(case)) for _, _, points in lines for n, case in points]
    goals = [goal for goal in goals if goal[1] is not None]
    if goals:
        axes.plot(*zip(*goals), color=INK, linestyle="none", marker="_", markersize=16, markeredgewidth=1.6,
                  clip_on=False)
        entries.append(("_", INK, "our goal"))
    legend(fig, entries)
    counts = sorted({n for _, _, points in lines for n, _ in points if is_power_of_ten(n)})
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g}"))
    axes.yaxis.grid(True, color=GRID)
    axes.set_xlabel(xlabel)
    axes.set_ylabel("million packets per second")
    if is_log:
        axes.set_ylim(min(ends) / 2.5, max(ends) * 2)
    else:
        axes.set_ylim(0, max(ends) * 1.15)
    return fig


def draw_flows(results):
    return draw_series(results, "Packets per second against flows",
                       "NAT and stateful firewall with everything on, TCP and UDP both ways, flows in "
                       "random order.",
                       "flows", [
                           ("established packets", BLUE, results.series("nat44-#"))])


def draw_rules(results):
    return draw_series(results, "Packets per second against firewall rules",
                       "NAT and firewall, 10,000 flows. Rules decide about first packets.",
                       "rules", [
                           ("established packets", BLUE, results.series("nat44-rules-#")),
                           ("the rules alone", GREEN, results.series("rules-#")),
                           ("first packets", RED, results.series("first-rules-#"))], is_log=True)


def with_largest(results, family):
    points = results.series(f"{family}-#")
    if family in results.cases:
        points.append((FIB_SIZES[family], family))
    return points


def draw_routes(results):
    return draw_series(results, "Packets per second against routes",
                       "Plain forwarding to random hosts of random routes, with the internet's mix of "
                       "prefix lengths.",
                       "routes", [
                           ("IPv4", BLUE, with_largest(results, "fib4")),
                           ("IPv6", GREEN, with_largest(results, "fib6"))])


PICTURES = {"steps": draw_steps, "flows": draw_flows, "rules": draw_rules, "routes": draw_routes}


def draw_all(results, directory, is_png_wanted):
    """The files written."""
    paths = []
    for name, draw in PICTURES.items():
        fig = draw(results)
        if fig is not None:
            paths += save(fig, directory, name, is_png_wanted)
    if not paths:
        raise ResultError("nothing to draw: none of the cases that perf/plot --measure measures")
    return paths
