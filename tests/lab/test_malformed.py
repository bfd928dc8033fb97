# SPDX-License-Identifier: BSD-3-Clause
"""Frames that nobody sends by accident: none is forwarded, none harms the router."""

import pytest
from conftest import OURS, params
from home import PCS, ROUTER_LAN4, SERVER4, SERVER6
from lab import wait_for
from shapes import Shapes
from tools import ping

pytestmark = pytest.mark.parametrize("variant", params(OURS, "-malformed"), scope="module")

RAW_FRAMES = __file__.replace("test_malformed.py", "raw_frames.py")
IP_TYPES = ("0800", "86dd")


class Wire:
    """Frames in at pc1, and what then comes out of the router towards the internet."""

    def __init__(self, lab):
        self.lab = lab
        ping(lab, "pc1", ROUTER_LAN4, count=1)
        mac = lab.ip_json("pc1", "link show eth0")[0]["address"]
        neighbours = lab.ip_json("pc1", f"neigh show {ROUTER_LAN4}")
        self.shapes = Shapes(mac, neighbours[0]["lladdr"], PCS["pc1"][0], SERVER4, PCS["pc1"][1],
                             SERVER6, ROUTER_LAN4)
        self.watcher = lab.start("inet", "watch", "/usr/bin/python3", RAW_FRAMES, "watch", "router")
        wait_for(lambda: "watching" in self.watcher.output(), "the watcher")

    def send(self, frames):
        self.lab.run("pc1", "/usr/bin/python3", RAW_FRAMES, "send", "eth0",
                     stdin="".join(frame.hex() + "\n" for frame in frames), timeout=60)

    def came_out(self):
        """The unicast IP frames the watcher saw; what the router says to its neighbours is not."""
        frames = self.watcher.output().split()[1:]
        return [f for f in frames if f[24:28] in IP_TYPES and int(f[1], 16) % 2 == 0
                and not is_neighbour_discovery(f)]


def is_neighbour_discovery(frame):
    return frame[24:28] == "86dd" and frame[40:42] == "3a" and frame[42:44] == "ff"


def essence(frame):
    """What the router leaves as it is: protocol and all behind the addresses; ports and checksums
    of IPv4 may be translated."""
    if frame[12:14] == b"\x86\xdd":
        return frame[14:21] + frame[22:]
    behind = frame[42:50] + frame[52:] if frame[23:24] == b"\x06" else frame[42:]
    return frame[14:18] + frame[20:22] + frame[23:24] + frame[30:34] + frame[36:40] + behind


def is_ping(frame):
    """An echo request with ping's payload, as the test itself sends them."""
    return frame[24:28] == "0800" and frame[46:48] == "01" and frame.endswith("34353637")


def accounted(lab):
    return sum(lab.counts("drop_", "punt_").values())


@pytest.fixture(scope="module")
def wire(home):
    return Wire(home)


def test_the_sound_counterparts_are_forwarded(wire):
    before = len(wire.came_out())
    sound = [frame for _, frame in wire.shapes.sound()]
    wire.send(sound)
    wait_for(lambda: len(wire.came_out()) - before == len(sound), "each sound frame to come out")


@pytest.mark.timeout(120)
def test_no_broken_frame_is_forwarded_or_does_harm(wire):
    """The sound frames behind them show when all have been through."""
    lab = wire.lab
    frames = [*wire.shapes.broken(), *wire.shapes.broken_behind_ip6()]
    assert len(frames) >= 200
    accounted_before, seen_before = accounted(lab), len(wire.came_out())
    wire.send(frame for _, frame in frames)
    sound = [frame for _, frame in wire.shapes.sound()]
    wire.send(sound)
    result = ping(lab, "pc1", SERVER4, count=20)
    assert result.received == 20, result.text
    names = {essence(frame): name for name, frame in frames}
    wanted = [essence(frame) for frame in sound]
    for frame in wire.came_out()[seen_before:]:
        seen = essence(bytes.fromhex(frame))
        if seen in wanted:
            wanted.remove(seen)
        else:
            assert is_ping(frame), f"was forwarded: {names.get(seen, frame)}"
    assert not wanted, f"{len(wanted)} sound frames did not come out"
    assert lab.router.is_alive()
    # Each ends under a name: dropped, or handed to the kernel to judge (groups, other protocols).
    # A lone fragment and a packet to an absent neighbour take until their wait is over.
    wait_for(lambda: accounted(lab) - accounted_before >= len(frames),
             f"{len(frames)} drops and punts to be counted", timeout=75, interval=0.5)
    wire.lab.router.check_sanitizers()
