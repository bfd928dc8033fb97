# SPDX-License-Identifier: BSD-3-Clause
"""DHCP servers for labs of clients: Debian's, and one that means harm."""

import json
from pathlib import Path

from home import INET4, SERVER4

ISC = """
authoritative;
default-lease-time {lease};
max-lease-time {lease};
min-lease-time 5;
option routers {router};
option domain-name-servers {dns};
option domain-name "isp.example";
class "known" {{
  match if option vendor-class-identifier = "sagem" and substring(option user-class, 1, 7) = "livebox"
    and substring(option dhcp-client-identifier, 0, 1) = ff;
}}
subnet 203.0.113.0 netmask 255.255.255.0 {{
  pool {{ allow members of "known"; range 203.0.113.77; }}
  pool {{ deny members of "known"; range 203.0.113.120 203.0.113.129; }}
}}
"""


def isc(lab, host, device, lease=600, name="isc-dhcpd"):
    conf, leases = lab.dir / f"{name}.conf", lab.dir / f"{name}.leases"
    conf.write_text(ISC.format(lease=lease, router=INET4, dns=SERVER4))
    leases.touch()
    server = lab.start(host, name, "dhcpd", "-4", "-f", "-d", "--no-pid", "-user", "root", "-group", "root",
                       "-cf", conf, "-lf", leases, device)
    lab.wait_port(host, 67, server, kind="udp")
    return server


def kea(lab, host, device):
    conf = lab.dir / "kea.json"
    conf.write_text(json.dumps({"Dhcp4": {
        "interfaces-config": {"interfaces": [device], "dhcp-socket-type": "raw"},
        "lease-database": {"type": "memfile", "persist": False},
        "valid-lifetime": 600,
        "authoritative": True,
        "option-data": [{"name": "routers", "data": INET4}, {"name": "domain-name-servers", "data": SERVER4},
                        {"name": "domain-name", "data": "isp.example"}],
        "subnet4": [{"subnet": "203.0.113.0/24", "pools": [{"pool": "203.0.113.120 - 203.0.113.129"}],
                     "reservations": [{"client-id": "00686f757365", "ip-address": "203.0.113.77"}]}],
        "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}]}}))
    server = lab.start(host, "kea", "env", f"KEA_PIDFILE_DIR={lab.dir}", f"KEA_LOCKFILE_DIR={lab.dir}",
                       "kea-dhcp4", "-c", conf)
    lab.wait_port(host, 67, server, kind="udp")
    return server


# Answers each message at once, several times. What it says is wrong in a way of its own each time; a
# request has a NAK from it, and an ACK of somebody else's address.
ROGUE = Path(__file__).with_name("dhcp_rogue.py")


def start_rogue(lab, host, device, address):
    rogue = lab.start(host, "rogue", "/usr/bin/python3", "-u", ROGUE, device, address)
    lab.wait_port(host, 67, rogue, kind="udp")
    return rogue
