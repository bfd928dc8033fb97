# SPDX-License-Identifier: BSD-3-Clause
"""Full recursion from a root of the lab's own, through real authoritative servers, validated from
the root's key down: see dns_tree.py for the tree."""

import signal
import time

import pytest
from dns_tree import TreeLab, asked, asked_for
from lab import wait_for


@pytest.fixture(name="lab")
def fixture_lab():
    with TreeLab() as lab:
        lab.servers = lab.start_tree()
        yield lab


def test_from_the_root_down_with_as_little_said_as_possible(lab):
    root, tld, leaf = (lab.servers[name] for name in ("root", "tld", "leaf"))
    lab.start_recursion()
    deep = lab.dig("a.long.way.down.example.net", "+adflag")
    assert deep.data == ["203.0.113.82"] and "ad" in deep.flags, deep
    assert asked_for(leaf, "a.long.way.down.example.net") == 1, leaf.tail()
    # RFC 9156: who has only to say where to ask next hears no more of the name than that takes
    for server, most in ((root, 1), (tld, 2)):
        seen = [name for name, qtype in asked(server) if qtype in ("A", "NS") and name != "."]
        assert any(name.endswith("net") for name in seen), seen
        assert all(len(name.split(".")) <= most or name.startswith("ns") for name in seen), seen
        assert "way.down" not in server.output()
    before = len(asked(root)) + len(asked(tld))
    assert lab.dig("www.example.net").data == ["203.0.113.80"]
    assert lab.dig("www.example.net", "AAAA").data == ["2001:db8:0:a::80"]
    assert len(asked(root)) + len(asked(tld)) == before, "what is known is not asked again"
    alias = lab.dig("alias.example.org", "+adflag")
    assert alias.data == ["www.example.org.", "203.0.113.80"] and "ad" in alias.flags, alias


def test_what_is_signed_is_proven_and_what_is_forged_withheld(lab):
    lab.start_recursion()
    for name in ("www.example.net", "www.example.org", "any.wild.example.net"):
        good = lab.dig(name, "+adflag")
        assert good.status == "NOERROR" and "ad" in good.flags, good
    # a delegation that is proven to be unsigned, at two depths
    for name in ("www.example.com", "www.plain.example.net"):
        plain = lab.dig(name, "+adflag")
        assert plain.data == ["203.0.113.80"] and "ad" not in plain.flags, plain
    for name in ("www.bogus.example.net", "www.expired.example.net"):
        bad = lab.dig(name, "+adflag")
        assert bad.status == "SERVFAIL" and bad.data == [], bad
    assert "203.0.113.66" not in lab.dig("www.bogus.example.net", "+dnssec").text
    assert lab.dns_counts()["bogus"] >= 2
    # NSEC and NSEC3: no such name, no such type, no such name below a wildcard's sibling
    for zone in ("example.net", "example.org"):
        for name, qtype, status in ((f"nothing.{zone}", "A", "NXDOMAIN"),
                                    (f"www.{zone}", "TXT", "NOERROR")):
            none = lab.dig(name, qtype, "+adflag")
            assert none.status == status and none.data[:0] == [] and "ad" in none.flags, none
            assert all("SOA" in record for record in none.records), none


def test_what_nsec_denies_is_not_asked(lab):
    leaf = lab.servers["leaf"]
    lab.start_recursion()
    first = lab.dig("nothing-a.example.net", "+adflag")
    assert first.status == "NXDOMAIN" and "ad" in first.flags, first
    before = len(asked(leaf))
    for name in ("nothing-b", "nothing-c", "no"):  # all between long.way.down's and plain's
        again = lab.dig(f"{name}.example.net", "+adflag")
        assert again.status == "NXDOMAIN" and "ad" in again.flags, again
    assert len(asked(leaf)) == before, asked(leaf)[before:]
    # another gap is another question
    assert lab.dig("xylo.example.net").status == "NXDOMAIN"
    assert len(asked(leaf)) > before


def refreshed(lab, name, server):
    """Asks until the TTL has jumped up, while the server is as if dead from two seconds before its
    end until somebody has had an answer of the last second. (the longest wait, the TTLs told)"""
    slowest, told = 0, [lab.dig(name).ttls[0]]
    deadline = time.monotonic() + 14
    is_stopped = False
    while len(told) < 2 or told[-1] <= told[-2]:
        assert time.monotonic() < deadline, told
        if told[-1] == 2 and not is_stopped:
            server.popen.send_signal(signal.SIGSTOP)
            is_stopped = True
        one = lab.dig(name)
        slowest = max(slowest, one.msec)
        told.append(one.ttls[0])
        if told[-1] == 1:
            server.popen.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    return slowest, told


@pytest.mark.parametrize("dnssec", ["true", "false"])
def test_what_is_popular_is_fetched_before_it_ends(lab, dnssec):
    leaf = lab.servers["leaf"]
    lab.start_recursion(f"dnssec: {dnssec}, stale: 0s")
    assert lab.dig("popular.example.net").ttls == [10]
    assert asked_for(leaf, "popular.example.net") == 1
    for times in (2, 3):
        slowest, told = refreshed(lab, "popular.example.net", leaf)
        assert asked_for(leaf, "popular.example.net") == times, told
        assert 0 not in told and slowest < 100, (slowest, told)
    assert lab.dns_counts()["prefetched"] >= 2


@pytest.mark.parametrize("dnssec", ["true", "false"])
def test_after_an_outage_of_the_whole_internet_names_are_found_within_a_second(lab, dnssec):
    lab.start_recursion(f"dnssec: {dnssec}")
    assert lab.dig("www.example.net").data == ["203.0.113.80"]
    lab.ip("inet", "link set srv down")
    # among them names of zones whose keys were never seen
    for i in range(24):
        zone = ("example.net", "example.org", "example.com")[i % 3]
        dead = lab.dig(f"any{i}.wild.{zone}", "+timeout=1", check=False)
        assert dead.status in (None, "SERVFAIL"), dead
    lab.ip("inet", "link set srv up")
    lab.ip("inet", "addr replace 198.51.100.1/25 dev srv")
    began = time.monotonic()
    for zone in ("example.net", "example.org", "example.com"):
        good = lab.dig(f"after.wild.{zone}", "+timeout=1", "+tries=3", "+adflag")
        took = time.monotonic() - began
        assert good.data == ["203.0.113.87"], (took, good, lab.router.tail())
        assert ("ad" in good.flags) == (dnssec == "true" and zone != "example.com"), good
        print(f"{zone} {took:.3f} s after the way was there")
        assert took < 1.0, took


def test_what_is_stale_serves_while_the_servers_are_away(lab):
    lab.start_recursion("dnssec: true, stale: 10s")
    assert lab.dig("brief.example.net").ttls == [2]
    lab.ip("inet", "link set srv down")
    wait_for(lambda: lab.dig("brief.example.net").ttls == [30], "the stale answer", 8)
    # who comes later does not wait for what is known to be in vain
    waits = [lab.dig("brief.example.net") for _ in range(3)]
    assert all(one.data == ["203.0.113.84"] and one.ttls == [30] and one.msec < 500
               for one in waits), waits
    # no longer than the config says: 2 s of its own, and 10
    wait_for(lambda: lab.dig("brief.example.net").status == "SERVFAIL", "its bound", 20)
    assert lab.dns_counts()["stale"] >= 4


def test_ttls_are_kept_within_bounds(lab):
    leaf = lab.servers["leaf"]
    lab.start_recursion("dnssec: true, ttl-min: 6s, ttl-max: 60s")
    assert lab.dig("lasting.example.net").ttls == [60]
    lab.dig("brief.example.net")
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 4, "twice the name's own time", 6)
    brief = lab.dig("brief.example.net")
    assert brief.data == ["203.0.113.84"] and asked_for(leaf, "brief.example.net") == 1, brief
    wait_for(lambda: lab.dig("brief.example.net") and asked_for(leaf, "brief.example.net") == 2,
             "it to be asked for again", 6)
