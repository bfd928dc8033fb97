# SPDX-License-Identifier: BSD-3-Clause
"""DNSSEC: a zone signed by dnssec-signzone, one whose answers were forged after that, and one
without signatures; validated by the router from a trust anchor of the lab's. See dns_lab.py."""

import pytest
from dns_lab import ZONE
from dns_signed import SigningLab
from home import SERVER4


@pytest.fixture(name="lab")
def fixture_lab():
    with SigningLab() as lab:
        yield lab


def test_good_answers_are_marked_and_forged_ones_withheld(lab):
    signed = lab.sign(ZONE)
    forged = signed.replace("203.0.113.81", "203.0.113.66")
    assert forged != signed
    upstream = lab.start_unbound("srv", text=forged)
    lab.start_dns(f"upstreams: {SERVER4}, dnssec: true, trust-anchor: {lab.dir}/anchor")
    good = lab.dig("www.example.net", "+adflag")
    assert good.data == ["203.0.113.80"] and "ad" in good.flags, good
    # who does not want DNSSEC's records does not get them, who wants them does
    assert "RRSIG" not in good.text
    whole = lab.dig("www.example.net", "+dnssec")
    assert "RRSIG" in whole.text and "ad" in whole.flags, whole
    cached = lab.dig("www.example.net", "+adflag")
    assert "ad" in cached.flags and cached.data == ["203.0.113.80"], cached
    alias = lab.dig("alias.example.net")
    assert alias.data == ["www.example.net.", "203.0.113.80"] and "RRSIG" not in alias.text, alias
    nothing = lab.dig("nothing.example.net", "+adflag")
    assert nothing.status == "NXDOMAIN" and "ad" in nothing.flags, nothing
    assert "NSEC" not in nothing.text and "SOA" in nothing.text, nothing
    for words in ([], ["+dnssec"], ["+tcp"]):
        bad = lab.dig("short.example.net", *words)
        assert bad.status == "SERVFAIL" and bad.data == [], bad
        assert "EDE: 6 (DNSSEC Bogus)" in bad.text, bad  # RFC 8914
    # who validates by itself gets it, to judge it
    raw = lab.dig("short.example.net", "+cd")
    assert raw.data == ["203.0.113.66"] and "ad" not in raw.flags, raw
    assert lab.dns_counts()["bogus"] >= 1
    assert "203.0.113.66" not in lab.dig("short.example.net").text
    # RFC 8198: what NSEC denies is not asked
    before = upstream.output().count("between.example.net")
    lab.dig("nothing.example.net")
    assert before == 0
    large = lab.dig("big.example.net", "TXT", "+adflag")
    assert large.is_tcp and "ad" in large.flags, large


def test_without_dnssec_nothing_is_marked(lab):
    lab.start_unbound("srv", text=lab.sign(ZONE))
    lab.start_dns(f"upstreams: {SERVER4}")
    plain = lab.dig("www.example.net", "+adflag")
    assert plain.data == ["203.0.113.80"] and "ad" not in plain.flags, plain
