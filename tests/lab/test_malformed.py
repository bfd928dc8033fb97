# SPDX-License-Identifier: BSD-3-Clause
"""Frames that nobody sends by accident: none is forwarded, none harms the router."""

import time
from collections import Counter

import pytest
from conftest import OURS, params
from home import PCS, ROUTER_LAN4, SERVER4, SERVER6
from lab import wait_for
from shapes import Shapes
from tools import ping

pytestmark = pytest.mark.parametrize("variant", params(OURS, "-malformed"), scope="module")

RAW_FRAMES = __file__.replace("test_malformed.py", "raw_frames.py")
IP_TYPES = ("0800", "86dd")
# What the hosts of the lab say by themselves is counted here too, so frames are told by their bytes.
BACKGROUND = ("punt_arp", "punt_nd", "punt_multicast")
ENDS = {
    "drop_short_frame", "drop_not_for_us", "drop_vlan_unknown", "drop_vlan_nested",
    "drop_ip4_short", "drop_ip4_version",
    "drop_ip4_header_len", "drop_ip4_length", "drop_ip4_checksum", "drop_ip4_source",
    "drop_ip4_options", "drop_ip6_short", "drop_ip6_version", "drop_ip6_length", "drop_ip6_source",
    "drop_ip6_scope", "drop_ip6_extension", "drop_tcp_header", "drop_udp_header",
    "drop_icmp_header", "drop_icmp_checksum", "drop_icmp_inner", "drop_multicast", "drop_ttl",
    "drop_blackhole", "drop_reassembly", "drop_nd_fragment", "drop_nd_hop_limit", "punt_arp",
    "punt_multicast", "punt_local", "punt_other",
}


class Wire:
    """Frames in at pc1, and what then comes out of the router towards the internet, and what its
    own kernel gets to see."""

    def __init__(self, lab):
        self.lab = lab
        ping(lab, "pc1", ROUTER_LAN4, count=1)
        mac = lab.ip_json("pc1", "link show eth0")[0]["address"]
        neighbours = lab.ip_json("pc1", f"neigh show {ROUTER_LAN4}")
        local = next(a["local"] for device in lab.ip_json("pc1", "-6 addr show dev eth0 scope link")
                     for a in device.get("addr_info", ()) if "local" in a)
        self.shapes = Shapes(mac, neighbours[0]["lladdr"], PCS["pc1"][0], SERVER4, PCS["pc1"][1],
                             SERVER6, local, ROUTER_LAN4)
        self.watcher, self.host_watcher = (
            lab.start(host, "watch", "/usr/bin/python3", RAW_FRAMES, "watch", dev)
            for host, dev in (("inet", "router"), ("rtr", "lan")))
        for watcher in (self.watcher, self.host_watcher):
            wait_for(lambda w=watcher: "watching" in w.output(), "the watcher")

    def send(self, frames):
        self.lab.run("pc1", "/usr/bin/python3", RAW_FRAMES, "send", "eth0",
                     stdin="".join(frame.hex() + "\n" for frame in frames), timeout=60)

    def came_out(self):
        """The unicast IP frames the watcher saw; what the router says to its neighbours is not."""
        frames = self.watcher.output().split()[1:]
        return [f for f in frames if f[24:28] in IP_TYPES and int(f[1], 16) % 2 == 0
                and not is_neighbour_discovery(f)]

    def came_up(self):
        """How often the router's kernel saw a frame on its `lan`."""
        return Counter(self.host_watcher.output().split()[1:])


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


def as_seen_by_the_kernel(frame):
    """In hex. It takes a VLAN tag off before anybody sees it."""
    return (frame[:12] + frame[16:] if frame[12:14] == b"\x81\x00" else frame).hex()


def counts(lab):
    """Each drop and each punt that nobody but the test has a part in."""
    return Counter({name: n for name, n in lab.counts("drop_", "punt_").items()
                    if name not in BACKGROUND})


@pytest.fixture(scope="module")
def wire(home):
    return Wire(home)


def test_the_sound_counterparts_are_forwarded(wire):
    before = len(wire.came_out())
    sound = [frame for _, frame in wire.shapes.sound()]
    wire.send(sound)
    wait_for(lambda: len(wire.came_out()) - before == len(sound), "each sound frame to come out")


def test_each_broken_frame_ends_under_its_name(wire):
    """Sent by counter, all of one at a time: each grows by what was sent, none by anything else.
    A lone fragment, or the answer to an absent host, takes until its wait is over."""
    lab = wire.lab
    ends = {}
    for shape in wire.shapes.broken():
        ends.setdefault(shape.end, []).append(shape)
    assert set(ends) == ENDS and sum(map(len, ends.values())) >= 600
    before, wanted = counts(lab), Counter()
    for end, group in ends.items():
        wire.send(shape.frame for shape in group)
        if end not in BACKGROUND:
            wanted[end] += len(group)
        deadline = time.monotonic() + 8
        while (counted := counts(lab) - before) != wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        assert counted == wanted, f"after {', '.join(shape.name for shape in group)}"
    time.sleep(1)
    assert counts(lab) - before == wanted, "and no more when all is quiet"

    came_up = wire.came_up()
    wanted = Counter(as_seen_by_the_kernel(shape.frame) for group in ends.values()
                     for shape in group if shape.end.startswith("punt_"))
    for group in ends.values():
        for shape in group:
            seen = as_seen_by_the_kernel(shape.frame)
            assert came_up[seen] == wanted[seen], shape.name
    lab.router.check_sanitizers()


def test_no_broken_frame_is_forwarded_or_does_harm(wire):
    """The sound frames behind them show when all have been through."""
    lab = wire.lab
    frames = list(wire.shapes.broken())
    seen_before = len(wire.came_out())
    wire.send(shape.frame for shape in frames)
    sound = [frame for _, frame in wire.shapes.sound()]
    wire.send(sound)
    result = ping(lab, "pc1", SERVER4, count=20)
    assert result.received == 20, result.text
    names = {essence(shape.frame): shape.name for shape in frames}
    wanted = [essence(frame) for frame in sound]
    for frame in wire.came_out()[seen_before:]:
        seen = essence(bytes.fromhex(frame))
        if seen in wanted:
            wanted.remove(seen)
        else:
            assert is_ping(frame), f"was forwarded: {names.get(seen, frame)}"
    assert not wanted, f"{len(wanted)} sound frames did not come out"
    assert lab.router.is_alive()
    lab.router.check_sanitizers()


def test_a_source_route_does_not_pass_in_the_flow_of_sound_packets(wire):
    sound = wire.shapes.ip4(wire.shapes.uppers4()["udp"])
    before, seen_before = counts(wire.lab), len(wire.came_out())
    wire.send([sound, wire.shapes.with_option(sound, bytes([131, 7, 4, 0, 0, 0, 0, 1])), sound])
    wait_for(lambda: [essence(bytes.fromhex(frame)) for frame in wire.came_out()[seen_before:]]
             .count(essence(sound)) == 2, "the sound ones to come out")
    assert counts(wire.lab) - before == Counter(drop_ip4_options=1)
    assert len(wire.came_out()) - seen_before == 2


def test_an_icmp_error_about_no_flow_does_not_show_a_lan_address(wire):
    seen_before = len(wire.came_out())
    sound = wire.shapes.ip4(wire.shapes.uppers4()["udp"])
    wire.send([wire.shapes.icmp_error_about_nothing(), sound])
    wait_for(lambda: essence(sound) in [essence(bytes.fromhex(frame)) for frame in
                                        wire.came_out()[seen_before:]], "the sound one to come out")
    assert len(wire.came_out()) - seen_before == 1
