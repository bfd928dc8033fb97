# SPDX-License-Identifier: BSD-3-Clause
"""perf/lab's verbs, each for a moment: that they measure something, say so in JSON, and leave
nothing behind. How much they measure is not judged here: tests share their cores."""

import json
import os
import signal
import subprocess
import sys

import pytest
from home import REPO, build_dir
from lab import LabError, hugepages_of_nobody, namespaces_of, wait_for
from segment import ones_sum

sys.path.append(str(REPO / "perf"))
import lab_frames  # noqa: E402
import lab_main  # noqa: E402
import lab_soak  # noqa: E402

LAB = ["/usr/bin/python3", "-B", str(REPO / "perf" / "lab_main.py")]
LAB_SEC = 200
IS_SANITIZED = "sanitize" in str(build_dir())

# What it starts goes before all other programs, other labs' routers too.
pytestmark = [pytest.mark.alone, pytest.mark.xdist_group("hugepages"),
              pytest.mark.timeout(LAB_SEC + 40),
              pytest.mark.skipif(IS_SANITIZED, reason="nobody measures that")]


def measured(*words):
    """What a verb says in JSON; it has cleaned up."""
    with subprocess.Popen([*LAB, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as lab:
        out, err = lab.communicate(timeout=LAB_SEC)
    assert lab.returncode == 0, err + out
    assert namespaces_of(lab.pid) == []
    result = json.loads(out)
    assert result["verb"] == words[0] and result["machine"]["cores"] > 0
    return result


def test_pktgen_measures_both_routers_and_their_ratio():
    result = measured("pktgen", "--case", "nat44-64", "--runs", "1", "--seconds", "0.4", "--flows",
                      "100", "--loss", "50")
    row, = result["rows"]
    assert row["case"] == "nat44-64" and row["flows"] == 100
    assert row["millrace_pps"] > 1000 and row["kernel_pps"] > 1000
    assert row["ratio"] == pytest.approx(row["millrace_pps_per_cpu_second"] /
                                         row["kernel_pps_per_cpu_second"], rel=0.01)
    assert row["zero_loss_pps"] is None or row["zero_loss_pps"] > 1000
    assert 0 <= row["idle_turns"] <= 1


@pytest.mark.parametrize("case", ["ipv6-82", "nat44-imix"])
def test_pktgen_drives_each_kind_of_frames_through(case):
    row, = measured("pktgen", "--case", case, "--runs", "1", "--seconds", "0.3", "--flows", "60",
                    "--no-search", "--no-kernel")["rows"]
    assert row["millrace_pps"] > 1000
    assert "kernel_pps" not in row and "zero_loss_pps" not in row


def test_iperf3_measures_tcp_and_udp_and_who_had_the_cores():
    result = measured("iperf3", "--driver", "af_packet", "--test", "tcp up, 8 streams", "--test",
                      "udp down", "--runs", "1", "--seconds", "1.5")
    tcp, udp = result["rows"]
    for row in (tcp, udp):
        assert row["millrace"]["mbps"] > 1 and row["kernel"]["mbps"] > 1
        assert row["ratio"] == pytest.approx(row["millrace"]["mbps"] / row["kernel"]["mbps"],
                                             rel=0.05, abs=0.02)
        assert any("worker" in thread for thread in row["millrace"]["core_shares"])
        assert not any("worker" in thread for thread in row["kernel"]["core_shares"])
    assert 0 <= udp["millrace"]["lost"] <= 1 and "lost" not in tcp["millrace"]


def test_latency_times_wire_router_and_kernel():
    result = measured("latency", "--path", "veth wire", "--path", "veth af_packet, idle: busy",
                      "--path", "veth kernel, own core", "--runs", "1", "--seconds", "0.2")
    assert [row["router"] for row in result["rows"]] == ["wire", "millrace", "kernel"]
    for row in result["rows"]:
        for seen in row["loads"].values():
            assert 0 < seen["p50_us"] <= seen["p99_us"] <= seen["p99.9_us"] < 5e6
            assert seen["pps"] > 100
    ratios = result["p50_to_kernel"]["veth kernel, own core"]["veth af_packet, idle: busy"]
    assert set(ratios) <= {"0", "50", "95"}


def test_latency_times_memif():
    row, = measured("latency", "--path", "memif", "--runs", "1", "--seconds", "0.2")["rows"]
    assert row["loads"]["50"]["p50_us"] > 0 and row["most_pps"] > 10000


def test_soak_finds_no_leak():
    result = measured("soak", "--minutes", "0")
    assert result["problems"] == [] and result["failed_jobs"] == []
    assert result["rounds"] >= 2 and result["applies"] > lab_soak.HISTORY
    assert result["samples"][-1]["flows"] == 0
    assert result["drops"]["drop_rule"] > 0, "the firewall had something to do"


# --- what fails ---

AT_REST = {"rss_kb": 60000, "tables_kb": 90000, "huge_kb": 400000, "buffers": 40, "flows": 0,
           "files": 200, "threads": 5}


@pytest.mark.parametrize(("leak", "word"), [
    ({"rss_kb": 70000}, "rss_kb"), ({"tables_kb": 120000}, "tables_kb"),
    ({"huge_kb": 402048}, "huge_kb"), ({"buffers": 1000}, "buffers"),
    ({"flows": 1}, "flows"), ({"files": 230}, "files"), ({"threads": 6}, "threads")])
def test_a_leak_is_a_problem_and_named(leak, word):
    problems = lab_soak.judge([AT_REST, AT_REST, {**AT_REST, **leak}])
    assert len(problems) == 1 and word in problems[0]


def test_at_rest_as_before_is_no_problem():
    noise = {"rss_kb": 60500, "buffers": 60, "files": 201}
    assert lab_soak.judge([AT_REST, AT_REST, {**AT_REST, **noise}]) == []


@pytest.mark.parametrize(("problems", "status"), [(["1 flows are left"], 1), ([], 0)])
def test_a_soak_with_a_problem_has_exit_status_1(monkeypatch, capsys, problems, status):
    monkeypatch.setattr(lab_soak, "run", lambda args: {"problems": problems})
    assert lab_main.measure(lab_main.parse(["soak", "--json"])) == status
    assert json.loads(capsys.readouterr().out)["problems"] == problems


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_cleans_up(signum, tmp_path):
    pages = hugepages_of_nobody()
    log = tmp_path / "log"
    with open(log, "wb") as out:
        lab = subprocess.Popen([*LAB, "pktgen", "--seconds", "30"], stdout=out, stderr=out,
                               start_new_session=True)
    wait_for(lambda: len(namespaces_of(lab.pid)) > 1, "a router's lab", 60)
    os.killpg(lab.pid, signum)
    assert lab.wait(timeout=60) == 128 + signum, log.read_text()
    assert "cleaned up" in log.read_text()
    assert namespaces_of(lab.pid) == []
    assert hugepages_of_nobody() == pages


def test_the_file_for_real_cards_is_a_good_one():
    done = subprocess.run([build_dir() / "millraced", "-c", REPO / "perf/cards/router.yaml", "--check"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and done.stderr == "", done.stderr


# --- frames ---

@pytest.mark.parametrize(("size", "family"), [(64, 4), (82, 6), (1518, 4), (513, 6)])
@pytest.mark.parametrize("clock", [0, 0x0123456789abcdef])
def test_frames_have_right_checksums_whatever_the_time(size, family, clock):
    lan, wan = lab_frames.flow_frames(size, 20, family, family == 4)
    for frame in lan + wan:
        assert len(frame) == size - lab_frames.FCS_BYTES
        assert frame[-16:] == lab_frames.STAMP
        stamped = frame[:-16] + clock.to_bytes(8, "little") + (clock ^ (1 << 64) - 1).to_bytes(8, "little")
        packet = stamped[14:]
        addresses, l4 = (packet[12:20], packet[20:]) if family == 4 else (packet[8:40], packet[40:])
        if family == 4:
            assert ones_sum(packet[:20]) == 0xffff
        pseudo = addresses + len(l4).to_bytes(2, "big") + b"\0\x11"
        assert ones_sum(pseudo + l4 + b"\0" * (len(l4) % 2)) == 0xffff


def test_a_lab_error_ends_with_its_reason(monkeypatch, capsys):
    def fail(args):
        raise LabError("the wire is cut")

    monkeypatch.setattr(lab_soak, "run", fail)
    monkeypatch.setattr(sys, "argv", ["perf/lab", "soak"])
    assert lab_main.main() == 1
    assert "perf/lab: the wire is cut" in capsys.readouterr().err
