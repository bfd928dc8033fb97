# SPDX-License-Identifier: BSD-3-Clause
"""DNS over TLS to an Unbound with a private CA: the certificate's name counts, and nothing is ever
asked in the open. See dns_lab.py."""

import re
import signal
import time
from pathlib import Path

import pytest
from dns_tls import NAME, TlsLab
from home import FAR4, SERVER4
from lab import wait_for
from tools import within

# Says how long each question is, and that its name is not there.
LENGTHS = """
import socket, ssl, struct, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + ".pem", sys.argv[1] + ".key")
listener = socket.create_server(("", 853))
while True:
    link = context.wrap_socket(listener.accept()[0], server_side=True).makefile("rwb")
    while head := link.read(2):
        query = link.read(struct.unpack("!H", head)[0])
        print("question of", len(query), flush=True)
        end = query.index(0, 12) + 5
        answer = query[:2] + struct.pack("!5H", 0x8183, 1, 0, 0, 0) + query[12:end]
        link.write(struct.pack("!H", len(answer)) + answer)
        link.flush()
"""


@pytest.fixture(name="lab")
def fixture_lab():
    with TlsLab() as lab:
        lab.make_ca()
        yield lab


def connections(lab, host):
    return len(lab.run(host, "ss", "-Htn", "state", "established",
                       "sport = :853").stdout.splitlines())


def test_all_questions_go_by_one_warm_connection(lab):
    upstream = lab.start_tls("srv")
    watch = lab.watch_port_53("srv")
    lab.start_dot(SERVER4)
    # it is there before anybody asks
    wait_for(lambda: connections(lab, "srv") == 1, "the connection", 5)
    assert lab.dns()["upstreams"][0]["sent"] == 0
    assert lab.dig("www.example.net").data == ["203.0.113.80"]
    for i in range(20):
        assert lab.dig(f"n{i}.example.net").status == "NXDOMAIN"
    assert lab.dig("big.example.net", "TXT").is_tcp
    assert connections(lab, "srv") == 1
    assert upstream.output().count(". A IN") == 21, upstream.output()
    assert lab.seen_in_the_open("srv", watch) == []


def test_questions_of_any_length_look_alike(lab):
    """RFC 8467: by their length nobody tells them apart."""
    base = lab.make_certificate(NAME)
    server = lab.start("srv", "lengths", "/usr/bin/python3", "-c", LENGTHS, base)
    lab.wait_port("srv", 853, server)
    lab.start_dot(SERVER4)
    names = ["a.example.net", f"{'b' * 40}.example.net", f"{'c' * 63}.{'c' * 50}.example.net"]
    for name in names:
        assert lab.dig(name).status == "NXDOMAIN", server.output()
    lengths = [int(length) for length in re.findall(r"question of (\d+)", server.output())]
    assert lengths == [128, 128, 256], server.output()


@pytest.mark.parametrize("name, ca", [("other.example.org", "ca"), (NAME, "stranger")])
def test_a_wrong_certificate_is_never_asked(lab, name, ca):
    if ca != "ca":
        lab.make_ca(ca)
    upstream = lab.start_tls("srv", certified=name, ca=ca)
    watch = lab.watch_port_53("srv")
    lab.start_dot(SERVER4)
    assert lab.dig("www.example.net").status == "SERVFAIL"
    assert "www.example.net" not in upstream.output()
    assert lab.seen_in_the_open("srv", watch) == []
    assert f"dns {NAME}: its certificate is refused" in lab.router.output(), lab.router.tail()
    # another that is what it says helps at once
    lab.start_tls("far")
    lab.apply(f"upstreams: [{SERVER4} tls {NAME}, {FAR4} tls {NAME}], "
              f"tls-certificates: {lab.dir}/ca.pem")
    with within(1.0):
        assert lab.dig("www.example.net").data == ["203.0.113.80"]
    assert "www.example.net" not in upstream.output()


def test_the_second_answers_while_the_first_is_silent(lab):
    first = lab.start_tls("srv")
    lab.start_tls("far")
    watch = lab.watch_port_53("srv")
    lab.start_dot(SERVER4, FAR4)
    for i in range(8):
        lab.dig(f"w{i}.example.net")
    pids = lab.run("rtr", "ip", "netns", "pids", lab.namespace("srv")).stdout.split()
    pids = [pid for pid in pids if "unbound" in Path(f"/proc/{pid}/comm").read_text()]
    lab.run("srv", "kill", "-STOP", *pids)
    try:
        for i in range(10):
            with within(1.0):
                assert lab.dig(f"s{i}.example.net").status == "NXDOMAIN"
    finally:
        lab.run("srv", "kill", "-CONT", *pids)
    first.stop()
    for i in range(10):
        with within(1.0):
            assert lab.dig(f"d{i}.example.net").status == "NXDOMAIN"
    assert lab.upstream("far")["answered"] >= 20
    assert lab.seen_in_the_open("srv", watch) == []


@pytest.mark.parametrize("tls", [False, True])
def test_an_upstream_that_failed_24_times_helps_again_within_a_second(lab, tls):
    start = lab.start_tls if tls else lab.start_unbound
    upstream = start("srv")
    if tls:
        lab.start_dot(SERVER4)
    else:
        lab.start_dns(f"upstreams: {SERVER4}")
    assert lab.dig("www.example.net").status == "NOERROR"
    upstream.stop()
    asked = [lab.start("pc1", f"dig-{i}", "dig", "@198.18.0.1", f"f{i}.example.net", "+tries=1",
                       "+timeout=8") for i in range(24)]
    for one in asked:
        one.popen.wait(12)
        assert "SERVFAIL" in one.output(), one.output()
    start("srv", name="again")
    began = time.monotonic()
    assert lab.dig("again.example.net").status == "NXDOMAIN", lab.router.tail()
    assert time.monotonic() - began < 1.0


def test_what_was_answered_serves_when_nobody_answers(lab):
    upstream = lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    assert lab.dig("short.example.net").ttls == [2]
    upstream.stop(signal.SIGKILL)
    wait_for(lambda: lab.dig("short.example.net").ttls == [30], "the stale answer", 8)
    assert lab.dns_counts()["stale"] >= 1
    assert "EDE: 3 (Stale Answer)" in lab.dig("short.example.net").text
    never = lab.dig("never.example.net")
    assert never.status == "SERVFAIL" and "EDE: 22 (No Reachable Authority)" in never.text, never
