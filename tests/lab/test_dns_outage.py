# SPDX-License-Identifier: BSD-3-Clause
"""Upstreams that fail many times in a row, each in its own way, and what happens as soon as they do
not: the time from there to the first good answer. See dns_lab.py, dns_tls.py."""

import time

import pytest
from dns_lab import UPSTREAMS
from dns_signed import SigningLab
from dns_tls import NAME, TlsLab
from home import FAR4, ROUTER_LAN4, SERVER4
from lab import wait_for

IN_A_ROW = 24
ASKED_MAX = 60
BACK_SEC_MAX = 1.0
WAIT_SEC_MAX = 1.0  # of a client while one of two fails
ZONE_ANY = """$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 0
@ NS ns
ns A 203.0.113.53
* A 203.0.113.80
"""

# Asks one question after the other, each with a name of its own: one line for each with when it was
# asked, when it was answered (0: not at all) and the answer's code.
ASKER = """
import socket, sys, time
sys.path.insert(0, sys.argv[1])
from dns_lab import question
server, prefix, count, wait, pause = sys.argv[2], sys.argv[3], *map(float, sys.argv[4:7])
for i in range(int(count)):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((server, 53))
    sock.settimeout(wait)
    began = time.monotonic()
    sock.send(question(f"{prefix}{i}.example.net", i))
    try:
        code, ended = sock.recv(4096)[3] & 15, time.monotonic()
    except OSError:
        code, ended = -1, 0
    print(began, ended, code, flush=True)
    sock.close()
    time.sleep(max(0, began + pause - time.monotonic()))
"""


class OutageLab(TlsLab, SigningLab):
    def asker(self, prefix, count, wait, pause, name):
        return self.start("pc1", name, "/usr/bin/python3", "-c", ASKER,
                          __file__.rsplit("/", 1)[0], ROUTER_LAN4, prefix, count, wait, pause)

    def hide(self, host):
        """Its packets vanish, in both directions: nobody says that it is not there."""
        address = UPSTREAMS[host]
        self.run("inet", "nft", "-f", "-", stdin=f"""table ip hide {{
            chain forward {{ type filter hook forward priority 0;
                ip saddr {address} drop; ip daddr {address} drop; }}
        }}""")

    def show_again(self):
        self.run("inet", "nft", "delete", "table", "ip", "hide")


def answers(process):
    return [(float(began), float(ended), int(code)) for began, ended, code in
            (line.split() for line in process.output().splitlines() if line.count(" ") == 2)]


def goods(process, moment):
    """When good answers came after that moment."""
    return [ended for _, ended, code in answers(process) if code == 0 and ended > moment]


@pytest.fixture(name="lab")
def fixture_lab():
    with OutageLab() as lab:
        lab.make_ca()
        yield lab


class Way:
    """One way to fail. `begin`: the upstream is good; `fail` breaks it, `mend` mends it."""

    is_known = True  # somebody has asked before it fails
    def __init__(self, lab):
        self.lab = lab
        self.keys = f"upstreams: {SERVER4}"

    def begin(self):
        self.good = self.lab.start_unbound("srv", text=ZONE_ANY)

    def fail(self):
        """Nobody is there, and says so."""
        self.good.stop()

    def mend(self):
        self.lab.start_unbound("srv", text=ZONE_ANY, name="again")


class Silent(Way):
    def fail(self):
        self.lab.hide("srv")

    def mend(self):
        self.lab.show_again()


class Dnsdist(Way):
    """Answers by itself, with what its config says."""

    good_rule = 'addAction(AllRule(), SpoofAction("203.0.113.80", {ttl=1}))'
    bad_rule = "addAction(AllRule(), RCodeAction(DNSRCode.SERVFAIL))"

    def serve(self, name, rule):
        conf = self.lab.dir / f"{name}.conf"
        conf.write_text(f'setLocal("{SERVER4}:53")\n{rule}\n'
                        'setSecurityPollSuffix("")\nsetACL("0.0.0.0/0")\n')
        self.good = self.lab.start("srv", name, "dnsdist", "--supervised", "--disable-syslog", "-C",
                                   conf)
        self.lab.wait_port("srv", 53, self.good, "udp", timeout=20)

    def begin(self):
        self.serve("good", self.good_rule)

    def fail(self):
        self.good.stop()
        self.serve("bad", self.bad_rule)

    def mend(self):
        self.good.stop()
        self.serve("again", self.good_rule)


class RefusedTcp(Dnsdist):
    """Each answer by UDP is cut short, and by TCP there is nobody."""

    good_rule = "addAction(TCPRule(false), TCAction())\n" + Dnsdist.good_rule

    def fail(self):
        self.lab.run("srv", "nft", "-f", "-", stdin="""table inet refuse {
            chain input { type filter hook input priority 0; tcp dport 53 reject with tcp reset; }
        }""")

    def mend(self):
        self.lab.run("srv", "nft", "delete", "table", "inet", "refuse")


class Tls(Way):
    def __init__(self, lab):
        super().__init__(lab)
        self.keys = f"upstreams: {SERVER4} tls {NAME}, tls-certificates: {lab.dir}/ca.pem"

    def begin(self):
        self.good = self.lab.start_tls("srv", text=ZONE_ANY)

    def mend(self):
        self.lab.start_tls("srv", text=ZONE_ANY, name="again")


class TlsSilent(Tls, Silent):
    mend = Silent.mend


class TlsHandshake(Tls):
    """There is a server, and it cannot show the name."""

    def fail(self):
        self.good.stop()
        self.bad = self.lab.start_tls("srv", certified="other.example.org", text=ZONE_ANY,
                                      name="bad")

    def mend(self):
        self.bad.stop()
        super().mend()


class Validated(Way):
    """By way of the library that validates, which has a memory of its own for who fails. The zone's
    keys could not be had: without care it is forged for a minute from then on."""

    is_known = False

    def __init__(self, lab):
        super().__init__(lab)
        # a wildcard that is proven answers for the server (RFC 8198): each name has to be there
        self.signed = lab.sign(ZONE_ANY.replace("* A", "before A") + "".join(
            f"{prefix}{i} A 203.0.113.80\n" for prefix in "fbl" for i in range(ASKED_MAX)))
        self.keys += f", dnssec: true, trust-anchor: {lab.dir}/anchor"

    def begin(self):
        self.good = self.lab.start_unbound("srv", text=self.signed)

    def mend(self):
        self.lab.start_unbound("srv", text=self.signed, name="again")


class ValidatedSilent(Validated, Silent):
    mend = Silent.mend


WAYS = [Way, Silent, Dnsdist, RefusedTcp, Tls, TlsSilent, TlsHandshake, Validated, ValidatedSilent]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_only_upstream_fails_24_times_and_returns(lab, way):
    way = way(lab)
    way.begin()
    lab.start_dns(way.keys)
    if way.is_known:
        assert lab.dig("before.example.net").data == ["203.0.113.80"], lab.router.tail()
    way.fail()
    failing = lab.asker("f", IN_A_ROW, 0.25, 0, "failing")
    assert failing.popen.wait(20) == 0, failing.output()
    failed = answers(failing)
    assert len(failed) == IN_A_ROW and all(code != 0 for _, _, code in failed), failed
    seen = lab.upstream("srv")
    assert seen["failures_in_a_row"] >= IN_A_ROW or seen["useless"] >= IN_A_ROW, seen
    asking = lab.asker("b", ASKED_MAX, 5.0, 0.1, "asking")
    wait_for(lambda: lab.upstream("srv")["sent"] > seen["sent"] + 5, "questions on their way", 10)
    began = time.monotonic()
    way.mend()
    is_there = time.monotonic()
    wait_for(lambda: goods(asking, began), "a good answer", 10)
    took = min(goods(asking, began)) - is_there
    print(f"{type(way).__name__}: the first good answer {took:.3f} s after it was there")
    assert took < BACK_SEC_MAX, (took, answers(asking), lab.router.tail())
    # and all that come after it are good at once
    time.sleep(0.3)
    late = lab.asker("l", 10, 2.0, 0, "late")
    assert late.popen.wait(25) == 0
    assert all(code == 0 and ended - began < 0.5 for began, ended, code in answers(late)), \
        (answers(late), lab.router.tail())


@pytest.mark.parametrize("way", [Way, Silent, Dnsdist, Tls, TlsSilent, TlsHandshake],
                         ids=lambda way: way.__name__)
def test_another_answers_meanwhile_and_it_is_used_again(lab, way):
    way = way(lab)
    way.begin()
    if isinstance(way, Tls):
        other = lab.start_tls("far", text=ZONE_ANY)
        keys = way.keys.replace("upstreams: ", f"upstreams: [{FAR4} tls {NAME}, ")
        keys = keys.replace(f"tls {NAME}, tls-c", f"tls {NAME}], tls-c")
    else:
        other = lab.start_unbound("far", text=ZONE_ANY)
        keys = f"upstreams: [{FAR4}, {SERVER4}]"
    lab.start_dns(keys)
    assert lab.dig("before.example.net").data == ["203.0.113.80"], lab.router.tail()
    asking = lab.asker("m", 400, 4.0, 0.02, "meanwhile")
    wait_for(lambda: len(answers(asking)) > 40, "answers", 10)
    way.fail()

    def has_failed():
        seen = lab.upstream("srv")
        return max(seen["failures_in_a_row"], seen["useless"]) >= IN_A_ROW

    wait_for(has_failed, f"{IN_A_ROW} failures in a row", 20)
    before = lab.upstream("srv")
    way.mend()
    is_there = time.monotonic()
    wait_for(lambda: lab.upstream("srv")["failures_in_a_row"] == 0 and
             lab.upstream("srv")["answered"] > before["answered"], "it to answer again", 5,
             interval=0.02)
    took = time.monotonic() - is_there
    print(f"{type(way).__name__}: used again {took:.3f} s after it was there")
    assert took < BACK_SEC_MAX, (took, lab.dns()["upstreams"])
    # nobody waited for the one that failed
    assert asking.popen.wait(30) == 0
    waits = [ended - began for began, ended, code in answers(asking) if code == 0]
    print(f"{type(way).__name__}: {len(waits)} answers, the slowest after {max(waits):.3f} s")
    assert len(waits) == 400 and max(waits) < WAIT_SEC_MAX, (max(waits), answers(asking))
    # it carries all alone as soon as the other is gone
    other.stop()
    alone = lab.asker("a", 10, 2.0, 0, "alone")
    assert alone.popen.wait(25) == 0
    assert all(code == 0 and ended - began < 0.6 for began, ended, code in answers(alone)), \
        (answers(alone), lab.dns()["upstreams"])
