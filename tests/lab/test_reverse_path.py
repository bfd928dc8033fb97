# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that come in by another way than the one that leads back to them (RFC 3704).

    pc1 ---------- lan --- [        ] --- wan --- inet --- srv
      \\                    [ router ]
       BRANCH --- side --- [        ] --- wan2 --- inet2
    198.18.64.0/24

The router's best route to the branch is by pc1, a worse one by `side`, and that is where the branch
sends. The default route is by wan, a worse one by wan2.
"""

import socket

import pytest
from conftest import cores_for
from home import ROUTER_WAN4, SERVER4, HomeLab, home_config
from lab import wait_for
from nat_lab import socket_of

BRANCH, BRANCH_NET = "198.18.64.9", "198.18.64.0/24"
SIDE, SIDE_ROUTER = "198.18.8.2", "198.18.8.1"
INET2, WAN2_ROUTER = "198.18.9.1", "198.18.9.2"
REMOTE = "198.51.101.9"  # of the internet, behind either uplink
PC2 = "198.18.0.12"
PORT = 7100
# what each mode lets in of: the branch by the side, the internet by the second uplink, the internet
# by the side, whom a default route leads to
LETS_IN = {"strict": (False, False, False), "feasible": (True, True, False),
           "loose": (True, True, True), "off": (True, True, True)}


def config(mode, workers):
    text = home_config("af_packet", cores_for(workers))
    ports = "".join(f"  {port}: {{ driver: af_packet, match: {{ name: port-{port} }} }}\n"
                    for port in ("side", "wan2"))
    interfaces = (f"  side: {{ port: side, addresses: {SIDE_ROUTER}/24 }}\n"
                  f"  wan2: {{ port: wan2, addresses: {WAN2_ROUTER}/24 }}\n")
    routes = (f"  - {{ to: {BRANCH_NET}, via: 198.18.0.11, metric: 10 }}\n"
              f"  - {{ to: {BRANCH_NET}, via: {SIDE}, metric: 20 }}\n"
              f"  - {{ to: 0.0.0.0/0, via: {INET2}, metric: 50 }}\n")
    for key, more in (("ports:\n", ports), ("interfaces:\n", interfaces), ("routes:\n", routes)):
        text = text.replace(key, key + more)
    return (f"{text[:text.index('nat:')]}firewall:\n  defaults: {{ input: accept, forward: accept }}\n"
            f"  hygiene: {{ martians: false, reverse-path: \"{mode}\" }}\n"
            f"  forward:\n    - {{ action: accept }}\n")


class BranchLab(HomeLab):
    def setup(self):
        super().setup()
        for host, port, address, router in (("branch", "port-side", SIDE, SIDE_ROUTER),
                                            ("inet2", "port-wan2", INET2, WAN2_ROUTER)):
            self.add_host(host)
            self.add_wire("rtr", port, host, "eth0")
            self.ip(host, f"addr add {address}/24 dev eth0")
            self.ip(host, f"route add default via {router}")
        for address in (BRANCH, REMOTE):
            self.ip("branch", f"addr add {address}/32 dev lo")
        self.ip("inet2", f"addr add {REMOTE}/32 dev lo")


@pytest.mark.parametrize(("mode", "workers"), [*((mode, 1) for mode in LETS_IN), ("feasible", 2)])
def test_who_comes_in_by_another_way(mode, workers):
    with BranchLab() as lab:
        lab.start_router(config(mode, workers))
        lab.ip("inet", f"route add {PC2} via {ROUTER_WAN4}")
        for host, target in (("branch", SIDE_ROUTER), ("inet2", WAN2_ROUTER), ("pc2", SERVER4)):
            wait_for(lambda h=host, t=target: lab.run(h, "ping", "-nc1", "-W1", t, check=False)
                     .returncode == 0, f"{host} to reach {target}")
        listener = socket_of(lab, "pc2", socket.SOCK_DGRAM, (PC2, PORT), timeout=1.0)
        lets_in = []
        for host, source in (("branch", BRANCH), ("inet2", REMOTE), ("branch", REMOTE)):
            before = lab.counts("drop_")
            sender = socket_of(lab, host, socket.SOCK_DGRAM, (source, 0))
            sender.sendto(source.encode(), (PC2, PORT))
            try:
                lets_in.append(listener.recv(100) == source.encode())
            except TimeoutError:
                dropped = {name for name, n in lab.counts("drop_").items() if n > before[name]}
                assert "drop_reverse_path" in dropped, dropped
                lets_in.append(False)
        assert tuple(lets_in) == LETS_IN[mode]
