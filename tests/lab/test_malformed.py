# SPDX-License-Identifier: BSD-3-Clause
"""Frames that nobody sends by accident: none is forwarded, none harms the router."""

import pytest
from conftest import OURS, params
from home import PCS, ROUTER_LAN4, ROUTER_LAN6, SERVER4, SERVER6
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
                             SERVER6, ROUTER_LAN4, ROUTER_LAN6)
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


def drops(lab):
    return sum(lab.drop_counts().values())


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
    frames = list(wire.shapes.broken())
    assert len(frames) >= 200
    drops_before, seen_before = drops(lab), len(wire.came_out())
    wire.send(frame for _, frame in frames)
    sound = [frame for _, frame in wire.shapes.sound()]
    wire.send(sound)
    result = ping(lab, "pc1", SERVER4, count=20)
    assert result.received == 20, result.text
    out = wire.came_out()[seen_before:]
    expected = len(sound) + result.sent
    # what came out is told by its last bytes: the shape whose frame ends in the same way
    unexpected = [f for f in out if all(bytes.fromhex(f)[-12:] != s[-12:] for s in sound)]
    unexpected = [f for f in unexpected if not f.endswith("34353637")]  # ping's payload
    assert not unexpected and len(out) == expected, \
        f"{len(out)} frames came out, {expected} expected; strange ones: {unexpected[:10]}"
    assert lab.router.is_alive()
    gained = drops(lab) - drops_before
    # some are for the router's own kernel to judge (ARP, other EtherTypes, groups, its addresses)
    assert gained > len(frames) * 0.6, f"{gained} drops counted for {len(frames)} broken frames"
    wire.lab.router.check_sanitizers()
