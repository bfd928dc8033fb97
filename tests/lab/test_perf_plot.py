# SPDX-License-Identifier: BSD-3-Clause
"""perf/plot draws what the results say, refuses what is no result, and README.md shows what the kept
results draw. Nothing is measured, nothing needs privileges."""

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from home import REPO

sys.path.append(str(REPO / "perf"))
import plot_draw  # noqa: E402
import plot_main  # noqa: E402
import plot_measure  # noqa: E402
import plot_results  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
SVG_MAX_BYTES = 60000
MACHINE = {"cpu": "A <fast> & $plain$ processor", "tsc_mhz": 2000, "runs": 9, "burst": 64}
STEPS = {"name": "nat44-10k", "cycles_per_packet": 61.4,
         "cycles": {"parse": 9.4, "key": 15.6, "probe": 7.3, "flow": 29.1}}


def case(name, clk, **more):
    return {"name": name, "cycles_per_packet": clk, **more}


def result(**more):
    return {**MACHINE, **more}


@pytest.fixture
def write(tmp_path):
    """Files with these results, or this text."""
    count = iter(range(100))

    def write_one(content):
        path = tmp_path / f"{next(count)}.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write_one


def draw(paths, out):
    return plot_main.main([*map(str, paths), "--out", str(out)])


def words(path):
    """All texts of a picture; they are text, not outlines."""
    return [text.text for text in ElementTree.parse(path).iter(SVG + "text")]


def assert_in_order(wanted, have):
    rest = iter(have)
    assert all(word in rest for word in wanted), have


# --- what is drawn ---

def test_steps_have_their_cycles_and_their_sum(write, tmp_path):
    forward = {"name": "forward4", "cycles_per_packet": 23.2,
               "cycles": {"parse": 8.7, "route": 3.9, "forward": 10.6}}
    files = [write(result(steps=[STEPS, forward])), write(result(cases=[case("floor", 14.4)]))]
    assert draw(files, tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["steps.svg"]
    have = words(tmp_path / "out/steps.svg")
    assert_in_order(["cycles per packet", "plain IPv4, 1k routes", "NAT and firewall, 10k flows"], have)
    assert_in_order(["9", "4", "11", "23", "9", "16", "7", "29", "61", "14"], have)
    for step in ("parse and check", "key and hash", "find flow", "follow, translate, send", "route",
                 "forward"):
        assert step in have


def test_a_step_that_no_case_has_is_not_in_the_legend(write, tmp_path):
    assert draw([write(result(steps=[STEPS]))], tmp_path) == 0
    assert "find flow" in words(tmp_path / "steps.svg")
    assert "route" not in words(tmp_path / "steps.svg")


def bar_widths(path):
    """Of the coloured boxes, in the order drawn: {color: [width]}."""
    widths = {}
    for shape in ElementTree.parse(path).iter(SVG + "path"):
        color = re.search(r"fill: (#[0-9a-f]{6}); stroke: #fbfaf7", shape.get("style", ""))
        if color and shape.get("clip-path"):
            xs = [float(x) for x in re.findall(r"[ML] ([\d.]+) ", shape.get("d"))]
            widths.setdefault(color[1], []).append(max(xs) - min(xs))
    return widths


def test_bars_are_as_long_as_their_cycles(write, tmp_path):
    assert draw([write(result(steps=[STEPS]))], tmp_path) == 0
    widths = bar_widths(tmp_path / "steps.svg")
    unit = widths[plot_draw.STEPS["parse"][1]][0] / STEPS["cycles"]["parse"]
    for step, clk in STEPS["cycles"].items():
        assert widths[plot_draw.STEPS[step][1]] == [pytest.approx(clk * unit, abs=0.01)]


def test_flows_are_in_millions_of_packets_with_the_goal(write, tmp_path):
    cases = [case("nat44-1m", 80), case("nat44-10k", 50, goal_cycles=70), case("nat44-10m", 160)]
    assert draw([write(result(cases=cases))], tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["flows.svg"]
    have = words(tmp_path / "out/flows.svg")
    assert_in_order(["10k", "1M", "10M", "flows"], have)
    assert_in_order(["40.0", "25.0", "12.5"], have)
    assert "million packets per second" in have and "our goal" in have


def test_without_a_goal_none_is_named(write, tmp_path):
    assert draw([write(result(cases=[case("nat44-1k", 50), case("nat44-1m", 80)]))], tmp_path) == 0
    assert "our goal" not in words(tmp_path / "flows.svg")


def test_rules_have_a_line_each_for_first_and_established_packets(write, tmp_path):
    cases = [case(f"{kind}-{n}", clk * factor) for n, factor in (("10", 1), ("100k", 5))
             for kind, clk in (("first-rules", 1000), ("nat44-rules", 50), ("rules", 200))]
    assert draw([write(result(cases=cases))], tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rules.svg"]
    have = words(tmp_path / "out/rules.svg")
    assert_in_order(["10", "100k", "rules"], have)
    for value in ("40.0", "8.00", "10.0", "2.00", "0.40"):
        assert value in have
    assert_in_order(["established packets", "the rules alone", "first packets"], have)


def test_routes_end_with_the_full_tables(write, tmp_path):
    cases = [case("fib4-1", 20), case("fib4", 40, goal_ratio_to_floor=5, floor_cycles=14),
             case("fib6-1k", 25), case("fib6", 80)]
    assert draw([write(result(cases=cases))], tmp_path / "out") == 0
    have = words(tmp_path / "out/routes.svg")
    assert_in_order(["1", "1k", "1M", "routes"], have)
    assert_in_order(["100", "50.0"], have)
    assert_in_order(["80.0", "25.0 at 200k"], have)
    assert "our goal" in have


def test_each_says_where_and_how_it_was_measured(write, tmp_path):
    assert draw([write(result(steps=[STEPS]))], tmp_path) == 0
    footer, = [text for text in words(tmp_path / "steps.svg") if text.startswith(MACHINE["cpu"])]
    assert "processor, TSC 2 GHz, one core." in footer
    assert "bursts of 64, medians of 9 runs" in footer


def test_the_same_results_draw_the_same_bytes(write, tmp_path):
    file = write(result(steps=[STEPS]))
    for out in ("a", "b"):
        subprocess.run([sys.executable, "-B", REPO / "perf/plot_main.py", file, "--out", tmp_path / out],
                       check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "a/steps.svg").read_bytes() == (tmp_path / "b/steps.svg").read_bytes()


def test_png_is_drawn_when_asked_for(write, tmp_path):
    assert plot_main.main([str(write(result(steps=[STEPS]))), "--out", str(tmp_path), "--png"]) == 0
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


# --- what is refused ---

@pytest.mark.parametrize(("content", "reason"), [
    ("{", "not JSON"),
    ("[" * 100000, "not JSON"),
    ("[]", "neither cases nor steps"),
    (result(), "neither cases nor steps"),
    (result(cases={}), "cases must be a list"),
    (result(cases=[{}]), "an entry of cases has no name"),
    (result(cases=[{"name": "floor"}]), "floor: cycles_per_packet must be a number above 0, not None"),
    (result(cases=[case("floor", "14")]), "must be a number above 0, not '14'"),
    (result(cases=[case("floor", True)]), "must be a number above 0, not True"),
    (result(cases=[case("floor", 0)]), "must be a number above 0, not 0"),
    (result(cases=[case("floor", float("nan"))]), "must be a number above 0, not nan"),
    (result(cases=[case("floor", float("inf"))]), "must be a number above 0, not inf"),
    (result(cases=[case("floor", 14), case("floor", 15)]), "floor is there twice"),
    (result(cases=[case("nat44-1k", 50, goal_cycles=-1)]), "goal_cycles must be a number above 0"),
    (result(cases=[case("fib4", 50, goal_ratio_to_floor=5)]), "floor_cycles must be a number above 0"),
    (result(cases=[case("floor", 14)]), "nothing to draw"),
    (result(steps=[{**STEPS, "cycles": {}}]), "cycles must have the clocks of each step"),
    (result(steps=[{**STEPS, "cycles": {"key": -1}}]), "key must be a number above 0"),
    ({**result(steps=[STEPS]), "cpu": None}, "cpu must be the processor's name"),
    ({**result(steps=[STEPS]), "cpu": "x" * 1000}, "cpu must be the processor's name"),
    ({**result(steps=[STEPS]), "tsc_mhz": 0}, "tsc_mhz must be a number above 0"),
    (" " * (plot_results.FILE_MAX_BYTES + 1), "more than 1 MiB"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_what_is_no_result_is_refused_with_its_reason(write, tmp_path, capsys, content, reason):
    file = write(content)
    assert draw([file], tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert said.startswith("perf/plot: ") and reason in said
    assert not (tmp_path / "out").exists()


def test_results_of_two_machines_do_not_share_a_picture(write, tmp_path, capsys):
    files = [write(result(steps=[STEPS])), write({**result(cases=[case("floor", 14)]), "tsc_mhz": 2100})]
    assert draw(files, tmp_path / "out") == 1
    assert "not to be compared" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert draw([tmp_path / "none.json"], tmp_path) == 1
    assert "none.json: No such file" in capsys.readouterr().err


# --- what is measured ---

def test_measuring_keeps_both_files_and_draws_them(monkeypatch, tmp_path):
    asked = []

    def bench(command, **options):
        asked.append(command)
        out = result(steps=[STEPS]) if "steps" in command else result(
            cases=[case(name, 60) for name in plot_measure.CASES])
        assert 0 < options["timeout"] <= plot_measure.LIMIT_SEC
        return subprocess.CompletedProcess(command, 0, json.dumps(out).encode())

    monkeypatch.setattr(plot_measure.subprocess, "run", bench)
    monkeypatch.setattr(plot_measure, "available_mb", lambda: plot_measure.LARGEST_MB)
    assert plot_main.main(["--measure", "--runs", "5", "--core", "0", "--no-huge", "--results",
                           str(tmp_path / "kept"), "--out", str(tmp_path / "drawn")]) == 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["bench.json", "steps.json"]
    assert sorted(path.stem for path in (tmp_path / "drawn").iterdir()) == sorted(plot_draw.PICTURES)
    for command in asked:
        assert " ".join(command[1:]).count("--json --runs 5 --core 0 --no-huge") == 1
    assert plot_measure.LARGEST in asked[0]


def test_what_does_not_fit_into_memory_is_left_out(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(plot_measure, "bench", lambda words, deadline: asked.append(words) or
                        result(cases=[], steps=[]))
    monkeypatch.setattr(plot_measure, "available_mb", lambda: plot_measure.LARGEST_MB - 1)
    plot_measure.measure(tmp_path, 9, [])
    assert plot_measure.LARGEST not in asked[0] and "nat44-1m" in asked[0]
    assert "left out" in capsys.readouterr().err


def step_sums(*sums):
    return result(steps=[{**STEPS, "name": name, "cycles_per_packet": clk} for name, clk in sums])


def test_steps_that_were_disturbed_are_measured_again_and_so_is_their_case(monkeypatch, capsys):
    cases = result(cases=[case("nat44-1k", 50), case("nat44-10k", 99)])
    answers = [step_sums(("nat44-1k", 52), ("nat44-10k", 80)),
               step_sums(("nat44-10k", 61)), result(cases=[case("nat44-10k", 88)]),
               step_sums(("nat44-10k", 62)), result(cases=[case("nat44-10k", 60)])]
    asked = []
    monkeypatch.setattr(plot_measure, "bench",
                        lambda words, deadline: asked.append(words) or answers.pop(0))
    steps = plot_measure.measure_steps(["--json"], cases, 0)["steps"]
    assert [(entry["name"], entry["cycles_per_packet"]) for entry in steps] == [
        ("nat44-1k", 52), ("nat44-10k", 62)]
    assert [entry["cycles_per_packet"] for entry in cases["cases"]] == [50, 60]
    assert asked[1:] == [["steps", "--json", "--case", "nat44-10k"], ["--json", "--case", "nat44-10k"]] * 2
    assert "do not add up" not in capsys.readouterr().err


def test_steps_that_stay_disturbed_are_named(monkeypatch, capsys):
    cases = result(cases=[case("nat44-10k", 60)])
    monkeypatch.setattr(plot_measure, "bench", lambda words, deadline: step_sums(
        ("nat44-10k", 40)) if words[0] == "steps" else result(cases=[case("nat44-10k", 60)]))
    plot_measure.measure_steps(["--json"], cases, 0)
    assert "nat44-10k: its steps do not add up" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "reason"), [
    ("sleep 9", "not done after"), ("exit 3", "with status 3"), ("echo no", "not JSON")])
def test_a_measurement_that_fails_says_so_and_keeps_the_old_results(monkeypatch, tmp_path, capsys, command,
                                                                   reason):
    (tmp_path / "perf").mkdir()
    (tmp_path / "perf/bench").write_text(f"#!/bin/sh\n{command.replace('sleep', 'exec sleep')}\n")
    (tmp_path / "perf/bench").chmod(0o755)
    (tmp_path / "steps.json").write_text("old")
    monkeypatch.setattr(plot_measure, "REPO", tmp_path)
    monkeypatch.setattr(plot_measure, "LIMIT_SEC", 0.5)
    assert plot_main.main(["--measure", "--results", str(tmp_path)]) == 1
    assert reason in capsys.readouterr().err
    assert (tmp_path / "steps.json").read_text() == "old"


def test_the_benchmark_knows_each_case_that_is_measured():
    source = "".join((REPO / "perf" / name).read_text() for name in ("bench.c", "bench_series.c"))
    known = set(re.findall(r'\{"([a-z0-9-]+)", "', source))
    assert set(plot_measure.CASES) | set(plot_measure.STEP_CASES) <= known


# --- what is kept ---

def kept_results():
    return sorted((REPO / "perf/results").glob("*.json"))


def test_the_kept_results_draw_the_kept_pictures(tmp_path):
    """They are redrawn whenever one changes: perf/plot."""
    assert draw(kept_results(), tmp_path) == 0
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (REPO / "perf/plots").iterdir()}
    assert len(drawn) == len(plot_draw.PICTURES)


def test_the_kept_results_have_all_that_is_measured():
    results = plot_results.read(kept_results())
    assert set(results.cases) == set(plot_measure.CASES)
    assert set(results.steps) == set(plot_measure.STEP_CASES)


def test_the_kept_steps_add_up_to_their_cases():
    results = plot_results.read(kept_results())
    for name, steps in results.steps.items():
        assert sum(steps["cycles"].values()) == pytest.approx(
            results.cases[name]["cycles_per_packet"], rel=0.15), name


@pytest.mark.parametrize("page", ["README.md", "perf/README.md"])
def test_the_pages_show_pictures_that_exist(page):
    path = REPO / page
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+\.svg)\)", path.read_text())
    pictures = {(path.parent / link).resolve() for link in shown}
    assert pictures == set((REPO / "perf/plots").resolve().glob("*.svg"))


@pytest.mark.parametrize("name", plot_draw.PICTURES)
def test_pictures_are_small_opaque_and_without_rasters(name):
    text = (REPO / f"perf/plots/{name}.svg").read_text()
    assert len(text) < SVG_MAX_BYTES
    assert "<image" not in text and "data:" not in text and "<dc:date>" not in text
    root = ElementTree.fromstring(text)
    width, height = root.get("viewBox").split()[2:]
    first = next(root.iter(SVG + "path"))
    assert first.get("style") == "fill: #fbfaf7"
    assert f"{width} {height}" in first.get("d") and "M 0 " in first.get("d")
