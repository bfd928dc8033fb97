# SPDX-License-Identifier: BSD-3-Clause
"""RFC 5508, what NAT must do with ICMP, by the number of the requirement.

REQ-9 allows not to send errors to some interfaces: the router has no such switch. REQ-3c and 3d: the
checksum of the quoted packet's payload is never verified, so extensions (RFC 4884) are none of it.
REQ-10b: timestamps, address masks and other queries are no sessions here; from outside they end at
the router's input rules. Source quench (10c) is neither sent nor needed: see RFC 6633.
"""

import pytest
from conftest import cores_for
from home import ROUTER_LAN4, ROUTER_WAN4
from lab import wait_for
from nat_lab import (BASIC_INSIDE, BASIC_OUTSIDE, FAR, FAR2, FORBIDDEN, FORWARDED, FULL_CONE, HOST,
                     HOST2, SERVER, NatLab)
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP

ROUTER_OUT_THERE = "198.19.200.1"
QUERY_SEC = 60  # REQ-2
ERRORS = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 4), (3, 13), (11, 0), (11, 1), (12, 0)]


def query(src, identifier, dst=FAR, seq=1, payload=b"millrace", **fields):
    return IP(src=src, dst=dst, **fields) / ICMP(id=identifier, seq=seq) / payload


def reply(seen, payload=b"millrace"):
    """The remote's to a query that it saw."""
    return IP(src=seen[IP].dst, dst=seen[IP].src) / ICMP(
        type=0, id=seen[ICMP].id, seq=seen[ICMP].seq) / payload


def error(seen, kind=3, code=3, src=ROUTER_OUT_THERE, quoted=None):
    """About a packet, to where that says it came from. `quoted`: so many bytes of it."""
    return IP(src=src, dst=seen[IP].src) / ICMP(type=kind, code=code, nexthopmtu=(
        1400 if (kind, code) == (3, 4) else 0)) / bytes(seen)[:quoted]


def as_sent(packet, hops=1):
    """The bytes of a packet of ours as the end of so many hops quotes it."""
    packet = IP(bytes(packet))
    packet[IP].ttl -= hops
    del packet[IP].chksum
    return bytes(packet)


PACKETS = {
    "udp": lambda n: IP(src=HOST, dst=FAR) / UDP(sport=31000 + n, dport=53) / b"payload of UDP",
    "udp without checksum": lambda n: IP(src=HOST, dst=FAR) / UDP(sport=31500 + n, dport=53, chksum=0)
    / b"payload of UDP",
    "tcp": lambda n: IP(src=HOST, dst=FAR) / TCP(sport=32000 + n, dport=80, seq=77, flags="S")
    / b"data",
    "icmp": lambda n: query(HOST, 33000 + n, payload=b"payload of ICMP"),
}
KINDS = pytest.mark.parametrize("kind", PACKETS)


@pytest.mark.parametrize("identifier", [0, 1, 5000, 65535])
def test_req_1_queries_and_their_answers_pass(nat, identifier):
    seen = nat.out(query(HOST, identifier))
    assert seen[IP].src == ROUTER_WAN4
    got = nat.back(reply(seen))
    assert (got[IP].src, got[IP].dst, got[ICMP].id) == (FAR, HOST, identifier)
    assert bytes(got[ICMP].payload) == b"millrace"


def test_req_1a_identifiers_are_mapped_whoever_is_asked(nat):
    for host in (HOST, HOST2):
        seen = {nat.out(query(host, 5100, dst))[ICMP].id for dst in (FAR, FAR2, "198.19.7.7")}
        assert len(seen) == 1, f"{host}: {seen}"


def test_req_1_two_hosts_may_ask_with_one_identifier(nat):
    first, second = nat.out(query(HOST, 5200)), nat.out(query(HOST2, 5200))
    assert first[ICMP].id == 5200 != second[ICMP].id
    for seen, host in ((first, HOST), (second, HOST2)):
        got = nat.back(reply(seen))
        assert (got[IP].dst, got[ICMP].id) == (host, 5200)


def test_req_1_nobody_else_answers(nat):
    seen = nat.out(query(HOST, 5300))
    stranger = reply(seen)
    stranger[IP].src = FAR2
    assert not nat.is_let_in(stranger)
    assert not nat.is_let_in(query(FAR, seen[ICMP].id, ROUTER_WAN4))  # a query is no answer


def test_req_2_a_query_lives_as_long_as_asked(nat):
    nat.out(query(HOST, 5400))
    assert nat.flow(protocol="icmp", src=HOST, sport=5400)["timeout_sec"] >= QUERY_SEC


@pytest.fixture(scope="module")
def hasty():
    with NatLab() as lab:
        lab.start_nat(cores_for(2), "flows: { timeouts: { icmp: 3s } }\n")
        yield lab
        lab.check_checksums()


def test_req_2a_the_time_is_configurable(hasty):
    seen = hasty.out(query(HOST, 5500))
    assert hasty.flow(protocol="icmp", src=HOST, sport=5500)["timeout_sec"] == 3
    wait_for(lambda: hasty.flow(protocol="icmp", src=HOST, sport=5500) is None, "its end", 7)
    assert not hasty.is_let_in(reply(seen))


def test_req_6_an_error_about_a_query_neither_refreshes_nor_ends_it(hasty):
    seen = hasty.out(query(HOST, 5600))
    asked = hasty.flow(protocol="icmp", src=HOST, sport=5600)
    hasty.back(error(seen))
    assert hasty.flow(protocol="icmp", src=HOST, sport=5600)["state"] == asked["state"]
    hasty.back(reply(seen))
    for _ in range(10):  # longer than it lives
        hasty.pass_on(error(seen), hasty.outside, hasty.inside, 0.2)
        hasty.outside.all_until(0.4)
    assert hasty.flow(protocol="icmp", src=HOST, sport=5600) is None


@KINDS
def test_req_3_an_error_with_a_wrong_checksum_is_dropped(nat, kind):
    seen = nat.out(PACKETS[kind](1))
    wrong = error(seen)
    wrong[ICMP].chksum = 0x1234
    before = nat.counts("drop_icmp_checksum")["drop_icmp_checksum"]
    assert not nat.is_let_in(wrong)
    assert nat.counts("drop_icmp_checksum")["drop_icmp_checksum"] == before + 1
    assert nat.is_let_in(error(seen))


@KINDS
def test_req_3a_an_error_about_a_damaged_header_is_dropped(nat, kind):
    seen = nat.out(PACKETS[kind](2))
    damaged = IP(bytes(seen))
    damaged[IP].chksum ^= 0x0100
    assert not nat.is_let_in(error(damaged))
    assert nat.is_let_in(error(seen))


@KINDS
def test_req_3b_the_quoted_header_may_have_options(nat, kind):
    packet = PACKETS[kind](3)
    packet[IP].options = [IPOption_NOP()] * 4
    seen = nat.out(packet)
    got = nat.back(error(seen))
    assert got[IP].dst == HOST
    assert bytes(got[ICMP].payload) == as_sent(packet)


def test_req_3c_the_quoted_payloads_checksum_does_not_matter(nat):
    """A host may quote UDP whose checksum it found wrong: the sender hears of it, and the wrong
    stays as wrong as it was."""
    packet = nat.numbered(PACKETS["udp"](4))
    seen = nat.out(packet)
    seen[UDP].chksum ^= 0x1000
    got = nat.back(error(seen))
    assert bytes(got[ICMP].payload)[26:28] != bytes(IP(bytes(packet)))[26:28]
    assert [fault.split(":")[0] for fault in nat.inside.faults] == ["quoted UDP checksum"]
    nat.inside.faults.clear()


@KINDS
def test_req_4_without_a_mapping_an_error_from_outside_is_dropped(nat, kind):
    never = PACKETS[kind](5)
    never[IP].src = ROUTER_WAN4
    nat.outside.drain()
    assert not nat.is_let_in(error(IP(bytes(never))))
    assert [p for p in nat.outside.all_until(0.2) if IP in p and p[IP].dst == ROUTER_OUT_THERE] == []


@pytest.mark.parametrize(("icmp", "code"), ERRORS)
@KINDS
def test_req_4_errors_from_outside_reach_the_sender(nat, kind, icmp, code):
    packet = PACKETS[kind](10 + ERRORS.index((icmp, code)))
    got = nat.back(error(nat.out(packet), icmp, code))
    assert (got[IP].src, got[IP].dst) == (ROUTER_OUT_THERE, HOST)
    assert (got[ICMP].type, got[ICMP].code) == (icmp, code)
    if (icmp, code) == (3, 4):
        assert got[ICMP].nexthopmtu == 1400
    assert bytes(got[ICMP].payload) == as_sent(packet), "it quotes what the host has sent"


@pytest.mark.parametrize("quoted", [28, 29, 36, 38])
@KINDS
def test_req_4_a_quote_may_be_short(nat, kind, quoted):
    packet = PACKETS[kind](30 + quoted)
    got = nat.back(error(nat.out(packet), quoted=quoted))
    assert bytes(got[ICMP].payload) == as_sent(packet)[:quoted]


@pytest.mark.parametrize("quoted", [0, 1, 19, 20, 27])
def test_req_4_a_quote_too_short_to_tell_whose_is_dropped(nat, quoted):
    seen = nat.out(PACKETS["udp"](80))
    assert not nat.is_let_in(error(seen, quoted=quoted))
    assert nat.is_let_in(error(seen))


@pytest.mark.parametrize(("icmp", "code"), ERRORS)
@KINDS
def test_req_5_errors_from_inside_show_the_outside_address(nat, kind, icmp, code):
    """A host refuses the answer: the remote reads about what it sent, and no inner address."""
    packet = PACKETS[kind](100 + ERRORS.index((icmp, code)))
    seen = nat.out(packet)
    answers = {"tcp": lambda: IP(src=FAR, dst=seen[IP].src) / TCP(
        sport=80, dport=seen[TCP].sport, flags="SA", seq=1, ack=seen[TCP].seq + 5),
        "icmp": lambda: reply(seen)}
    answer = answers.get(kind, lambda: IP(src=FAR, dst=seen[IP].src) / UDP(
        sport=53, dport=seen[UDP].sport) / b"answer")()
    arrived = nat.back(answer)
    # from the host itself, and from a router between it and ours
    for sender in (HOST, "198.18.0.60"):
        got = nat.out(IP(src=sender, dst=FAR) / ICMP(type=icmp, code=code) / bytes(arrived))
        assert (got[IP].src, got[IP].dst) == (ROUTER_WAN4, FAR)
        assert (got[ICMP].type, got[ICMP].code) == (icmp, code)
        assert bytes(got[ICMP].payload) == as_sent(answer)


def test_req_5_without_a_mapping_an_error_from_inside_is_dropped(nat):
    arrived = IP(src=FAR, dst=HOST) / UDP(sport=53, dport=31999) / b"never was"
    assert not nat.is_let_out(IP(src=HOST, dst=FAR) / ICMP(type=3, code=3) / bytes(arrived))


def test_req_5c_one_to_one_shows_the_hosts_own_outside_address(nat):
    seen = nat.out(IP(src=BASIC_INSIDE, dst=FAR) / UDP(sport=34000, dport=53) / b"question")
    assert seen[IP].src == BASIC_OUTSIDE
    answer = IP(src=FAR, dst=BASIC_OUTSIDE) / UDP(sport=53, dport=34000) / b"answer"
    arrived = nat.back(answer)
    got = nat.out(IP(src=BASIC_INSIDE, dst=FAR) / ICMP(type=3, code=3) / bytes(arrived))
    assert got[IP].src == BASIC_OUTSIDE
    assert bytes(got[ICMP].payload) == as_sent(answer)


def test_req_7_hairpinned_errors_reach_the_sender(nat):
    """A host speaks to another one's outside endpoint, and is refused there: neither learns an
    inner address of the other's."""
    theirs = nat.out(IP(src=FULL_CONE, dst=FAR) / UDP(sport=35000, dport=53) / b"x")
    calls = [(35000, (theirs[IP].src, theirs[UDP].sport), FULL_CONE)]
    calls += [(35100 + i, (ROUTER_WAN4, FORWARDED), SERVER) for i in range(0, 256, 32)]  # of each worker
    for sport, target, host in calls:
        packet = IP(src=HOST, dst=target[0]) / UDP(sport=sport, dport=target[1]) / b"hairpin"
        arrived = nat.around(packet)
        assert arrived[IP].dst == host
        got = nat.around(IP(src=arrived[IP].dst, dst=arrived[IP].src)
                         / ICMP(type=3, code=3) / bytes(arrived))
        assert (got[IP].src, got[IP].dst) == (target[0], HOST)
        assert bytes(got[ICMP].payload) == as_sent(packet)


def test_req_7_queries_hairpin_to_a_one_to_one(nat):
    arrived = nat.around(query(HOST, 5700, BASIC_OUTSIDE))
    assert (arrived[IP].src, arrived[IP].dst) == (ROUTER_WAN4, BASIC_INSIDE)
    got = nat.around(reply(arrived))
    assert (got[IP].src, got[IP].dst, got[ICMP].id) == (BASIC_OUTSIDE, HOST, 5700)


def refusal(lab, packet):
    lab.numbered(packet)
    lab.inside.drain()
    lab.inside.send(packet)
    return lab.inside.wait(lambda p: ICMP in p and p[ICMP].type == 3)


def test_req_8_what_may_not_begin_is_answered_prohibited(nat):
    packet = IP(src=FORBIDDEN, dst=FAR) / UDP(sport=36000, dport=53) / b"may I?"
    said = refusal(nat, packet)
    assert said is not None and said[ICMP].code == 13
    assert (said[IP].src, said[IP].dst) == (ROUTER_LAN4, FORBIDDEN)
    assert bytes(said[ICMP].payload)[12:28] == bytes(packet)[12:28]


def test_req_10a_time_exceeded_is_sent_and_passed_on(nat):
    """What traceroute sees: our own hop by our own address, the next ones by theirs."""
    nat.inside.drain()
    nat.inside.send(query(HOST, 5800, ttl=1))
    said = nat.inside.wait(lambda p: ICMP in p and p[ICMP].type == 11)
    assert said is not None and said[IP].src == ROUTER_LAN4
    packet = query(HOST, 5801, ttl=2)
    got = nat.back(error(nat.out(packet), 11, 0))
    assert (got[IP].src, got[IP].dst) == (ROUTER_OUT_THERE, HOST)
    assert bytes(got[ICMP].payload) == as_sent(packet)


def test_req_10a_packets_too_big_outside_are_told_inside(nat):
    packet = IP(src=HOST, dst=FAR, flags="DF") / UDP(sport=36100, dport=53) / bytes(1400)
    got = nat.back(error(nat.out(packet), 3, 4, quoted=56))
    assert (got[ICMP].code, got[ICMP].nexthopmtu) == (4, 1400)
    assert bytes(got[ICMP].payload)[:28] == as_sent(packet)[:28]


@pytest.mark.parametrize("kind", [9, 10, 13, 15, 17, 4, 5])
def test_req_11_other_messages_from_outside_do_not_get_in(nat, kind):
    assert not nat.is_let_in(IP(src=FAR, dst=ROUTER_WAN4) / ICMP(type=kind) / bytes(20))
