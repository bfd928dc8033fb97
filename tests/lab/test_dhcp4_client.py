# SPDX-License-Identifier: BSD-3-Clause
"""The uplink's address by DHCP, from Debian's servers, through the dataplane.

    pc1 198.18.0.11 -- lan [ the router ] wan -- inet: dnsmasq, Kea or ISC dhcpd -- srv 198.51.100.10
"""

import json
import re
import time

import pytest
from conftest import cores_for
from home import HomeLab, INET4, SERVER4
from lab import wait_for
from tools import fetch, ping

FIREWALL = """
zones: {{ home: {{ interfaces: lan }}, internet: {{ interfaces: wan }} }}
firewall:
  input: [{{ from: home, action: accept }}]
  forward: [{{ from: home, action: accept }}]
"""
POOL = "203.0.113."


def config(driver="af_packet", workers=1, dhcp4="yes", extra=""):
    return (f"workers: {{ cores: [{', '.join(map(str, cores_for(workers)))}] }}\n"
            "ports:\n"
            f"  wan: {{ driver: {driver}, match: {{ name: port-wan }} }}\n"
            f"  lan: {{ driver: {driver}, match: {{ name: port-lan }} }}\n"
            "interfaces:\n"
            f"  wan: {{ port: wan, dhcp4: {dhcp4} }}\n"
            "  lan: { port: lan, addresses: 198.18.0.1/24 }\n"
            "nat:\n  - { masquerade: wan }\n" + FIREWALL.format() + extra)


class UplinkLab(HomeLab):
    """A house behind a provider that says who one is."""

    def dnsmasq(self, *words, name="dnsmasq", lease="2m", first=100, last=110):
        server = self.start("inet", name, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                            "--user=root", "--pid-file=", "--port=0", "--interface=router",
                            "--log-facility=-", "--log-dhcp", "--dhcp-authoritative", "--no-ping",
                            f"--dhcp-leasefile={self.dir}/{name}.leases",
                            f"--dhcp-range={POOL}{first},{POOL}{last},255.255.255.0,{lease}", *words)
        self.wait_port("inet", 67, server, kind="udp")
        return server

    def state(self, name="state"):
        return f"state: {{ file: {self.dir}/{name}.db }}\n"

    def lease(self):
        for interface in self.millrace("show", "interfaces")["interfaces"]:
            if interface["name"] == "wan":
                return interface.get("dhcp4") or {}
        return {}

    def wait_bound(self, timeout=20):
        wait_for(lambda: self.lease().get("state") == "bound", "the uplink to have its lease", timeout)
        return self.lease()["address"]

    def routes(self):
        return json.loads(self.run("rtr", "ip", "-j", "-4", "route", "show", "proto", "dhcp").stdout)


@pytest.mark.parametrize(("driver", "workers"), [("af_packet", 1), ("af_xdp", 2)],
                         ids=["af_packet-1w", "af_xdp-2w"])
def test_a_house_behind_a_lease_reaches_the_internet(driver, workers):
    """Input drops by default: what the server says comes in all the same, nothing else does."""
    with UplinkLab() as lab:
        lab.start_servers()
        lab.dnsmasq()
        lab.start_router(config(driver, workers) + lab.state())
        address = lab.wait_bound()
        assert address.startswith(POOL) and address.endswith("/24")
        wait_for(lambda: ping(lab, "pc1", SERVER4, count=1).received, "pc1 to reach the internet", 10)
        assert fetch(lab, "pc1", f"http://{SERVER4}/address").strip() == address.split("/")[0]
        assert [(route["dst"], route["gateway"], route["metric"]) for route in lab.routes()] == [
            ("default", INET4, 100)]
