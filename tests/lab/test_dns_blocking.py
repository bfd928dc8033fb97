# SPDX-License-Identifier: BSD-3-Clause
"""What is blocked for one host, by its card or its name and whatever its addresses, and what hides
behind an alias: see dns_lab.py.
"""

import pytest
from dns_lab import answers, DnsLab, ZONE
from home import PCS, ROUTER_LAN6, SERVER4
from lab import wait_for

UPSTREAM_ZONE = ZONE + """
game A 203.0.113.93
show A 203.0.113.94
x.ads A 203.0.113.91
cloaked CNAME x.ads
fine CNAME x.ads
deep CNAME cloaked
"""

KEYS = f"""upstreams: {SERVER4},
  records: [ {{ name: own.home.arpa, cname: cloaked.example.net }} ],
  blocking: [
    {{ clients: 'CARD', names: [game.example.net, ads.example.net], answer: zero }},
    {{ clients: tv, names: [show.example.net, ads.example.net], allow: fine.example.net }} ]"""

# pc1 is the tv
DHCP = f"""dhcp-server: {{ lan: {{ pool: 198.18.0.100-198.18.0.110, reservations: {{
  tv: {{ mac: 'MAC1', address: {PCS["pc1"][0]} }} }} }} }}
"""


class BlockingLab(DnsLab):
    def card(self, host):
        return self.run(host, "cat", "/sys/class/net/eth0/address").stdout.strip()

    def config(self, keys, listen="[lan, lo]"):
        return super().config(keys, listen) + DHCP.replace("MAC1", self.card("pc1"))

    def keys(self):
        return " ".join(KEYS.replace("CARD", self.card("pc2")).split())

    def explain(self, name, client):
        return self.millrace("explain", "dns", name, "client", client)


@pytest.fixture(scope="module", name="lab")
def fixture_lab():
    with BlockingLab() as lab:
        lab.unbound = lab.start_unbound("srv", text=UPSTREAM_ZONE)
        lab.start_dns(lab.keys())
        wait_for(lambda: lab.dig("www.example.net", host="pc2").data, "the upstream to answer", 15)
        yield lab


def test_a_card_is_blocked_by_each_of_its_addresses(lab):
    assert lab.dig("game.example.net", host="pc2").data == ["0.0.0.0"]
    assert lab.dig("game.example.net").data == ["203.0.113.93"]
    # by addresses that it has never had before, from the first question on
    for i in range(5):
        address = f"2001:db8:0:2::7{i}"
        lab.ip("pc2", f"addr add {address}/64 dev eth0 nodad")
        answer = lab.dig("-b", address, "game.example.net", server=ROUTER_LAN6, host="pc2")
        assert answer.data == ["0.0.0.0"], (i, answer)
    why = lab.explain("game.example.net", address)
    assert (why["verdict"], why["group"], why["group_by"]) == ("blocked", 1, lab.card("pc2")), why


def test_a_host_is_blocked_by_its_name(lab):
    assert answers(lab.dig("show.example.net")) == []
    address = "2001:db8:0:2::81"
    lab.ip("pc1", f"addr add {address}/64 dev eth0 nodad")
    answer = lab.dig("-b", address, "show.example.net", server=ROUTER_LAN6)
    assert answer.status == "NXDOMAIN" and "`names` of the config" in answer.text, answer
    assert lab.dig("show.example.net", host="pc2").data == ["203.0.113.94"]
    why = lab.explain("show.example.net", address)
    assert (why["verdict"], why["group"], why["group_by"]) == ("blocked", 2, "tv"), why


def test_an_alias_hides_nothing(lab):
    for _ in range(2):  # from upstream, and from the cache
        answer = lab.dig("cloaked.example.net", host="pc2")
        assert answer.data == ["0.0.0.0"], answer
        assert "its alias x.ads.example.net: `names` of the config: ads.example.net" in answer.text
        answer = lab.dig("deep.example.net")
        assert answer.status == "NXDOMAIN" and "its alias x.ads.example.net" in answer.text, answer
        answer = lab.dig("own.home.arpa")
        assert answer.status == "NXDOMAIN" and "its alias x.ads.example.net" in answer.text, answer
        assert lab.dig("fine.example.net").data == ["x.ads.example.net.", "203.0.113.91"]
    assert lab.dig("cloaked.example.net", server="127.0.0.1", host="rtr").data == [
        "x.ads.example.net.", "203.0.113.91"]
