# SPDX-License-Identifier: BSD-3-Clause
"""`millrace capture`, read by tcpdump and Wireshark's tshark.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
      \\ 198.51.100.10
"""

import json
import signal
import socket
import subprocess
import time

import pytest
from conftest import Variant, params
from lab import run_command, wait_for
from packets_lab import FAR, PC, WAN, PacketsLab, fields
from tools import ping

GONE = "a capture ended: its client has gone"
MOST = 4  # captures at a time
LEASE = 3  # seconds after which a client that does not come has gone


class CaptureLab(PacketsLab):
    def __init__(self):
        super().__init__("capture")

    def argv(self, *words):
        return super().argv("capture", *words)

    def capture(self, *words):
        """A capture that is sure to run, and its file."""
        path = self.dir / f"capture-{len(self.processes)}.pcapng"
        process = self.start("pc", path.stem, *self.argv(*words, "to", path))
        wait_for(lambda: path.exists() and path.stat().st_size > 0, "the capture to begin")
        return process, path

    def refusal(self, *words):
        done = run_command(self.argv(*words), check=False)
        assert done.returncode != 0
        return done.stderr


def end(process, how=signal.SIGINT):
    """What it said at the end."""
    if how is not None:
        process.popen.send_signal(how)
    assert process.popen.wait(5) == 0, process.output()
    return process.output()


@pytest.fixture(scope="module")
def lab(variant):
    with CaptureLab() as lab:
        lab.begin(variant.workers)
        yield lab


pytestmark = pytest.mark.parametrize(
    "variant", params([Variant("af_packet", 1), Variant("af_packet", 2)], "-capture"),
    scope="module")


def test_each_packet_is_there_as_it_came_and_as_it_left(lab):
    before = time.time()
    process, path = lab.capture("filter", "icmp", "count", 8)
    assert ping(lab, "pc", FAR, count=2).received == 2
    assert "8 packets captured, 0 lost" in end(process, None)
    seen = fields(path, "frame.interface_name", "ip.src", "ip.dst", "frame.packet_flags_direction")
    there = [["lan", PC, FAR, "1"], ["wan", WAN, FAR, "2"]]
    back = [["wan", FAR, WAN, "1"], ["lan", FAR, PC, "2"]]
    for words in seen:
        words[3] = str(int(words[3], 0))
    assert sorted(seen) == sorted((there + back) * 2)
    times = [float(t) for (t,) in fields(path, "frame.time_epoch")]
    assert before - 0.1 < times[0] and times == sorted(times) and times[-1] < time.time()
    dumped = run_command(["tcpdump", "-nr", path]).stdout
    assert dumped.count("ICMP echo request") == dumped.count("ICMP echo reply") == 4


def test_a_drop_says_its_reason_and_the_rule(lab):
    process, path = lab.capture("drop", "filter", "udp")
    lab.send_udp(4023)
    lab.send_udp(4024, ttl=1)
    wait_for(lambda: len(fields(path, "frame.comment")) == 2, "two drops")
    end(process)
    config = (lab.dir / "millraced.yaml").read_text().splitlines()
    line = 1 + next(i for i, text in enumerate(config) if "4023" in text)
    comments = dict(fields(path, "udp.dstport", "frame.comment"))
    assert comments["4023"].startswith("drop_rule: ")
    assert f"millraced.yaml:{line}: from: lan" in comments["4023"]
    assert "(no such thing)" in comments["4023"]
    assert comments["4024"].startswith("drop_ttl: TTL")
    assert "rule" not in comments["4024"]
    assert fields(path, "frame.interface_name") == [["lan"], ["lan"]]


def test_one_interface_one_direction_and_no_more_than_the_snap_length(lab):
    process, path = lab.capture("on", "wan", "tx", "filter", "icmp", "snap", 60, "for", "2s")
    assert ping(lab, "pc", FAR, count=3).received == 3
    said = end(process, None)
    assert "3 packets captured" in said
    assert fields(path, "frame.interface_name", "ip.src", "frame.cap_len", "frame.len") == [
        ["wan", WAN, "60", "98"]] * 3


def test_the_standard_output_is_for_a_pipe(lab):
    with subprocess.Popen(lab.argv("rx", "on", "lan", "filter", "icmp", "count", "2"),
                          stdout=subprocess.PIPE) as process:
        log = lab.dir / "tcpdump.log"
        with log.open("w") as out, subprocess.Popen(
                ["tcpdump", "-nr", "-"], stdin=process.stdout, stdout=out, stderr=out) as reader:
            wait_for(lambda: "reading from file -" in log.read_text(), "tcpdump to begin")
            assert ping(lab, "pc", FAR, count=2).received == 2
            assert reader.wait(10) == 0
    assert log.read_text().count(f"{PC} > {FAR}: ICMP echo request") == 2


def test_a_capture_of_nothing_is_a_file_all_the_same(lab):
    process, path = lab.capture("filter", "vlan 77", "for", "1s")
    assert "0 packets captured" in end(process, None)
    assert run_command(["tcpdump", "-nr", path]).stdout == ""
    assert "Interface #1 info" in run_command(["capinfos", path]).stdout


def test_what_cannot_be_captured_is_said(lab):
    assert "syntax error" in lab.refusal("filter", "tcp prt 443", "to", "/dev/null")
    assert "there is no interface 'elsewhere'" in lab.refusal("on", "elsewhere", "to", "/dev/null")
    assert "after 'count' comes a number" in lab.refusal("to", "/dev/null", "count")
    assert "'0'" in lab.refusal("count", 0, "to", "/dev/null")
    assert "'fliter'" in lab.refusal("fliter", "icmp")
    processes = [lab.capture("filter", "arp")[0] for _ in range(MOST)]
    assert f"{MOST} captures are under way" in lab.refusal("to", "/dev/null")
    for process in processes:
        end(process)


def test_several_clients_have_each_its_own_filter(lab):
    captures = {port: lab.capture("rx", "filter", f"udp port {port}") for port in (4031, 4032)}
    for port in captures:
        lab.send_udp(port)
    for port, (process, path) in captures.items():
        wait_for(lambda path=path: fields(path, "udp.dstport"), f"the packet to {port}")
        end(process)
        assert fields(path, "udp.dstport") == [[str(port)]]


def test_a_client_that_is_killed_holds_nothing_for_long(lab):
    processes = [lab.capture("filter", "arp")[0] for _ in range(MOST)]
    for process in processes:
        process.popen.kill()
        process.popen.wait()
    killed = time.monotonic()
    wait_for(lambda: run_command(lab.argv("for", "1s", "to", "/dev/null"),
                                 check=False).returncode == 0, "the next one's turn", LEASE + 4, 0.3)
    assert time.monotonic() - killed > LEASE - 1
    assert GONE in lab.router.output()


def test_a_client_that_never_reads_delays_nobody(lab):
    """By hand, as any program may: with the steps of `tcpdump -ddd`, and from any language."""
    gone = lab.router.output().count(GONE)
    program = [[int(n) for n in line.split()] for line in run_command(
        ["tcpdump", "-y", "EN10MB", "-ddd", "udp port 4024"]).stdout.splitlines()[1:]]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(lab.socket))
        client.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "capture.start", "params": {
            "program": program, "kinds": ["rx"]}}).encode() + b"\n")
        assert json.loads(client.makefile().readline())["result"]["capture"] > 0
        for _ in range(20):
            lab.send_udp(4024)
        assert ping(lab, "pc", FAR, count=3).received == 3
        wait_for(lambda: lab.router.output().count(GONE) > gone, "it to be forgotten", LEASE + 2)
