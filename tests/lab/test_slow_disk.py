# SPDX-License-Identifier: BSD-3-Clause
"""What is kept on a disk that takes its time holds up nobody but who asked for it to be kept.

    pc1, pc2 -- lan [ the router ] wan -- router, a bridge of inet: a DHCP server
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from api_lab import Caller
from conftest import cores_for
from home import SERVER4
from lab import wait_for
from slow_disk import LoopProbe, SlowDisk
from test_dhcp4_client import UplinkLab, messages

SYNC_MS = 300
LATE_MS = 50
AT_ONCE = 20  # bans
LEASE = """#!/bin/sh
case "$1" in bound) echo "$ip" > {told}.part && mv {told}.part {told} ;; esac
exit 0
"""


def config():
    return f"""
workers: {{ cores: [{', '.join(map(str, cores_for(1)))}] }}
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  wan: {{ port: wan, dhcp4: yes }}
  lan: {{ port: lan, addresses: 198.18.0.1/24 }}
zones: {{ home: {{ interfaces: lan }}, internet: {{ interfaces: wan }} }}
sets:
  banned: {{ addresses: [], timeout: 1d }}
  seen: {{ addresses: [], timeout: 1d }}
nat: [{{ masquerade: wan }}]
firewall:
  input: [{{ from: home, action: accept }}]
  forward:
    - {{ source: banned, action: drop }}
    - {{ from: home, add-to: {{ set: seen }} }}
    - {{ from: home, action: accept }}
dhcp-server:
  lan: {{ pool: 198.18.0.100-198.18.0.200 }}
"""


class SlowDiskLab(UplinkLab):
    def begin(self):
        self.server = self.dnsmasq()
        self.disk = SlowDisk(self)
        self.start_uplink(config(), env=self.disk.env)
        self.wait_bound()

    def entries(self, name):
        return {entry["address"] for entry in self.millrace("show", "set", name)["entries"]}

    @contextmanager
    def measured(self, probe, name, waits):
        """The loop goes on; `waits`: who asks is told when it is on the disk, and not before."""
        probe.stretch(name)
        began = time.monotonic()
        yield
        took_ms = (time.monotonic() - began) * 1000
        said = probe.stretch("between")
        print(f"{name:20} loop late {said['late_ms']:7.2f} ms, ran {said['cpu_ms']:6.2f} ms; "
              f"took {took_ms:7.1f} ms, asked {said['asked']} times", flush=True)
        assert said["asked"] > 0 and said["late_ms"] < LATE_MS, said
        assert not waits or took_ms >= SYNC_MS, took_ms

    def ask(self, method, address):
        with Caller(self.socket) as caller:
            answer = caller.ask(method, address=address)
        assert answer["result"]["unkept"] is None, answer
        return answer["result"]["address"]


def ban(lab, probe):
    with lab.measured(probe, "ban", waits=True):
        lab.ask("ban", "198.51.100.7")
    with lab.measured(probe, "unban", waits=True):
        lab.ask("unban", "198.51.100.7")
    addresses = [f"198.51.100.{100 + i}" for i in range(AT_ONCE)]
    began = time.monotonic()
    with lab.measured(probe, f"{AT_ONCE} bans", waits=True), ThreadPoolExecutor(AT_ONCE) as pool:
        kept = set(pool.map(lambda address: lab.ask("ban", address), addresses))
    # one after the other they would take as many commits
    assert time.monotonic() - began < AT_ONCE / 2 * SYNC_MS / 1000
    return kept


def pass_packets(lab, probe):
    """A rule's entry is written by one of the next turns: nobody is told when."""
    with lab.measured(probe, "a rule's ban", waits=False):
        lab.run("pc1", "ping", "-n", "-c", 1, "-W", 1, SERVER4, check=False)
        wait_for(lambda: lab.entries("seen") == {"198.18.0.11/32"}, "the rule's entry")
        time.sleep(5 * SYNC_MS / 1000)


def get_leases(lab, probe):
    with lab.measured(probe, "an uplink's renewal", waits=False):
        n = len(messages(lab.server))
        lab.millrace("dhcp", "renew", "wan")
        wait_for(lambda: "ACK" in messages(lab.server)[n:], "the server's ACK")
        time.sleep(2 * SYNC_MS / 1000)
    told, script = lab.dir / "pc2.told", lab.dir / "pc2.script"
    script.write_text(LEASE.format(told=told))
    script.chmod(0o755)
    with lab.measured(probe, "a host's lease", waits=True):
        lab.run("pc2", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", 5, "-T", 2, "-s", script)
    assert told.read_text().startswith("198.18.0.")


def give_configs(lab, probe):
    """Each is on the disk before it takes effect, and found good there before who gave it hears."""
    path = lab.dir / "next.yaml"
    text = (lab.dir / "millraced.yaml").read_text()
    path.write_text(text.replace("action: drop", "action: reject"))
    with lab.measured(probe, "an apply", waits=True):
        assert lab.millrace("apply", path)["done"]
    with lab.measured(probe, "a rollback", waits=True):
        assert lab.millrace("rollback")["done"]
    with lab.measured(probe, "one on trial", waits=True):
        assert lab.millrace("apply", path, "--confirm", 60)["done"]
    with lab.measured(probe, "confirming it", waits=True):
        lab.millrace("confirm")
    with lab.measured(probe, "a trial that ends", waits=False):
        path.write_text(text)
        assert lab.millrace("apply", path, "--confirm", 1)["done"]
        wait_for(lambda: "nobody confirmed" in lab.router.output(), "its end", 10)
        wait_for(lambda: lab.millrace("history")["revisions"][0]["state"] == "good", "the way back")
    with lab.measured(probe, "what differs", waits=False):
        lab.millrace("diff", 1, 2)


@pytest.mark.timeout(120)
def test_a_slow_disk_does_not_hold_up_the_loop_and_loses_nothing():
    with SlowDiskLab() as lab:
        lab.begin()
        address = lab.lease()["address"]
        with lab.disk.slow(SYNC_MS):
            with LoopProbe(lab) as probe:
                kept = ban(lab, probe)
                pass_packets(lab, probe)
                get_leases(lab, probe)
                give_configs(lab, probe)
            late_us = lab.millrace("show", "version")["loop_late_us"]
            print(f"loop_late_us {late_us}")
            assert late_us < SYNC_MS * 1000
            last = lab.ask("ban", "198.51.100.99")
            lab.kill_router()  # what was answered is on the disk
        lab.socket.unlink()
        lab.start_uplink(config(), env=lab.disk.env)
        assert lab.entries("banned") == kept | {last}
        assert lab.entries("seen") == {"198.18.0.11/32"}
        assert lab.wait_bound() == address
