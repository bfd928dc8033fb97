# SPDX-License-Identifier: BSD-3-Clause
"""The side to the internet: a DHCP client of the machine's on it, and floods that come from there."""

import pytest
from conftest import cores_for
from home import HomeLab, ROUTER_WAN4, SERVER4, home_config
from lab import wait_for
from tools import fetch

LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] && echo "bound $ip router $router"
exit 0
"""
NAT = "nat:\n  - { masquerade: wan }\n"
CAPACITY = 16384


def no_address_config(driver, cores, extra):
    return (f"workers: {{ cores: [{', '.join(map(str, cores))}] }}\n"
            "ports:\n"
            f"  wan: {{ driver: {driver}, match: {{ name: port-wan }} }}\n"
            f"  lan: {{ driver: {driver}, match: {{ name: port-lan }} }}\n"
            "interfaces:\n"
            "  wan: { port: wan }\n"
            "  lan: { port: lan, addresses: 198.18.0.1/24 }\n" + extra)


@pytest.mark.parametrize("extra", ["", NAT], ids=["plain", "nat"])
@pytest.mark.parametrize(("driver", "workers"), [("af_packet", 1), ("af_xdp", 2)],
                         ids=["af_packet-1w", "af_xdp-2w"])
def test_a_dhcp_client_on_the_uplink_gets_its_lease(driver, workers, extra):
    """By unicast to the address that is offered, as servers answer unless asked not to, and by
    broadcast."""
    with HomeLab() as lab:
        lab.start_router(no_address_config(driver, cores_for(workers), extra))
        script = lab.dir / "lease.sh"
        script.write_text(LEASE_SCRIPT)
        script.chmod(0o755)
        server = lab.start("inet", "dhcpd", "dnsmasq", "--keep-in-foreground",
                           "--conf-file=/dev/null", "--user=root", "--pid-file=", "--port=0",
                           "--interface=router", "--log-facility=-", "--dhcp-authoritative",
                           "--no-ping",
                           f"--dhcp-leasefile={lab.dir}/leases",
                           "--dhcp-range=203.0.113.100,203.0.113.110,255.255.255.0,1h")
        lab.wait_port("inet", 67, server, kind="udp")
        for flags in ([], ["-B"]):
            said = lab.run("rtr", "busybox", "udhcpc", "-i", "wan", "-f", "-n", "-q", "-t", 5, "-T", 1,
                           *flags, "-s", script, check=False)
            assert "bound 203.0.113.1" in said.stdout, said.stdout + said.stderr
        assert lab.counts("drop_no_route", "drop_nat_unsolicited") == {
            "drop_no_route": 0, "drop_nat_unsolicited": 0}


FLOOD = """
import socket, sys
to, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x" * 18, (to, 2000 + i % 60000))
    s.close()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_flood_to_the_router_does_not_lock_the_house_out(workers):
    with HomeLab() as lab:
        lab.start_servers()
        config = home_config("af_packet", cores_for(workers))
        lab.start_router(config + f"flows: {{ capacity: {CAPACITY} }}\n")
        lab.wait_path()
        lab.run("inet", "/usr/bin/python3", "-c", FLOOD, ROUTER_WAN4, 2 * CAPACITY, timeout=60)
        wait_for(lambda: lab.counts("flow_evicted")["flow_evicted"] > 0, "a table that overflows")
        for _ in range(5):
            assert fetch(lab, "pc1", f"http://{SERVER4}/") is not None
        assert lab.counts("drop_flow_share", "drop_flow_table_full") == {
            "drop_flow_share": 0, "drop_flow_table_full": 0}
