# SPDX-License-Identifier: BSD-3-Clause
"""The daemon's log: levels, limits, hostile text, the journal; a router without wires, see api_lab.py."""

import json
import re
import signal
import time
from pathlib import Path

import pytest
from api_lab import CONFIG, ApiLab
from home import build_dir
from lab import wait_for

JOURNAL = Path(__file__).with_name("journal.py")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (error|warning|info|debug) +"
                  r"([a-z]+(?: [^:]+|)): .*|millraced: .*")
FLIPS = 300  # of an interface, by hand


class LogLab(ApiLab):
    def lines(self):
        return self.router.output().splitlines()

    def said(self, words):
        return [line for line in self.lines() if words in line]

    def parts(self):
        return {one["part"]: one for one in self.millrace("show", "log")["parts"]}

    def flip(self, times):
        """Sets the interface down and up again by hand, seen by the router each time."""
        for _ in range(times):
            for state in ("down", "up"):
                self.ip("rtr", f"link set lan {state}")

    def start_in_journal(self, *options, more=""):
        path = self.dir / "journal.yaml"
        path.write_text(CONFIG.format(dir=self.dir, more=more))
        self.socket = self.dir / "journal.sock"
        self.router = self.start("rtr", "millraced-journal", "unshare", "--mount",
                                 "/usr/bin/python3", JOURNAL, *options, build_dir() / "millraced",
                                 "-c", path, "-s", self.socket)
        self.wait_router()

    def entries(self):
        return [json.loads(line) for line in self.lines()]


@pytest.fixture(name="lab")
def fixture_lab():
    with LogLab() as lab:
        yield lab


def test_levels_come_from_the_file_and_by_hand(lab):
    lab.start_api("log: { level: warning, parts: { drivers: debug } }")
    assert lab.said("info    port lan: ") and not lab.said("control: ready")
    assert all(LINE.fullmatch(line) for line in lab.lines()), lab.router.output()
    assert {name: one["level"] for name, one in lab.parts().items()} == {
        "config": "warning", "control": "warning", "dataplane": "warning", "dhcp": "warning",
        "dns": "warning", "dpdk": "warning",
        "drivers": "debug", "firewall": "warning", "interfaces": "warning", "nat": "warning",
        "packets": "warning", "routes": "warning"}

    lab.flip(1)
    lab.command("log", "interfaces", "info")
    assert lab.parts()["interfaces"]["is_by_hand"]
    lab.flip(1)
    wait_for(lambda: lab.said("interface lan: set up by hand"), "the word of the second time", 3)
    assert len(lab.said("interface lan: set up by hand")) == 1
    told = lab.command("log", "all", "default").stdout
    assert re.search(r"^interfaces +warning ", told, re.M) and "by hand" not in told, told
    lab.flip(1)
    lab.millrace("show", "interfaces")
    assert len(lab.said("interface lan: set up by hand")) == 1


def test_the_last_lines_are_shown(lab):
    lab.start_api()
    lab.flip(2)
    shown = wait_for(lambda: lab.millrace("show", "log", "interfaces", "limit", "2")["lines"],
                     "lines about interfaces", 3)
    wait_for(lambda: len(lab.said("interface lan: set up by hand")) == 2, "the last one", 3)
    shown = lab.millrace("show", "log", "interfaces", "limit", "2")
    assert [(one["level"], one["part"], one["object"], one["text"]) for one in shown["lines"]] == [
        ("info", "interfaces", "interface lan", f"set {state} by hand") for state in ("down", "up")]
    assert shown["total"] > 2
    assert all(one["time"] + " info " in lab.router.output() for one in shown["lines"])
    assert {one["part"] for one in lab.millrace("show", "log")["lines"]} >= {
        "control", "drivers", "interfaces"}
    assert lab.millrace("show", "log", "level", "error")["lines"] == []
    people = lab.command("show", "log", "interfaces", "limit", "1").stdout
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info    interface lan: set up by hand$",
                     people, re.M), people
    assert f"1 of {shown['total']} lines" in people
    wrong = lab.command("log", "driver", "debug", check=False)
    assert wrong.returncode == 2 and "drivers" in wrong.stderr


def test_who_says_too_much_is_cut_short_and_the_rest_is_counted(lab):
    lab.start_api()
    lab.flip(FLIPS)
    parts = lab.parts()
    router = lab.stop_router()
    said = len(re.findall("interface lan: set (?:down|up) by hand", router.output()))
    told = re.findall(r"interface lan: (\d+) similar lines? w\w+ left out, the first: set (?:down|up)",
                      router.output())
    assert 100 <= said <= 2 * FLIPS - sum(map(int, told)) and told, router.tail()
    assert sum(map(int, told)) == parts["interfaces"]["left_out"] > 0, told


def test_text_of_others_cannot_break_a_line(lab):
    (lab.dir / "listed").write_bytes(b"198.18.0.7\x1b[2J\r<0>kernel: \xff\xe2\x80\xae\n")
    lab.start_router(CONFIG.format(dir=lab.dir, more="").replace(
        "  slow:", f"  listed: {{ addresses: [], file: {lab.dir}/listed }}\n  slow:"))
    faults = lab.said("error   set listed: ")
    assert len(faults) == 2 and all(LINE.fullmatch(line) for line in faults), faults
    assert "[2J?<0>kernel: \\xff\\xe2\\x80\\xae`" in faults[0], faults
    assert not set(lab.router.output()) & set("\x1b\r\ufffd\u202e")


def test_lines_are_entries_of_the_journal(lab):
    lab.start_in_journal(more="log: { parts: { drivers: debug } }")
    lab.flip(1)
    wait_for(lambda: lab.said("set up by hand"), "the last entry", 3)
    entries = lab.entries()
    assert {one["via"] for one in entries} == {"socket"}, "once, and not on stderr too"
    ours = [one for one in entries if one["MESSAGE"] == "interface lan: set up by hand"]
    assert [{key: one[key] for key in ("PRIORITY", "MILLRACE_PART", "MILLRACE_OBJECT",
                                       "SYSLOG_IDENTIFIER")} for one in ours] == [
        {"PRIORITY": "6", "MILLRACE_PART": "interfaces", "MILLRACE_OBJECT": "interface lan",
         "SYSLOG_IDENTIFIER": "millraced"}]
    assert all("CODE_FILE" not in one for one in entries)
    assert all(one["MESSAGE"].startswith(one["MILLRACE_OBJECT"] + ": ") for one in entries)
    router = lab.stop_router()
    assert "SIGTERM: stopping" in router.output()


def test_the_last_words_are_an_entry_too(lab):
    path = lab.dir / "journal.yaml"
    path.write_text(CONFIG.format(dir=lab.dir, more="log: { level: error }"))
    lab.start_api()
    second = lab.run("rtr", "unshare", "--mount", "/usr/bin/python3", JOURNAL,
                     build_dir() / "millraced", "-c", path, "-s", lab.socket, check=False)
    assert second.returncode == 1
    last = json.loads(second.stdout.splitlines()[-1])
    assert last["via"] == "socket" and last["PRIORITY"] == "3", last
    assert last["MESSAGE"].startswith("millraced: ") and str(lab.socket) in last["MESSAGE"], last


def test_a_journal_that_does_not_read_holds_nobody_up(lab):
    lab.sysctl("rtr", {"net.unix.max_dgram_qlen": 1})
    lab.start_in_journal("--deaf")  # it says more than there is room for
    assert lab.entries() == []
    lab.flip(3)
    for command in (("show", "version"), ("log", "all", "debug"), ("show", "log")):
        began = time.monotonic()
        lab.millrace(*command)
        assert time.monotonic() - began < 2
    lab.router.popen.send_signal(signal.SIGUSR1)
    wait_for(lambda: lab.said(" lost: nobody took them"), "what was lost", 5)
    kept = {line["text"] for line in lab.millrace("show", "log")["lines"]}
    assert "set up by hand" in kept, "what nobody took can be asked for"
    lab.flip(1)
    wait_for(lambda: lab.said("interface lan: set down by hand"), "the next lines", 5)


def test_without_its_socket_the_journal_has_the_stream(lab):
    lab.start_in_journal("--no-socket")
    entries = lab.entries()
    assert {one["via"] for one in entries} == {"stream"}
    assert any(re.fullmatch(r"<6>port lan: .*", one["text"]) for one in entries), entries
    assert all(re.match(r"<[3467]>[a-z]", one["text"]) for one in entries), entries
