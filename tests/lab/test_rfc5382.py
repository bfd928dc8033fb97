# SPDX-License-Identifier: BSD-3-Clause
"""RFC 5382 (and RFC 7857), what NAT must do with TCP, by the number of the requirement.

REQ-4: an unsolicited SYN is dropped without a word, for good, where the firewall's input rules do
not take it: by its clause a) security policy may, and nothing has to be remembered for six seconds.
Without `firewall` the outside address is the router's own host's, and that answers for it as any
host does, by a reset; the last test shows it.
REQ-6 (no gateways for protocols over TCP but FTP's) is a test of payload left alone: the router has
none at all.
"""

import errno
import random
import socket

import pytest
from conftest import cores_for
from home import FAR4, PCS, ROUTER_WAN4, SERVER4
from lab import wait_for
from nat_lab import (FAR, FAR2, FORWARDED, FULL_CONE, HOST, HOST2, PARITY, RANDOM, SERVER, NatLab,
                     socket_of)
from scapy.layers.inet import ICMP, IP, TCP

ESTABLISHED_SEC, TRANSITORY_SEC = 2 * 3600 + 4 * 60, 4 * 60  # REQ-5


class Connection:
    """Both ends of a TCP connection by hand: what each sends, the other has to see."""

    def __init__(self, nat, sport, host=HOST, remote=FAR, dport=80):
        self.nat, self.host, self.sport = nat, host, sport
        self.remote, self.dport = remote, dport
        self.mine, self.theirs = random.getrandbits(32), random.getrandbits(32)
        self.mapped = None  # the endpoint outside, once a segment has gone out

    def segment_out(self, flags, payload=b"", seq=None, ack=None):
        return IP(src=self.host, dst=self.remote) / TCP(
            sport=self.sport, dport=self.dport, flags=flags, seq=self.mine if seq is None else seq,
            ack=(self.theirs if ack is None else ack) if "A" in flags else 0, window=8192) / payload

    def segment_back(self, flags, payload=b"", seq=None, ack=None):
        return IP(src=self.remote, dst=self.mapped[0]) / TCP(
            sport=self.dport, dport=self.mapped[1], flags=flags,
            seq=self.theirs if seq is None else seq,
            ack=(self.mine if ack is None else ack) if "A" in flags else 0, window=8192) / payload

    @staticmethod
    def length(flags, payload):
        return len(payload) + ("S" in flags) + ("F" in flags)

    def out(self, flags, payload=b"", **numbers):
        got = self.nat.out(self.segment_out(flags, payload, **numbers))
        self.mapped = got[IP].src, got[TCP].sport
        if not numbers:
            self.mine = (self.mine + self.length(flags, payload)) % 2**32
        return got

    def back(self, flags, payload=b"", **numbers):
        got = self.nat.back(self.segment_back(flags, payload, **numbers))
        assert (got[IP].dst, got[TCP].dport) == (self.host, self.sport)
        if not numbers:
            self.theirs = (self.theirs + self.length(flags, payload)) % 2**32
        return got

    def open(self):
        self.out("S")
        self.back("SA")
        self.out("A")
        assert self.state() == "established"
        return self

    def talk(self):
        self.out("PA", b"question")
        self.back("PA", b"answer")
        self.out("A")

    def flow(self):
        return self.nat.flow(protocol="tcp", src=self.host, sport=self.sport, dst=self.remote,
                             dport=self.dport)

    def state(self):
        flow = self.flow()
        return flow and flow["state"]


def test_req_1_mapping_is_endpoint_independent(nat):
    for host in (HOST, PARITY, FULL_CONE, RANDOM):
        seen = set()
        for remote, dport in ((FAR, 80), (FAR, 81), (FAR2, 80), ("198.19.7.7", 443)):
            connection = Connection(nat, 21000, host, remote, dport)
            connection.out("S")
            seen.add(connection.mapped)
        assert len(seen) == 1, f"{host}: {seen}"


def test_req_1_holds_for_a_hosts_own_connections(nat):
    seen = set()
    for server in (7101, 7102):
        listener = socket_of(nat, "srv", socket.SOCK_STREAM, (SERVER4, server))
        listener.listen()
        client = socket_of(nat, "pc1", socket.SOCK_STREAM, (PCS["pc1"][0], 21001))
        client.connect((SERVER4, server))
        accepted, peer = listener.accept()
        accepted.sendall(b"welcome")
        assert client.recv(100) == b"welcome"
        seen.add(peer)
    assert seen == {(ROUTER_WAN4, 21001)}


def test_req_2_three_way_handshake_and_both_closes(nat):
    for first, second in (("out", "back"), ("back", "out")):
        connection = Connection(nat, 22000 + (first == "back")).open()
        connection.talk()
        getattr(connection, first)("FA")
        getattr(connection, second)("A")
        getattr(connection, second)("PA", b"half open, half closed")
        getattr(connection, first)("A")
        getattr(connection, second)("FA")
        getattr(connection, first)("A")
        assert connection.state() == "time_wait"


def test_req_2a_simultaneous_open(nat):
    """RFC 9293 figure 8: the SYNs cross, each is answered by a SYN+ACK."""
    connection = Connection(nat, 22100)
    connection.out("S")
    connection.back("S")
    isn, peer_isn = connection.mine - 1, connection.theirs - 1
    connection.out("SA", seq=isn, ack=connection.theirs)
    connection.back("SA", seq=peer_isn, ack=connection.mine)
    connection.out("A")
    assert connection.state() == "established"
    connection.talk()


def test_req_2a_simultaneous_open_whose_other_side_came_first(nat):
    """Their SYN is dropped and sent again: it fits the mapping by then."""
    connection = Connection(nat, 22200)
    connection.mapped = ROUTER_WAN4, 22200
    assert not nat.is_let_in(connection.segment_back("S"))
    connection.out("S")
    connection.back("S")
    connection.out("SA", seq=connection.mine - 1, ack=connection.theirs)
    connection.back("A")
    assert connection.state() in ("established", "syn_received")
    connection.talk()
    assert connection.state() == "established"


def test_req_2a_simultaneous_close(nat):
    connection = Connection(nat, 22300).open()
    mine, theirs = connection.mine, connection.theirs
    connection.out("FA")
    connection.back("FA", seq=theirs, ack=mine)
    connection.theirs = theirs + 1
    connection.out("A")
    connection.back("A")
    assert connection.state() == "time_wait"


def test_req_2_two_kernels_open_at_once(nat):
    """Two hosts connect to each other, one of them behind the router. The inner one's SYN is lost
    beyond it, so that the outer one's finds a mapping and a socket that has sent one: they cross."""
    inner = socket_of(nat, "pc1", socket.SOCK_STREAM, (PCS["pc1"][0], 22400), timeout=8)
    outer = socket_of(nat, "far", socket.SOCK_STREAM, (FAR4, 22401), timeout=8)
    nat.ip("inet", f"route add blackhole {FAR4}")
    try:
        inner.setblocking(False)
        assert inner.connect_ex((FAR4, 22401)) == errno.EINPROGRESS
        wait_for(lambda: nat.flow(protocol="tcp", sport=22400, dport=22401), "the SYN to pass")
    finally:
        nat.ip("inet", f"route del blackhole {FAR4}")
    outer.connect((ROUTER_WAN4, 22400))
    inner.settimeout(8)
    inner.sendall(b"from inside")
    outer.sendall(b"from outside")
    assert (outer.recv(100), inner.recv(100)) == (b"from inside", b"from outside")


def test_req_3_filtering_is_by_address_and_port_by_default(nat):
    connection = Connection(nat, 23000).open()
    for remote, dport in ((FAR2, 80), (FAR, 81)):
        stranger = Connection(nat, 23000, remote=remote, dport=dport)
        stranger.mapped = connection.mapped
        assert not nat.is_let_in(stranger.segment_back("S"))
    connection.talk()


def test_req_3_full_cone_lets_anybody_connect(nat):
    first = Connection(nat, 23100, FULL_CONE).open()
    stranger = Connection(nat, 23100, FULL_CONE, FAR2, 4321)
    stranger.mapped = first.mapped
    stranger.back("S")
    stranger.out("SA")
    stranger.back("A")
    assert stranger.mapped == first.mapped
    stranger.out("PA", b"hello")
    first.talk()


def test_req_4_an_unsolicited_syn_is_dropped_without_a_word(nat):
    stranger = Connection(nat, 24000)
    stranger.mapped = ROUTER_WAN4, 24000
    nat.outside.drain()
    assert not nat.is_let_in(stranger.segment_back("S"))
    said = [p for p in nat.outside.all_until(6.5) if IP in p and p[IP].dst == FAR]
    assert said == [], said


def test_req_5_timeouts_by_default_are_no_shorter(nat):
    connection = Connection(nat, 25000)
    connection.out("S")
    assert connection.flow()["timeout_sec"] >= TRANSITORY_SEC
    connection.back("SA")
    assert connection.flow()["timeout_sec"] >= TRANSITORY_SEC
    connection.out("A")
    assert connection.flow()["timeout_sec"] >= ESTABLISHED_SEC
    connection.back("FA")
    assert connection.flow()["timeout_sec"] >= TRANSITORY_SEC, "half closed"
    connection.out("A")
    assert connection.flow()["timeout_sec"] >= TRANSITORY_SEC


def test_req_5_timeouts_are_configurable():
    with NatLab() as lab:
        lab.start_nat(cores_for(2), "flows: { timeouts: { tcp-established: 3s, tcp-unreplied: 1s, "
                                    "tcp-closed: 1s } }\n")
        unanswered, idle, reset = (Connection(lab, 25100 + i) for i in range(3))
        unanswered.out("S")
        idle.open()
        reset.open().out("R")
        assert (reset.state(), idle.flow()["timeout_sec"]) == ("closed", 3)
        wait_for(lambda: unanswered.flow() is None and reset.flow() is None, "two to end", 6)
        busy = Connection(lab, 25200).open()
        for _ in range(5):
            lab.outside.all_until(1)
            busy.talk()
        assert idle.flow() is None
        assert not lab.is_let_in(idle.segment_back("PA", b"late"))
        lab.check_checksums()


@pytest.mark.parametrize("port", [21, 554, 1720, 1723, 6667])
def test_req_6_no_gateway_meddles_with_payload(nat, port):
    connection = Connection(nat, 26000, dport=port).open()
    said = f"PORT {HOST.replace('.', ',')},101,144\r\n".encode()
    assert bytes(connection.out("PA", said)[TCP].payload) == said
    assert bytes(connection.back("PA", said)[TCP].payload) == said


def test_req_7_no_port_is_overloaded(nat):
    first, second = Connection(nat, 27000, HOST, FAR).open(), Connection(nat, 27000, HOST2, FAR2).open()
    assert first.mapped == (ROUTER_WAN4, 27000), "a free port is kept"
    assert second.mapped[1] != 27000
    first.talk()
    second.talk()


def hairpin(nat, client, target):
    """A handshake by way of an outside endpoint; what the server saw of the client."""
    host, sport = client
    seq, peer_seq = random.getrandbits(31), random.getrandbits(31)
    syn = nat.around(IP(src=host, dst=target[0])
                     / TCP(sport=sport, dport=target[1], flags="S", seq=seq))
    seen, server = (syn[IP].src, syn[TCP].sport), (syn[IP].dst, syn[TCP].dport)
    both = nat.around(IP(src=server[0], dst=seen[0]) / TCP(
        sport=server[1], dport=seen[1], flags="SA", seq=peer_seq, ack=seq + 1))
    assert ((both[IP].src, both[TCP].sport), both[IP].dst, both[TCP].dport) == (target, host, sport)
    done = nat.around(IP(src=host, dst=target[0]) / TCP(
        sport=sport, dport=target[1], flags="A", seq=seq + 1, ack=peer_seq + 1))
    assert (done[IP].src, done[IP].dst) == (seen[0], server[0])
    return seen, server


def test_req_8_hairpin_has_the_external_source(nat):
    theirs = Connection(nat, 28000, FULL_CONE).open().mapped
    mine = Connection(nat, 28001, HOST).open().mapped
    assert hairpin(nat, (HOST, 28001), theirs) == (mine, (FULL_CONE, 28000))


def test_req_8_hairpin_reaches_a_port_forward(nat):
    for i in range(0, 256, 32):  # of each worker
        seen, server = hairpin(nat, (HOST, 28100 + i), (ROUTER_WAN4, FORWARDED))
        assert seen[0] == ROUTER_WAN4 and server == (SERVER, FORWARDED)


def quote(segment, bytes_of_tcp):
    return bytes(segment)[:20 + bytes_of_tcp]


@pytest.mark.parametrize("bytes_of_tcp", [8, 16, 18, 20, 60])
@pytest.mark.parametrize("code", [0, 1, 3, 4, 13])
def test_req_9_destination_unreachable_is_translated(nat, code, bytes_of_tcp):
    connection = Connection(nat, 29000 + code * 64 + bytes_of_tcp).open()
    sent = connection.segment_out("PA", b"x" * 100)
    seen = nat.out(sent)
    connection.mine += 100
    got = nat.back(IP(src="198.19.200.1", dst=ROUTER_WAN4)
                   / ICMP(type=3, code=code, nexthopmtu=1400) / quote(seen, bytes_of_tcp))
    assert (got[IP].src, got[IP].dst) == ("198.19.200.1", HOST)
    assert (got[ICMP].type, got[ICMP].code) == (3, code)
    inner = bytes(got[ICMP].payload)
    sent[IP].ttl -= 1  # where it was dropped it had passed the router
    del sent[IP].chksum
    assert inner == quote(IP(bytes(sent)), bytes_of_tcp), "it quotes what the host has sent"


@pytest.mark.parametrize(("kind", "code"), [(3, code) for code in range(14)]
                         + [(4, 0), (5, 0), (11, 0), (11, 1), (12, 0)])
def test_req_10_no_icmp_message_ends_the_connection(nat, kind, code):
    for number, is_open in enumerate((True, False)):
        connection = Connection(nat, 30000 + kind * 64 + code * 2 + number)
        sent = connection.out("S")
        if is_open:
            connection.back("SA")
            sent = connection.out("A")
        state, mapped = connection.state(), connection.mapped
        for source in (FAR, "198.19.200.1"):
            nat.outside.send(IP(src=source, dst=ROUTER_WAN4)
                             / ICMP(type=kind, code=code, nexthopmtu=1400) / quote(sent, 20))
        nat.inside.wait(lambda p: ICMP in p, nat.SILENCE)
        assert connection.state() == state
        if not is_open:
            connection.back("SA")
        connection.talk()
        assert connection.mapped == mapped


def test_without_a_firewall_an_unsolicited_syn_meets_the_routers_own_host():
    with NatLab() as lab:
        lab.start_nat(cores_for(1), firewall="")
        stranger = Connection(lab, 24001)
        stranger.mapped = ROUTER_WAN4, 24001
        lab.outside.drain()
        lab.outside.send(stranger.segment_back("S"))
        said = lab.outside.wait(lambda p: TCP in p and p[IP].dst == FAR)
        assert said is not None and said[TCP].flags == "RA"
        lab.check_checksums()
