# SPDX-License-Identifier: BSD-3-Clause
"""Lists narrowed in the daemon: flows, routes and neighbours of the main job's house.

See home.py for the topology.
"""

import pytest
from conftest import Variant, start
from home import PCS, SERVER4, SERVER6, HomeLab, build_dir
from lab import run_command

PINGS = 5


@pytest.fixture(scope="module")
def lab():
    with HomeLab() as lab:
        start(lab, Variant("af_packet"))
        for pc in PCS:
            for target in (SERVER4, SERVER6):
                lab.run(pc, "ping", "-n", "-c", PINGS if pc == "pc1" else 1, "-i", 0.05, target)
        lab.run("pc2", "curl", "-sS", "-o", "/dev/null", f"http://{SERVER4}/big")
        yield lab


def flows(lab, *words):
    return lab.millrace("show", "flows", *words)["flows"]


def test_flows_are_chosen_by_what_they_are(lab):
    everything = flows(lab)
    own4, own6 = PCS["pc1"]
    assert {flow["src"] for flow in flows(lab, "from", own4)} == {own4}
    assert {flow["src"] for flow in flows(lab, "from", "2001:db8:0:2::/64")} >= {own6}
    assert all(":" in flow["src"] for flow in flows(lab, "from", "::/0"))
    web, = flows(lab, "to", SERVER4, "to-port", "80", "proto", "tcp")
    assert web["src"] == PCS["pc2"][0] and web["rx_bytes"] > 8 << 20
    for protocol in ("icmp", "icmp6", "tcp"):
        said = lab.millrace("show", "flows", "proto", protocol)
        wanted = [flow for flow in everything if flow["protocol"] == protocol]
        assert len(said["flows"]) == said["total"] == len(wanted) > 0
        one = lab.millrace("show", "flows", "proto", protocol, "limit", "1")
        assert len(one["flows"]) == 1 and one["total"] == len(wanted)
    assert flows(lab, "from", own4, "to-port", "80") == []


def test_the_largest_flows_come_first(lab):
    by_bytes = flows(lab, "sort", "bytes")
    sizes = [flow["tx_bytes"] + flow["rx_bytes"] for flow in by_bytes]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == len(flows(lab))
    first, = flows(lab, "sort", "bytes", "top", "1")
    assert first["dport"] == 80
    first, = flows(lab, "sort", "packets", "proto", "icmp", "top", "1")
    assert first["src"] == PCS["pc1"][0] and first["tx_packets"] == PINGS


def test_routes_are_chosen_by_address_network_and_interface(lab):
    def routes(*words):
        return {route["to"] for route in lab.millrace("show", "routes", *words)["routes"]}

    assert routes(SERVER4) == {"0.0.0.0/0"}
    assert routes("198.18.0.11") == {"0.0.0.0/0", "198.18.0.0/24"}
    assert routes("198.18.0.0/16") == {"198.18.0.0/24", "198.18.0.1/32", "198.18.0.255/32"}
    assert "::/0" in routes("::/0") and not any("." in route for route in routes("::/0"))
    assert routes("0.0.0.0/0", "on", "wan") == {
        "0.0.0.0/0", "203.0.113.0/24", "203.0.113.2/32", "203.0.113.255/32"}


def test_neighbours_are_chosen_by_address_interface_and_state(lab):
    def neighbours(*words):
        said = lab.millrace("show", "neighbours", *words)
        assert said["total"] == len(said["neighbours"])
        return {one["addr"] for one in said["neighbours"]}

    assert neighbours("198.18.0.0/24") == {addr4 for addr4, _ in PCS.values()}
    assert neighbours(PCS["pc1"][1]) == {PCS["pc1"][1]}
    assert neighbours("on", "wan", "0.0.0.0/0") == {"203.0.113.1"}
    assert neighbours("state", "failed") == set()
    assert neighbours() == neighbours("on", "lan") | neighbours("on", "wan")


@pytest.mark.parametrize(("words", "said"), [
    (["flows", "from", "lan"], "expected is an address or network"),
    (["flows", "on", "lam"], "there is no interface 'lam'"),
    (["routes", "198.18.0.1", "198.18.0.2"], "'198.18.0.2' is not known after 'show routes'"),
    (["neighbours", "state", "up"], "expected is resolving|reachable|stale|failed"),
], ids=["type", "interface", "too many", "choice"])
def test_what_is_wrong_is_named(lab, words, said):
    done = run_command([build_dir() / "millrace", "-s", lab.socket, "show", *words], check=False)
    assert done.returncode != 0 and said in done.stderr, done
