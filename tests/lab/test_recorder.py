# SPDX-License-Identifier: BSD-3-Clause
"""The flight recorder, read by tcpdump and Wireshark's tshark: on demand, and after an event.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
      \\ 198.51.100.10
"""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Variant, params
from lab import run_command, wait_for
from packets_lab import FAR, PC, WAN, PacketsLab, fields
from tools import ping

DROPS, FILES = 150, 2
RECORDER = """
recorder: {{ memory: 1, directory: {dir}/recorder, drops: {drops}, files: {files}, last: 1m }}
"""
SLOT_BYTES = 128  # of a packet with the 96 bytes that are kept by default


class RecorderLab(PacketsLab):
    def __init__(self):
        super().__init__("recorder")

    def state(self):
        return json.loads(run_command(self.argv("--json", "show", "recorder")).stdout)

    def write(self, *words):
        path = self.dir / f"recorded-{time.monotonic_ns()}.pcapng"
        done = run_command(self.argv("recorder", "write", path, *words))
        assert "0 lost for want of room" in done.stderr
        return path

    def wait_for_file(self, cause, before=()):
        def new():
            return [f["name"] for f in self.state()["files"]
                    if cause in f["name"] and f["name"] not in before]

        wait_for(new, f"a file of {cause}", 20)
        return self.dir / "recorder" / new()[-1]


@pytest.fixture(scope="module")
def lab(variant):
    with RecorderLab() as lab:
        lab.begin(variant.workers,
                  RECORDER.format(dir=lab.dir, drops=DROPS, files=FILES))
        yield lab


VARIANTS = pytest.mark.parametrize(
    "variant", params([Variant("af_packet", 1), Variant("af_packet", 2)], "-recorder"),
    scope="module")


@VARIANTS
def test_what_passed_before_anybody_asked_is_there(lab):
    assert ping(lab, "pc", FAR, count=3).received == 3
    lab.send_udp(4023)
    wait_for(lambda: "4023" in [p for (p,) in fields(lab.write("last", "1m"), "udp.dstport")],
             "the drop to be recorded")
    path = lab.write()
    seen = fields(path, "frame.interface_name", "ip.src", "ip.dst", "frame.packet_flags_direction",
                  "icmp.type", "frame.comment")
    words = [(i, src, dst, int(way, 0) if way else 0, icmp) for i, src, dst, way, icmp, _ in seen]
    for way in (("lan", PC, FAR, 1, "8"), ("wan", WAN, FAR, 2, "8"), ("wan", FAR, WAN, 1, "0"),
                ("lan", FAR, PC, 2, "0")):
        assert words.count(way) >= 3, way
    comments = [row[5] for row in seen if row[5].startswith("drop_rule")]
    assert any("(no such thing)" in text and "millraced.yaml:" in text for text in comments)
    times = [float(t) for (t,) in fields(path, "frame.time_epoch")]
    assert times == sorted(times) and times[-1] <= time.time()
    dumped = run_command(["tcpdump", "-nr", path]).stdout
    assert dumped.count("ICMP echo request") >= 6
    assert max(int(n) for (n,) in fields(path, "frame.cap_len")) <= 96


@VARIANTS
def test_the_last_seconds_alone(lab):
    lab.send_udp(4101)
    wait_for(lambda: ["4101"] in fields(lab.write(), "udp.dstport"), "it to pass")
    time.sleep(2.2)
    lab.send_udp(4102)
    wait_for(lambda: ["4102"] in fields(lab.write(), "udp.dstport"), "it to pass")
    ports = fields(lab.write("last", "2s"), "udp.dstport")
    assert ["4102"] in ports and ["4101"] not in ports
    assert ["4101"] in fields(lab.write(), "udp.dstport")


@VARIANTS
def test_a_pipe_whose_reader_is_killed_holds_nothing(lab):
    with subprocess.Popen(lab.argv("recorder", "write", "-"), stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.kill()
        process.wait()
    wait_for(lambda: run_command(lab.argv("recorder", "write", "/dev/null"),
                                 check=False).returncode == 0, "the next one's turn", 8, 0.3)
    assert ping(lab, "pc", FAR, count=1).received == 1


@VARIANTS
def test_a_burst_of_drops_writes_a_file_with_what_was_dropped(lab):
    before = [f["name"] for f in lab.state()["files"]]
    lab.send_udp(4023, count=4 * DROPS)
    path = lab.wait_for_file("-drops", before)
    rows = fields(path, "udp.dstport", "frame.comment")
    dropped = [comment for port, comment in rows if port == "4023" and comment]
    assert len(dropped) >= DROPS
    assert all(text.startswith("drop_rule: ") and "(no such thing)" in text for text in dropped)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert "drops a second" in lab.state()["last_event"]
    assert f"recorded: {path}" in lab.router.output()
    comment = run_command(["capinfos", "-k", path]).stdout
    assert "drops a second" in comment


@VARIANTS
def test_a_lost_link_writes_a_file_of_what_was_before_and_the_oldest_goes(lab):
    for turn in range(FILES):  # and one of the drops before
        before = [f["name"] for f in lab.state()["files"]]
        lab.send_udp(4200 + turn)
        wait_for(lambda: [str(4200 + turn)] in fields(lab.write(), "udp.dstport"), "it to pass")

        def flap():
            lab.ip("sw", "link set to-wan down")
            wait_for(lambda: not link(lab, "wan"), "the link to go")
            lab.ip("sw", "link set to-wan up")
            wait_for(lambda: link(lab, "wan"), "the link to come")
            return [f for f in lab.state()["files"] if f["name"] not in before]

        wait_for(flap, "an event that is no longer too soon", 30, 1)
        path = lab.wait_for_file("-link-down", before)
        assert [str(4200 + turn)] in fields(path, "udp.dstport")
    state = lab.state()
    assert len(state["files"]) == FILES == len(list((lab.dir / "recorder").iterdir()))
    assert state["passed_over"] > 0
    assert "interface wan lost its link" in state["last_event"]
    said = run_command(lab.argv("show", "recorder")).stdout
    assert path.name in said and "events passed over" in said


def link(lab, name):
    shown = json.loads(run_command(lab.argv("--json", "show", "interfaces")).stdout)
    return next(i["link_is_up"] for i in shown["interfaces"] if i["name"] == name)


@VARIANTS
def test_a_ring_that_is_full_has_the_newest(lab):
    """Under load: more packets than the ring has room for, and files written meanwhile."""
    room = (1 << 20) // SLOT_BYTES
    before = sum(w["recorded"] for w in lab.state()["workers"])
    lab.start("inet", "sink", "socat", "-u", "UDP-RECV:5001", "OPEN:/dev/null")
    load = lab.start("pc", "load", "/usr/bin/python3", "-c", SENDER)
    while load.popen.poll() is None:
        path = lab.write()
        assert len(fields(path, "frame.number")) <= room * len(lab.state()["workers"])
    state = lab.state()
    assert sum(w["recorded"] for w in state["workers"]) - before > 2 * room
    assert any(w["held"] == w["held_max"] for w in state["workers"])
    lab.send_udp(4300)
    wait_for(lambda: ["4300"] in fields(lab.write(), "udp.dstport"), "the newest")
    numbers = [int(data[:8], 16) for port, way, data in fields(
        lab.write(), "udp.dstport", "frame.packet_flags_direction", "data.data")
        if port == "5001" and way and int(way, 0) == 1]
    assert len(numbers) > room // 3 and numbers == sorted(numbers)
    assert numbers[0] > 0 and numbers[-1] > SENT - room


SENT = 30000
SENDER = f"""
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("{FAR}", 5001))
for i in range({SENT}):
    try:
        s.send(struct.pack(">I", i) + bytes(400))
    except ConnectionRefusedError:
        pass
"""


# --- a router that is killed ---

COUNT = """
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("%s", 5002))
n = 0
while True:
    for _ in range(10):
        try:
            s.send(struct.pack(">I", n))
        except ConnectionRefusedError:
            pass
        n += 1
    time.sleep(0.002)
"""
ARRIVED = """
import signal, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5002))
arrived = []
def end(*_):
    print("arrived", *arrived, flush=True)
    sys.exit()
signal.signal(signal.SIGINT, end)
print("listening", flush=True)
while True:
    arrived += struct.unpack(">I", s.recv(64)[:4])
"""


def image_of(lab):
    socket = str(lab.dir / "millraced.sock")
    return Path("/dev/shm/millrace-recorder" + socket.replace("/", "."))


def start_to_be_killed(lab):
    lab.begin(1, RECORDER.format(dir=lab.dir, drops=10**9, files=FILES))


def kill(lab, signum):
    lab.router.popen.send_signal(signum)
    lab.router.popen.wait(10)
    lab.processes.remove(lab.router)
    lab.router = None
    lab.socket.unlink(missing_ok=True)


@pytest.fixture
def mortal():
    with RecorderLab() as lab:
        try:
            yield lab
        finally:
            if lab.router:
                lab.stop_router()
            image_of(lab).unlink(missing_ok=True)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_the_last_packets_of_a_killed_router_are_written_by_the_next(mortal, signum):
    lab = mortal
    start_to_be_killed(lab)
    first = lab.router.pid
    receiver = lab.start("inet", "arrived", "/usr/bin/python3", "-c", ARRIVED)
    wait_for(lambda: "listening" in receiver.output(), "the receiver")
    lab.start("pc", "count", "/usr/bin/python3", "-c", COUNT % FAR)
    wait_for(lambda: sum(w["recorded"] for w in lab.state()["workers"]) > 3000, "packets to pass")
    kill(lab, signum)
    time.sleep(0.1)  # what is on the wire
    receiver.stop(signal.SIGINT)
    arrived = [int(number) for number in receiver.output().split("arrived")[1].split()]
    assert arrived[-1] > 1000 and image_of(lab).stat().st_mode & 0o777 == 0o600

    start_to_be_killed(lab)
    path = lab.wait_for_file("-crash")
    assert "ended without a word" in lab.router.output() and str(first) in lab.router.output()
    assert f"recorded: {path}" in lab.router.output()
    rows = fields(path, "udp.dstport", "frame.interface_name", "frame.packet_flags_direction",
                  "data.data")
    left = [int(data[:8], 16) for port, name, way, data in rows
            if port == "5002" and name == "wan" and int(way, 0) == 2]
    assert left == sorted(set(left)) and len(left) > 100, "in their order"
    assert not {n for n in arrived if n >= left[0]} - set(left), "what had left is in it, to the last"
    assert {name for _, name, _, _ in rows} <= {"lan", "wan", "router"}
    assert "ended without a word" in run_command(["capinfos", "-k", path]).stdout
    assert run_command(["tcpdump", "-nr", path]).stdout.count("5002") == 2 * len(left)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    lab.stop_router()
    assert not image_of(lab).exists(), "who ends in good order leaves nothing"
    start_to_be_killed(lab)
    assert len(lab.state()["files"]) == 1 and "ended without" not in lab.router.tail(5)


def test_what_is_no_image_is_passed_over_and_said(mortal):
    lab = mortal
    start_to_be_killed(lab)
    image = image_of(lab)
    kill(lab, signal.SIGKILL)
    bytes_ = image.read_bytes()
    for wrong in (b"", b"nonsense" * 1000, bytes_[:8] + b"\xff" + bytes_[9:],
                  bytes_[:len(bytes_) // 2]):
        image.write_bytes(wrong)
        start_to_be_killed(lab)
        assert "recorded is not read" in lab.router.output().split("ready:")[-2]
        assert lab.state()["files"] == []
        kill(lab, signal.SIGKILL)


def test_where_there_is_no_image_it_records_all_the_same_and_says_so(mortal):
    lab = mortal
    image = image_of(lab)
    image.mkdir()
    try:
        start_to_be_killed(lab)
        assert "what is recorded ends with this process" in lab.router.output()
        assert ping(lab, "pc", FAR, count=2).received == 2
        wait_for(lambda: sum(w["recorded"] for w in lab.state()["workers"]) >= 4, "it to record")
    finally:
        image.rmdir()
