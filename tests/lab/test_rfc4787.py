# SPDX-License-Identifier: BSD-3-Clause
"""RFC 4787 (and RFC 7857), what NAT must do with UDP, by the number of the requirement.

REQ-7 (an address of the outside that is also one of the inside) is for a NAT whose outside address
somebody else chooses; here the file gives all addresses. The host's share of ports and what happens
without a free one are in test_port_exhaustion.py.
Filtering is by the remote's address and port, stricter than RFC 4787 asks for, and by nothing where
the file says `full-cone`.
"""

import socket

import pytest
from checksums import upper_faults
from home import PCS, ROUTER_LAN4, ROUTER_WAN4, SERVER4
from lab import wait_for
from nat_lab import (BASIC_INSIDE, BASIC_OUTSIDE, FAR, FAR2, FORWARDED, FULL_CONE, HOST, HOST2,
                     PARITY, POOLED, POOLED2, RANDOM, SERVER, NatLab, socket_of)
from conftest import cores_for
from scapy.layers.inet import ICMP, IP, UDP, fragment
from tools import within

UDP_ASSURED_SEC, UDP_UNREPLIED_SEC = 300, 120  # REQ-5: not below 120, 300 recommended


def datagram(src, sport, dst=FAR, dport=53, payload=b"millrace", **fields):
    return IP(src=src, dst=dst, **fields) / UDP(sport=sport, dport=dport) / payload


def endpoint(packet):
    return packet[IP].src, packet[UDP].sport


def answer(mapped, payload=b"answer", **remote):
    """What comes to an outside endpoint; from where FAR's port 53 is unless `remote` says."""
    return IP(src=remote.get("src", FAR), dst=mapped[0]) / UDP(
        sport=remote.get("sport", 53), dport=mapped[1]) / payload


def test_req_1_mapping_is_endpoint_independent(nat):
    for host in (HOST, PARITY, FULL_CONE, RANDOM, POOLED):
        seen = {endpoint(nat.out(datagram(host, 41000, dst, dport)))
                for dst, dport in ((FAR, 53), (FAR, 54), (FAR2, 53), (FAR2, 9999), ("198.19.7.7", 1))}
        assert len(seen) == 1, f"{host}: {seen}"


def test_req_1_holds_for_a_hosts_own_sockets(nat):
    """Two servers of two addresses tell one socket the same."""
    seen = set()
    sock = socket_of(nat, "pc1", socket.SOCK_DGRAM, (PCS["pc1"][0], 41001))
    for port in (7001, 7002):
        server = socket_of(nat, "srv", socket.SOCK_DGRAM, (SERVER4, port))
        sock.sendto(b"who am I?", (SERVER4, port))
        _, peer = server.recvfrom(100)
        server.sendto(b"you", peer)
        assert sock.recvfrom(100) == (b"you", (SERVER4, port))
        seen.add(peer)
    assert seen == {(ROUTER_WAN4, 41001)}


def test_req_2_a_host_keeps_to_one_address_of_a_pool(nat):
    for host in (POOLED, POOLED2):
        seen = {nat.out(datagram(host, 42000 + i, dst))[IP].src
                for i in range(20) for dst in (FAR, FAR2)}
        assert len(seen) == 1, f"{host}: {seen}"


def test_req_2_holds_for_a_pools_icmp_and_udp_alike(nat):
    query = nat.out(IP(src=POOLED, dst=FAR) / ICMP(id=4200) / b"millrace")
    assert query[IP].src == nat.out(datagram(POOLED, 42100))[IP].src


def test_req_3_no_port_is_overloaded(nat):
    """Two hosts with one port, towards two remotes: a NAT that overloads gives both the same."""
    first, second = nat.out(datagram(HOST, 43000, FAR)), nat.out(datagram(HOST2, 43000, FAR2))
    assert endpoint(first) == (ROUTER_WAN4, 43000), "a free port is kept"
    assert second[UDP].sport != 43000
    for mapped, remote, host in ((first, FAR, HOST), (second, FAR2, HOST2)):
        got = nat.back(answer(endpoint(mapped), src=remote))
        assert (got[IP].dst, got[UDP].dport) == (host, 43000)


@pytest.mark.parametrize(("sport", "low", "high"), [(900, 1, 1023), (1023, 1, 1023),
                                                    (1024, 1024, 65535), (65535, 1024, 65535)])
def test_req_3b_low_ports_stay_low_and_high_ones_high(nat, sport, low, high):
    for host in (HOST, HOST2, SERVER, RANDOM):
        mapped = nat.out(datagram(host, sport))[UDP].sport
        assert low <= mapped <= high, f"{host}: {sport} became {mapped}"


def test_req_4_parity_is_kept_where_it_is_asked_for(nat):
    for i in range(20):
        sport = 44000 + i
        nat.out(datagram(HOST, sport))  # the port itself is taken
        mapped = nat.out(datagram(PARITY, sport))[UDP].sport
        assert mapped != sport and mapped % 2 == sport % 2, f"{sport} became {mapped}"


def test_req_5_timeouts_by_default_are_no_shorter(nat):
    mapped = endpoint(nat.out(datagram(HOST, 45000)))
    assert nat.flow(src=HOST, sport=45000)["timeout_sec"] >= UDP_UNREPLIED_SEC
    nat.back(answer(mapped))
    assert nat.flow(src=HOST, sport=45000)["timeout_sec"] >= UDP_ASSURED_SEC


@pytest.fixture(scope="module")
def hasty():
    """A router that forgets in no time."""
    with NatLab() as lab:
        lab.start_nat(cores_for(2), "flows: { timeouts: { udp-unreplied: 2s, udp-assured: 4s } }\n")
        yield lab
        lab.check_checksums()


def is_mapped(lab, sport):
    return lab.flow(src=HOST, sport=sport) is not None


def test_req_5_timeouts_are_configurable(hasty):
    mapped = endpoint(hasty.out(datagram(HOST, 45001)))
    assert hasty.flow(src=HOST, sport=45001)["timeout_sec"] == 2
    wait_for(lambda: not is_mapped(hasty, 45001), "the mapping to end", 6)
    assert not hasty.is_let_in(answer(mapped))


def test_req_6_what_goes_out_refreshes_the_mapping(hasty):
    mapped = endpoint(hasty.out(datagram(HOST, 45002)))
    for _ in range(4):
        assert hasty.inside.wait(lambda p: False, 1) is None
        assert endpoint(hasty.out(datagram(HOST, 45002))) == mapped
    hasty.back(answer(mapped))


def test_req_6_one_remote_refreshes_the_mapping_towards_all(hasty):
    """The mapping stays as long as any flow of it: a remote that comes back later meets it again."""
    other = hasty.out(datagram(HOST2, 45003))
    mapped = endpoint(hasty.out(datagram(HOST, 45003, FAR2)))
    assert mapped[1] != other[UDP].sport
    hasty.out(datagram(HOST, 45003, FAR))
    for _ in range(4):
        assert hasty.inside.wait(lambda p: False, 1) is None
        assert endpoint(hasty.out(datagram(HOST, 45003, FAR))) == mapped
    assert hasty.flow(src=HOST, sport=45003, dst=FAR2) is None
    assert endpoint(hasty.out(datagram(HOST, 45003, FAR2))) == mapped


def test_req_8_filtering_is_by_address_and_port_by_default(nat):
    mapped = endpoint(nat.out(datagram(HOST, 46000)))
    assert nat.is_let_in(answer(mapped))
    assert not nat.is_let_in(answer(mapped, src=FAR2))
    assert not nat.is_let_in(answer(mapped, sport=54))
    assert not nat.is_let_in(answer((mapped[0], mapped[1] + 1)))


def test_req_8_full_cone_lets_anybody_answer(nat):
    mapped = endpoint(nat.out(datagram(FULL_CONE, 46001)))
    for remote in ({"src": FAR2}, {"sport": 54}, {"src": "198.19.9.9", "sport": 9}):
        got = nat.back(answer(mapped, **remote))
        assert (got[IP].dst, got[UDP].dport) == (FULL_CONE, 46001)
    # and who was let in is answered from the same endpoint
    reply = nat.out(datagram(FULL_CONE, 46001, FAR2, 53))
    assert endpoint(reply) == mapped
    assert not nat.is_let_in(answer((mapped[0], mapped[1] ^ 1), src=FAR2))


def test_req_9_hairpin_has_the_external_source(nat):
    """Neither of two hosts inside learns the other's inner address, or its own server's."""
    theirs = endpoint(nat.out(datagram(FULL_CONE, 47000)))
    mine = endpoint(nat.out(datagram(HOST, 47001)))
    got = nat.around(datagram(HOST, 47001, *theirs))
    assert (endpoint(got), got[IP].dst, got[UDP].dport) == (mine, FULL_CONE, 47000)
    back = nat.around(datagram(FULL_CONE, 47000, *mine))
    assert (endpoint(back), back[IP].dst, back[UDP].dport) == (theirs, HOST, 47001)


def test_req_9_hairpin_reaches_a_port_forward(nat):
    for i in range(0, 256, 32):  # of each worker
        got = nat.around(datagram(HOST, 47100 + i, ROUTER_WAN4, FORWARDED))
        assert got[IP].src == ROUTER_WAN4
        assert (got[IP].dst, got[UDP].dport) == (SERVER, FORWARDED)
        back = nat.around(datagram(SERVER, FORWARDED, *endpoint(got)))
        assert (endpoint(back), back[IP].dst) == ((ROUTER_WAN4, FORWARDED), HOST)
        assert back[UDP].dport == 47100 + i


def test_req_9_hairpin_reaches_a_full_cone_of_each_worker(nat):
    """Whichever worker holds the caller's endpoint and whichever the called one's."""
    theirs = endpoint(nat.out(datagram(FULL_CONE, 47400)))
    for i in range(0, 256, 32):
        mine = endpoint(nat.out(datagram(HOST, 47400 + i)))
        for _ in range(2):
            got = nat.around(datagram(HOST, 47400 + i, *theirs))
            assert (endpoint(got), got[IP].dst, got[UDP].dport) == (mine, FULL_CONE, 47400)
            back = nat.around(datagram(FULL_CONE, 47400, *mine))
            assert (endpoint(back), back[IP].dst, back[UDP].dport) == (theirs, HOST, 47400 + i)


def test_req_9_hairpin_reaches_a_one_to_one(nat):
    for i in range(0, 256, 32):  # of each worker
        got = nat.around(datagram(HOST, 47600 + i, BASIC_OUTSIDE, 47001))
        assert got[IP].src == ROUTER_WAN4
        assert (got[IP].dst, got[UDP].dport) == (BASIC_INSIDE, 47001)
        back = nat.around(datagram(BASIC_INSIDE, 47001, *endpoint(got)))
        assert (endpoint(back), back[IP].dst) == ((BASIC_OUTSIDE, 47001), HOST)
        assert back[UDP].dport == 47600 + i


def test_req_9_a_host_reaches_its_own_external_endpoint(nat):
    mapped = endpoint(nat.out(datagram(FULL_CONE, 47200)))
    got = nat.around(datagram(FULL_CONE, 47201, *mapped))
    assert (got[IP].dst, got[UDP].dport) == (FULL_CONE, 47200)
    assert got[IP].src == ROUTER_WAN4


@pytest.mark.parametrize("port", [5060, 69, 1719, 161, 500])
def test_req_10_no_gateway_meddles_with_payload(nat, port):
    said = f"INVITE sip:x@{FAR} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:5060\r\nc=IN IP4 {HOST}".encode()
    sent = nat.out(datagram(HOST, 48000, FAR, port, said))
    assert bytes(sent[UDP].payload) == said
    got = nat.back(IP(src=FAR, dst=ROUTER_WAN4) / UDP(sport=port, dport=sent[UDP].sport) / said)
    assert bytes(got[UDP].payload) == said


def test_req_11_a_conflict_changes_nothing_about_the_behaviour(nat):
    """Who did not get the port is mapped and filtered as who did."""
    nat.out(datagram(HOST, 48100))
    mapped = endpoint(nat.out(datagram(HOST2, 48100)))
    assert mapped[1] != 48100
    for dst, dport in ((FAR, 54), (FAR2, 53), (FAR2, 1)):
        assert endpoint(nat.out(datagram(HOST2, 48100, dst, dport))) == mapped
    assert nat.is_let_in(answer(mapped))
    assert not nat.is_let_in(answer(mapped, src="198.19.5.5"))


@pytest.mark.parametrize(("kind", "code"), [(3, code) for code in (0, 1, 2, 3, 4, 9, 10, 13)]
                         + [(4, 0), (11, 0), (11, 1), (12, 0)])
def test_req_12_no_icmp_message_ends_the_mapping(nat, kind, code):
    sport = 49000 + kind * 16 + code  # seen as another one where somebody has drawn it by chance
    sent = nat.out(datagram(HOST, sport))
    mapped = endpoint(sent)
    # 12a: also from a router in between, whose address has nothing to do with the flow's
    for source in (FAR, "198.19.200.1"):
        nat.pass_on(IP(src=source, dst=ROUTER_WAN4) / ICMP(type=kind, code=code, nexthopmtu=1400)
                    / bytes(sent)[:28], nat.outside, nat.inside, nat.SILENCE)
    assert endpoint(nat.out(datagram(HOST, sport, FAR2))) == mapped
    assert nat.is_let_in(answer(mapped))


def test_req_12b_destination_unreachable_reaches_the_host(nat):
    sent = nat.out(datagram(HOST, 49900))
    got = nat.back(IP(src="198.19.200.1", dst=ROUTER_WAN4) / ICMP(type=3, code=3) / bytes(sent)[:28])
    assert (got[IP].src, got[IP].dst) == ("198.19.200.1", HOST)


@pytest.fixture(scope="module")
def narrow():
    """A router whose way to the internet takes 1400 bytes."""
    with NatLab() as lab:
        lab.start_nat(cores_for(2), wan_mtu=1400)
        yield lab
        lab.check_checksums()


def test_req_13_df_and_too_long_is_answered(narrow):
    packet = narrow.numbered(datagram(HOST, 50000, payload=bytes(1400), flags="DF"))
    with within(3):
        narrow.inside.send(packet)
        said = narrow.inside.wait(lambda p: ICMP in p and p[ICMP].type == 3)
    assert said is not None and (said[ICMP].code, said[ICMP].nexthopmtu) == (4, 1400)
    assert (said[IP].src, said[IP].dst) == (ROUTER_LAN4, HOST)
    quoted = bytes(said[ICMP].payload)
    assert quoted[12:28] == bytes(packet)[12:28], "the quote is of the packet as its sender knows it"


def pieces(wire, identification, timeout=3.0):
    """All pieces of one packet, in the order of their coming."""
    got = []
    while not got or got[-1][IP].flags.MF:
        piece = wire.wait(lambda p: IP in p and p[IP].id == identification, timeout)
        assert piece is not None, f"only {[p.summary() for p in got]}"
        got.append(piece)
    return got


def joined(parts):
    """The datagram that pieces make, whose UDP checksum must be right."""
    parts = sorted(parts, key=lambda p: p[IP].frag)
    whole = b"".join(bytes(p[IP].payload) for p in parts)
    addresses = bytes(parts[0])[12:20]
    assert upper_faults(17, whole, addresses, False, "") == []
    return UDP(whole)


def test_req_13a_too_long_without_df_is_cut_in_order(narrow):
    packet = narrow.numbered(datagram(HOST, 50001, payload=bytes(range(256)) * 5 + bytes(180)))
    narrow.inside.send(packet)
    got = pieces(narrow.outside, packet[IP].id)
    assert [p[IP].frag for p in got] == sorted(p[IP].frag for p in got) and len(got) == 2
    assert all(len(bytes(p)) <= 1400 for p in got)
    assert bytes(joined(got).payload) == bytes(packet[UDP].payload)


ORDERS = [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1)]


@pytest.mark.parametrize("order", ORDERS, ids=["".join(map(str, order)) for order in ORDERS])
@pytest.mark.parametrize("way", ["out", "back"])
def test_req_14_fragments_arrive_in_any_order(nat, way, order):
    payload = bytes(range(251)) * 9
    sport = 51000 + ORDERS.index(order)
    if way == "out":
        packet, sender, catcher = datagram(HOST, sport, payload=payload), nat.inside, nat.outside
    else:
        mapped = endpoint(nat.out(datagram(HOST, sport)))
        packet, sender, catcher = answer(mapped, payload), nat.outside, nat.inside
    parts = fragment(IP(bytes(nat.numbered(packet))), 800)
    assert len(parts) == 3
    catcher.drain()
    for i in order:
        sender.send(parts[i])
    whole = joined(pieces(catcher, packet[IP].id))
    assert bytes(whole.payload) == payload
    assert (whole.sport if way == "out" else whole.dport) == sport


def test_req_14a_pieces_without_end_are_forgotten(nat):
    """A first piece whose rest never comes, many times: those of others still get through."""
    for i in range(3000):
        nat.outside.send(IP(src=f"198.19.{i >> 8}.{i & 255}", dst=ROUTER_WAN4, id=i + 1, flags="MF",
                            proto=17) / bytes(16))
    test_req_14_fragments_arrive_in_any_order(nat, "out", ORDERS[1])
