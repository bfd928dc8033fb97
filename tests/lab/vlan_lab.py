# SPDX-License-Identifier: BSD-3-Clause
"""A router on two trunks: behind each a managed switch (vlan_switch.py).

    inet 203.0.113.1, VLAN 7 -- sw -- port-wan [ the router ] port-lan -- sw -- pc 198.18.0.11, no VLAN
      \\ 198.51.100.10: the internet                                        +- guest 198.19.20.11, VLAN 20
                                                                            +- thing 198.19.30.11, VLAN 30
"""

import re
import signal
from contextlib import contextmanager
from pathlib import Path

from conftest import cores_for
from example import RAW_FRAMES, Host
from lab import wait_for
from apply_lab import FAR, FAR6, ApplyLab
from tools import ping

SWITCH = Path(__file__).with_name("vlan_switch.py")
PC, GUEST, THING = "198.18.0.11", "198.19.20.11", "198.19.30.11"
PC6, GUEST6, THING6 = "2001:db8:0:2::11", "2001:db8:0:20::11", "2001:db8:0:30::11"
WAN, INET = "203.0.113.2", "203.0.113.1"
VLANS = {"inet": ("wan", 7), "pc": ("lan", "-"), "guest": ("lan", 20), "thing": ("lan", 30)}
HOSTS = {
    "inet": Host("wan", (f"{INET}/24", "2001:db8:0:1::1/64"), more=(f"{FAR}/32", f"{FAR6}/128"),
                 routes=tuple(f"2001:db8:0:{net}::/64 via 2001:db8:0:1::2" for net in (2, 20, 30))),
    "pc": Host("lan", (f"{PC}/24", f"{PC6}/64"), gateways=("198.18.0.1", "2001:db8:0:2::1")),
    "guest": Host("lan", (f"{GUEST}/24", f"{GUEST6}/64"), gateways=("198.19.20.1", "2001:db8:0:20::1")),
    "thing": Host("lan", (f"{THING}/24", f"{THING6}/64"), gateways=("198.19.30.1", "2001:db8:0:30::1")),
}
INTERFACES = {
    "wan": '{ port: wan, vlan: 7, priority: 6, addresses: [203.0.113.2/24, "2001:db8:0:1::2/64"] }',
    "lan": '{ port: lan, addresses: [198.18.0.1/24, "2001:db8:0:2::1/64"] }',
    "guests": '{ port: lan, vlan: 20, addresses: [198.19.20.1/24, "2001:db8:0:20::1/64"] }',
    "things": '{ port: lan, vlan: 30, priority: 1, addresses: [198.19.30.1/24, "2001:db8:0:30::1/64"] }',
}


class Watch:
    """What tcpdump reads on a wire, a line each; `-e` tells tags."""

    def __init__(self, process):
        self.process = process

    def frames(self, text):
        return [line for line in self.process.output().splitlines() if text in line]

    def said(self, pattern):
        return re.search(pattern, self.process.output())


def plug_trunks(lab, vlans):
    """The hosts of the lab's plan, each in its VLAN behind the switch of its port."""
    ports = dict.fromkeys(port for port, _ in vlans.values())
    for host in ("rtr", "sw", *lab.plan):
        lab.add_host(host)
    lab.sysctl("sw", {"net.ipv6.conf.default.disable_ipv6": 1})  # a switch says nothing of its own
    for port in ports:
        lab.add_wire("rtr", f"port-{port}", "sw", f"to-{port}")
    for name, host in lab.plan.items():
        lab.add_wire("sw", name, name, "eth0")
        lab.settle(name, host)
    for port in ports:
        access = [f"{name}={vlan}" for name, (its, vlan) in vlans.items() if its == port and name in lab.plan]
        switch = lab.start("sw", f"switch-{port}", "/usr/bin/python3", SWITCH, f"to-{port}", *access)
        wait_for(lambda its=switch: "switching" in its.output(), "the switch")


class VlanLab(ApplyLab):
    def __init__(self, driver="af_packet", access=7):
        """`access`: the VLAN that the internet is in."""
        super().__init__()
        self.driver = driver
        self.plan = HOSTS
        self.vlans = {**VLANS, "inet": ("wan", access)}

    def setup(self):
        plug_trunks(self, self.vlans)

    def config(self, interfaces=None, workers=1, more="", ports=""):
        shown = interfaces or INTERFACES
        listed = "".join(f"  {name}: {keys}\n" for name, keys in shown.items())
        inside = [name for name in shown if name != "wan"]
        home = f"  home: {{ interfaces: [{', '.join(inside)}] }}\n" if inside else ""
        accept = "    - { from: home, action: accept }\n" if inside else ""
        return (f"ports:\n  wan: {{ driver: {self.driver}, match: {{ name: port-wan }}{ports} }}\n"
                f"  lan: {{ driver: {self.driver}, match: {{ name: port-lan }}{ports} }}\n"
                f"interfaces:\n{listed}"
                'routes:\n  - { to: 0.0.0.0/0, via: 203.0.113.1 }\n  - { to: "::/0", via: "2001:db8:0:1::1" }\n'
                f"zones:\n{home}  internet: {{ interfaces: wan }}\n"
                "nat:\n  - { masquerade: wan }\n"
                f"firewall:\n  input:\n    - {{ protocol: [icmp, icmp6], action: accept }}\n{accept}"
                f"  forward:\n    - {{ protocol: igmp, action: drop }}\n{accept}"
                f"workers: {{ cores: [{', '.join(map(str, cores_for(workers)))}] }}\n"
                f"state: {{ file: {self.dir}/state.db }}\n{more}")

    def begin(self, **changes):
        self.start_router(self.write(**changes), args=("--state", self.dir / "state.db"))
        for host in ("rtr", *self.plan):
            self.open_doors(host)
        self.wait_answer("pc", FAR)

    def pings(self, host, target, count=3, **options):
        """Waits until all of so many are answered: where a lab beside this one floods its own wires,
        the kernel drops frames of any."""
        wait_for(lambda: ping(self, host, target, count=count, **options).received == count,
                 f"{host} to reach {target} {count} times")

    def interfaces(self):
        return {i["name"]: i for i in self.millrace("show", "interfaces")["interfaces"]}

    @contextmanager
    def watched(self, device):
        """Its frames that the router sends."""
        process = self.start("sw", f"watch-{device}-{len(self.processes)}", "tcpdump", "-i", device,
                             "-Q", "in", "--immediate-mode", "-enl")
        wait_for(lambda: "listening on" in process.output(), "tcpdump")
        yield Watch(process)
        process.stop(signal.SIGINT)
        self.processes.remove(process)

    def send_raw(self, host, device, frames):
        self.run(host, "/usr/bin/python3", RAW_FRAMES, "send", device,
                 stdin="".join(bytes(frame).hex() + "\n" for frame in frames))
