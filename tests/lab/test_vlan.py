# SPDX-License-Identifier: BSD-3-Clause
"""Interfaces on VLANs of a port; vlan_lab.py draws them."""

import re

import pytest
from home import build_dir
from lab import wait_for
from apply_lab import FAR, FAR6, Caller
from tools import ping
from vlan_lab import GUEST, GUEST6, INET, INTERFACES, PC, THING, THING6, VlanLab

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

TIMES = 50
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
        lab.pings(host, own)
    for own in (PC, GUEST, THING, THING6):
        lab.pings("rtr", own)


def test_a_full_frame_and_its_pieces_pass_both_trunks(lab):
    for host in HOSTS_INSIDE:
        lab.pings(host, FAR, payload=1472, dont_fragment=True)
        lab.pings(host, FAR, payload=4000)
        lab.pings(host, FAR6, payload=4000)


# --- what is on the wire ---

def test_each_frame_has_its_tag_and_its_priority(lab):
    """As tcpdump reads them behind the port; the router's own and those that it forwards."""
    for host, target in (("pc", FAR), ("guest", FAR), ("thing", FAR), ("thing", FAR6)):
        lab.wait_answer(host, target)
    with lab.watched("to-wan") as wan, lab.watched("to-lan") as lan:
        for host, own in (("pc", "198.18.0.1"), ("guest", "198.19.20.1"), ("thing", "198.19.30.1")):
            lab.pings(host, FAR)
            lab.pings(host, own)
        lab.ip("rtr", "neigh flush dev wan")  # it asks anew
        lab.pings("rtr", INET, count=1)
        wait_for(lambda: wan.said("vlan 7, p 6, ethertype ARP.*Request who-has 203.0.113.1 "), "the question")
        for host in (PC, GUEST, THING):
            wait_for(lambda host=host: len(lan.frames(f"> {host}: ICMP echo reply")) >= 6, host)
    sent = wan.frames("203.0.113.2 > ")
    assert sent and all("vlan 7, p 6," in line for line in sent), sent
    for host, what in ((PC, "ethertype IPv4"), (GUEST, "vlan 20, p 0,"), (THING, "vlan 30, p 1,")):
        sent = lan.frames(f"> {host}: ICMP echo reply")
        assert len(sent) >= 6 and all(what in line for line in sent), sent
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
    for name, vlan in (("wan", 7), ("guests", 20), ("things", 30)):
        assert re.search(rf"^{name} +up .*\nVLAN {vlan} +\S+:\S+$", table, re.MULTILINE), table
    assert table.count("VLAN") == 3 and max(map(len, table.splitlines())) <= 80, table
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
        for host in ("guest", "pc"):
            ping(lab, host, FAR)
        assert capture.popen.wait(10) == 0, capture.output()
        lab.processes.remove(capture)
        read = lab.run("rtr", "tcpdump", "-enr", path).stdout.splitlines()
        path.unlink()
        assert {tag for line in read for tag in re.findall(r"vlan \d+", line)} == tags, read
        assert any("vlan" not in line for line in read) == rest, read


# --- while it runs ---

def without(*names):
    return {name: keys for name, keys in INTERFACES.items() if name not in names}


@pytest.mark.parametrize(("driver", "workers"), [("af_packet", 2), ("af_xdp", 1)])
def test_a_vlan_comes_and_goes_and_nobody_else_on_its_port_notices(driver, workers):
    with VlanLab(driver) as lab:
        lab.begin(workers=workers)
        lab.serve_live()
        caller = Caller(lab.socket)
        whole = str(lab.dir / "millraced.yaml")
        less = str(lab.write("less", interfaces=without("things"), workers=workers))
        plan = lab.told("plan", less)
        assert "interface things goes\n" in plan and "made anew" not in plan, plan
        with lab.live("udp", 500) as untagged, lab.live("udp", 500, host="guest") as tagged, \
                lab.live("tcp", host="guest") as tcp:
            for _ in range(TIMES):
                for path in (less, whole):
                    done = caller.call("config.apply", file=path)
                    assert done["done"], done
                lab.wait_answer("thing", FAR)
        for result in (untagged, tagged):
            assert result["answered"] == result["sent"] > 20 * TIMES, result
        assert tcp["answered"] == tcp["sent"] > TIMES and "error" not in tcp, tcp
        assert lab.router.output().count("things: goes, others stay on port lan, VLAN 30") == TIMES
        lab.told("apply", less)
        lost = lab.counts("drop_vlan_unknown")["drop_vlan_unknown"]
        assert not lab.has_device("rtr", "things")
        assert ping(lab, "thing", FAR).received == 0
        assert lab.counts("drop_vlan_unknown")["drop_vlan_unknown"] > lost


def test_a_port_becomes_a_trunk_and_none_again():
    with VlanLab() as lab:
        lab.begin(interfaces=without("guests", "things"))
        lab.serve_live()
        plain, trunk = lab.dir / "millraced.yaml", lab.write("trunk")
        with lab.live("udp", 500) as live:
            for _ in range(3):
                lab.told("apply", trunk)
                lab.wait_answer("guest", FAR)
                lab.wait_answer("thing", FAR6)
                lab.told("apply", plain)
                assert ping(lab, "guest", FAR, count=1).received == 0
        assert live["answered"] == live["sent"] > 100, live
        lab.told("apply", lab.write("only", interfaces=without("lan", "things")))
        lab.wait_answer("guest", FAR)
        assert [p["name"] for p in lab.millrace("show", "ports")["ports"]] == ["wan", "lan"]
        before = lab.counts("drop_vlan_untagged")["drop_vlan_untagged"]
        assert ping(lab, "pc", FAR, count=1).received == 0
        assert lab.counts("drop_vlan_untagged")["drop_vlan_untagged"] > before
        lab.told("apply", lab.write("none", interfaces=without("lan", "guests", "things")))
        assert [p["name"] for p in lab.millrace("show", "ports")["ports"]] == ["wan"]
        lab.told("rollback", "1")
        lab.wait_answer("pc", FAR)


def test_an_interface_moves_to_another_vlan_and_its_priority_changes():
    with VlanLab() as lab:
        lab.begin()
        moved = {**INTERFACES, "guests": INTERFACES["guests"].replace("vlan: 20", "vlan: 21, priority: 3")}
        path = lab.write("moved", interfaces=moved)
        assert "interface guests is made anew\n" in lab.told("plan", path)
        lab.told("apply", path)
        assert ping(lab, "guest", FAR, count=1).received == 0
        with lab.watched("to-lan") as lan:
            ping(lab, "rtr", GUEST, count=1)
            wait_for(lambda: lan.said("vlan 21, p 3, ethertype ARP"), "its tag")
        lab.told("rollback")
        lab.wait_answer("guest", FAR)


def test_the_mtu_of_a_port_is_that_of_all_on_it():
    with VlanLab() as lab:
        lab.begin(ports=", mtu: 1500")
        lab.told("apply", lab.write("less", ports=", mtu: 1400"))
        assert {i["mtu"] for i in lab.interfaces().values()} == {1400}
        for host in HOSTS_INSIDE:
            said = ping(lab, host, FAR, count=1, payload=1400, dont_fragment=True)
            assert said.received == 0 and "mtu = 1400" in said.text.lower(), said.text
        lab.told("rollback")
        for host in HOSTS_INSIDE:
            lab.ip(host, "route flush cache")
            lab.pings(host, FAR, payload=1472, dont_fragment=True)
