# SPDX-License-Identifier: BSD-3-Clause
"""A config that is on trial stays by itself when its probes pass, and goes when one of them fails.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1
    ns 203.0.113.53: a resolver
"""

import signal
import time

import pytest
from apply_lab import CUT, FAR, HOSTS, OTHER, ApplyLab
from example import Host
from lab import wait_for

RESOLVER = "203.0.113.53"
NAME = "router.example"
SOON = 4


class TrialLab(ApplyLab):
    def __init__(self):
        super().__init__()
        self.plan = {**HOSTS, "ns": Host("wan", (f"{RESOLVER}/24",))}

    def begin(self, **changes):
        self.set_resolver("rtr", RESOLVER)
        resolver = self.start("ns", "resolver", "dnsmasq", "--keep-in-foreground", "--no-resolv",
                              "--no-hosts", "--conf-file=/dev/null", "--pid-file", "--user=root",
                              f"--address=/{NAME}/192.0.2.80")
        self.wait_port("ns", 53, resolver, kind="udp")
        super().begin(**changes)


@pytest.fixture
def lab():
    with TrialLab() as lab:
        lab.begin()
        yield lab


def apply_when(lab, path, probes, seconds=SOON, *words):
    return lab.told("apply", path, "--confirm", seconds, "--confirm-when", probes, *words)


def wait_confirmed(lab, revision):
    wait_for(lambda: f"revision {revision} is confirmed" in lab.router.output(), "it to be confirmed",
             SOON)
    assert lab.history()[0]["state"] == "good" and lab.history()[0]["is_present"]
    assert "nothing is on trial" in lab.refused("confirm")


def wait_back(lab, revision, *why):
    said = f"probes failed, revision {revision} goes ("
    wait_for(lambda: said in lab.router.output(), "it to go", SOON + 4)
    line = next(line for line in lab.router.output().splitlines() if said in line)
    assert all(words in line for words in why), line
    wait_for(lambda: [r["state"] for r in lab.history()[:2]] == ["good", "undone"], "it to be undone")


def test_what_passes_is_confirmed_by_itself(lab):
    told = apply_when(lab, lab.write("next", rules=CUT), "dns,uplink", SOON, "--confirm-name", NAME)
    assert "it stays when dns,uplink pass within" in told, told
    wait_confirmed(lab, 2)
    time.sleep(SOON)
    assert not lab.reaches(OTHER)


USUAL = f"apply: {{ confirm: {SOON}s, confirm-when: [dns, uplink], confirm-name: {NAME} }}\n"


def test_what_is_usual_is_in_the_config_in_force(lab):
    told = lab.told("apply", lab.write("usual", more=USUAL))
    assert told == "in force as revision 2\n", "the one before said nothing"
    told = lab.told("apply", lab.write("next", rules=CUT, more=USUAL))
    assert f"it stays when dns,uplink pass within {SOON}s" in told, told
    wait_confirmed(lab, 3)
    told = lab.told("apply", lab.write("usual", more=USUAL), "--no-confirm")
    assert told == "in force as revision 4\n" and lab.history()[0]["state"] == "good"
    path = lab.write("next", rules=CUT, more=USUAL)
    assert "either" in lab.refused("apply", path, "--no-confirm", "--confirm", "4")
    told = lab.told("apply", path, "--confirm", "4")
    assert "'millrace confirm' within 4s keeps it" in told, told
    wait_for(lambda: lab.reaches(OTHER), "the router to go back", 8)


def test_sighup_is_not_on_trial(lab):
    lab.told("apply", lab.write(more=USUAL))
    lab.write(rules=CUT, more=USUAL)
    lab.router.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: not lab.reaches(OTHER), "the new rule", 5)
    assert lab.history()[0]["state"] == "good"


def test_who_comes_back_confirms_it(lab):
    path = lab.write("next", rules=CUT)
    apply_when(lab, path, "management")
    time.sleep(1.5)
    assert "is confirmed" not in lab.router.output()
    lab.told("show", "version")
    wait_confirmed(lab, 2)
    lab.told("rollback")
    apply_when(lab, path, "management")
    wait_for(lambda: "nobody who may change things has come" in lab.router.output(), "it to go", 8)
    wait_for(lambda: lab.reaches(OTHER), "the router to be back")


@pytest.mark.parametrize(("old", "new", "why"), [
    ("0.0.0.0/0, via: 203.0.113.1", "0.0.0.0/0, via: 203.0.113.99", "203.0.113.99 does not answer"),
    ('"::/0", via: "2001:db8:0:1::1"', '"::/0", via: "2001:db8:0:1::99"',
     "2001:db8:0:1::99 does not answer"),
    ("name: port-wan", "name: idle", "does not answer"),
], ids=["gateway", "gateway6", "card"])
def test_a_broken_uplink_reverts_by_itself(lab, old, new, why):
    lab.ip("rtr", "link add idle type veth peer name nobody")
    lab.ip("rtr", "link set nobody up")
    path = lab.write("next")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    apply_when(lab, path, "uplink")
    wait_back(lab, 2, "uplink: ", why)
    wait_for(lambda: lab.reaches(FAR), "the uplink to be there again")


def test_a_gateway_that_is_dead_is_no_uplink_though_its_mac_is_known(lab):
    assert lab.reaches(FAR)
    lab.ip("sw", "link set inet down")
    apply_when(lab, lab.write("next", rules=CUT), "uplink")
    wait_back(lab, 2, "uplink: ", "does not answer")


def test_dns_that_is_cut_reverts_by_itself(lab):
    (lab.dir / "next.yaml").write_text(lab.config().replace(
        "  forward:\n", "  output:\n    - { port: 53, action: drop }\n  forward:\n", 1))
    apply_when(lab, lab.dir / "next.yaml", "dns,uplink")
    wait_back(lab, 2, f"dns: {RESOLVER} does not answer")
    apply_when(lab, lab.write("next", rules=CUT), "dns", SOON, "--confirm-name", "absent.example")
    wait_back(lab, 4, f"dns: {RESOLVER} ")


def test_what_makes_no_sense_is_refused(lab):
    path = lab.write("next", rules=CUT)
    for words, said in (
            (("--confirm", "5", "--confirm-when", "dns,luck"), "'luck' is no probe"),
            (("--confirm-when", "dns"), "for 'confirm'"),
            (("--confirm", "5", "--confirm-when", "dns", "--confirm-name", "a..b"), "'a..b'")):
        assert said in lab.refused("apply", path, *words)
    assert lab.history()[0]["revision"] == 1
