# SPDX-License-Identifier: BSD-3-Clause
"""A running router takes other configs: all or nothing, on trial or for good, and back.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1                          2001:db8:0:2::11
      \\ 198.51.100.10, 2001:db8:f::10: the internet
"""

import json
import os
import pty
import re
import signal
import sys
import time

import pytest
from apply_lab import CUT, FAR, OTHER, PC, WAN, ApplyLab, Caller, own_kib
from example import dropped, passes, try_row
from home import REPO, build_dir
from lab import wait_for

sys.path.append(str(REPO / "perf"))
from lab_cpu import go_first  # noqa: E402


@pytest.fixture
def lab():
    with ApplyLab() as lab:
        lab.begin()
        yield lab


# --- plan, apply, rollback, history ---

def test_a_rule_is_applied_and_taken_back_and_the_history_tells(lab):
    path = lab.write("next", rules=CUT)
    plan = lab.told("plan", path)
    assert re.fullmatch(
        r"\+ firewall\.forward\[3\]: \{ destination: 198\.51\.100\.66, action: drop \}\n"
        r"0 of [1-9]\d* live flows? end with it\.\nIt can be applied\.\n", plan), plan
    assert lab.reaches(OTHER), "a plan changes nothing"
    assert lab.told("apply", path, "--message", "no more of it") == "in force as revision 2\n"
    assert not lab.reaches(OTHER) and lab.reaches(FAR)
    assert lab.told("apply", path) == "the router has it already\n"
    assert lab.told("rollback") == "in force as revision 3\n"
    assert lab.reaches(OTHER)
    revisions = lab.history()
    assert [r["revision"] for r in revisions] == [3, 2, 1]
    assert [r["message"] for r in revisions] == ["back to revision 1", "no more of it",
                                                 "started with it"]
    assert [r["uid"] for r in revisions] == [0, 0, None]
    assert revisions[1]["program"].startswith("millrace[") and revisions[1]["file"] == str(path)
    assert abs(revisions[0]["at"] - time.time()) < 60 and revisions[0]["is_present"]
    table = lab.told("history")
    assert re.search(r"^\* +3 +20\S+ \S+ +root +back to revision 1$", table, re.MULTILINE), table
    assert max(map(len, table.splitlines())) <= 80, table
    assert lab.told("rollback", "2") == "in force as revision 4\n"
    assert not lab.reaches(OTHER)
    assert lab.told("diff", "2", "4") == ""
    assert lab.told("diff", "1") == (
        '+ firewall.forward[3]: { destination: 198.51.100.66, action: drop }\n')
    running = lab.dir / "running.yaml"
    running.write_text(lab.told("show", "running"))
    assert lab.told("plan", running) == "the router has it already\n"


def test_routes_addresses_translations_and_sets_come_and_go(lab):
    before = lab.state()
    (lab.dir / "listed2").write_text(f"{OTHER}\n")
    path = lab.write(
        "next", wan=", 203.0.113.5/24",
        routes='  - { to: 192.0.2.0/24, via: 203.0.113.9 }\n'
               '  - { to: "2001:db8:77::/48", via: "2001:db8:0:1::1" }\n'
               '  - { to: 198.51.100.128/25, type: blackhole }\n',
        nat="  - { forward: { protocol: tcp, ports: 8080, to: 198.18.0.11, to-port: 80 }, "
            "interface: wan }\n",
        sets=f"  more: {{ addresses: [], file: {lab.dir}/listed2 }}\n"
             "  slow: { addresses: [], timeout: 1h }\n",
        rules="    - { destination: [more, slow], action: drop }\n")
    lab.told("apply", path)
    assert lab.routes() == ["192.0.2.0/24", "198.51.100.128/25", "default"]
    assert lab.routes(6) == ["2001:db8:77::/48", "default"]
    assert "203.0.113.5/24" in lab.state()[1]["wan"]
    wait_for(lambda: lab.run("inet", "ping", "-n", "-c", 1, "-W", 1, "203.0.113.5",
                             check=False).returncode == 0, "the new address to answer")
    try_row(lab, "inet", WAN, "tcp/8080", passes("pc"))
    assert not lab.reaches(OTHER) and lab.reaches(FAR)
    lab.told("ban", FAR, "in", "slow")
    assert not lab.reaches(FAR)
    lab.told("unban", FAR, "in", "slow")
    lab.told("rollback")
    wait_for(lambda: lab.state() == before, "the state of before")
    assert lab.reaches(OTHER)
    try_row(lab, "inet", WAN, "tcp/8080", dropped("drop_rule"))


def test_another_gateway_takes_the_place_of_the_first(lab):
    lab.serve_live()
    text = lab.config()
    path = lab.dir / "next.yaml"
    with lab.live("udp", 500) as udp:
        for gateway in ("203.0.113.9", "203.0.113.1") * 5:
            path.write_text(text.replace("0.0.0.0/0, via: 203.0.113.1",
                                         f"0.0.0.0/0, via: {gateway}"))
            lab.told("apply", path)
            shown = lab.ip_json("rtr", "-4 route show default")
            assert [route["gateway"] for route in shown] == [gateway]
    assert udp["answered"] == udp["sent"] > 20, (udp, {k: n for k, n in lab.counts("drop_", "held_", "punt_").items() if n})


def test_bans_outlive_an_apply(lab):
    lab.told("ban", OTHER)
    lab.told("apply", lab.write("next", rules="    - { destination: 203.0.113.99, action: drop }\n"))
    assert not lab.reaches(OTHER)
    assert len(lab.millrace("show", "set", "banned")["entries"]) == 1


# --- what fails changes nothing ---

BAD = [
    ("text", dict(more="nonsense: 1\n"), "nonsense", "next.yaml:"),
    ("set", dict(sets="  bad: { addresses: [], file: /nonexistent/list }\n",
                 rules="    - { destination: bad, action: drop }\n"), "/nonexistent/list", "policy"),
    ("address", dict(wan=', "2001:db8:0:9::9/64"', more="", routes=""), "2001:db8:0:9::9",
     "new addresses"),
    ("restart", dict(workers=2), "workers.count", "restart"),
]


@pytest.mark.parametrize(("changes", "what", "where"), [row[1:] for row in BAD],
                         ids=[row[0] for row in BAD])
def test_what_cannot_be_taken_leaves_all_as_it_was(lab, changes, what, where):
    if "2001:db8:0:9::9" in what:  # a kernel that takes no IPv6 address there
        lab.sysctl("rtr", {"net.ipv6.conf.lan.disable_ipv6": 1})
        path = lab.write("next", rules=CUT, nat="  - { exempt: wan, to: 192.0.2.0/24 }\n",
                         routes="  - { to: 192.0.2.0/24, via: 203.0.113.9 }\n")
        path.write_text(path.read_text().replace(
            '"2001:db8:0:2::1/64"', f'"2001:db8:0:2::1/64", "{what}/64"').replace(
            '"2001:db8:0:1::2/64"', '"2001:db8:0:1::2/64", 203.0.113.5/24'))
    else:
        path = lab.write("next", **{**changes, "rules": changes.get("rules", "") + CUT})
    before, revisions = lab.state(), lab.history()
    said = lab.refused("apply", path)
    assert what in said and where in said and "nothing has changed" in said, said
    wait_for(lambda: lab.state() == before, "the state of before")
    assert lab.history() == revisions
    assert lab.reaches(OTHER) and lab.reaches(FAR)


def test_a_file_that_is_none_is_refused_without_waiting(lab):
    os.mkfifo(lab.dir / "pipe")
    assert "not a regular file" in lab.refused("apply", lab.dir / "pipe")
    assert "No such file" in lab.refused("apply", lab.dir / "absent.yaml")
    assert "directory" in lab.refused("plan", lab.dir)


# --- on trial ---

def test_what_is_confirmed_stays_and_what_is_not_goes(lab):
    path = lab.write("next", rules=CUT)
    listener = Caller(lab.socket)
    listener.call("subscribe", topics=["config"])
    assert "otherwise the router goes back" in lab.told("apply", path, "--confirm", "2")
    assert not lab.reaches(OTHER)
    assert "on trial" in lab.refused("apply", lab.write("third"))
    assert "on trial" in lab.told("show", "version")
    wait_for(lambda: lab.reaches(OTHER), "the router to go back", 8)
    assert [r["state"] for r in lab.history()] == ["good", "undone", "good"]
    assert "nobody confirmed revision 2" in lab.router.output()
    assert "nothing is on trial" in lab.refused("confirm")
    lab.told("apply", path, "--confirm", "3")
    assert lab.told("confirm") == "revision 4 stays\n"
    time.sleep(3.5)
    assert not lab.reaches(OTHER)
    assert lab.history()[0]["state"] == "good"
    told = [json.loads(listener.lines.readline())["params"] for _ in range(4)]
    assert [(event["what"], event["revision"]) for event in told] == [
        ("on trial", 2), ("in force", 3), ("on trial", 4), ("confirmed", 4)]


@pytest.mark.parametrize("in_place", [True, False], ids=["same-file", "another-file"])
def test_a_router_that_is_killed_on_trial_comes_back_as_before(lab, in_place):
    path = lab.write("millraced" if in_place else "next", rules=CUT)
    lab.told("apply", path, "--confirm", "60")
    assert not lab.reaches(OTHER)
    for said in ("was not confirmed", "is in force as before, not" if in_place else ""):
        lab.kill()  # and so it stays, however often it starts
        lab.again()
        assert lab.reaches(OTHER)
        assert said in lab.told("show", "version") and said in lab.router.output()
    assert [r["state"] for r in lab.history()] == ["good", "undone", "good"]
    # what somebody has written since is meant
    lab.write(rules=CUT + "    - { destination: 192.0.2.1, action: drop }\n")
    lab.kill()
    lab.again()
    assert not lab.reaches(OTHER)


def test_what_was_rolled_back_is_not_there_after_a_restart(lab):
    lab.told("apply", lab.write(rules=CUT))
    lab.told("rollback")
    lab.stop_router()
    lab.again()
    assert lab.reaches(OTHER)
    version = lab.told("show", "version")
    assert "ATTENTION: revision 3 is in force as before, not" in version, version


# --- start and signals ---

def test_a_broken_file_at_the_start_gives_way_to_the_last_good_one(lab):
    lab.told("apply", lab.write(rules=CUT))
    (lab.dir / "millraced.yaml").write_text("ports: [\n")
    lab.stop_router()
    lab.again()
    assert not lab.reaches(OTHER) and lab.reaches(FAR)
    for said in (lab.router.output(), lab.told("show", "version")):
        assert "millraced.yaml cannot be taken: revision 2" in said, said
    assert "millraced.yaml:" in lab.router.output()


def test_sighup_reads_the_file_anew(lab):
    lab.write(rules=CUT)
    lab.router.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: not lab.reaches(OTHER), "the new rule", 5)
    assert lab.history()[0]["message"] == "SIGHUP"
    (lab.dir / "millraced.yaml").write_text("ports: [\n")
    lab.router.popen.send_signal(signal.SIGHUP)
    wait_for(lambda: "everything stays as it is" in lab.router.output(), "the refusal", 5)
    assert not lab.reaches(OTHER) and lab.reaches(FAR)


def test_sighup_of_a_terminal_ends_it(lab):
    lab.stop_router()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("ip", ["ip", "netns", "exec", lab.namespace("rtr"),
                         str(build_dir() / "millraced"), "-c", str(lab.dir / "millraced.yaml"),
                         "-s", str(lab.socket)])
    try:
        wait_for(lab.socket.exists, "the router to start", 15)
        wait_for(lambda: lab.millrace("show", "version", check=False), "its answer", 15)
        os.close(terminal)
        wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "its end", 10)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    assert not lab.socket.exists()


# --- a thousand of them ---

APPLIES = 1000
FLOODED_APPLIES = int(os.environ.get("MILLRACE_APPLIES", "300"))  # under a flood: 1000 takes longer
RATES = (100000, 70000, 50000, 30000, 20000, 10000, 5000)  # packets a second
BASELINE_SEC = 3


def variant_of(lab, i):
    """The i-th config: rules, translations, routes, sets and addresses, each at its own pace."""
    return dict(
        rules="".join(f"    - {{ destination: 192.0.2.{k}, action: drop }}\n"
                      for k in range(i % 7)),
        nat="".join(f"  - {{ forward: {{ protocol: tcp, ports: {8000 + k}, to: {PC} }}, "
                    "interface: wan }\n" for k in range(i % 3)),
        routes=f'  - {{ to: 192.0.2.{i % 5 * 32}/27, via: 203.0.113.9 }}\n'
               f'  - {{ to: "2001:db8:{i % 11:x}77::/48", via: "2001:db8:0:1::1" }}\n',
        sets="".join(f"  set{k}: {{ addresses: [192.0.2.{100 + i % 50}] }}\n"
                     for k in range(i % 4)),
        more=f"# {i}\n")


class Stream:
    """Numbered datagrams from the pc to the internet while the block runs; then what came of them."""

    def __init__(self, lab, rate):
        self.lab, self.rate = lab, rate

    def __enter__(self):
        program, port = build_dir() / "tests/lab/numbered", 4001
        self.receiver = self.lab.start("inet", f"receive-{self.rate}", program, "receive", FAR, port)
        wait_for(lambda: "receiving" in self.receiver.output(), "the receiver")
        self.sender = self.lab.start("pc", f"send-{self.rate}", program, "send", FAR, port, self.rate)
        wait_for(lambda: "sending" in self.sender.output(), "the sender")
        self.began = time.monotonic()
        return self

    def __exit__(self, *ignored):
        took = time.monotonic() - self.began
        self.sender.stop(signal.SIGINT)
        time.sleep(0.5)  # what is on its way
        self.receiver.stop(signal.SIGINT)
        self.sent, self.received = (json.loads(p.output().splitlines()[-1])[key] for p, key in (
            (self.sender, "sent"), (self.receiver, "received")))
        self.per_sec = self.sent / took
        for process in (self.sender, self.receiver):
            self.lab.processes.remove(process)
            process.log.unlink()

    def __str__(self):
        return f"{self.received} of {self.sent} at {self.per_sec:.0f} pps"


def stream_for(lab, rate, what):
    """A stream while `what` is done; with what the router says that it dropped meanwhile."""
    before = lab.counts("drop_")
    with Stream(lab, rate) as stream:
        what()
    after = lab.counts("drop_")
    stream.dropped = {name: n - before.get(name, 0) for name, n in after.items()
                      if n != before.get(name, 0)}
    return stream


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_applies_under_a_flood_of_small_packets_lose_none():
    """At the highest rate that the wires and the machine carry without applies, in the same run: a
    port that overflows is the machine's doing if it does so without them as well. The router goes
    before sender, receiver and other programs: else its worker waits for a core while the wire's
    ring fills, and applies, which want a core too, only make that more likely."""
    with ApplyLab() as lab:
        lab.begin()
        go_first(lab.router.pid)
        files = [lab.write(f"variant{i}", **variant_of(lab, i)) for i in range(60)]
        caller = Caller(lab.socket)

        def apply_all():
            for i in range(FLOODED_APPLIES):
                assert caller.call("config.apply", file=str(files[i % len(files)]))["done"]

        for rate in RATES:
            alone = stream_for(lab, rate, lambda: time.sleep(BASELINE_SEC))
            print(f"without applies, {rate} pps asked: {alone}")
            if alone.received < alone.sent:
                continue
            began = time.monotonic()
            stream = stream_for(lab, rate, apply_all)
            took = time.monotonic() - began
            print(f"{FLOODED_APPLIES} applies in {took:.1f} s: {stream}, dropped {stream.dropped}")
            if stream.received == stream.sent:
                assert stream.per_sec > alone.per_sec / 2, "the sender had no processor"
                return
            assert set(stream.dropped) == {"drop_port_missed"}, stream.dropped
            again = stream_for(lab, rate, lambda: time.sleep(took))
            print(f"without applies, as long: {again}, dropped {again.dropped}")
            assert again.received < again.sent, "only applies lose packets"
        pytest.fail("not even the lowest rate gets through without applies")


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_a_thousand_applies_lose_no_packet_no_flow_and_no_memory():
    with ApplyLab() as lab:
        lab.begin()
        lab.serve_live()
        files = [lab.write(f"variant{i}", **variant_of(lab, i)) for i in range(60)]
        caller = Caller(lab.socket)

        def apply(i):
            done = caller.call("config.apply", file=str(files[i % len(files)]))
            assert done["done"] and not done["is_unchanged"], done

        with lab.live("udp", 2000) as udp, lab.live("tcp") as tcp:
            for i in range(len(files) * 2):
                apply(i)
            before, began = own_kib(lab.router.pid), time.monotonic()
            for i in range(APPLIES):
                apply(i)
            took = time.monotonic() - began
            after = own_kib(lab.router.pid)
        print(f"{APPLIES} applies in {took:.1f} s, {after - before} KiB more; {udp}, {tcp}")
        assert udp["answered"] == udp["sent"], (udp, lab.counts("drop_"))
        assert "error" not in tcp and tcp["answered"] == tcp["sent"] > 100, tcp
        assert after - before < 2048, f"{before} KiB before, {after} KiB after"
        assert len(lab.history()) == 50
