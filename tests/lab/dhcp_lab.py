# SPDX-License-Identifier: BSD-3-Clause
"""A DHCP server without a dataplane, on a bridge that several hosts are on.

    srv [lan 198.18.0.1] --- sw (bridge) --- pc1, pc2 [eth0, no address]
"""

import signal

from home import build_dir
from lab import Lab, LabError, wait_for

SERVER = "198.18.0.1"

# What a client has been told: its environment, in a file. The address is set, as clients leave it
# to their script.
SCRIPT = """#!/bin/sh
case "$1$reason" in
bound|renew|BOUND|RENEW|REBIND|REBOOT)
	ip addr replace "${{ip:-$new_ip_address}}/${{mask:-24}}" dev eth0
	env > {told}.part && mv {told}.part {told} ;;
deconfig|PREINIT|RELEASE|EXPIRE) ip addr flush dev eth0 scope global; ip link set eth0 up ;;
esac
exit 0
"""


class DhcpLab(Lab):
    """`server` is the running dhcp_alone."""

    def setup(self):
        for host in ("srv", "sw", "pc1", "pc2"):
            self.add_host(host)
        self.ip("sw", "link add br0 type bridge mcast_snooping 0 forward_delay 0")
        self.ip("sw", "link set br0 up")
        self.add_wire("sw", "server", "srv", "lan")
        self.ip("sw", "link set server master br0")
        self.ip("srv", f"addr add {SERVER}/24 dev lan")
        for i, pc in enumerate(("pc1", "pc2"), 1):
            self.add_wire("sw", pc, pc, "eth0")
            self.ip("sw", f"link set {pc} master br0")
            self.ip(pc, f"link set eth0 address 02:00:5e:00:53:0{i}")
        self.server = None

    def leases_path(self):
        return self.dir / "leases.db"

    def write_config(self, dhcp, addresses=f"{SERVER}/24"):
        path = self.dir / "dhcp.yaml"
        path.write_text("ports: { p: { match: { name: p } } }\n"
                        f"interfaces: {{ lan: {{ port: p, addresses: {addresses} }} }}\n"
                        f"dhcp-server:\n{dhcp}\n")
        return path

    def start_server(self, dhcp=None, **config):
        path = self.write_config(dhcp, **config) if dhcp else self.dir / "dhcp.yaml"
        before = len(self.server.output()) if self.server else 0
        self.server = self.start("srv", "dhcp", build_dir() / "tests/dhcp/dhcp_alone", path,
                                 self.leases_path())

        def is_ready():
            if not self.server.is_alive():
                raise LabError(f"the server has ended:\n{self.server.tail()}")
            return "ready" in self.server.output()[before:]

        wait_for(is_ready, "the server to be ready")

    def stop_server(self, signum=signal.SIGTERM):
        code = self.server.stop(signum)
        self.server.check_sanitizers()
        self.processes.remove(self.server)
        return code

    def wait_event(self, line, timeout=10):
        wait_for(lambda: line in self.server.output(), f"the server to say '{line}'", timeout)

    # --- clients ---

    def told_path(self, pc):
        return self.dir / f"{pc}.told"

    def script(self, pc):
        path = self.dir / f"{pc}.script"
        path.write_text(SCRIPT.format(told=self.told_path(pc)))
        path.chmod(0o755)
        return path

    def told(self, pc):
        """What the client's script was told last, by name."""
        lines = self.told_path(pc).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def udhcpc(self, pc, *args, timeout=20, check=True):
        """Asks once and ends: the address, or None."""
        self.told_path(pc).unlink(missing_ok=True)
        self.run(pc, "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", 5, "-T", 1, "-s",
                 self.script(pc), *args, timeout=timeout, check=check)
        return self.told(pc)["ip"] if self.told_path(pc).exists() else None

    def addresses(self, pc):
        return [a["local"] for link in self.ip_json(pc, "addr show dev eth0")
                for a in link["addr_info"] if a["family"] == "inet"]
