# SPDX-License-Identifier: BSD-3-Clause
"""The router as a host: the kernel behind a TAP serves the LAN as on any network card."""

import re
import socket
import time
from pathlib import Path

import pytest
from conftest import cores_for
from home import ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4
from lab import wait_for
from segment import (GATEWAYS, PCS, PROBE_PORT, TARGET4, SegmentLab, end_of, end_stream,
                     is_reachable, mac_bytes, segment_config, udp_frame, wait_answer)
from tools import fetch, iperf, ping

GROUP_TALK = Path(__file__).with_name("group_talk.py")
GROUPS = pytest.mark.parametrize("group", ["224.0.0.251", "ff02::fb"], ids=["ipv4", "ipv6"])
OWN = pytest.mark.parametrize("router", [ROUTER_LAN4, ROUTER_LAN6], ids=["ipv4", "ipv6"])
AT_ONCE = 1.0
UDHCPC_SCRIPT = """#!/bin/sh
[ "$1" = bound ] && echo "bound $ip/$mask router $router dns $dns lease $lease"
exit 0
"""

pytestmark = pytest.mark.parametrize("lab", [
    pytest.param((driver, workers), id=f"{driver}-{workers}w",
                 marks=pytest.mark.xdist_group(f"host-{driver}"))
    for driver, workers in (("af_packet", 1), ("af_xdp", 2))
], indirect=True, scope="module")


@pytest.fixture(scope="module")
def lab(request):
    driver, workers = request.param
    with SegmentLab() as lab:
        lab.start_answerers()
        lab.start_router(segment_config(driver, cores_for(workers), is_nat=True))
        lab.wait_lan()
        lab.route(f"add 198.51.100.0/24 via {GATEWAYS['gw1'][0]}")
        lab.route(f"add 2001:db8:f::/48 via {GATEWAYS['gw1'][1]}")
        wait_answer(lab, TARGET4, "gw1")
        yield lab


def link_local(lab, host, dev):
    return next(addresses_of(lab, host, dev, "scope link"))


def addresses_of(lab, host, dev, which):
    """IPv6 ones; `ip` prints an empty object for each that it filtered out."""
    for device in lab.ip_json(host, f"-6 addr show dev {dev} {which}"):
        yield from (a["local"] for a in device.get("addr_info", []) if "local" in a)


def start_dump(lab, host, dev, expression):
    """tcpdump that is sure to run; its output is a line for each packet."""
    dump = lab.start(host, f"tcpdump-{len(lab.processes)}", "tcpdump", "-lnnvi", dev, expression)
    wait_for(lambda: "listening on" in dump.output(), "tcpdump to begin")
    return dump


def wait_line(process, pattern, what, timeout=3.0):
    return wait_for(lambda: re.search(pattern, process.output()), what, timeout)


# --- services ---

def test_a_tcp_service_answers_on_every_address(lab):
    (lab.dir / "www").mkdir()
    (lab.dir / "www/page").write_text("the router's page")
    web = lab.start("rtr", "web", "/usr/bin/python3", "-m", "http.server", 8080, "--bind", "::",
                    "--directory", lab.dir / "www")
    lab.wait_port("rtr", 8080, web)
    local = link_local(lab, "rtr", "lan")
    for target in (ROUTER_LAN4, f"[{ROUTER_LAN6}]", f"[{local}%25eth0]", ROUTER_WAN4):
        assert fetch(lab, "pc1", f"http://{target}:8080/page") == "the router's page"
    assert fetch(lab, "gw2", f"http://{ROUTER_WAN4}:8080/page") == "the router's page"
    web.stop()


@OWN
def test_bulk_to_and_from_the_router_itself(lab, router):
    server = lab.start("rtr", "iperf3", "iperf3", "-s")
    lab.wait_port("rtr", 5201, server)
    for reverse in (False, True):
        result = iperf(lab, "pc1", router, seconds=2, reverse=reverse)
        assert result.mbps > 100, result
    server.stop(signum=2)


# --- what is said to everybody ---

@GROUPS
def test_a_question_to_a_group_is_heard_and_answered(lab, group):
    words = ("lan", group, 5353)
    service = lab.start("rtr", f"mdns-{group[:3]}", "/usr/bin/python3", GROUP_TALK, "answer", *words)
    hosts = [lab.start(pc, f"mdns-{group[:3]}", "/usr/bin/python3", GROUP_TALK, "listen", "eth0",
                       group, 5353) for pc in PCS]
    for process in (service, *hosts):
        wait_line(process, "ready", "the programs to begin")
    lab.run("pc1", "/usr/bin/python3", GROUP_TALK, "ask", "eth0", group, 5353)
    is_ip6 = ":" in group
    asker = link_local(lab, "pc1", "eth0") if is_ip6 else PCS["pc1"][0]
    answerer = link_local(lab, "rtr", "lan") if is_ip6 else ROUTER_LAN4
    wait_line(service, f"question {re.escape(asker)}\n", "the question to reach the router")
    for host in hosts:
        wait_line(host, f"answer {re.escape(answerer)}\n", "the answer to reach each host")
    time.sleep(0.2)
    assert service.output().count("question") == 1, "once, not twice"
    for process in (service, *hosts):
        process.stop()


@pytest.mark.parametrize("flags", [[], ["-B"]], ids=["unicast", "broadcast"])
def test_a_dhcp_client_gets_a_lease_from_a_server_on_the_tap(lab, flags):
    lab.add_guest()
    server = lab.start("rtr", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                       "--user=root", "--pid-file=", "--port=0", "--interface=lan",
                       "--log-facility=-", f"--dhcp-leasefile={lab.dir}/leases-{len(flags)}",
                       "--dhcp-range=198.18.0.100,198.18.0.110,255.255.255.0,1h",
                       "--dhcp-authoritative", "--log-dhcp", "--no-ping")
    lab.wait_port("rtr", 67, server, "udp")
    script = lab.dir / "udhcpc.sh"
    script.write_text(UDHCPC_SCRIPT)
    script.chmod(0o755)
    said = lab.run("guest", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", 5, "-T", 1,
                   *flags, "-s", script).stdout
    bound = re.search(r"bound (198\.18\.0\.1\d\d)/24 router (\S+)", said)
    assert bound, said + server.tail()
    assert bound[2] == ROUTER_LAN4
    assert f"DHCPACK(lan) {bound[1]}" in server.output()
    server.stop()
    lab.ip("guest", f"addr add {bound[1]}/24 dev eth0")
    lab.ip("guest", f"route replace default via {bound[2]}")
    assert lab.who_answers(TARGET4, host="guest") == ["gw1"], "and goes on with what it got"
    lab.ip("guest", "addr flush dev eth0 scope global")


def test_hosts_configure_themselves_by_the_routers_advertisements(lab):
    lab.add_guest()
    lab.sysctl("guest", {"net.ipv6.conf.eth0.accept_ra": 1, "net.ipv6.conf.eth0.autoconf": 1,
                         "net.ipv6.conf.eth0.router_solicitations": 3})
    server = lab.start("rtr", "radv", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                       "--user=root", "--pid-file=", "--port=0", "--interface=lan", "--enable-ra",
                       f"--dhcp-leasefile={lab.dir}/leases-6", "--log-facility=-",
                       "--dhcp-range=::,constructor:lan,ra-only")
    lab.ip("guest", "link set eth0 down")
    lab.ip("guest", "link set eth0 up")  # and so it asks for one (RFC 4861 6.3.7)
    router = link_local(lab, "rtr", "lan")
    try:
        wait_for(lambda: f"default via {router} dev eth0 proto ra" in
                 lab.ip("guest", "-6 route show default"), "a default route by RA", 10)
        wait_for(lambda: any(own.startswith("2001:db8:0:2:") for own in
                             addresses_of(lab, "guest", "eth0", "scope global dynamic")),
                 "an address of the prefix", 5)
        assert lab.who_answers("2001:db8:f::10", host="guest") == ["gw1"]
    finally:
        server.stop()
        lab.sysctl("guest", {"net.ipv6.conf.eth0.accept_ra": 0})


def test_the_router_says_that_it_is_one(lab):
    """RFC 4861 4.4: the R flag of its neighbour advertisements, or hosts drop it as their router."""
    dump = start_dump(lab, "pc1", "eth0", "icmp6 and ip6[40] == 136")
    lab.ip("pc1", "-6 neigh flush dev eth0")
    assert ping(lab, "pc1", ROUTER_LAN6, count=1).received == 1
    wait_line(dump, f"tgt is {ROUTER_LAN6}, Flags \\[router, solicited, override\\]",
              "an advertisement with the R flag")
    dump.stop()


@GROUPS
def test_group_membership_is_told_both_ways(lab, group):
    """IGMP and MLD reports: the router's reach the LAN, the hosts' reach the router."""
    expression, told = (("igmp", "igmp.* report|v3 report"), ("ip6 and ip6[6] == 0", "report"))[
        ":" in group]
    group = {"224.0.0.251": "239.255.77.77", "ff02::fb": "ff05::7777"}[group]
    for talker, dev, hearer, hearer_dev in (("rtr", "lan", "pc1", "eth0"),
                                            ("pc1", "eth0", "rtr", "lan")):
        dump = start_dump(lab, hearer, hearer_dev, expression)
        member = lab.start(talker, f"member-{len(lab.processes)}", "/usr/bin/python3", GROUP_TALK,
                           "listen", dev, group, 5999)
        wait_line(dump, f"(?s)({told}).*{re.escape(group)}", f"{talker}'s report")
        member.stop()
        dump.stop()


@OWN
def test_tcpdump_sees_what_the_router_gets_and_sends(lab, router):
    dump = start_dump(lab, "rtr", "lan", "icmp or icmp6")
    assert ping(lab, "pc1", router, count=3).received == 3
    for what in ("echo request", "echo reply"):
        wait_for(lambda w=what: dump.output().count(w) == 3, f"three of {what}", 2)
    dump.stop()


# --- changes at run time ---

def test_an_address_added_by_hand_works_at_once(lab):
    def answers(address):
        """Asked anew: who has once asked in vain asks again after a second."""
        lab.ip("pc1", f"neigh flush to {address} dev eth0")
        return is_reachable(lab, "pc1", address, wait=0.1)

    for address, length in (("198.18.0.2", 24), ("2001:db8:0:2::2", 64)):
        assert not is_reachable(lab, "pc1", address)
        lab.ip("rtr", f"addr add {address}/{length} dev lan nodad")
        wait_for(lambda a=address: answers(a), f"{address} to answer", AT_ONCE)
        lab.ip("rtr", f"addr del {address}/{length} dev lan")
        wait_for(lambda a=address: not is_reachable(lab, "pc1", a), f"{address} to be gone", AT_ONCE)


TCP_HOLDER = """
import socket, sys, time
c = socket.create_connection(("{target}", 8081), 5)
c.settimeout(1)
for i in range(200):
    try:
        c.send(b"x")
        print(c.recv(100).decode(), flush=True)
    except OSError as e:
        print("ended:", type(e).__name__, flush=True)
        break
    time.sleep(0.05)
"""
TCP_ECHO = """
import socket
s = socket.create_server(("", 8081), reuse_port=True)
while True:
    c, peer = s.accept()
    try:
        while c.recv(100):
            c.send(("seen " + peer[0]).encode())
    except OSError:
        pass
"""


def test_masquerade_follows_the_interfaces_address(lab):
    """A live connection outlives what does not concern it, and is cut with its address."""
    lab.sysctl("rtr", {"net.ipv4.conf.wan.promote_secondaries": 1})
    echo = lab.start("gw1", "echo", "/usr/bin/python3", "-c", TCP_ECHO)
    lab.wait_port("gw1", 8081, echo)
    talk = lab.start("pc1", "talk", "/usr/bin/python3", "-c", TCP_HOLDER.format(target=TARGET4))
    wait_line(talk, f"seen {ROUTER_WAN4}", "the connection")
    assert lab.probe("pc1", TARGET4)[0]["seen"][0] == ROUTER_WAN4
    lab.ip("rtr", "addr add 203.0.113.3/24 dev wan")
    time.sleep(0.3)
    assert lab.probe("pc1", TARGET4, sport=40001)[0]["seen"] == [ROUTER_WAN4, 40001]
    assert talk.is_alive() and "ended" not in talk.output(), "a second address cuts nothing"
    try:
        lab.ip("rtr", f"addr del {ROUTER_WAN4}/24 dev wan")
        began = time.monotonic()
        wait_for(lambda: ["203.0.113.3", 40001] in [
            result.get("seen") for result in
            lab.probe("pc1", TARGET4, sport=40001, rounds=8, wait=0.1)],
            "the far end to see the new address", 5)
        assert time.monotonic() - began < AT_ONCE
        wait_line(talk, "ended: ConnectionResetError", "the old connection to be reset", 5)
        assert f"seen {ROUTER_WAN4}" in talk.output() and "seen 203.0.113.3" not in talk.output()
    finally:
        lab.ip("rtr", f"addr replace {ROUTER_WAN4}/24 dev wan")
        lab.ip("rtr", "addr del 203.0.113.3/24 dev wan", check=False)
        lab.route(f"replace 198.51.100.0/24 via {GATEWAYS['gw1'][0]}")
        echo.stop()
    wait_for(lambda: lab.probe("pc1", TARGET4, wait=0.3)[0].get("seen", [""])[0] == ROUTER_WAN4,
             "all to be as before", 3)


def test_without_an_address_nothing_leaves_untranslated(lab):
    dump = start_dump(lab, "gw1", "eth0", f"udp port {PROBE_PORT} and src net 198.18.0.0/24")
    before = lab.counts("drop_")
    lab.ip("rtr", f"addr del {ROUTER_WAN4}/24 dev wan")
    lab.ip("rtr", f"route add {GATEWAYS['gw1'][0]} dev wan")
    lab.ip("rtr", f"route add 198.51.100.0/24 via {GATEWAYS['gw1'][0]}")
    try:
        wait_for(lambda: lab.who_answers(TARGET4, wait=0.3) == [None], "it to be silent")
        lab.probe("pc1", TARGET4, count=5, wait=0.3)
        assert lab.counts("drop_")["drop_nat_no_address"] > before["drop_nat_no_address"]
        assert "UDP" not in dump.output()
    finally:
        lab.ip("rtr", f"addr replace {ROUTER_WAN4}/24 dev wan")
        lab.route(f"replace 198.51.100.0/24 via {GATEWAYS['gw1'][0]}")
        lab.ip("rtr", f"route del {GATEWAYS['gw1'][0]} dev wan", check=False)
        dump.stop()
    wait_answer(lab, TARGET4, "gw1")


def test_the_mtu_of_the_tap_is_followed(lab):
    def shown():
        return next(i["mtu"] for i in lab.millrace("show", "interfaces")["interfaces"]
                    if i["name"] == "lan")

    lab.ip("rtr", "link set lan mtu 1300")
    try:
        wait_for(lambda: shown() == 1300, "the router to follow", AT_ONCE)
        said = ping(lab, "gw1", "2001:db8:0:2::11", count=2, payload=1400, dont_fragment=True).text
        assert "Packet too big: mtu=1300" in said.replace("mtu: ", "mtu="), said
    finally:
        lab.ip("rtr", "link set lan mtu 1500")
    wait_for(lambda: shown() == 1500, "the router to follow", AT_ONCE)
    lab.ip("gw1", "-6 route flush cache")
    assert ping(lab, "gw1", "2001:db8:0:2::11", payload=1400, dont_fragment=True).received == 3


# --- floods ---

def others_go_on(lab, flood):
    """While the flood lasts pc1 finds the router anew and pings it and through it. Returns the
    shares that worked, and how many frames the flood had."""
    own = lab.start_stream("pc1", ROUTER_LAN4, 2, 0.02)
    through = lab.start_stream("pc1", TARGET4, 2, 0.02)
    found = []
    while flood.is_alive():
        lab.ip("pc1", "-6 neigh flush dev eth0")
        found.append(is_reachable(lab, "pc1", ROUTER_LAN6))
        lab.ip("pc1", "-4 neigh flush dev eth0")
        found.append(is_reachable(lab, "pc1", ROUTER_LAN4))
    (own_sent, own_received), (sent, received) = end_stream(own), end_stream(through)
    time.sleep(0.3)  # what the flood left in queues
    return (sum(found) / len(found), own_received / own_sent, received / sent), int(end_of(flood).split()[-1])


def test_a_flood_at_the_router_starves_nobody(lab):
    """pc2 at up to 200,000 packets a second; nobody listens there. The machine may be too small
    for all of it, and then also some of the others' packets are lost before they are received."""
    frames = [udp_frame(lab.router_mac("lan"), lab.mac("pc2"), PCS["pc2"][0], ROUTER_LAN4,
                        sport=20000 + i) for i in range(64)]
    before = lab.counts("drop_")["drop_punt_share"]
    shares, sent = others_go_on(lab, lab.start_flood("pc2", frames, 200000, 3.0))
    assert sent > 20000
    assert min(shares) > 0.8, shares
    dropped = lab.counts("drop_")["drop_punt_share"] - before
    assert dropped > sent // 4, f"{dropped} of {sent}"
    assert ping(lab, "pc1", ROUTER_LAN4, count=20).received == 20


def test_a_flood_of_arp_has_a_budget_of_its_own_and_a_name(lab):
    """Of that budget one host has no more than its part: pc1 asks and is answered meanwhile."""
    arp = bytes.fromhex("0001080006040001") + mac_bytes(lab.mac("pc2")) + \
        socket.inet_aton(PCS["pc2"][0]) + bytes(6) + socket.inet_aton(ROUTER_LAN4)
    frame = mac_bytes(lab.router_mac("lan")) + mac_bytes(lab.mac("pc2")) + b"\x08\x06" + arp
    before = lab.counts("drop_")["drop_punt_share"]
    shares, sent = others_go_on(lab, lab.start_flood("pc2", [frame], 40000, 3.0))
    assert sent > 20000
    assert min(shares) > 0.7, shares
    dropped = lab.counts("drop_")["drop_punt_share"] - before
    assert dropped > sent // 4, f"{dropped} of {sent}"
    assert ping(lab, "pc1", ROUTER_LAN4, count=20).received == 20
