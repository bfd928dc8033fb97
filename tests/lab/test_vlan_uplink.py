# SPDX-License-Identifier: BSD-3-Clause
"""An uplink on a VLAN, whose address is a DHCP server's to give; vlan_lab.py draws it."""

import pytest
from home import INET4
from lab import wait_for
from apply_lab import FAR
from vlan_lab import INTERFACES, VlanLab

POOL = "203.0.113."


def uplink(keys):
    return {**INTERFACES, "wan": f"{{ port: wan, {keys}, dhcp4: yes }}"}


class UplinkLab(VlanLab):
    def dnsmasq(self):
        server = self.start("inet", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                            "--user=root", "--pid-file=", "--port=0", "--interface=eth0",
                            "--log-facility=-", "--log-dhcp", "--dhcp-authoritative", "--no-ping",
                            f"--dhcp-leasefile={self.dir}/leases",
                            f"--dhcp-range={POOL}100,{POOL}110,255.255.255.0,2m",
                            f"--dhcp-option=3,{INET4}")
        self.wait_port("inet", 67, server, kind="udp")

    def config(self, **changes):
        return super().config(**changes).replace("  - { to: 0.0.0.0/0, via: 203.0.113.1 }\n", "").replace(
            '  - { to: "::/0", via: "2001:db8:0:1::1" }\n', "").replace("routes:\n", "")

    def lease(self):
        return self.interfaces()["wan"]["dhcp4"] or {}


@pytest.mark.parametrize(("driver", "keys", "tag", "access"), [
    ("af_packet", "vlan: 7, priority: 6", "vlan 7, p 6", 7),
    ("af_xdp", "vlan: 7, priority: 3", "vlan 7, p 3", 7),
    ("af_packet", "vlan: 0, priority: 5", "vlan 0, p 5", "-"),
], ids=["af_packet", "af_xdp", "priority alone"])
def test_the_provider_hears_the_priority_it_asks_for(driver, keys, tag, access):
    """Each frame of the exchange, ARP too, as it leaves the port."""
    with UplinkLab(driver, access=access) as lab:
        lab.dnsmasq()
        with lab.watched("to-wan") as wan:
            lab.start_router(lab.write(interfaces=uplink(keys)), args=("--state", lab.dir / "state.db"))
            wait_for(lambda: lab.lease().get("state") == "bound", "the lease", 20)
            for host in ("pc", "guest"):
                lab.open_doors(host)
            lab.wait_answer("pc", FAR)
            lab.wait_answer("guest", FAR)
            wait_for(lambda: wan.said("BOOTP/DHCP, Request"), "the request")
        assert lab.lease()["address"].startswith(POOL), lab.lease()
        sent = wan.frames(lab.interfaces()["wan"]["mac"] + " > ")
        asked = [line for line in sent if "BOOTP/DHCP, Request" in line]
        sent = sent[sent.index(asked[0]):]  # before, the kernel had the wire
        assert len(asked) >= 2, sent  # DISCOVER and REQUEST
        assert len(sent) > len(asked) and all(tag in line for line in sent), sent
