# SPDX-License-Identifier: BSD-3-Clause
"""The DNS forwarder between real clients (dig) and real upstreams (Unbound): see dns_lab.py."""

import struct

import pytest
from dns_lab import DnsLab, question
from home import FAR4, PCS, ROUTER_LAN4, ROUTER_LAN6, SERVER4
from lab import wait_for


@pytest.fixture(name="lab")
def fixture_lab():
    with DnsLab() as lab:
        yield lab


def test_dig_in_each_shape(lab):
    upstream = lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    first = lab.dig("www.example.net")
    assert first.status == "NOERROR" and first.data == ["203.0.113.80"], first
    assert "qr" in first.flags and "ra" in first.flags and "aa" not in first.flags, first
    for words in (["+tcp"], ["+noedns"], ["+bufsize=512"], ["+dnssec"], ["+cd"]):
        again = lab.dig("www.example.net", *words)
        assert again.data == ["203.0.113.80"], (words, again)
    six = lab.dig("www.example.net", "AAAA", server=ROUTER_LAN6)
    assert six.data == ["2001:db8:0:a::80"], six
    assert lab.dig("www.example.net", "+tcp", server=ROUTER_LAN6).data == ["203.0.113.80"]
    assert "WWW.Example.NET." in lab.dig("WWW.Example.NET").text
    alias = lab.dig("alias.example.net")
    assert alias.data == ["www.example.net.", "203.0.113.80"], alias
    nothing = lab.dig("nothing.example.net")
    assert nothing.status == "NXDOMAIN" and "SOA" in nothing.text, nothing
    # by the router itself, as its own resolver
    assert lab.dig("www.example.net", server="127.0.0.1", host="rtr").data == ["203.0.113.80"]
    seen = lab.dns()
    assert {one["interface"]: one["is_open"] for one in seen["listen"]} == {"lan": True, "lo": True}
    assert seen["counts"]["tcp"] == 2 and seen["counts"]["udp"] >= 9, seen
    assert seen["types"]["A"] >= 9 and seen["types"]["AAAA"] == 1
    assert seen["codes"]["NXDOMAIN"] == 1
    assert seen["clients"][0] == {"client": PCS["pc1"][0],
                                  "queries": seen["clients"][0]["queries"]}
    # one question each of A (plain, DO, CD), AAAA, alias, nothing: the rest was in the cache
    assert upstream.output().count("www.example.net. A IN") == 3, upstream.output()


def test_ttls_run_down_and_an_answer_ends(lab):
    upstream = lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    assert lab.dig("short.example.net").ttls == [2]
    wait_for(lambda: lab.dig("short.example.net").ttls == [1], "the TTL to run down", 3)
    wait_for(lambda: upstream.output().count("short.example.net. A IN") == 2 or
             not lab.dig("short.example.net"), "the answer to be asked for anew", 4)


def test_large_answers_go_by_tcp(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    large = lab.dig("big.example.net", "TXT")
    assert large.is_tcp and large.data[0].count('"') == 16, large
    cut = lab.dig("big.example.net", "TXT", "+ignore", "+bufsize=4096")
    assert "tc" in cut.flags and cut.data == [], cut
    plain = lab.dig("big.example.net", "TXT", "+ignore", "+noedns")
    assert "tc" in plain.flags and "EDNS" not in plain.text, plain


def test_many_questions_on_one_connection(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    script = (
        "import socket, struct, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from dns_lab import question\n"
        f"sock = socket.create_connection(('{ROUTER_LAN4}', 53), timeout=5)\n"
        "for i in range(200):\n"
        "    name = f'n{i}.example.net' if i % 2 else 'www.example.net'\n"
        "    one = question(name, 1000 + i)\n"
        "    sock.sendall(struct.pack('!H', len(one)) + one)\n"
        "sock.shutdown(socket.SHUT_WR)\n"
        "stream = sock.makefile('rb')\n"
        "seen = set()\n"
        "while head := stream.read(2):\n"
        "    one = stream.read(struct.unpack('!H', head)[0])\n"
        "    number, flags = struct.unpack('!2H', one[:4])\n"
        "    assert flags & 15 == (3 if number % 2 else 0), (number, flags)\n"
        "    seen.add(number)\n"
        "print(len(seen))\n")
    done = lab.run("pc1", "/usr/bin/python3", "-c", script, str(__file__.rsplit("/", 1)[0]))
    assert done.stdout.strip() == "200", done


def test_who_may_not_ask_is_refused(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, access: [{PCS['pc1'][0]}, '2001:db8:0:2::/64']")
    assert lab.dig("www.example.net").status == "NOERROR"
    refused = lab.dig("www.example.net", host="pc2")
    assert refused.status == "REFUSED" and "EDE: 18 (Prohibited)" in refused.text, refused
    assert lab.dig("www.example.net", "+tcp", host="pc2").status == "REFUSED"
    assert lab.dig("www.example.net", host="pc2", server=ROUTER_LAN6).status == "NOERROR"
    # from the internet nobody is heard at all: the config does not listen there
    outside = lab.dig("www.example.net", server="203.0.113.2", host="inet", check=False)
    assert outside.status is None, outside
    assert lab.dns_counts()["refused_access"] == 2


def test_a_client_beyond_its_rate_is_cut_and_dropped(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, rate: 20")
    script = (
        "import socket, struct, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from dns_lab import drain, question\n"
        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"sock.connect(('{ROUTER_LAN4}', 53))\n"
        "for i in range(220):\n"
        "    sock.send(question('www.example.net', i))\n"
        "answers = drain(sock)\n"
        "cut = [one for one in answers if one[2] & 2]\n"
        "print(len(answers) - len(cut), len(cut))\n")
    lab.dig("www.example.net")
    done = lab.run("pc1", "/usr/bin/python3", "-c", script, str(__file__.rsplit("/", 1)[0]))
    whole, cut = (int(word) for word in done.stdout.split())
    counts = lab.dns_counts()
    assert 15 <= whole <= 60 and 60 <= cut <= 110, (whole, cut)
    assert counts["cut"] >= cut and counts["drop_rate"] >= 60, counts
    # another client is not concerned, and TCP is not either
    assert lab.dig("www.example.net", host="pc2").status == "NOERROR"
    assert lab.dig("www.example.net", "+tcp").status == "NOERROR"


def test_malformed_messages_end_nothing(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    loop = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack("!2H", 1, 1)
    bad = [b"", b"\0", bytes(11), bytes(12), loop, question("www.example.net")[:-3],
           question("www.example.net") * 30, question("www.example.net", flags=0x8180),
           question("www.example.net", flags=0x2900), question("x" * 63 + "." + "y" * 63),
           question("www.example.net", edns=b"\0\0\x29\x04\xd0\0\x05\0\0\0\0")]
    script = (
        "import socket, sys\n"
        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"sock.connect(('{ROUTER_LAN4}', 53))\n"
        f"for one in {bad!r}:\n"
        "    sock.send(one)\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from dns_lab import drain\n"
        "print(sorted(one[3] & 15 for one in drain(sock, 1)))\n")
    done = lab.run("pc1", "/usr/bin/python3", "-c", script, str(__file__.rsplit("/", 1)[0]))
    codes = done.stdout.strip()
    assert "1" in codes and "4" in codes, codes  # FORMERR, NOTIMP
    assert lab.dig("www.example.net").status == "NOERROR"
    assert lab.dns_counts()["drop_malformed"] >= 4


def test_domains_have_upstreams_of_their_own(lab):
    outer = lab.start_unbound("srv")
    inner = lab.start_unbound("far", zone="corp.example.net")
    lab.start_dns(f"upstreams: {SERVER4}, domains: [{{ names: corp.example.net, upstreams: {FAR4} }}]")
    assert lab.dig("www.corp.example.net").data == ["203.0.113.80"]
    assert lab.dig("www.example.net").data == ["203.0.113.80"]
    assert "corp.example.net" not in outer.output() and "www.example.net" not in inner.output()


def test_another_config_loses_no_question(lab):
    lab.start_unbound("srv", text="$TTL 0\n@ SOA ns hostmaster 1 3600 600 86400 0\n@ NS ns\n"
                      "* A 203.0.113.80\nns A 203.0.113.53\n")
    lab.start_dns(f"upstreams: {SERVER4}")
    file = lab.dir / "questions"
    file.write_text("".join(f"n{i}.example.net A\n" for i in range(5000)))
    load = lab.start("pc1", "dnsperf", "dnsperf", "-s", ROUTER_LAN4, "-d", file, "-l", 6,
                     "-Q", 500, "-q", 100, "-t", 5)
    wait_for(lambda: lab.dns_counts()["resolved"] > 300, "questions on their way", 10)
    for i in range(6):
        lab.apply(f"upstreams: {SERVER4}, cache: {9 + i}")
    assert load.popen.wait(20) == 0
    said = load.output()
    assert "Queries lost:         0 (0.00%)" in said, said
    assert "NOERROR" in said and "SERVFAIL" not in said, said


def test_an_alias_of_ours_leads_to_what_others_know(lab):
    upstream = lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, records: [{{ name: shop.home.arpa, cname: alias.example.net }}]")
    for _ in range(2):
        shop = lab.dig("shop.home.arpa")
        assert shop.status == "NOERROR", shop
        assert shop.data == ["alias.example.net.", "www.example.net.", "203.0.113.80"], shop
    assert "home.arpa" not in upstream.output()
    assert upstream.output().count("alias.example.net. A IN") == 1, upstream.output()


def test_ten_thousand_clients(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, rate: 5")
    lab.ip("pc1", "route add local 198.19.0.0/16 dev lo")
    lab.ip("rtr", "route add 198.19.0.0/16 via 198.18.0.11")
    lab.dig("www.example.net")
    script = (
        "import socket, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from dns_lab import question\n"
        "answered = 0\n"
        "for i in range(10000):\n"
        "    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    sock.bind((f'198.19.{i // 250}.{i % 250 + 1}', 0))\n"
        "    sock.settimeout(1)\n"
        "    for _ in range(3):  # on a busy machine one may be lost on its way\n"
        f"        sock.sendto(question('www.example.net', i), ('{ROUTER_LAN4}', 53))\n"
        "        try:\n"
        "            answered += sock.recv(512)[3] & 15 == 0\n"
        "            break\n"
        "        except TimeoutError:\n"
        "            pass\n"
        "    sock.close()\n"
        "print(answered)\n")
    done = lab.run("pc1", "/usr/bin/python3", "-c", script, str(__file__.rsplit("/", 1)[0]),
                   timeout=60)
    counts = lab.dns_counts()
    assert done.stdout.strip() == "10000", done
    assert counts["cache_hits"] >= 10000 and counts["cut"] == counts["drop_rate"] == 0, counts
    seen = lab.millrace("show", "dns", "limit", "1000")["clients"]
    assert len(seen) == 1000 and sum(one["queries"] for one in seen) <= counts["udp"]
