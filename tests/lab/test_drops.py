# SPDX-License-Identifier: BSD-3-Clause
"""What is lost is in `millrace show drops`, under a name that a test brings about."""

import re
import signal
import time

import pytest
from conftest import Variant, params, start
from home import PCS, REPO, HomeLab
from lab import wait_for
from segment import mac_bytes, udp_frame
from tools import ping

PC1 = PCS["pc1"][0]
RAW_FRAMES = REPO / "tests/lab/raw_frames.py"
OURS = params([Variant("af_packet"), Variant("af_xdp", 2)], "-drops")
TAP = params([Variant("tap")], "-drops")

SEND_FAST = """
import pathlib, socket, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
raw.bind((sys.argv[1], 0))
frame = bytes.fromhex(pathlib.Path(sys.argv[3]).read_text())
for i in range(int(sys.argv[2])):
    raw.send(frame)
    if i % 64 == 0:
        time.sleep(0.001)  # a backlog on the way holds a thousand
print(i + 1)
"""


@pytest.fixture(scope="module")
def lab(variant):
    with HomeLab(wires=variant.wires) as lab:
        start(lab, variant)
        yield lab


def grown(lab, before):
    return {name: n - before[name] for name, n in lab.counts("drop_").items() if n > before[name]}


def send(lab, host, dev, frames):
    lab.run(host, "/usr/bin/python3", RAW_FRAMES, "send", dev,
            stdin="".join(frame.hex() + "\n" for frame in frames))


def send_fast(lab, frame, count):
    path = lab.dir / "flood.hex"
    path.write_text(frame.hex())
    sent = lab.run("pc1", "/usr/bin/python3", "-c", SEND_FAST, "eth0", count, path).stdout
    assert int(sent) == count


def router_mac(lab, interface):
    return next(i["mac"] for i in lab.millrace("show", "interfaces")["interfaces"]
                if i["name"] == interface)


@pytest.mark.parametrize("variant", OURS, scope="module")
def test_each_frame_that_finds_the_ports_ring_full_is_missed_by_name(lab):
    """The router is held for as long as it takes to send more than its ring holds."""
    count = 6000
    own = lab.ip_json("pc1", "link show dev eth0")[0]["address"]
    frame = udp_frame(router_mac(lab, "lan"), own, PC1, "240.0.0.1")  # ends as drop_blackhole
    before = lab.counts("drop_")
    lab.router.popen.send_signal(signal.SIGSTOP)
    try:
        send_fast(lab, frame, count)
    finally:
        lab.router.popen.send_signal(signal.SIGCONT)
    wait_for(lambda: sum(grown(lab, before).values()) >= count, f"{count} frames to be counted", 5)
    counted = grown(lab, before)
    assert set(counted) == {"drop_port_missed", "drop_blackhole"}, counted
    assert sum(counted.values()) <= count + 3, "but for what the hosts said by themselves meanwhile"
    missed = sum(port["rx_missed"] for port in lab.millrace("show", "ports")["ports"])
    assert missed == lab.counts("drop_")["drop_port_missed"]


@pytest.mark.parametrize("variant", TAP, scope="module")
def test_a_frame_larger_than_the_ports_buffers_is_an_error_by_name(lab):
    lab.ip("inet", "link set router mtu 9000")
    try:
        own = lab.ip_json("inet", "link show dev router")[0]["address"]
        big = mac_bytes(router_mac(lab, "wan")) + mac_bytes(own) + b"\x08\x00" + bytes(5000)
        before = lab.counts("drop_")
        send(lab, "inet", "router", [big] * 3)
        wait_for(lambda: grown(lab, before) == {"drop_port_rx_errors": 3}, "three errors", 3)
        ports = {port["name"]: port["rx_errors"] for port in lab.millrace("show", "ports")["ports"]}
        assert (ports["wan"] > 0, ports["lan"]) == (True, 0)
    finally:
        lab.ip("inet", "link set router mtu 1500")
    lab.wait_path()


@pytest.mark.parametrize("variant", TAP, scope="module")
def test_what_a_port_cannot_send_is_an_error_by_name(lab):
    """The kernel's end of a TAP is down, and the router cannot see that where it is."""
    assert ping(lab, "rtr", PC1, count=1).received == 1
    before = lab.counts("drop_")
    lab.ip("sw", "link set router down")
    try:
        ping(lab, "rtr", PC1, count=3, wait=0.2)
        counted = grown(lab, before)
        assert counted["drop_tx_full"] >= 3 and counted["drop_port_tx_errors"] >= 3, counted
        assert set(counted) == {"drop_tx_full", "drop_port_tx_errors"}
    finally:
        lab.ip("sw", "link set router up")
    time.sleep(0.2)
    lab.wait_path()


@pytest.mark.parametrize("variant", OURS[:1], scope="module")
def test_every_drop_that_can_be_shown_is_named_in_a_test(lab):
    files = [path for path in (REPO / "tests").rglob("*") if path.suffix in (".py", ".c")]
    words = set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))
    shown = lab.counts("drop_")
    assert len(shown) > 40
    missing = [name for name in shown if name not in words and f"COUNTER_{name.upper()}" not in words]
    assert not missing, "a drop that no test brings about may as well not be counted"
