# SPDX-License-Identifier: BSD-3-Clause
"""What the router answers by itself, asked by dig: see dns_lab.py. The upstream is an Unbound that
would answer all of it otherwise, and tells what it was asked.
"""

import pytest
from dns_lab import answers, DnsLab, ZONE
from home import PCS, SERVER4
from lab import wait_for

UPSTREAM_ZONE = ZONE + """
inside A 192.168.1.1
inside6 AAAA fd00::1
trusted A 10.0.0.7
ads A 203.0.113.90
x.ads A 203.0.113.91
good.ads A 203.0.113.92
game A 203.0.113.93
nas.wrong A 203.0.113.94
"""

KEYS = f"""upstreams: {SERVER4},
  records: [
    {{ name: nas.home.arpa, addresses: [198.18.0.5, "2001:db8::5"] }},
    {{ name: files.home.arpa, cname: nas.home.arpa }},
    {{ name: home.arpa, mx: 10 mail.home.arpa, txt: hello }},
    {{ name: _sip._tcp.home.arpa, srv: 0 5 5060 nas.home.arpa }},
    {{ name: own.example.net, addresses: 198.18.0.6 }} ],
  zones: [
    {{ name: apps.example.net, addresses: 198.18.0.7 }},
    {{ name: corp.example.net }} ],
  block-lists: {{ ads: {{ file: DIR/ads }}, games: {{ file: DIR/games }} }},
  blocking: [
    {{ clients: CHILD, lists: [ads, games], answer: zero }},
    {{ lists: ads, allow: fine.x.ads.example.net }} ],
  rebind: {{ domains: trusted.example.net }}, canary: true"""

ADS = "! a list\n\n||ads.example.net^\n@@||good.ads.example.net^\nexample.net##.banner\n"


class LocalLab(DnsLab):
    def keys(self):
        return " ".join(KEYS.replace("DIR", str(self.dir)).replace("CHILD", PCS["pc2"][0]).split())

    def explain(self, name, *words):
        return self.millrace("explain", "dns", name, *words)

    def wait_verdict(self, name, verdict):
        return wait_for(lambda: self.explain(name, "client", PCS["pc1"][0])["verdict"] == verdict,
                        f"{name} to be {verdict}", 20)


@pytest.fixture(scope="module", name="lab")
def fixture_lab():
    with LocalLab() as lab:
        (lab.dir / "ads").write_text(ADS)
        (lab.dir / "games").write_text("0.0.0.0 game.example.net\n")
        lab.unbound = lab.start_unbound("srv", text=UPSTREAM_ZONE)
        lab.start_dns(lab.keys())
        lab.wait_verdict("ads.example.net", "blocked")
        yield lab


@pytest.mark.parametrize("name, kind, data", [
    ("NAS.home.arpa", "A", ["198.18.0.5"]),
    ("nas.home.arpa", "AAAA", ["2001:db8::5"]),
    ("files.home.arpa", "A", ["nas.home.arpa.", "198.18.0.5"]),
    ("home.arpa", "MX", ["10 mail.home.arpa."]),
    ("home.arpa", "TXT", ['"hello"']),
    ("_sip._tcp.home.arpa", "SRV", ["0 5 5060 nas.home.arpa."]),
    ("5.0.18.198.in-addr.arpa", "PTR", ["nas.home.arpa."]),
    ("own.example.net", "A", ["198.18.0.6"]),
    ("any.name.apps.example.net", "A", ["198.18.0.7"]),
    ("localhost", "A", ["127.0.0.1"]),
    ("fine.x.ads.example.net", "A", []),  # goes on, and is not there
    ("www.example.net", "A", ["203.0.113.80"]),
])
def test_each_kind_of_answer(lab, name, kind, data):
    for words in ([], ["+tcp"], ["+noedns"]):
        assert answers(lab.dig(name, kind, *words)) == data, (name, words)


@pytest.mark.parametrize("name, kind", [
    ("printer.local", "A"), ("nobody.home.arpa", "A"), ("abc.onion", "A"), ("x.test", "A"),
    ("x.invalid", "A"), ("1.1.168.192.in-addr.arpa", "PTR"), ("1.0.0.10.in-addr.arpa", "PTR"),
    ("1.d.f.ip6.arpa", "PTR"), ("nobody", "A"), ("x.corp.example.net", "A"),
    ("use-application-dns.net", "A"), ("own.example.net", "AAAA"), ("x.apps.example.net", "TXT"),
])
def test_nothing_of_it_leaks(lab, name, kind):
    answer = lab.dig(name, kind)
    assert answer.status in ("NXDOMAIN", "NOERROR") and answers(answer) == [], answer
    assert "SOA" in answer.text, answer
    # what is asked after it has arrived upstream: this has not
    marker = f"after-{name.replace('.', '-')}-{kind}.example.net"
    lab.dig(marker)
    wait_for(lambda: marker in lab.unbound.output(), "the upstream to have been asked", 5)
    assert f" {name}. " not in lab.unbound.output()


def test_blocked_for_one_and_not_for_another(lab):
    blocked = lab.dig("x.ads.example.net")
    assert blocked.status == "NXDOMAIN", blocked
    assert "the list ads, line 3: ||ads.example.net^" in blocked.text, blocked  # RFC 8914
    assert lab.dig("good.ads.example.net").data == ["203.0.113.92"]
    assert lab.dig("game.example.net").data == ["203.0.113.93"]
    child = lab.dig("game.example.net", host="pc2")
    assert child.status == "NOERROR" and child.data == ["0.0.0.0"], child
    assert lab.dig("game.example.net", "AAAA", host="pc2").data == ["::"]
    assert lab.dig("www.example.net", host="pc2").data == ["203.0.113.80"]
    assert " x.ads.example.net." not in lab.unbound.output()
    assert lab.dns_counts()["blocked"] >= 3


def test_why_is_explained(lab):
    why = lab.explain("x.ads.example.net", "client", PCS["pc1"][0])
    assert (why["verdict"], why["stage"]) == ("blocked", "blocking")
    assert why["why"] == "the list ads, line 3: ||ads.example.net^"
    why = lab.explain("good.ads.example.net", "client", PCS["pc1"][0])
    assert (why["verdict"], why["why"]) == (
        "upstream", "the list ads, line 4: @@||good.ads.example.net^")
    assert lab.explain("game.example.net", "client", PCS["pc1"][0])["verdict"] == "upstream"
    assert lab.explain("game.example.net", "client", PCS["pc2"][0])["verdict"] == "blocked"
    why = lab.explain("nas.home.arpa", "type", "AAAA")
    assert (why["verdict"], why["stage"]) == ("answered", "records")
    assert "RFC 6762" in lab.explain("printer.local")["why"]
    assert lab.explain("a.trusted.example.net")["may_be_private"] is True
    assert lab.millrace("explain", "dns", "..", check=False) is None


def test_answers_that_lead_inside_are_withheld(lab):
    before = lab.dns_counts()["rebind"]
    for name, kind in (("inside.example.net", "A"), ("inside6.example.net", "AAAA")):
        answer = lab.dig(name, kind)
        assert answer.status == "NOERROR" and answer.data == [], answer
        assert "EDE: 17 (Filtered)" in answer.text, answer
    assert lab.dns_counts()["rebind"] == before + 2
    assert lab.dig("trusted.example.net").data == ["10.0.0.7"]


def test_a_changed_list_is_read_and_no_question_waits(lab):
    """A list of a million names comes in between; every question is answered meanwhile."""
    (lab.dir / "ads").write_text(
        "".join(f"||{i}.tracker.example^\n" for i in range(1000000)) + "game.example.net\n")
    slowest = 0.0
    verdict = "upstream"
    for _ in range(3000):
        answer = lab.dig("nas.home.arpa")
        assert answer.data == ["198.18.0.5"], answer
        slowest = max(slowest, answer.msec)
        verdict = lab.explain("game.example.net", "client", PCS["pc1"][0])["verdict"]
        if verdict == "blocked":
            break
    assert verdict == "blocked"
    assert slowest < 500, slowest
    assert lab.explain("x.tracker.example", "client", PCS["pc1"][0])["verdict"] == "upstream"
    why = lab.explain("a.999999.tracker.example", "client", PCS["pc1"][0])
    assert why["why"] == "the list ads, line 1000000: ||999999.tracker.example^"
    assert lab.dig("x.ads.example.net").data == ["203.0.113.91"]


def test_another_config_keeps_blocking(lab):
    """The lists of another config are read beside those that are in use."""
    (lab.dir / "ads").write_text(ADS)
    lab.wait_verdict("ads.example.net", "blocked")
    lab.apply(lab.keys().replace("answer: zero", "answer: refused"))
    assert lab.dig("game.example.net", host="pc2").status == "REFUSED"
    assert lab.dig("x.ads.example.net").status == "NXDOMAIN"
    lab.apply(f"upstreams: {SERVER4}")
    assert lab.dig("x.ads.example.net").data == ["203.0.113.91"]
    assert lab.dig("nas.home.arpa").status == "NXDOMAIN"
