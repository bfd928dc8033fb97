# SPDX-License-Identifier: BSD-3-Clause
"""Sets of the firewall that are filled by the names that clients ask for: see dns_lab.py."""

import pytest
from dns_lab import DnsLab, ZONE
from home import PCS, SERVER4
from lab import wait_for

HOST = "198.51.100.10"  # the server's, under another name

SETS_ZONE = ZONE + f"""
open 600 A {HOST}
brief 1 A 203.0.113.99
a.below 600 A 203.0.113.98
below 600 A 203.0.113.97
"""

KEYS = f"upstreams: {SERVER4}"

RULES = """
zones: { inside: { interfaces: lan }, outside: { interfaces: wan } }
sets:
  sites: { names: [open.example.net, "*.below.example.net", brief.example.net], least: LEAST }
firewall:
  input:
    - { from: inside, action: accept }
  forward:
    - { from: inside, destination: sites, action: accept }
"""


class SetsLab(DnsLab):
    least = "5m"

    def config(self, keys, listen="[lan, lo]"):
        return super().config(keys, listen) + RULES.replace("LEAST", self.least)

    def entries(self):
        return {entry["address"].partition("/")[0]: entry["left_sec"]
                for entry in self.millrace("show", "set", "sites")["entries"]}

    def ping(self, host="pc1"):
        return self.run(host, "ping", "-c1", "-W1", HOST, check=False).returncode == 0


@pytest.fixture(name="lab")
def fixture_lab():
    with SetsLab() as lab:
        lab.start_unbound("srv", text=SETS_ZONE)
        yield lab


def test_an_address_is_open_once_its_name_is_answered(lab):
    lab.start_dns(KEYS, path=False)
    wait_for(lambda: lab.dig("www.example.net", check=False).data == ["203.0.113.80"],
             "the upstream to answer", 15)
    assert not lab.ping() and lab.entries() == {}
    assert lab.dig("open.example.net").data == [HOST]
    # the very next packet
    assert lab.ping(), lab.entries()
    left = lab.entries()
    assert list(left) == [HOST] and 590 <= left[HOST] <= 601, left
    assert lab.dig("below.example.net").data == ["203.0.113.97"]  # itself it is not below
    assert lab.dig("a.below.example.net").data == ["203.0.113.98"]
    assert set(lab.entries()) == {HOST, "203.0.113.98"}


def test_an_address_stays_as_long_as_the_config_says(lab):
    lab.least = "3s"
    lab.start_dns(KEYS, path=False)
    wait_for(lambda: lab.dig("brief.example.net", check=False).data == ["203.0.113.99"],
             "the upstream to answer", 15)
    assert 1 <= lab.entries()["203.0.113.99"] <= 4
    wait_for(lambda: not lab.entries(), "the address to end", 8)
    assert lab.dig("brief.example.net").data == ["203.0.113.99"]
    assert "203.0.113.99" in lab.entries()


def test_another_config_has_other_names(lab):
    lab.start_dns(KEYS, path=False)
    wait_for(lambda: lab.dig("www.example.net", check=False).data == ["203.0.113.80"],
             "the upstream to answer", 15)
    path = lab.dir / "other.yaml"
    path.write_text(lab.config(KEYS).replace("open.example.net", "www.example.net"))
    lab.millrace("apply", str(path))
    lab.dig("open.example.net")
    lab.dig("www.example.net")  # from the cache: its set is new all the same
    assert set(lab.entries()) == {"203.0.113.80"}
    bad = lab.dir / "bad.yaml"
    bad.write_text(lab.config(KEYS).replace("open.example.net", "two words"))
    assert lab.millrace("check", str(bad), check=False) is None


def test_many_ask_at_once(lab):
    lab.start_dns(KEYS, path=False)
    wait_for(lambda: lab.dig("www.example.net", check=False).data == ["203.0.113.80"],
             "the upstream to answer", 15)
    names = lab.dir / "names"
    names.write_text("".join(f"a.below.example.net A\nn{i}.below.example.net A\n"
                             for i in range(500)))
    asked = lab.run("pc2", "dig", "@198.18.0.1", "+tries=2", "+timeout=2", "-f", str(names),
                    "+short").stdout
    assert asked.count("203.0.113.98") == 500
    assert lab.dns_counts()["drop_sets"] == 0
    assert PCS["pc2"][0] not in lab.entries() and "203.0.113.98" in lab.entries()
