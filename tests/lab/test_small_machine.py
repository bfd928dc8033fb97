# SPDX-License-Identifier: BSD-3-Clause
"""A machine with 512 MiB and one core, no hugepages, and a file that says nothing about either: the
house of pci.py, its router on two virtio cards by packet sockets, as the product chooses where
there is no IOMMU. The worker, the control loop and the machine's other services share the core.
"""

import re
import time

import pytest
from home import ROUTER_LAN4, ROUTER_WAN4, SERVER4, home_config
from pci import Card, PciLab
from segment import udp_frame
from raw_flood import __file__ as FLOOD
from tools import fetch, iperf, ping

pytestmark = [pytest.mark.guest, pytest.mark.xdist_group("small"), pytest.mark.timeout(400)]

CARD = Card("virtio", 0x12, "virtio-net-pci,disable-legacy=on")
FLOWS = 262144  # what the file's default promises
NOWHERE = "198.51.100.64/26"  # the internet swallows it
FILL_SEC = 240
LOADS_PPS = 20000, 30000, 45000, 67000, 100000  # one of them keeps an emulated core busy, and not by far
LOAD_SEC = 300
SHARE = 10  # of worker, kernel, agent and command each wants the core; the emulator's is shared too
START_SEC = 90  # emulated
FILLER = """
import itertools, socket, sys, time
rate = int(sys.argv[1])
began, sent = time.monotonic(), 0
for i in itertools.count(): # what was lost on an emulated machine's way comes again
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 20000 + i % 64))
        for host, port in itertools.product(range(64, 128), range(1000, 1064)):
            while sent > (time.monotonic() - began) * rate:
                time.sleep(0.002)
            s.sendto(bytes(18), (f"198.51.100.{host}", port))
            sent += 1
"""
CONFIG = re.sub(r"workers: .*\n", "", home_config("auto")).replace("port-", "").replace(
    "{ name: wan }", f"{{ name: {CARD.netdev('wan')} }}").replace(
    "{ name: lan }", f"{{ name: {CARD.netdev('lan')} }}")
# Flows that nobody answers last until the table is full: an emulated core takes minutes for it.
PATIENT = CONFIG + "flows: { timeouts: { udp-unreplied: 20m } }\n"


class SmallLab(PciLab):
    cards, cores, megabytes, guest_hugepages = (CARD,), 1, 512, 0

    def __init__(self):
        super().__init__(has_iommu=False)
        self.seconds_at_rest = None

    def setup(self):
        super().setup()
        self.ip("inet", f"route add blackhole {NOWHERE}")

    def status(self):
        text = self.guest.run("cat", f"/proc/{self.router.pid}/status").stdout
        return {name: int(kb) // 1024 for name, kb in
                re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.M)}

    def flows(self):
        return sum(w["flows"] for w in self.millrace("show", "workers")["workers"])

    def mac(self, host):
        return self.ip_json(host, "link show dev eth0")[0]["address"]

    def lan_mac(self):
        return next(i["mac"] for i in self.millrace("show", "interfaces")["interfaces"]
                    if i["name"] == "lan")


@pytest.fixture(scope="module")
def small():
    """Whatever a test has done, nothing was killed for want of memory."""
    with SmallLab() as lab:
        lab.start_router(PATIENT, timeout=START_SEC)
        yield lab
        assert lab.router.is_alive(), lab.router.tail()
        said = lab.guest.run("dmesg").stdout
        assert not re.search("out of memory|oom-kill", said, re.I), said[-2000:]


def test_it_starts_and_forwards_without_tuning(small):
    said = small.router.output()
    assert "1 worker on core 0" in said and "without hugepages" in said, said
    assert f"{FLOWS} flows" in said and "instead of" not in said, said
    small.wait_path()
    assert fetch(small, "pc1", f"http://{SERVER4}/address").strip() == ROUTER_WAN4
    for reverse in (False, True):
        assert iperf(small, "pc1", SERVER4, seconds=2, reverse=reverse).mbps > 1
    assert small.status()["VmHWM"] < 250, small.status()


def test_it_holds_as_many_flows_as_it_promises(small):
    """Half the machine is left with the table full: of 512 MiB the kernel has taken some itself."""
    small.wait_path()
    filler = small.start("pc1", "filler", "/usr/bin/python3", "-c", FILLER, 3000)
    deadline = time.monotonic() + FILL_SEC
    while small.flows() < 0.97 * FLOWS and time.monotonic() < deadline and filler.is_alive():
        time.sleep(2)
    held = small.flows()
    filler.stop(signum=9)
    used = small.status()
    print(f"{held} flows, {used}")
    assert held > 0.95 * FLOWS, f"{held} flows are held"
    assert used["VmHWM"] < 300, used
    assert ping(small, "pc2", SERVER4, count=5, wait=2).received >= 4, "and others get through"


@pytest.fixture
def loaded(small):
    """As much as it can forward, or somewhat more, comes from the house for as long as the test takes. Of
    several times as much nearly all would be lost before anybody saw it, DHCP too."""
    small.guest.run("busybox", "mkdir", "-p", "/run/leases")
    dhcp = small.guest.start(
        "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
        "--port=0", "--pid-file=", "--interface=lan", "--bind-interfaces",
        "--dhcp-leasefile=/run/leases/dhcp", "--dhcp-range=198.18.0.100,198.18.0.200,10m")
    small.wait_path()
    small.seconds_at_rest = seconds_to_show(small)
    frames = [udp_frame(small.lan_mac(), small.mac("pc2"), "198.18.0.12", "198.51.100.70",
                        sport=sport, dport=4000) for sport in range(30000, 30064)]
    path = small.dir / "flood.hex"
    path.write_text("\n".join(frame.hex() for frame in frames))
    for pps in LOADS_PPS:
        flood = small.start("pc2", "flood", "/usr/bin/python3", FLOOD, "eth0", pps, LOAD_SEC, path)
        if idle_share(small) < 0.1:
            break
        flood.stop(signum=9)
    else:
        pytest.fail(f"{pps} packets a second leave the core idle")
    yield small
    assert flood.is_alive(), "the load was there all the while"
    flood.stop(signum=9)
    dhcp.stop()


def seconds_to_show(lab):
    """The slowest of a few, the start of the program among it."""
    slowest = 0
    for _ in range(3):
        began = time.monotonic()
        lab.millrace("show", "interfaces")
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def idle_share(lab):
    """Of the guest's core, in two seconds: idle, and waiting for a disk."""
    def ticks():
        return [int(n) for n in lab.guest.run("cat", "/proc/stat").stdout.split("\n")[0].split()[1:9]]

    time.sleep(1)
    before = ticks()
    time.sleep(2)
    spent = [now - then for now, then in zip(ticks(), before)]
    return sum(spent[3:5]) / max(sum(spent), 1)


def test_command_and_dhcp_answer_while_the_only_core_is_busy(loaded):
    """A worker that takes all of it would leave nothing to those who share its core."""
    busy, rest = seconds_to_show(loaded), loaded.seconds_at_rest
    print(f"show takes {rest:.2f} s at rest, {busy:.2f} s under load")
    assert busy < SHARE * max(rest, 0.5), f"{busy:.1f} s, at rest {rest:.1f} s"
    script = loaded.dir / "udhcpc.sh"
    script.write_text("#!/bin/sh\n[ \"$1\" = bound ] && echo got $ip\nexit 0\n")
    script.chmod(0o755)
    said = loaded.run("pc1", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", 8, "-T", 3, "-s",
                      script, timeout=60, check=False)
    assert re.search(r"got 198\.18\.0\.1\d\d", said.stdout), said.stdout + said.stderr
    answered = ping(loaded, "pc1", ROUTER_LAN4, count=10, interval=0.2, wait=3).received
    assert answered >= 5, f"{answered} of 10"
    assert "has made no turn" not in loaded.router.output()


def test_more_than_the_memory_holds_is_reduced_and_said(small):
    small.stop_router()
    try:
        small.start_router(CONFIG + "flows: { capacity: 4000000 }\n", timeout=START_SEC)
        said = small.router.output()
        reduced = re.search(r"budget: (\d+) flows at a time instead of 4000000", said)
        assert reduced and 100000 < int(reduced[1]) < 1000000, said
        small.wait_path()
        small.stop_router()
        sets = "sets:\n" + "".join(
            f"  s{i}: {{ addresses: [], timeout: 1h, capacity: 1048576 }}\n" for i in range(7))
        said = small.refusal(CONFIG + sets)
        assert re.search(r"\d+ MiB of memory are needed .* this machine's are \d+ MiB", said), said
    finally:
        if small.router is None:
            small.start_router(PATIENT, timeout=START_SEC)
