# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 behind other addresses, with real programs: NPTv6 (RFC 6296) and masquerade (NAT66).

    pc1, pc2 --- lan --- [ router ] --- wan --- inet --- srv, far
    2001:db8:0:2::/64                   the same hosts as 2001:db8:0:a::/64   a /64 for a /64
    2001:db8:203:1::/64                 as 2001:db8:1:xxxx::/64               a /48 for a /48

The internet has no route to the inner prefixes: who is not translated gets no answer. In the /48
the subnet's 16 bits take up the difference, in the /64 the first word of the interface identifier
does; what the outer address is the tests work out by an arithmetic of their own.
"""

import ipaddress
import socket

import pytest
from checksums import folded_sum
from conftest import cores_for
from home import (BIG_FILE_BYTES, FAR6, INET6, PCS, ROUTER_LAN6, ROUTER_WAN6, SERVER6, HomeLab, home_config)
from lab import LabError, wait_for
from nat_lab import Wire, socket_of
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from tools import fetch, iperf, ping, traceroute

INNER64, OUTER64 = "2001:db8:0:2::/64", "2001:db8:0:a::/64"
INNER48, OUTER48 = "2001:db8:203::/48", "2001:db8:1::/48"
ROUTER48 = "2001:db8:203:1::1"
HOSTS48 = {"pc1": "2001:db8:203:1::11", "pc2": "2001:db8:203:1::12"}
HOSTS64 = {pc: addresses[1] for pc, addresses in PCS.items()}
ROUTER_LANS = ROUTER_LAN6, ROUTER48  # it may answer as either
WEB_PORT, INNER_MTU = 80, 1400
PREFIXES = f"""
  - {{ prefix: {{ inside: '{INNER64}', outside: '{OUTER64}' }}, interface: wan }}
  - {{ prefix: {{ inside: '{INNER48}', outside: '{OUTER48}' }}, interface: wan }}
"""
MASQUERADE = "\n  - { masquerade: wan, family: ipv6 }\n"


def word_sum(network):
    return folded_sum(ipaddress.ip_network(network).network_address.packed)


def outer(address):
    """RFC 6296 sections 3.1, 3.4 and 3.5: the sum of the address's words stays what it was."""
    inner, outside, word = (INNER48, OUTER48, 3) if address.startswith("2001:db8:203:") else \
        (INNER64, OUTER64, 4)
    old = ipaddress.ip_address(address).packed
    length = ipaddress.ip_network(outside).prefixlen // 8
    new = bytearray(ipaddress.ip_network(outside).network_address.packed[:length] + old[length:])
    was = int.from_bytes(old[2 * word:2 * word + 2])
    now = (was + word_sum(inner) - word_sum(outside)) % 0xffff
    new[2 * word:2 * word + 2] = now.to_bytes(2)
    assert folded_sum(bytes(new)) % 0xffff == folded_sum(old) % 0xffff
    return str(ipaddress.ip_address(bytes(new)))


def start(lab, workers, nat):
    lab.start_servers()
    text = home_config("af_packet", cores_for(workers))
    text = text.replace(f"'{ROUTER_LAN6}/64'", f"'{ROUTER_LAN6}/64', '{ROUTER48}/64'")
    lab.start_router(text[:text.index("nat:")] + f"nat:{nat}")
    lab.ip("inet", f"route del {INNER64}")
    for outside in (OUTER64, OUTER48):
        lab.ip("inet", f"route add {outside} via {ROUTER_WAN6}")
    for pc, address in HOSTS48.items():
        lab.ip(pc, f"addr add {address}/64 dev eth0 nodad preferred_lft 0")
    web = lab.start("pc2", "web", "/usr/bin/python3", "-m", "http.server", WEB_PORT, "--bind", "::",
                    "--directory", lab.dir / "www")
    bulk = lab.start("pc2", "iperf3", "iperf3", "-s")
    lab.wait_port("pc2", WEB_PORT, web)
    lab.wait_port("pc2", 5201, bulk)
    lab.wait_path(targets=(SERVER6,))


def workers_of(name):
    return [pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"{name}-{n}w"))
            for n in (1, 2)]


@pytest.fixture(scope="module", params=workers_of("nptv6"))
def house(request):
    with HomeLab() as lab:
        start(lab, request.param, PREFIXES)
        yield lab


@pytest.fixture(scope="module", params=workers_of("nat66"))
def hidden(request):
    with HomeLab() as lab:
        start(lab, request.param, MASQUERADE)
        yield lab


BOTH = pytest.mark.parametrize("prefix", ["48", "64"])


def host(pc, prefix):
    return (HOSTS48 if prefix == "48" else HOSTS64)[pc]


# --- NPTv6 ---

@BOTH
def test_nptv6_a_host_is_known_by_the_outer_prefix(house, prefix):
    source = host("pc1", prefix)
    seen = house.run("pc1", "curl", "-sS", "--fail", "-m", "5", "--interface", source,
                     f"http://[{SERVER6}]/address").stdout.strip()
    assert seen == outer(source) != source


@BOTH
def test_nptv6_ping_from_outside_and_from_inside(house, prefix):
    source = host("pc1", prefix)
    assert ping(house, "srv", outer(source)).received == 3
    assert ping(house, "pc1", SERVER6, source=source).received == 3
    for size in (1452, 3000):  # one packet that fills the MTU, and one of three pieces
        assert ping(house, "srv", outer(source), count=1, payload=size).received == 1, size


@BOTH
def test_nptv6_a_server_inside_is_reached_from_outside(house, prefix):
    target = outer(host("pc2", prefix))
    size = house.run("srv", "curl", "-sS", "--fail", "-m", 20, "-o", "/dev/null", "-w", "%{size_download}",
                     f"http://[{target}]:{WEB_PORT}/big").stdout
    assert int(size) == BIG_FILE_BYTES
    for reverse in (False, True):
        assert iperf(house, "srv", target, seconds=1, reverse=reverse).mbps > 5


def test_nptv6_iperf_from_inside(house):
    assert iperf(house, "pc1", SERVER6, seconds=1).mbps > 5
    assert iperf(house, "pc1", SERVER6, seconds=1, reverse=True).mbps > 5


@BOTH
def test_nptv6_traceroute_from_inside(house, prefix):
    argv = ["traceroute", "-n", "-q", 1, "-w", 2, "-m", 6, "-s", host("pc1", prefix), SERVER6]
    for method in ([], ["-I"], ["-T"]):
        text = house.run("pc1", *argv[:1], *method, *argv[1:]).stdout
        hops = [line.split()[1] for line in text.splitlines()[1:]]
        assert hops[0] in ROUTER_LANS and hops[1:] == [INET6, SERVER6], method


@BOTH
def test_nptv6_traceroute_from_outside_never_shows_an_inner_address(house, prefix):
    """The last hop answers as whom it was asked; the errors quote what their sender has sent."""
    target = outer(host("pc1", prefix))
    for method in (None, "-I", "-T"):
        hops = traceroute(house, "srv", target, method)
        assert hops == ["2001:db8:0:f::1", ROUTER_WAN6, target], method


@BOTH
def test_nptv6_packet_too_big_from_a_router_outside(house, prefix):
    source = host("pc1", prefix)
    house.ip("pc1", "-6 route flush cache")
    said = house.run("pc1", "ping", "-n", "-c3", "-i0.2", "-W1", "-s", "1452", "-M", "do", "-I", source,
                     FAR6, check=False)
    assert "mtu=1400" in said.stdout + said.stderr or "mtu: 1400" in said.stdout + said.stderr, said
    assert iperf(house, "pc1", FAR6, seconds=1).mbps > 5


@BOTH
def test_nptv6_packet_too_big_from_a_router_inside(house, prefix):
    """What a host inside says of a packet that is too big for it: its sender outside believes it,
    for it quotes the outer address."""
    target = host("pc1", prefix)
    inside, outside = wires(house)
    sport = 6100
    sent = IPv6(src=SERVER6, dst=outer(target)) / UDP(sport=sport, dport=6101) / bytes(1000)
    outside.send(sent)
    got = inside.wait(lambda p: UDP in p and p[UDP].sport == sport)
    assert got is not None and got[IPv6].dst == target
    error = ipv6_error(2, INNER_MTU, bytes(got)[:100])
    inside.send(IPv6(src=target, dst=SERVER6, nh=58) / checked(error, target, SERVER6))
    said = outside.wait(lambda p: IPv6 in p and p[IPv6].nh == 58 and bytes(p[IPv6].payload)[:1] == b"\2")
    assert said is not None and said[IPv6].src == outer(target)
    quoted = IPv6(bytes(said[IPv6].payload)[8:])
    assert (quoted.src, quoted.dst) == (SERVER6, outer(target))
    assert not inside.faults and not outside.faults


@BOTH
def test_nptv6_hairpin(house, prefix):
    """A server inside by its outer name, from inside: it sees the outer name of its caller."""
    mine, theirs = host("pc1", prefix), outer(host("pc2", prefix))
    listener = socket_of(house, "pc2", socket.SOCK_STREAM, ("::", 6200 + int(prefix)), socket.AF_INET6)
    listener.listen()
    client = socket_of(house, "pc1", socket.SOCK_STREAM, (mine, 0), socket.AF_INET6)
    client.connect((theirs, 6200 + int(prefix)))
    accepted, peer = listener.accept()
    accepted.sendall(b"welcome")
    assert client.recv(100) == b"welcome" and peer[0] == outer(mine)
    for sock in (client, accepted, listener):
        sock.close()
    assert ping(house, "pc1", theirs).received == 3


# --- NPTv6, packets by hand ---

def wires(lab):
    inside, outside = Wire(lab, "pc1", "eth0"), Wire(lab, "inet", "router")
    inside.router_mac, outside.router_mac = (
        next(i["mac"] for i in lab.millrace("show", "interfaces")["interfaces"] if i["name"] == name)
        for name in ("lan", "wan"))
    return inside, outside


def ipv6_error(kind, number, quote):
    return bytes((kind, 0, 0, 0)) + number.to_bytes(4) + quote


def checked(message, src, dst):
    """With its ICMPv6 checksum."""
    pseudo = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    pseudo += len(message).to_bytes(4) + bytes((0, 0, 0, 58))
    return message[:2] + (0xffff - folded_sum(pseudo + message)).to_bytes(2) + message[4:]


TRANSPORTS = {
    "udp": UDP(sport=6001, dport=53) / b"question",
    "tcp": TCP(sport=6002, dport=80, flags="S", seq=7),
    "ping": ICMPv6EchoRequest(id=6003, seq=1, data=b"x" * 31),
}


@BOTH
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("low", [1, 0x11, 0xfffe, 0xffff])
def test_nptv6_leaves_all_above_the_ip_header_as_it_is(house, prefix, transport, low):
    """RFC 6296 section 2.6: no transport's checksum changes by a bit, nor anything else of it."""
    inside, outside = wires(house)
    source = str(ipaddress.ip_address(host("pc1", prefix)) + (low << 16))
    payload = TRANSPORTS[transport]
    sent = IPv6(bytes(IPv6(src=source, dst=SERVER6, hlim=9) / payload))
    house.ip("rtr", f"neigh replace {source} lladdr {inside.mac} dev lan nud permanent")
    inside.send(sent)
    got = outside.wait(lambda p: IPv6 in p and p[IPv6].dst == SERVER6 and p[IPv6].hlim == 8)
    assert got is not None and got[IPv6].src == outer(source)
    assert bytes(got)[40:40 + got[IPv6].plen] == bytes(sent)[40:]
    assert inside.faults == outside.faults == []

    back = IPv6(bytes(IPv6(src=SERVER6, dst=outer(source), hlim=11) / TRANSPORTS["udp"]))
    outside.send(back)
    got = inside.wait(lambda p: IPv6 in p and p[IPv6].dst == source and p[IPv6].hlim == 10)
    assert got is not None and bytes(got)[40:40 + got[IPv6].plen] == bytes(back)[40:]


# --- NAT66 ---

def test_nat66_hosts_are_known_by_the_routers_address(hidden):
    for pc in PCS:
        assert fetch(hidden, pc, f"http://[{SERVER6}]/address").strip() == ROUTER_WAN6
        assert ping(hidden, pc, SERVER6).received == 3


def test_nat66_bulk_both_ways(hidden):
    for reverse in (False, True):
        assert iperf(hidden, "pc1", SERVER6, seconds=1, reverse=reverse).mbps > 5


def test_nat66_finds_the_paths_mtu(hidden):
    assert iperf(hidden, "pc1", FAR6, seconds=1).mbps > 5


def test_nat66_traceroute(hidden):
    for method in (None, "-I", "-T"):
        hops = traceroute(hidden, "pc1", SERVER6, method)
        assert hops[0] in ROUTER_LANS and hops[1:] == [INET6, SERVER6], method


def test_nat66_two_hosts_with_one_port_are_told_apart(hidden):
    server = socket_of(hidden, "srv", socket.SOCK_DGRAM, (SERVER6, 6300), socket.AF_INET6)
    asked = {}
    for pc in PCS:
        sock = socket_of(hidden, pc, socket.SOCK_DGRAM, (HOSTS64[pc], 6301), socket.AF_INET6)
        sock.sendto(pc.encode(), (SERVER6, 6300))
        said, peer = server.recvfrom(100)
        assert said == pc.encode() and peer[0] == ROUTER_WAN6
        asked[pc] = sock, peer
    assert len({peer[1] for _, peer in asked.values()}) == 2
    for pc, (sock, peer) in asked.items():
        server.sendto(f"for {pc}".encode(), peer)
        assert sock.recv(100) == f"for {pc}".encode()


def test_nat66_nobody_outside_begins_anything(hidden):
    hidden.ip("inet", f"route add {INNER64} via {ROUTER_WAN6}")
    before = hidden.counts("drop_nat_unsolicited")["drop_nat_unsolicited"]
    assert ping(hidden, "srv", HOSTS64["pc2"], count=2).received == 0
    with pytest.raises(LabError):
        fetch(hidden, "srv", f"http://[{HOSTS64['pc2']}]:{WEB_PORT}/", 1)
    wait_for(lambda: hidden.counts("drop_nat_unsolicited")["drop_nat_unsolicited"] >= before + 3,
             "the router to have dropped them")
