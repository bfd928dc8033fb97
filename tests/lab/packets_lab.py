# SPDX-License-Identifier: BSD-3-Clause
"""A router whose packets somebody looks at, with tcpdump's and Wireshark's eyes.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
      \\ 198.51.100.10
"""

from conftest import cores_for
from example import ExampleLab, Host
from home import build_dir
from lab import run_command, wait_for
from scapy.layers.inet import IP, UDP
from tools import ping

FAR, WAN, LAN, PC = "198.51.100.10", "203.0.113.2", "198.18.0.1", "198.18.0.11"
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24",), more=(f"{FAR}/32",)),
    "pc": Host("lan", (f"{PC}/24",), gateways=(LAN,)),
}
ROUTER = """
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  wan: {{ port: wan, addresses: 203.0.113.2/24 }}
  lan: {{ port: lan, addresses: 198.18.0.1/24 }}
routes: [{{ to: 0.0.0.0/0, via: 203.0.113.1 }}]
zones:
  lan: {{ interfaces: lan }}
  wan: {{ interfaces: wan }}
nat: [{{ masquerade: wan }}]
firewall:
  input: [{{ action: accept }}]
  forward:
    - {{ from: lan, protocol: udp, port: 4023, action: drop, comment: no such thing }}
    - {{ from: lan, to: wan, action: accept }}
workers: {{ cores: [{cores}] }}
state: {{ file: {dir}/state.db }}
"""


class PacketsLab(ExampleLab):
    def __init__(self, name):
        super().__init__(name, HOSTS)

    def begin(self, workers, more=""):
        """Port 4023 is the one that a rule drops."""
        self.start_router(ROUTER.format(
            dir=self.dir, cores=", ".join(map(str, cores_for(workers)))) + more)
        wait_for(lambda: ping(self, "pc", FAR, count=1).received == 1, "the path", 10)

    def argv(self, *words):
        return [str(word) for word in (build_dir() / "millrace", "-s", self.socket, *words)]

    def send_udp(self, port, ttl=64, count=1):
        packet = IP(src=PC, dst=FAR, ttl=ttl) / UDP(sport=4000, dport=port) / b"hello"
        self.send("pc", "lan", [packet] * count)


def fields(path, *names):
    """tshark's words for each packet."""
    done = run_command(["tshark", "-r", path, "-T", "fields", "-E", "separator=|",
                        *(word for name in names for word in ("-e", name))])
    return [line.split("|") for line in done.stdout.splitlines()]
