# SPDX-License-Identifier: BSD-3-Clause
"""DNS cookies (RFC 7873, RFC 9018): the router as a server of dig and of a BIND9 that forwards to
it, and as a client of BIND9s that want cookies and of upstreams that do it wrong. See dns_lab.py.
"""

from pathlib import Path

import pytest
from dns_lab import DnsLab, wait_asked, ZONE
from home import PCS, ROUTER_LAN4, ROUTER_LAN6, SERVER4
from lab import wait_for

RATE = 20
FLOOD = 200

PRELUDE = """
import sys
sys.path.insert(0, sys.argv[1])
from dns_cookie import *
from dns_lab import drain
server = sys.argv[2]
sock = client(server)
"""

# Each kind of cookie, and what is said to it: code and cookie in hexadecimal.
SHAPES = PRELUDE + """
def said(options, edns=None, n=None):
    message = question("www.example.net", 5, edns=edns or opt(options))
    if n is not None:
        message = message[:4] + struct.pack("!H", n) + message[6:12] + (edns or opt(options))
    sock.send(message)
    return read(sock.recv(4096))
whole = learn(sock, "www.example.net")
print("learned", len(whole), whole[:8].decode())
print("again", said(option(COOKIE, whole))[:3] == (0, False, whole))
for n in (0, 7, 9, 15, 41):
    print("length", n, *said(option(COOKIE, whole[:8] * 5 + b"x" if n == 41 else whole[:n]))[:2])
print("short", said(b"\\0\\x0a\\0\\x10" + whole[:8])[0])
print("behind", said(option(PADDING, b"\\0" * 9) + option(COOKIE, whole[:8]))[2][:8].decode())
print("other", said(option(COOKIE, whole[:-1] + bytes([whole[-1] ^ 1])))[0])
print("none", said(b"")[2])
print("empty", *(said(option(COOKIE, one), n=0)[0] for one in (whole[:8], whole, whole[:8] + b"y" * 16)))
"""

# A burst of questions: answered in whole, cut, with BADCOOKIE; what the longest of these has.
BURST = PRELUDE + f"""
mine = learn(sock, "www.example.net") if sys.argv[3] == "valid" else b"rstuvwxy"
options = option(COOKIE, mine) if sys.argv[3] != "none" else b""
sent = len(question("www.example.net", 1, edns=opt(options)))
time_over = []
for i in range({FLOOD}):
    ask(sock, "www.example.net", options, i)
    if i % 50 == 49:
        time_over += drain(sock, 0.05)
seen = [read(one) for one in time_over + drain(sock)]
bad = [one for one in seen if one[0] == BADCOOKIE]
print(sum(one[0] == 0 and not one[1] for one in seen), sum(one[1] for one in seen), len(bad),
      max((one[3] for one in bad), default=0) - sent)
"""

# An upstream that does it wrong in its own way: what it does with a question and its cookie.
UPSTREAM = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from dns_cookie import *
address, how = sys.argv[2], sys.argv[3]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((address, 53))
print("ready", flush=True)
def send(query, peer, data, cookie=None, code=0):
    end = skip_question(query)
    head = query[:2] + struct.pack("!5H", 0x8180 | code & 15, 1, 1 if data else 0, 0, 1)
    record = b"\\xc0\\x0c" + struct.pack("!2HIH", 1, 1, 0, 4) + bytes(data) if data else b""
    options = option(COOKIE, cookie) if cookie else b""
    sock.sendto(head + query[12:end] + record + opt(options, code >> 4), peer)
def by_tcp():
    listener = socket.create_server((address, 53))
    while True:
        peer = listener.accept()[0]
        while query := peer.recv(4096)[2:]:
            cookie = read(query)[2]
            answer = query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 1)
            answer += query[12:skip_question(query)]
            answer += b"\\xc0\\x0c" + struct.pack("!2HIH", 1, 1, 0, 4) + bytes(TRUE)
            answer += opt(option(COOKIE, cookie[:8] + b"s" * 8))
            peer.sendall(struct.pack("!H", len(answer)) + answer)
            print("tcp", flush=True)
FALSE, TRUE = (203, 0, 113, 66), (203, 0, 113, 80)
if how == "spoken for":
    threading.Thread(target=by_tcp, daemon=True).start()
while True:
    query, peer = sock.recvfrom(4096)
    cookie = read(query)[2]
    print("with" if cookie else "without", len(cookie or b""), flush=True)
    mine = cookie[:8] if cookie else b""
    if how == "forged":  # somebody is quicker, and does not see what the router asks
        send(query, peer, FALSE, b"12345678" + b"s" * 8)
        send(query, peer, FALSE, b"short")
        send(query, peer, TRUE, mine + b"s" * 8)
    elif how in ("spoken for", "replaced"):  # first it knows cookies, then who answers does not
        send(query, peer, FALSE if len(mine) and cookie[8:] else TRUE,
             None if cookie is None or cookie[8:] else mine + b"s" * 8)
    elif how == "deaf" and cookie:
        pass
    elif how == "strict" and cookie:
        send(query, peer, (), code=FORMERR)
    elif how == "picky" and cookie[8:] != b"p" * 8:
        send(query, peer, (), mine + b"p" * 8, BADCOOKIE)
    else:
        send(query, peer, TRUE, mine + b"p" * 8 if cookie else None)
"""


class CookieLab(DnsLab):
    def python(self, host, script, *words):
        done = self.run(host, "/usr/bin/python3", "-c", script, str(Path(__file__).parent), *words)
        return done.stdout.split("\n")

    def burst(self, kind, host="pc1"):
        return tuple(int(word) for word in self.python(host, BURST, ROUTER_LAN4, kind)[0].split())

    def start_upstream(self, how):
        process = self.start("srv", f"upstream-{how}", "/usr/bin/python3", "-c", UPSTREAM,
                             str(Path(__file__).parent), SERVER4, how)
        wait_for(lambda: "ready" in process.output(), "the upstream", 10)
        return process


@pytest.fixture(name="lab")
def fixture_lab():
    with CookieLab() as lab:
        yield lab


def test_dig_gets_a_cookie_and_is_known_by_it(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, records: [{{ name: own.home.arpa, addresses: 198.18.0.9 }}]")
    for server in (ROUTER_LAN4, ROUTER_LAN6):
        before = lab.dns_counts()
        for words in (["www.example.net"], ["www.example.net", "+tcp"], ["own.home.arpa"],
                      ["nothing.example.net"], ["big.example.net"], ["x.invalid"]):
            answer = lab.dig(*words, "+cookie", server=server)
            assert "(good)" in answer.text and answer.status in ("NOERROR", "NXDOMAIN"), answer
        assert lab.dns_counts()["cookie_new"] - before["cookie_new"] >= 6
        cookie = answer.text.split("COOKIE: ")[1].split()[0]
        assert len(cookie) == 48, answer
        again = lab.dig("www.example.net", f"+cookie={cookie}", server=server)
        assert f"COOKIE: {cookie} (good)" in again.text, again
        assert lab.dns_counts()["cookie_valid"] == before["cookie_valid"] + 1
        # of another address it counts for nothing, and is answered all the same
        other = lab.dig("www.example.net", f"+cookie={cookie}", server=server, host="pc2")
        assert other.status == "NOERROR" and f"COOKIE: {cookie}" not in other.text, other
        assert lab.dns_counts()["cookie_bad"] == before["cookie_bad"] + 1
    assert "COOKIE" not in lab.dig("www.example.net", "+nocookie").text


def test_each_length_and_shape(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    said = lab.python("pc1", SHAPES, ROUTER_LAN4)
    assert said[:-1] == [
        "learned 24 rstuvwxy", "again True", "length 0 1 False", "length 7 1 False",
        "length 9 1 False", "length 15 1 False", "length 41 1 False", "short 1",
        "behind rstuvwxy", "other 0", "none None", "empty 0 0 23"], said


def test_a_cookie_passes_where_others_are_held(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}, rate: {RATE}")
    lab.dig("www.example.net")
    whole, cut, bad, _ = lab.burst("none")
    assert whole <= 3 * RATE and cut >= FLOOD // 4 and bad == 0, (whole, cut, bad)
    # who shows the first half alone is told the other: it gets hardly more than it has sent
    whole, cut, bad, more = lab.burst("client")
    assert whole <= 3 * RATE and cut == 0 and bad >= FLOOD // 4 and more <= 16, (whole, cut, bad, more)
    counts = lab.dns_counts()
    assert counts["cookie_asked"] == bad and counts["drop_rate"] >= FLOOD // 2, counts
    # meanwhile a client with cookies is answered, by UDP, as it comes again with the one it gets
    dropped = counts["drop_rate"]
    flood = lab.start("pc1", "flood", "/usr/bin/python3", "-c", BURST,
                      str(Path(__file__).parent), ROUTER_LAN4, "none")
    wait_for(lambda: lab.dns_counts()["drop_rate"] > dropped, "the flood", 10)
    answer = lab.dig("www.example.net", "+cookie", "+tries=3", "+timeout=1")
    assert answer.data == ["203.0.113.80"] and not answer.is_tcp, answer
    flood.popen.wait(20)
    whole, cut, bad, _ = lab.burst("valid", "pc2")
    assert (whole, cut, bad) == (FLOOD, 0, 0), (whole, cut, bad)
    assert lab.dns_counts()["tcp"] == 0


def test_bind_asks_us_with_cookies(lab):
    lab.start_unbound("srv")
    lab.start_dns(f"upstreams: {SERVER4}")
    address = PCS["pc1"][0]
    lab.start_named("pc1", "named-pc1", address,
                    f"forward only; forwarders {{ {ROUTER_LAN4}; }}; recursion yes;")
    for name in ("www", "alias", "short", "ns", "nothing"):
        answer = lab.dig(f"{name}.example.net", server=address)
        assert answer.status in ("NOERROR", "NXDOMAIN"), answer
    counts = lab.dns_counts()
    assert counts["cookie_new"] >= 1 and counts["cookie_valid"] >= 3, counts
    assert counts["cookie_bad"] == 0, counts


def test_an_upstream_that_wants_cookies_gets_them(lab):
    file = lab.dir / "zone"
    file.write_text(ZONE)
    named = lab.start_named("srv", "named-srv", SERVER4, "recursion no; require-server-cookie yes;",
                            f'zone "example.net" {{ type primary; file "{file}"; }};')
    lab.start_dns(f"upstreams: {SERVER4}")
    for name, data in (("www", "203.0.113.80"), ("ns", "203.0.113.53"), ("short", "203.0.113.81")):
        answer = lab.dig(f"{name}.example.net")
        assert answer.data == [data], answer
        wait_asked(named, f"{name}.example.net IN A")
    # named tells of each question whether its cookie was good: (K) is one without the server's half
    flags = [line.split("IN A ")[1].split()[0] for line in named.output().splitlines()
             if "example.net IN A " in line]
    assert flags[0].endswith("K") and len(flags) == 4, flags
    assert all(one.endswith("V") for one in flags[1:]), flags
    seen = lab.upstream("srv")
    assert seen["has_cookies"] is True and seen["forged"] == 0, seen


@pytest.mark.parametrize("how", ["forged", "deaf", "strict", "picky"])
def test_an_upstream_that_does_it_wrong(lab, how):
    upstream = lab.start_upstream(how)
    lab.start_dns(f"upstreams: {SERVER4}")
    for i in range(5):
        answer = lab.dig(f"n{i}.example.net")
        assert answer.data == ["203.0.113.80"], answer
    seen = lab.upstream("srv")
    asked = [line for line in upstream.output().splitlines() if line != "ready"]
    if how == "forged":
        assert seen["forged"] == 10 and asked[0] == "with 8" and set(asked[1:]) == {"with 16"}, asked
    elif how == "picky":
        assert asked == ["with 8"] + ["with 16"] * 5 and seen["has_cookies"], asked
    else:
        # no more is tried after what it said, or did not say three times
        assert seen["has_cookies"] is False and asked[-1] == "without 0", asked
        assert asked.count("with 8") <= (1 if how == "strict" else 3), asked


def test_who_speaks_for_an_upstream_without_its_cookie_is_not_believed(lab):
    upstream = lab.start_upstream("spoken for")
    lab.start_dns(f"upstreams: {SERVER4}")
    for i in range(8):
        assert lab.dig(f"n{i}.example.net").data == ["203.0.113.80"]
    said = upstream.output().splitlines()
    assert said[1] == "with 8" and set(said[2:]) == {"with 16", "tcp"}, said
    assert said.count("tcp") >= 7 and lab.upstream("srv")["forged"] >= 7, said


def test_an_upstream_that_was_replaced_is_believed_again(lab):
    upstream = lab.start_upstream("replaced")
    lab.start_dns(f"upstreams: {SERVER4}")
    for i in range(3):
        assert lab.dig(f"n{i}.example.net").data == ["203.0.113.80"]
    # it answers no TCP: three times, then it is asked as one that is not known
    seen = lab.upstream("srv")
    assert seen["forged"] >= 3 and "with 16" in upstream.output(), (seen, upstream.output())
