# SPDX-License-Identifier: BSD-3-Clause
"""Interfaces on VLANs of a port; vlan_lab.py draws them."""

import re

import pytest
from home import build_dir
from lab import wait_for
from test_apply import FAR, FAR6
from tools import ping
from vlan_lab import GUEST, GUEST6, INET, PC, THING, THING6, VlanLab

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

HOSTS_INSIDE = ("pc", "guest", "thing")


@pytest.fixture(scope="module", params=[("af_packet", 1), ("af_packet", 2), ("af_xdp", 1)],
                ids=lambda p: f"{p[0]}-{p[1]}w")
def lab(request):
    driver, workers = request.param
    with VlanLab(driver) as lab:
        lab.begin(workers=workers)
        yield lab


def test_each_host_reaches_the_internet_and_the_others(lab):
    for host in HOSTS_INSIDE:
        for door in ("tcp/80", "udp/53", "echo"):
            for target in (FAR, FAR6):
                lab.wait_answer(host, target, door)
    for host, target in (("pc", GUEST), ("guest", THING), ("thing", PC), ("guest", THING6),
                         ("thing", GUEST6)):
        lab.wait_answer(host, target, "tcp/80")


def test_the_router_answers_each_by_its_own_address(lab):
    for host, own in (("pc", "198.18.0.1"), ("guest", "198.19.20.1"), ("thing", "198.19.30.1"),
                      ("guest", "2001:db8:0:20::1"), ("thing", "2001:db8:0:30::1")):
        assert ping(lab, host, own).received == 3, (host, own)
    for own, host in ((GUEST, "guest"), (THING, "thing"), (THING6, "thing")):
        assert ping(lab, "rtr", own).received == 3, host


# --- what is on the wire ---

def test_each_frame_has_its_tag_and_its_priority(lab):
    """As tcpdump reads them behind the port; the router's own and those that it forwards."""
    for host, target in (("pc", FAR), ("guest", FAR), ("thing", FAR), ("thing", FAR6)):
        lab.wait_answer(host, target)
    with lab.watched("to-wan") as wan, lab.watched("to-lan") as lan:
        for host, own in (("pc", "198.18.0.1"), ("guest", "198.19.20.1"), ("thing", "198.19.30.1")):
            assert ping(lab, host, FAR).received == ping(lab, host, own).received == 3
        lab.ip("rtr", "neigh flush dev wan")  # it asks anew
        assert ping(lab, "rtr", INET, count=1).received == 1
        wait_for(lambda: wan.said("vlan 7, p 6, ethertype ARP.*Request who-has 203.0.113.1 "), "the question")
        for host in (PC, GUEST, THING):
            wait_for(lambda host=host: len(lan.frames(f"> {host}: ICMP echo reply")) == 6, host)
    sent = wan.frames("203.0.113.2 > ")
    assert sent and all("vlan 7, p 6," in line for line in sent), sent
    for host, what in ((PC, "ethertype IPv4"), (GUEST, "vlan 20, p 0,"), (THING, "vlan 30, p 1,")):
        sent = lan.frames(f"> {host}: ICMP echo reply")
        assert len(sent) == 6 and all(what in line for line in sent), sent
        assert all(("vlan" in line) == (host != PC) for line in sent), sent


def test_what_is_of_no_interface_is_dropped_by_name(lab):
    def count(name):
        return lab.counts(name)[name]

    def drops(device, frames):
        lab.send_raw("sw", device, frames)

    lab.wait_answer("pc", FAR)
    mac = lab.interfaces()["lan"]["mac"]
    udp = IP(src=GUEST, dst=FAR) / UDP(sport=4, dport=4)
    ether = Ether(src="02:00:5e:00:53:99", dst=mac)
    before = {i: lab.interfaces()[i]["rx_packets"] for i in ("lan", "guests", "things")}
    rows = (
        ("drop_vlan_unknown", "to-lan", ether / Dot1Q(vlan=21) / udp),
        ("drop_vlan_unknown", "to-lan", ether / Dot1Q(vlan=4095) / udp),
        ("drop_vlan_unknown", "to-wan", ether / Dot1Q(vlan=20) / udp),
        ("drop_vlan_untagged", "to-wan", ether / udp),
        ("drop_vlan_untagged", "to-wan", ether / Dot1Q(vlan=0, prio=5) / udp),
        ("drop_vlan_untagged", "to-wan", Ether(src=ether.src, dst="ff:ff:ff:ff:ff:ff") / udp),
        ("drop_vlan_nested", "to-lan", ether / Dot1Q(vlan=20) / Dot1Q(vlan=30) / udp),
        ("drop_vlan_nested", "to-lan", ether / Dot1Q(vlan=20) / Dot1Q(vlan=0) / udp),
    )
    for name, device, frame in rows:
        was = count(name)
        drops(device, [frame] * 10)
        wait_for(lambda name=name, was=was: count(name) == was + 10, f"{name}: {frame.summary()}")
    after = {i: lab.interfaces()[i]["rx_packets"] for i in before}
    assert after["guests"] - before["guests"] >= 20, (before, after)
    assert after["things"] - before["things"] < 10, (before, after)


def test_a_tag_of_priority_alone_is_no_vlan(lab):
    lab.wait_answer("pc", FAR)
    pc = lab.ip_json("pc", "link show dev eth0")[0]["address"]
    echo = IP(src=PC, dst=FAR) / ICMP(id=77) / b"priority"
    frame = Ether(src=pc, dst=lab.interfaces()["lan"]["mac"]) / Dot1Q(vlan=0, prio=7) / echo
    with lab.watched("to-lan") as lan:
        lab.send_raw("sw", "to-lan", [frame])
        wait_for(lambda: lan.said(f"ethertype IPv4 .*{FAR} > {PC}: ICMP echo reply, id 77"), "the answer")


# --- what is shown ---

def test_interfaces_are_shown_with_their_vlan(lab):
    shown = {name: (i["port"], i["vlan"], i["priority"]) for name, i in lab.interfaces().items()}
    assert shown == {"wan": ("wan", 7, 6), "lan": ("lan", None, None), "guests": ("lan", 20, 0),
                     "things": ("lan", 30, 1)}
    table = lab.told("show", "interfaces")
    for line in (r"wan +wan, VLAN 7 +up", r"lan +lan +up", r"guests +lan, VLAN 20 +up"):
        assert re.search(f"^{line}", table, re.MULTILINE), table
    assert max(map(len, table.splitlines())) <= 100, table
    assert [p["name"] for p in lab.millrace("show", "ports")["ports"]] == ["wan", "lan"]
    said = lab.told("explain", "in", "guests", "tcp", f"{GUEST}:4000", "to", f"{FAR}:80")
    assert "in by guests (VLAN 20 of port lan, priority 0)" in said, said
    assert "sent by wan (VLAN 7 of port wan, priority 6)" in said, said


def test_a_capture_shows_tags_and_filters_look_behind_them(lab):
    lab.wait_answer("guest", FAR)
    path = lab.dir / "tags.pcapng"
    for words, tags, rest in ((("on", "guests", "filter", "icmp"), {"vlan 20"}, False),
                              (("filter", f"icmp and host {FAR}"), {"vlan 20", "vlan 7"}, True),
                              (("filter", "vlan 7 and icmp"), {"vlan 7"}, False)):
        capture = lab.start("rtr", "capture", build_dir() / "millrace", "-s", lab.socket, "capture", *words,
                            "to", path, "for", "2s")
        wait_for(lambda: path.exists() and path.stat().st_size > 0, "the capture to begin")
        assert ping(lab, "guest", FAR).received == 3
        assert ping(lab, "pc", FAR).received == 3
        assert capture.popen.wait(10) == 0, capture.output()
        lab.processes.remove(capture)
        read = lab.run("rtr", "tcpdump", "-enr", path).stdout.splitlines()
        path.unlink()
        assert {tag for line in read for tag in re.findall(r"vlan \d+", line)} == tags, read
        assert any("vlan" not in line for line in read) == rest, read
