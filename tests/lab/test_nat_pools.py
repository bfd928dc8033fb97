# SPDX-License-Identifier: BSD-3-Clause
"""Translations of more than the one usual address: pools, one-to-one, forwards of ranges, redirects,
and an interface's address that changes.

    HOSTS 198.18.0.32/27 --- inside wire (pc1) --- [ router ] --- outside wire (inet) --- 198.19.0.0/16
    POOL_HOSTS   as 203.0.113.64/28, six in twelve of them by options of their own
    BASIC        as 203.0.113.96/30, address by address
    203.0.113.2  forwards, and everybody else's address

See nat_lab.py. What a kernel has to answer, pc2 and the router's own host do.
"""

import socket

import pytest
from conftest import cores_for
from home import INET4, PCS, ROUTER_LAN4, ROUTER_WAN4, SERVER4
from lab import wait_for
from nat_lab import FAR, FAR2, HOST, SERVER, NatLab, socket_of
from scapy.layers.inet import ICMP, IP, TCP, UDP
from tools import fetch, ping, udp_ask

POOL = "203.0.113.64/28"
POOL_ADDRESSES = {f"203.0.113.{64 + n}" for n in range(16)}
PLAIN = [f"198.18.0.{n}" for n in (48, 49, 50, 51)]
EVEN, RANDOM = "198.18.0.52", "198.18.0.53"
BASIC = [(f"198.18.0.{56 + n}", f"203.0.113.{96 + n}") for n in range(4)]
PC2, PC2_OUTSIDE = PCS["pc2"][0], "198.19.255.12"
RANGE, RANGE_INSIDE, LENGTH = 6000, 7000, 10
REDIRECTED, LISTENING, ROUTER_PORT = 5353, 5300, 8053
ANY_PROTOCOL = 253  # without ports (RFC 3692: for experiments)
NEW_WAN4 = "203.0.113.7"
NAT = f"""
  - {{ one-to-one: {{ inside: 198.18.0.56/30, outside: 203.0.113.96/30 }}, interface: wan }}
  - {{ one-to-one: {{ inside: {PC2}, outside: {PC2_OUTSIDE} }}, interface: wan }}
  - {{ source: {POOL}, from: {EVEN}, keep-parity: true, interface: wan }}
  - {{ source: {POOL}, from: {RANDOM}, random-ports: true, interface: wan }}
  - {{ source: {POOL}, from: [{', '.join(PLAIN)}], interface: wan }}
  - {{ forward: {{ protocol: [tcp, udp], ports: {RANGE}-{RANGE + LENGTH - 1}, to: {SERVER},
                  to-port: {RANGE_INSIDE} }}, interface: wan }}
  - {{ forward: {{ protocol: tcp, ports: 6100-6101, to: {SERVER} }}, interface: wan }}
  - {{ forward: {{ protocol: udp, ports: 6101-6102, to: {HOST} }}, interface: wan }}
  - {{ redirect: {{ protocol: udp, ports: {REDIRECTED}, to-port: {LISTENING} }}, interface: lan,
      address: 0.0.0.0/0 }}
  - {{ redirect: {{ protocol: tcp, ports: {ROUTER_PORT}, to-port: 80 }}, interface: wan }}
  - {{ masquerade: wan }}
"""


def start(lab, workers):
    lab.start_nat(cores_for(workers), nat=NAT, firewall="")
    for outside in ("203.0.113.96/30", PC2_OUTSIDE):
        lab.ip("inet", f"route replace {outside} via {ROUTER_WAN4}")
    for host in (*PLAIN, EVEN, RANDOM, *(inside for inside, _ in BASIC)):
        lab.ip("rtr", f"neigh replace {host} lladdr {lab.inside.mac} dev lan nud permanent")
    for host in (*PLAIN, *(inside for inside, _ in BASIC)):  # the neighbours have been followed
        wait_for(lambda h=host: lab.is_heard(h), f"{host} to be reached")


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"pools-{n}w")) for n in (1, 2)])
def pools(request):
    with NatLab() as lab:
        start(lab, request.param)
        yield lab


@pytest.fixture
def nat(pools):
    yield pools
    pools.check_checksums()


def datagram(src, sport, dst=FAR, dport=53):
    return IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / b"millrace"


def endpoint(packet):
    return packet[IP].src, packet[UDP].sport


# --- pools ---

def test_a_host_keeps_one_address_for_all_that_it_sends(nat):
    """RFC 4787 REQ-2: "paired", whichever worker, remote and protocol."""
    for host in PLAIN:
        seen = {nat.out(datagram(host, 30000 + 37 * i, dst))[IP].src for i in range(12)
                for dst in (FAR, FAR2)}
        seen |= {nat.out(IP(src=host, dst=FAR) / TCP(sport=31000 + i, dport=80, flags="S"))[IP].src
                 for i in range(8)}
        seen |= {nat.out(IP(src=host, dst=FAR) / ICMP(id=3000 + i))[IP].src for i in range(4)}
        seen.add(nat.out(IP(src=host, dst=FAR, proto=ANY_PROTOCOL) / b"no ports")[IP].src)
        assert len(seen) == 1 and seen <= POOL_ADDRESSES, f"{host}: {seen}"


def test_hosts_are_spread_over_the_pool(nat):
    addresses = {nat.out(datagram(host, 32000))[IP].src for host in (*PLAIN, EVEN, RANDOM)}
    assert len(addresses) > 1 and addresses <= POOL_ADDRESSES


def test_answers_to_every_address_of_the_pool_find_their_host(nat):
    for host in (*PLAIN, EVEN, RANDOM):
        for i in range(4):
            mapped = endpoint(nat.out(datagram(host, 33000 + i)))
            got = nat.back(IP(src=FAR, dst=mapped[0]) / UDP(sport=53, dport=mapped[1]) / b"answer")
            assert (got[IP].dst, got[UDP].dport) == (host, 33000 + i)
            assert not nat.is_let_in(datagram(FAR2, 53, *mapped))


def test_an_even_port_for_an_even_one_in_a_pool_too(nat):
    paired = nat.out(datagram(EVEN, 34000))[IP].src
    for i in range(16):
        mapped = endpoint(nat.out(datagram(EVEN, 34000 + i)))
        assert mapped[0] == paired and mapped[1] % 2 == i % 2


def test_ports_at_random_in_a_pool_too(nat):
    mapped = [endpoint(nat.out(datagram(RANDOM, 35000 + i))) for i in range(24)]
    assert len({address for address, _ in mapped}) == 1 and len(set(mapped)) == 24
    assert sum(port == 35000 + i for i, (_, port) in enumerate(mapped)) <= 2
    steps = {(b[1] - a[1]) % 65536 for a, b in zip(mapped, mapped[1:])}
    assert len(steps) > 18, "no pattern from one to the next (RFC 6056)"


# --- one-to-one ---

def test_one_to_one_keeps_ports_and_takes_every_protocol(nat):
    for inside, outside in BASIC:
        assert endpoint(nat.out(datagram(inside, 36000))) == (outside, 36000)
        assert nat.out(IP(src=inside, dst=FAR) / ICMP(id=3600))[ICMP].id == 3600
        got = nat.out(IP(src=inside, dst=FAR, proto=ANY_PROTOCOL) / b"no ports")
        assert (got[IP].src, bytes(got[IP].payload)[:8]) == (outside, b"no ports")


def test_one_to_one_lets_the_outside_begin(nat):
    for inside, outside in BASIC:
        got = nat.back(IP(src=FAR, dst=outside) / UDP(sport=9, dport=36100) / b"hello")
        assert (got[IP].dst, got[UDP].dport) == (inside, 36100)
        assert endpoint(nat.out(datagram(inside, 36100, FAR, 9))) == (outside, 36100)
        assert nat.back(IP(src=FAR, dst=outside, proto=ANY_PROTOCOL) / b"x")[IP].dst == inside
        assert nat.back(IP(src=FAR, dst=outside) / ICMP(id=3601))[IP].dst == inside


def test_one_to_one_is_one_name_from_everywhere(nat):
    """From outside, from inside and from the router itself, by a real host's kernel."""
    for host in ("srv", "pc1", "rtr"):
        assert ping(nat, host, PC2_OUTSIDE).received == 3, host
    server = socket_of(nat, "pc2", socket.SOCK_DGRAM, (PC2, 6200))
    for host, own, seen in (("srv", SERVER4, SERVER4), ("rtr", "", ROUTER_LAN4)):
        client = socket_of(nat, host, socket.SOCK_DGRAM, (own, 0))
        client.sendto(b"question", (PC2_OUTSIDE, 6200))
        said, peer = server.recvfrom(100)
        assert said == b"question" and (host == "rtr" or peer[0] == seen)
        server.sendto(b"answer", peer)
        assert client.recvfrom(100) == (b"answer", (PC2_OUTSIDE, 6200))


# --- forwards and redirects ---

@pytest.mark.parametrize("transport", [TCP, UDP], ids=["tcp", "udp"])
def test_each_port_of_a_range_goes_to_its_own(nat, transport):
    def segment(**fields):
        return transport(**fields, **({"flags": "S"} if transport is TCP else {}))

    for i in range(LENGTH):
        got = nat.back(IP(src=FAR, dst=ROUTER_WAN4) / segment(sport=9000 + i, dport=RANGE + i))
        assert (got[IP].dst, got[transport].dport) == (SERVER, RANGE_INSIDE + i)
        got = nat.out(IP(src=SERVER, dst=FAR) / (
            TCP(sport=RANGE_INSIDE + i, dport=9000 + i, flags="SA", ack=1) if transport is TCP
            else UDP(sport=RANGE_INSIDE + i, dport=9000 + i)))
        assert (got[IP].src, got[transport].sport) == (ROUTER_WAN4, RANGE + i)
    for port in (RANGE - 1, RANGE + LENGTH):
        assert not nat.is_let_in(IP(src=FAR, dst=ROUTER_WAN4) / segment(sport=9100, dport=port))


def test_one_port_of_two_protocols_goes_two_ways(nat):
    for port, tcp_to, udp_to in ((6100, SERVER, None), (6101, SERVER, HOST), (6102, None, HOST)):
        for layer, to in ((TCP(sport=9200, dport=port, flags="S"), tcp_to),
                          (UDP(sport=9200, dport=port), udp_to)):
            got = nat.pass_on(IP(src=FAR, dst=ROUTER_WAN4) / layer, nat.outside, nat.inside,
                              3.0 if to else nat.SILENCE)
            assert (got and got[IP].dst) == to, (port, layer.name)


def test_a_redirect_catches_what_goes_anywhere(nat):
    """Every question to port 5353, whoever is asked, is the router's to answer, in that one's name."""
    server = socket_of(nat, "rtr", socket.SOCK_DGRAM, ("", LISTENING))
    for asked in (SERVER4, "198.51.100.77", ROUTER_LAN4):
        client = socket_of(nat, "pc2", socket.SOCK_DGRAM, (PC2, 0))
        client.sendto(asked.encode(), (asked, REDIRECTED))
        said, peer = server.recvfrom(100)
        assert said == asked.encode() and peer == (PC2, client.getsockname()[1])
        server.sendto(b"mine", peer)
        assert client.recvfrom(100) == (b"mine", (asked, REDIRECTED))


def test_one_socket_asks_several_behind_a_redirect(nat):
    """A resolver with a port of its own: each answer comes from the one that was asked."""
    server = socket_of(nat, "rtr", socket.SOCK_DGRAM, ("", LISTENING))
    client = socket_of(nat, "pc2", socket.SOCK_DGRAM, (PC2, 0))
    peers = {}
    for asked in (SERVER4, "198.51.100.77", "198.51.100.78", ROUTER_LAN4):
        client.sendto(asked.encode(), (asked, REDIRECTED))
        said, peers[asked] = server.recvfrom(100)
        assert said == asked.encode()
    assert len(set(peers.values())) == len(peers), "each by a port of its own"
    for asked, peer in peers.items():
        server.sendto(asked.encode(), peer)
        assert client.recvfrom(100) == (asked.encode(), (asked, REDIRECTED))


def test_a_redirect_to_a_closed_port_is_refused_at_once(nat):
    """The kernel's ICMP error names the port that nobody listens on; its receiver reads of the one
    that it asked (RFC 5508 REQ-5)."""
    for asked in (SERVER4, "198.51.100.79", ROUTER_LAN4):
        client = socket_of(nat, "pc2", socket.SOCK_DGRAM, (PC2, 0))
        client.connect((asked, REDIRECTED))
        client.send(b"is anybody there?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)


def test_a_redirect_of_the_outside_address(nat):
    listener = socket_of(nat, "rtr", socket.SOCK_STREAM, ("", 80))
    listener.listen()
    client = socket_of(nat, "srv", socket.SOCK_STREAM, (SERVER4, 0))
    client.connect((ROUTER_WAN4, ROUTER_PORT))
    accepted, peer = listener.accept()
    accepted.sendall(b"the router's own")
    assert client.recv(100) == b"the router's own" and peer[0] == SERVER4
    for sock in (client, accepted, listener):
        sock.close()


# --- an address that changes ---

@pytest.mark.parametrize("workers", [1, 2])
def test_masquerade_follows_the_interfaces_address(workers):
    """As a provider's DHCP does it: what begins from now on has the new address, and the forwards
    are reached by it; what had the old one is over, for nobody could answer it."""
    with NatLab() as lab:
        lab.start_servers()
        lab.start_nat(cores_for(workers), firewall="")
        listener = socket_of(lab, "pc2", socket.SOCK_DGRAM, (PC2, 6300))
        assert udp_ask(lab, "pc1", SERVER4, sport=6301)[0] == ROUTER_WAN4
        assert endpoint(lab.out(datagram(HOST, 37000))) == (ROUTER_WAN4, 37000)
        lab.ip("rtr", f"addr del {ROUTER_WAN4}/24 dev wan")
        lab.ip("rtr", f"addr add {NEW_WAN4}/24 dev wan")
        lab.ip("rtr", f"route replace default via {INET4}")
        wait_for(lambda: udp_ask(lab, "pc1", SERVER4, port=7777, check=False) is not None
                 and udp_ask(lab, "pc1", SERVER4)[0] == NEW_WAN4, "the new address to be used")
        assert fetch(lab, "pc1", f"http://{SERVER4}/address").strip() == NEW_WAN4
        assert udp_ask(lab, "pc1", SERVER4, sport=6301)[0] == NEW_WAN4, "an old flow begins anew"
        assert endpoint(lab.out(datagram(HOST, 37000))) == (NEW_WAN4, 37000)
        assert not lab.is_let_in(IP(src=FAR, dst=ROUTER_WAN4) / UDP(sport=53, dport=37000))
        assert lab.is_let_in(IP(src=FAR, dst=NEW_WAN4) / UDP(sport=53, dport=37000))
        got = lab.back(IP(src=FAR, dst=NEW_WAN4) / UDP(sport=9, dport=4430))
        assert got[IP].dst == SERVER
        listener.close()
        lab.check_checksums()
