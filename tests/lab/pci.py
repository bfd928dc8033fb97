# SPDX-License-Identifier: BSD-3-Clause
"""The house of home.py with a virtual machine as its router, which has PCI cards.

    pc1 --+                       rtr: a guest                      inet
          sw --- lan-<card> [ vfio-pci, millraced ] wan-<card> --- router (a bridge) --- srv, far
    pc2 --+

There is a pair of each kind of card, all plugged in; a test takes one pair.
"""

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from guest import Guest
from home import HomeLab, build_dir, home_config
from lab import LabError, wait_for

SOCKET = "/run/millrace.sock"
QUEUES = 2
SIDES = ("lan", "wan")

# Each Ethernet card's address, driver, override and netdev; then what `ip` says.
LIST_CARDS = """
for at in /sys/bus/pci/devices/*; do
	read -r class <$at/class
	[ "$class" = 0x020000 ] || continue
	read -r override <$at/driver_override
	driver=$(readlink $at/driver)
	netdev=
	for net in $at/net/* $at/virtio*/net/*; do
		[ -e $net ] && netdev=${net##*/}
	done
	echo "${at##*/} ${driver##*/} $override $netdev"
done
echo --
ip -json link
"""


@dataclass(frozen=True)
class Card:
    kind: str
    slot: int  # the LAN's on bus 0, the WAN's is the next one
    device: str  # QEMU's name and options
    queues: int = 1

    def netdev(self, side):
        return f"{side}-{self.kind}"

    def pci(self, side):
        return f"0000:00:{self.slot + (side == 'wan'):02x}.0"

    def mac(self, side):
        return f"52:54:00:19:00:{self.slot + (side == 'wan'):02x}"

    def qemu(self, side):
        name = self.netdev(side)
        many = f",queues={self.queues}" if self.queues > 1 else ""
        return ["-netdev", f"tap,id={name},ifname={name},script=no,downscript=no{many}",
                "-device", f"{self.device},netdev={name},mac={self.mac(side)},id=card-{name},"
                           f"addr={self.pci(side)[8:10]}"]


# A virtio card behind an IOMMU says so by iommu_platform; without, it would go past it.
E1000E = Card("e1000e", 0x10, "e1000e")
VIRTIO = Card("virtio", 0x12, "virtio-net-pci,disable-legacy=on,iommu_platform=on,mq=on,rss=on,vectors=6",
              QUEUES)
# QEMU's vmxnet3 expects what a second queue of its tap does not give: ten bytes of header.
VMXNET3 = Card("vmxnet3", 0x14, "vmxnet3")
CARDS = (E1000E, VIRTIO, VMXNET3)


class CardState(NamedTuple):
    """What must be again as it was when the router has ended."""
    driver: str
    override: str
    netdev: str
    mac: str
    mtu: int
    is_up: bool


class PciLab(HomeLab):
    """`has_iommu`: as a machine with VT-d. Its millraced runs in the guest."""

    cards, cores, megabytes, guest_hugepages = CARDS, 2, 2048, 400

    def __init__(self, has_iommu):
        super().__init__(wires="tap")
        self.has_iommu = has_iommu
        self.guest = None

    def setup(self):
        super().setup()
        self.ip("inet", "link add router type bridge mcast_snooping 0 forward_delay 0")
        self.ip("inet", "link set router up")
        self._address_inet()
        arguments = ["-device", "intel-iommu,intremap=on"] if self.has_iommu else []
        for card in self.cards:
            arguments += card.qemu("lan") + card.qemu("wan")
        self.guest = Guest(self, "rtr", arguments, f"hugepages={self.guest_hugepages} " +
                           ("intel_iommu=on" if self.has_iommu else ""), self.cores, self.megabytes)
        for card in self.cards:
            self._plug(card.netdev("lan"), "sw", "br0")
            self._plug(card.netdev("wan"), "inet", "router")
        self.start_servers()
        self.guest.wait_boot()
        self.guest.run("modprobe", "-a", "tun", "e1000e", "virtio_net", "vmxnet3")
        self.guest.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0",
                       "net.ipv6.conf.all.accept_dad=0")
        # the names that a machine's administrator would have given them
        states = wait_for(self._all_have_netdevs, "the guest's kernel to find its cards", 20, 0.5)
        self.guest.run("sh", "-ec", "\n".join(f"ip link set {state.netdev} name {name}"
                                              for name, state in states.items()))

    def _all_have_netdevs(self):
        states = self.card_states()
        return states if all(state.netdev for state in states.values()) else None

    def _plug(self, tap, host, bridge):
        """QEMU keeps its end of the tap; the kernel's goes to where the wire's far end is."""
        wait_for(lambda: self.has_device("rtr", tap), f"QEMU to make {tap}")
        self.ip("rtr", f"link set {tap} netns {self.namespace(host)}")
        self.ip(host, f"link set {tap} master {bridge}")
        self.ip(host, f"link set {tap} up")

    # --- what the guest's kernel thinks of a card ---

    def card_states(self):
        """Of all cards by their QEMU names; one command, as programs start slowly in there."""
        said = self.guest.run("sh", "-c", LIST_CARDS).stdout
        listed, _, links = said.partition("--")
        links = {link["ifname"]: link for link in json.loads(links)}
        states = {}
        for line in listed.splitlines():
            address, driver, override, netdev = line.split(" ", 3)
            link = links.get(netdev.strip(), {})
            states[address] = CardState(driver, override, netdev.strip(), link.get("address"),
                                        link.get("mtu"), "UP" in link.get("flags", ()))
        return {card.netdev(side): states[card.pci(side)] for card in self.cards for side in SIDES}

    def link(self, name):
        """`ip link` about one of the guest's interfaces; [] when there is none."""
        said = self.guest.run("ip", "-json", "link", "show", "dev", name or "none", check=False).stdout
        return json.loads(said or "[]")

    def has_carrier(self, name):
        return any("LOWER_UP" in link["flags"] for link in self.link(name))

    def set_link(self, card, side, up):
        self.guest.monitor("set_link", name=f"card-{card.netdev(side)}", up=up)

    def set_jumbo(self, card, mtu):
        """The MTU of all that lies between pc1, this pair of cards and the internet's router."""
        for host, *devs in (("pc1", "eth0"), ("sw", "pc1", card.netdev("lan"), "br0"),
                            ("inet", card.netdev("wan"), "router")):
            for dev in devs:
                self.ip(host, f"link set {dev} mtu {mtu}")

    def neighbour_mac(self, host, address):
        return self.ip_json(host, f"neigh show {address}")[0].get("lladdr")

    # --- the router ---

    def start_router(self, config, timeout=30, env=None, **_):
        self.guest.write("/run/millraced.yaml", config)
        self.router = self.guest.start("millraced", build_dir() / "millraced", "-c",
                                       "/run/millraced.yaml", "-s", SOCKET, env=env)
        self.wait_router(timeout)
        for host in ("pc1", "pc2", "inet"):  # another card has another MAC
            self.ip(host, "neigh flush all", check=False)
        return self.router

    def wait_router(self, timeout=30):
        def is_ready():
            if not self.router.is_alive():
                code, said, self.router = self.router.code, self.router.tail(), None
                raise LabError(f"millraced ended with code {code}:\n{said}")
            return self.millrace("show", "interfaces", check=False) is not None

        wait_for(is_ready, "millraced to answer on its socket", timeout, interval=0.2)

    def stop_router(self, timeout=20):
        router, self.router = self.router, None
        code = router.stop(timeout=timeout)
        if code != 0:
            raise LabError(f"millraced ended with code {code} on SIGTERM:\n{router.tail()}")
        return router

    def refusal(self, config):
        """What millraced says about a config that it must refuse."""
        self.guest.write("/run/refused.yaml", config)
        done = self.guest.run("timeout", 30, build_dir() / "millraced", "-c", "/run/refused.yaml",
                              "-s", "/run/refused.sock", timeout=40, check=False)
        assert 0 < done.returncode < 124, f"exit code {done.returncode}: {done.stderr}"
        return done.stderr

    def millrace(self, *words, check=True):
        done = self.guest.run(build_dir() / "millrace", "-s", SOCKET, "--json", *words, check=check)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def close(self):
        self.router = None
        super().close()


def pci_config(card, workers=1, driver="pci", extra="", by=None):
    """home_config for a pair of cards, matched as wished, with more said about both ports."""
    text = home_config(driver, range(workers)) + "flows: { capacity: 16384 }\n"
    for side in SIDES:
        how = by or "name"
        which = {"name": card.netdev(side), "pci": f"'{card.pci(side)}'", "mac": f"'{card.mac(side)}'"}[how]
        text = re.sub(rf"{{ name: port-{side} }}", f"{{ {how}: {which} }}{extra}", text)
    return text
