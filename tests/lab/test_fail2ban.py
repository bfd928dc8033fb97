# SPDX-License-Identifier: BSD-3-Clause
"""Lines of rules with `log`, read by the real fail2ban with the files of control/fail2ban/.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1                          2001:db8:0:2::11
      \\ 198.51.100.10, 198.51.100.66, 2001:db8:f::10: the internet
"""

import json
import re
import shutil
import signal

import pytest
from example import ExampleLab
from home import REPO, build_dir
from lab import run_command, wait_for
from test_firewall import BAD, FAR, FAR6, HOSTS, PC, ROUTER, WAN, WAN6

FILES = REPO / "control/fail2ban"
FILTER = FILES / "filter.d/millrace.conf"
SSH = 'millrace[list="input", prefix="ssh:"]'
RULES = """
sets:
  banned: {{ addresses: [], timeout: 1d }}
firewall:
  input:
    - {{ source: banned, action: drop }}
    - {{ from: lan, log: "lan says", action: accept }}
    - {{ from: wan, protocol: tcp, port: 22, log: "ssh: ", action: drop }}
    - {{ from: wan, protocol: tcp, port: 23, log: "telnet", action: reject }}
    - {{ from: wan, protocol: [icmp, icmp6], action: accept }}
  forward: [{{ from: lan, to: wan, action: accept }}]
"""
FAIL2BAN = """
[Definition]
loglevel = INFO
logtarget = STDOUT
syslogsocket = auto
socket = {dir}/f2b.sock
pidfile = {dir}/f2b.pid
dbfile = None
"""
# without DNS: nobody answers here
JAIL = """
[millrace-ssh]
enabled = true
filter = {filter}
logpath = {log}
backend = polling
maxretry = 3
findtime = 10m
bantime = 1h
usedns = no
ignoreself = false
action = millrace[millrace="{millrace} -s {socket}"]
"""


class LogLab(ExampleLab):
    def __init__(self):
        super().__init__("fail2ban", HOSTS)

    def knock(self, source, target, port):
        """Somebody tries to connect, once."""
        family = "-6" if ":" in source else "-4"
        host = f"[{target}]" if ":" in target else target
        before = len(self.said(f"SRC={source} "))
        self.run("inet", "curl", "-s", family, "--interface", source, "--connect-timeout", "0.2",
                 f"http://{host}:{port}", check=False)
        wait_for(lambda: len(self.said(f"SRC={source} ")) > before, f"a line about {source}", 3)

    def said(self, words):
        return [line for line in self.router.output().splitlines() if words in line]

    def banned(self):
        """For how many seconds, by address."""
        return {one["address"].removesuffix("/32"): one["left_sec"]
                for one in self.millrace("show", "set", "banned")["entries"]}


@pytest.fixture(name="lab", scope="module")
def fixture_lab():
    with LogLab() as lab:
        lab.start_router((ROUTER + RULES).format(dir=lab.dir, cores=0))
        for target in (FAR, FAR6):
            wait_for(lambda t=target: lab.run("pc", "ping", "-n", "-c", 1, "-W", 1, t,
                                              check=False).returncode == 0, f"{target} to answer")
        lab.run("pc", "curl", "-s", "--connect-timeout", "0.2", "http://198.18.0.1:9", check=False)
        lab.knock(BAD, WAN, 22)
        lab.knock(FAR6, WAN6, 22)
        lab.knock(FAR, WAN, 23)
        yield lab


def found(log, how=""):
    """Who fail2ban finds in a log with the filter, each line's."""
    done = run_command(["fail2ban-regex", "-o", "ip", log, f"{FILTER}{how}"])
    return [line for line in done.stdout.splitlines() if line]


def test_a_line_has_the_rule_and_the_packet(lab):
    line = lab.said(f"SRC={BAD} ")[0]
    number = (lab.dir / "millraced.yaml").read_text().splitlines().index(
        RULES.format().splitlines()[7]) + 1
    assert re.fullmatch(
        r"\S+T\S+ info    rule input/3: ssh: IN=wan OUT= MACSRC=[0-9a-f:]{17} "
        rf"SRC={BAD} DST={WAN} LEN=60 PROTO=TCP SPT=\d+ DPT=22 SYN ACTION=drop "
        rf"RULE=millraced\.yaml:{number}", line), line
    kept = lab.millrace("show", "log", "packets")["lines"]
    assert [one["object"] for one in kept if BAD in one["text"]][:1] == ["rule input/3"]


def test_the_filter_finds_who_was_dropped_or_rejected(lab):
    log = lab.router.log
    assert lab.said(f"lan says IN=lan OUT= MACSRC={lab.mac('pc')} SRC={PC} ")
    assert set(found(log)) == {BAD, FAR, FAR6}, "and not who was let in"
    assert set(found(log, '[list="input", prefix="ssh:"]')) == {BAD, FAR6}
    assert set(found(log, '[verdict="reject"]')) == {FAR}
    assert found(log, '[list="forward"]') == []


def test_the_filter_reads_what_journal_and_syslog_make_of_it(lab):
    """As fail2ban's systemd backend and rsyslog write a line: host, identifier, message."""
    texts = [one["object"] + ": " + one["text"]
             for one in lab.millrace("show", "log", "packets")["lines"]]
    log = lab.dir / "syslog"
    log.write_text("".join(f"Nov 22 19:04:47 rtr millraced[12]: {text}\n" for text in texts))
    assert sorted(found(log)) == sorted(found(lab.router.log))
    log.write_text("".join(f"Nov 22 19:04:47 rtr sshd[12]: {text}\n" for text in texts))
    assert found(log) == [], "somebody else's words"


def test_who_knocks_too_often_is_banned_by_the_router(lab):
    conf = lab.dir / "fail2ban"
    conf.mkdir()
    for name in ("filter.d", "action.d"):
        shutil.copytree(FILES / name, conf / name)
    (conf / "fail2ban.conf").write_text(FAIL2BAN.format(dir=lab.dir))
    (conf / "jail.conf").write_text(JAIL.format(
        filter=SSH, log=lab.router.log, millrace=build_dir() / "millrace", socket=lab.socket))
    server = lab.start("rtr", "fail2ban", "fail2ban-server", "-xf", "-c", conf,
                       "-s", lab.dir / "f2b.sock", "-p", lab.dir / "f2b.pid", "start")
    wait_for(lambda: "Jail 'millrace-ssh' started" in server.output(), "the jail", 15)
    assert lab.run("inet", "ping", "-n", "-c", 1, "-W", 1, "-I", BAD, WAN).returncode == 0
    for _ in range(2):
        lab.knock(BAD, WAN, 22)
    lab.knock(FAR, WAN, 23)
    wait_for(lambda: BAD in lab.banned(), "the ban", 10)
    assert FAR not in lab.banned()
    assert 3500 < lab.banned()[BAD] <= 3600
    assert lab.run("inet", "ping", "-n", "-c", 1, "-W", 1, "-I", BAD, WAN, check=False).returncode != 0
    assert json.loads(lab.run("rtr", "fail2ban-client", "-c", conf, "-s", lab.dir / "f2b.sock",
                              "set", "millrace-ssh", "unbanip", BAD).stdout) == 1
    wait_for(lambda: BAD not in lab.banned(), "the end of the ban", 5)
    assert lab.run("inet", "ping", "-n", "-c", 1, "-W", 1, "-I", BAD, WAN).returncode == 0
    server.stop(signal.SIGTERM)
