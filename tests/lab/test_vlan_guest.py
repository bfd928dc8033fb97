# SPDX-License-Identifier: BSD-3-Clause
"""VLANs between cards that filter them and a kernel that has 802.1Q, in one virtual machine.

    host "peer": no tag, VLAN 20, 30 -- card -- (br0) -- lan [ millraced ] wan -- (router) -- card -- host "far": VLAN 7

The router has the pair of one kind, the hosts, namespaces in the guest, that of the other. QEMU's
cards drop a VLAN that they were not asked for, where their driver lets them: virtio-net always,
e1000e as long as the kernel drives it.
"""

import json
import re
from typing import NamedTuple

import pytest
from home import build_dir
from lab import wait_for
from pci import E1000E, SOCKET, VIRTIO, Card, PciLab

pytestmark = [pytest.mark.guest, pytest.mark.timeout(300), pytest.mark.xdist_group("vlan-guest")]

FAR = "203.0.113.1"
LAN, GUESTS, GUESTS6, THINGS = "198.18.0.1", "198.19.20.1", "2001:db8:0:20::1", "198.19.30.1"
THINGS_LINE = f"  things: {{ port: lan, vlan: 30, addresses: {THINGS}/24 }}\n"
CONFIG = """workers: {{ cores: [0] }}
ports:
  wan: {{ driver: {driver}, match: {{ name: wan-{kind} }} }}
  lan: {{ driver: {driver}, match: {{ name: lan-{kind} }} }}
interfaces:
  wan: {{ port: wan, vlan: 7, priority: 6, addresses: 203.0.113.2/24 }}
  lan: {{ port: lan, addresses: 198.18.0.1/24 }}
  guests: {{ port: lan, vlan: 20, addresses: [198.19.20.1/24, '2001:db8:0:20::1/64'] }}
{more}dhcp-server:
  guests: {{ pool: 198.19.20.100-198.19.20.110, conflict-check: false }}
nat:
  - {{ masquerade: wan }}
flows: {{ capacity: 16384 }}
state: {{ file: /run/state.db }}
"""
HOSTS = """
modprobe 8021q
ip netns add peer; ip netns add far
ip link set lan-{kind} netns peer; ip link set wan-{kind} netns far
for host in peer far; do ip -n $host link set lo up; done
ip -n far link set wan-{kind} up
ip -n far link add link wan-{kind} name seven type vlan id 7 egress-qos-map 0:3
ip -n far addr add 203.0.113.1/24 dev seven; ip -n far link set seven up
ip -n peer link set lan-{kind} up; ip -n peer addr add 198.18.0.81/24 dev lan-{kind}
for id in 20 30; do
	ip -n peer link add link lan-{kind} name v$id type vlan id $id; ip -n peer link set v$id up
done
ip -n peer addr add 2001:db8:0:20::11/64 dev v20 nodad
ip -n peer addr add 198.19.30.11/24 dev v30
"""
LEASE = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router dev $interface
"""
# A tag of priority alone, and one of a provider's VLAN; the router's MAC, as neither hears ARP.
OTHER_TAGS = """
ip link add link lan-{kind} name urgent type vlan id 0 egress-qos-map 0:5
ip link add link lan-{kind} name service type vlan proto 802.1ad id 20
for name in urgent service; do
	echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6; ip link set $name up
done
ip addr del 198.18.0.81/24 dev lan-{kind}
ip addr add 198.18.0.82/24 dev urgent; ip neigh add {lan} lladdr {mac} dev urgent
ip addr add 198.19.40.11/24 dev service; ip neigh add 198.19.40.1 lladdr {mac} dev service
"""


class Way(NamedTuple):
    """How the router drives its cards, and whose the hosts are."""
    driver: str
    router: Card
    hosts: Card

    @property
    def card_filters(self):
        """To the VLAN, rather than all or none."""
        return self.driver == "pci" and self.router is VIRTIO


WAYS = (Way("pci", VIRTIO, E1000E), Way("pci", E1000E, VIRTIO), Way("af_packet", VIRTIO, E1000E),
        Way("af_packet", E1000E, VIRTIO))


class VlanGuestLab(PciLab):
    cards, guest_hugepages, megabytes = (E1000E, VIRTIO), 200, 1536

    def begin(self, way):
        self.way = way
        self.start_router(self.config(), timeout=90)
        self.guest.run("sh", "-ec", HOSTS.format(kind=way.hosts.kind))

    def end(self):
        if self.router is not None:
            self.stop_router()
        self.guest.run("sh", "-c", "for host in peer far; do "
                       "ip netns pids $host | xargs -r kill -9; ip netns del $host; done", check=False)
        wait_for(lambda: all(self.link(card.netdev(side)) for side in ("lan", "wan") for card in self.cards),
                 "the cards to be back", 10, 0.2)

    def config(self, more=""):
        return CONFIG.format(driver=self.way.driver, kind=self.way.router.kind, more=more)

    def in_host(self, host, *argv, **options):
        return self.guest.run("ip", "netns", "exec", host, *argv, **options)

    def ping(self, host, target, *words, count=1):
        """How many were answered."""
        said = self.in_host(host, "ping", "-n", "-c", count, "-i", "0.05", "-W", 2, *words, target,
                            check=False).stdout
        return int(re.search(r"(\d+) received", said)[1])

    def wait_ping(self, host, target, *words):
        wait_for(lambda: self.ping(host, target, *words) == 1, f"{host} to reach {target}", 20, 0.2)

    def get_lease(self):
        """The peer's address on VLAN 20, and its default route."""
        self.guest.write("/run/lease.sh", LEASE)
        said = self.in_host("peer", "sh", "-c", "chmod +x /run/lease.sh; "
                            "busybox udhcpc -i v20 -f -n -q -t 10 -T 1 -s /run/lease.sh", check=False)
        assert f"obtained from {GUESTS}" in said.stdout + said.stderr, said

    def iperf(self, *words):
        said = self.in_host("peer", "iperf3", "-c", FAR, "-t", 1, "-J", *words, timeout=40).stdout
        assert "sum_received" in json.loads(said)["end"], said
        return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e6

    def serve_iperf(self):
        self.guest.start("iperf3", "ip", "netns", "exec", "far", "iperf3", "-s")
        wait_for(lambda: self.in_host("far", "ss", "-Hltn", "sport = :5201").stdout,
                 "iperf3 to listen", 20, 0.2)

    def interfaces(self):
        return {i["name"]: i for i in self.millrace("show", "interfaces")["interfaces"]}

    def dropped(self, name):
        return self.counts(name)[name]


@pytest.fixture(scope="module")
def machine():
    with VlanGuestLab(has_iommu=True) as lab:
        yield lab


@pytest.fixture(scope="class", params=WAYS, ids=lambda way: f"{way.driver}-{way.router.kind}")
def lab(machine, request):
    try:
        machine.begin(request.param)
        yield machine
    finally:
        machine.end()


class TestVlans:
    def test_hosts_reach_through_with_a_tag_and_without(self, lab):
        lab.get_lease()
        lab.wait_ping("peer", FAR, "-s", 1472, "-M", "do")
        lab.wait_ping("peer", GUESTS6, "-s", 1452, "-M", "do")
        lab.wait_ping("peer", LAN, "-I", "198.18.0.81", "-s", 1472, "-M", "do")
        lab.serve_iperf()
        assert lab.iperf() > 1 and lab.iperf("-R") > 1
        counted = lab.interfaces()
        assert all(counted[name]["rx_packets"] > 100 and counted[name]["tx_packets"] > 100
                   for name in ("wan", "guests")), counted
        assert lab.dropped("drop_vlan_nested") == 0

    def test_a_vlan_comes_and_goes_while_it_runs(self, lab):
        assert lab.ping("peer", THINGS) == 0
        lab.guest.write("/run/more.yaml", lab.config(more=THINGS_LINE))
        lab.guest.run(build_dir() / "millrace", "-s", SOCKET, "apply", "/run/more.yaml")
        lab.wait_ping("peer", THINGS)
        lab.wait_ping("peer", GUESTS6)
        lab.guest.run(build_dir() / "millrace", "-s", SOCKET, "rollback")
        before = lab.dropped("drop_vlan_unknown")
        assert lab.ping("peer", THINGS) == 0
        lab.wait_ping("peer", GUESTS6)
        assert (lab.dropped("drop_vlan_unknown") > before) != lab.way.card_filters

    def test_a_tag_of_priority_alone_is_none_and_a_providers_is_for_nobody(self, lab):
        lab.in_host("peer", "sh", "-ec", OTHER_TAGS.format(
            kind=lab.way.hosts.kind, lan=LAN, mac=lab.interfaces()["lan"]["mac"]))
        lab.wait_ping("peer", LAN, "-I", "198.18.0.82")
        # af_packet's frames have no tag any more, and DPDK's driver does not say whose it was
        name = "drop_vlan_nested" if lab.way.driver == "pci" else "drop_no_route"
        before = lab.dropped(name)
        assert lab.ping("peer", "198.19.40.1", count=2) == 0
        assert lab.dropped(name) == before + 2
