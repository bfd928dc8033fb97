# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark runs, finds every packet translated as it must be, and prints what it promises."""
import json
import struct
import subprocess
import sys
import tempfile

BENCH, BENCH_STEPS = sys.argv[1:]


def run(*args, code=0):
    done = subprocess.run([BENCH, *args], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == code, f"{args}: exit code {done.returncode}: {done.stderr}"
    return done


def json_has_each_case_in_the_order_asked():
    names = ["nat44-1k", "floor", "forward6", "forward4"]
    args = [arg for name in names for arg in ("--case", name)]
    out = json.loads(run("--json", "--no-huge", "--runs", "1", "--packets", "1024",
                         "--instructions", *args).stdout)
    assert [c["name"] for c in out["cases"]] == names
    for case in out["cases"]:
        assert 1 < case["cycles_per_packet"] < 1e6, case
        assert 0.05 < case["ratio_to_floor"] < 1e4, case
        assert 10 < case["instructions_per_packet"] < 1e4, case
    floor = out["cases"][1]
    assert floor["ratio_to_floor"] == 1
    assert all(c["instructions_per_packet"] >= floor["instructions_per_packet"]
               for c in out["cases"]), out
    assert out["tsc_mhz"] > 0 and out["runs"] == 1 and out["burst"] == 64


def instructions_are_left_out_when_not_asked_for():
    out = json.loads(run("--json", "--no-huge", "--runs", "1", "--packets", "512", "--burst", "16",
                         "--case", "floor").stdout)
    assert "instructions_per_packet" not in out["cases"][0]
    assert out["burst"] == 16


def instructions_are_the_same_each_time():
    def count():
        out = run("--json", "--no-huge", "--runs", "1", "--packets", "512", "--instructions",
                  "--case", "forward4").stdout
        return json.loads(out)["cases"][0]["instructions_per_packet"]
    assert abs(count() - count()) < 0.5


def what_it_does_not_know_is_refused():
    assert "no case 'nat64'" in run("--case", "nat64", code=2).stderr
    assert "--burst wants a number from 1 to 64" in run("--burst", "65", code=2).stderr
    assert "--simd wants 128, 256 or 512" in run("--simd", "300", code=2).stderr
    assert "--runs wants" in run("--runs", "9x", code=2).stderr
    run("--bogus", code=2)
    run("stray", code=2)


def steps_are_those_of_each_way_and_add_up():
    done = subprocess.run([BENCH_STEPS, "steps", "--json", "--no-huge", "--runs", "1", "--case",
                           "forward6", "--case", "nat44-1k"], capture_output=True, text=True,
                          timeout=240, check=True)
    forward, nat = json.loads(done.stdout)["steps"]
    assert (forward["name"], nat["name"]) == ("forward6", "nat44-1k")
    assert list(forward["cycles"]) == ["parse", "route", "forward"]
    assert list(nat["cycles"]) == ["parse", "key", "probe", "flow"]
    for case in (forward, nat):
        assert all(0 < clk < 1e4 for clk in case["cycles"].values()), case
        assert abs(sum(case["cycles"].values()) - case["cycles_per_packet"]) < 0.1, case


def what_ships_reads_no_clock():
    said = run("steps", "--no-huge", "--runs", "1", "--case", "forward4", code=1).stderr
    assert "no step read the clock" in said


def pcap_goes_round_through_the_real_loop():
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        run("make-pcap", file.name, "--flows", "100")
        data = file.read()
        assert struct.unpack("<IHHiIII", data[:24])[::6] == (0xa1b2c3d4, 1)
        assert len(data) == 24 + 100 * (16 + 60)
        out = run("vdev", "--no-huge", "--vdev-rx", f"net_pcap0,rx_pcap={file.name},infinite_rx=1",
                  "--vdev-tx", "net_null0", "--seconds", "1").stdout
        assert " Mpps, " in out and "drop_" not in out, out
    run("vdev", "--vdev-rx", "net_tap0", "--vdev-tx", "net_null0", code=2)


for test in (json_has_each_case_in_the_order_asked, instructions_are_left_out_when_not_asked_for,
             instructions_are_the_same_each_time, what_it_does_not_know_is_refused,
             steps_are_those_of_each_way_and_add_up, what_ships_reads_no_clock,
             pcap_goes_round_through_the_real_loop):
    test()
    print(f"ok {test.__name__}")
