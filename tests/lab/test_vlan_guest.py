# SPDX-License-Identifier: BSD-3-Clause
"""VLANs between cards by their poll-mode drivers and a kernel that has 802.1Q, in one virtual machine.

    host "peer": no tag, VLAN 20, 30 -- card -- (br0) -- lan [ millraced ] wan -- (router) -- card -- host "far": VLAN 7

The router has the pair of one kind, the hosts, namespaces in the guest, that of the other.
"""

import json
import re

import pytest
from home import build_dir
from lab import wait_for
from pci import E1000E, SOCKET, VIRTIO, PciLab

pytestmark = [pytest.mark.guest, pytest.mark.timeout(300), pytest.mark.xdist_group("vlan-guest")]

FAR, WAN = "203.0.113.1", "203.0.113.2"
LAN, GUESTS, THINGS = "198.18.0.1", "198.19.20.1", "198.19.30.1"
THINGS_LINE = f"  things: {{ port: lan, vlan: 30, addresses: {THINGS}/24 }}\n"
CONFIG = """workers: {{ cores: [0] }}
ports:
  wan: {{ driver: pci, match: {{ name: wan-{kind} }} }}
  lan: {{ driver: pci, match: {{ name: lan-{kind} }} }}
interfaces:
  wan: {{ port: wan, vlan: 7, priority: 6, addresses: 203.0.113.2/24 }}
  lan: {{ port: lan, addresses: 198.18.0.1/24 }}
  guests: {{ port: lan, vlan: 20, addresses: 198.19.20.1/24 }}
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
ip -n peer link set lan-{kind} up; ip -n peer addr add 198.18.0.11/24 dev lan-{kind}
for id in 20 30; do
	ip -n peer link add link lan-{kind} name v$id type vlan id $id; ip -n peer link set v$id up
done
ip -n peer addr add 198.19.30.11/24 dev v30
ip -n peer link add link lan-{kind} name urgent type vlan id 0 egress-qos-map 0:5
ip -n peer link add link lan-{kind} name service type vlan proto 802.1ad id 20
ip -n peer link set urgent up; ip -n peer link set service up
"""
LEASE = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router dev $interface
"""


class VlanGuestLab(PciLab):
    cards, guest_hugepages, megabytes = (E1000E, VIRTIO), 200, 1536

    def in_host(self, host, *argv, **options):
        return self.guest.run("ip", "netns", "exec", host, *argv, **options)

    def ping(self, host, target, *words, count=3):
        said = self.in_host(host, "ping", "-n", "-c", count, "-i", "0.05", "-W", 2, *words, target, check=False).stdout
        return int(re.search(r"(\d+) received", said)[1])

    def wait_ping(self, host, target, *words):
        wait_for(lambda: self.ping(host, target, *words, count=1) == 1, f"{host} to reach {target}", 20, 0.2)

    def iperf(self, *words):
        said = self.in_host("peer", "iperf3", "-c", FAR, "-t", 1, "-J", *words, timeout=40).stdout
        return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e6

    def interfaces(self):
        return {i["name"]: i for i in self.millrace("show", "interfaces")["interfaces"]}


@pytest.fixture(scope="module")
def machine():
    with VlanGuestLab(has_iommu=True) as lab:
        yield lab


@pytest.fixture(params=[(VIRTIO, E1000E), (E1000E, VIRTIO)], ids=lambda pair: f"{pair[0].kind} to {pair[1].kind}")
def lab(machine, request):
    """The router on a pair of one kind, the kernel's VLANs on the other."""
    router, hosts = request.param
    lab = machine
    lab.kind = router.kind
    lab.start_router(CONFIG.format(kind=router.kind, more=""), timeout=90)
    lab.guest.run("sh", "-ec", HOSTS.format(kind=hosts.kind))
    yield lab
    lab.stop_router()
    lab.guest.run("sh", "-c", "ip netns del peer; ip netns del far")
    wait_for(lambda: all(lab.link(hosts.netdev(side)) for side in ("lan", "wan")), "the cards to be back", 10, 0.2)


def test_a_kernels_vlans_and_ours_are_the_same(lab):
    # addresses by DHCP inside the tag, and full frames beside a port without one
    lab.guest.write("/run/lease.sh", LEASE)
    said = lab.in_host("peer", "sh", "-c", "chmod +x /run/lease.sh; "
                       "busybox udhcpc -i v20 -f -n -q -t 10 -T 1 -s /run/lease.sh", check=False)
    assert f"obtained from {GUESTS}" in said.stdout + said.stderr, said
    lab.wait_ping("peer", FAR)
    assert lab.ping("peer", FAR, "-s", 1472, "-M", "do") == 3
    assert lab.ping("peer", LAN, "-I", "198.18.0.11", "-s", 1472, "-M", "do") == 3
    server = lab.guest.start("iperf3", "ip", "netns", "exec", "far", "iperf3", "-s")
    assert lab.iperf() > 1 and lab.iperf("-R") > 1
    server.stop()
    counted = lab.interfaces()
    assert all(counted[name]["rx_packets"] > 100 and counted[name]["tx_packets"] > 100
               for name in ("wan", "guests")), counted
    drops = lab.counts("drop_vlan")
    assert drops["drop_vlan_nested"] == 0, drops

    # a VLAN that is added while it runs, and taken away
    assert lab.ping("peer", THINGS, count=1) == 0
    lab.guest.write("/run/more.yaml", CONFIG.format(kind=lab.kind, more=THINGS_LINE))
    lab.guest.run(build_dir() / "millrace", "-s", SOCKET, "apply", "/run/more.yaml")
    lab.wait_ping("peer", THINGS)
    assert lab.ping("peer", FAR, "-I", "v20") == 3
    lab.guest.run(build_dir() / "millrace", "-s", SOCKET, "rollback")
    before = lab.counts("drop_vlan_unknown")["drop_vlan_unknown"]
    assert lab.ping("peer", THINGS, count=1) == 0
    assert lab.counts("drop_vlan_unknown")["drop_vlan_unknown"] > before

    # a tag of priority alone is none; a provider's tag is for nobody, and said so
    mac = lab.interfaces()["lan"]["mac"]
    lab.guest.run("sh", "-ec", f"""
        ip -n peer addr del 198.18.0.11/24 dev $(ip -n peer -o route show 198.18.0.0/24 | cut -d' ' -f 3)
        ip -n peer addr add 198.18.0.12/24 dev urgent; ip -n peer neigh add {LAN} lladdr {mac} dev urgent
        ip -n peer addr add 198.19.40.11/24 dev service; ip -n peer neigh add 198.19.40.1 lladdr {mac} dev service""")
    assert lab.ping("peer", LAN) == 3
    before = lab.counts("drop_vlan_nested")["drop_vlan_nested"]
    assert lab.ping("peer", "198.19.40.1", count=2) == 0
    assert lab.counts("drop_vlan_nested")["drop_vlan_nested"] == before + 2
