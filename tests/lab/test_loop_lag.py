# SPDX-License-Identifier: BSD-3-Clause
"""Whatever is asked of the router, and however large its config and its sets are, the control loop goes
on: a small question is answered at once meanwhile. See loop_probe.py; million flows are another
lab's.

    callers --- control.sock --- rtr: wan (null port), lan (null port)
"""

import signal
import sqlite3
import subprocess
import time
from contextlib import contextmanager

import pytest
from api_lab import ApiLab
from conftest import cores_for
from home import build_dir
from lab import wait_for
from slow_disk import LoopProbe

RULES = 99_000
ELEMENTS = 1_000_000
ROWS_MAX = 10_000  # that one answer has
# Milliseconds that the loop's thread runs before it answers, beside what it does when nobody asks for
# anything.
BUSY_MS = 20
WAIT_SEC = 120

CONFIG = """
workers: {{ cores: {cores} }}
ports: {{ wan: {{ driver: "null" }}, lan: {{ driver: "null" }}{ports} }}
interfaces:
  wan: {{ port: wan, addresses: 203.0.113.2/24 }}
  lan: {{ port: lan, addresses: 198.18.0.1/16 }}
{interfaces}
routes: [{{ to: 0.0.0.0/0, via: 203.0.113.1 }}]
state: {{ file: {dir}/state.db }}
sets:
  banned: {{ addresses: [], timeout: 1d, capacity: {capacity} }}
  listed: {{ addresses: [], file: {dir}/listed }}
firewall:
  input: [{{ source: banned, action: drop }}, {{ source: listed, action: drop }}]
  forward:
{rules}
"""
GUEST = {"ports": ', guest: { driver: "null" }',
         "interfaces": "  guest: { port: guest, addresses: 198.19.0.1/24 }\n"}


def rule_lines(n, first):
    """As many as there may be lists of addresses, and then with another port."""
    return "".join(f"    - {{ source: 198.18.{i // 250 % 120}.{i % 250}, protocol: tcp, "
                   f"port: {1 + i // 30000}, action: accept }}\n" for i in range(first, first + n))


def element(i):
    return f"2001:db8:{i >> 16:x}::{i & 0xffff:x}"


class LagLab(ApiLab):
    def config(self, n_rules=RULES, first=0, ports="", interfaces=""):
        return CONFIG.format(dir=self.dir, cores=cores_for(1), capacity=ELEMENTS + 1000,
                             rules=rule_lines(n_rules, first), ports=ports, interfaces=interfaces)

    def write(self, name, **changes):
        path = self.dir / f"{name}.yaml"
        path.write_text(self.config(**changes))
        return path

    def fill(self):
        """Sets of a million: one of a file, one of what was in it when the router ended."""
        with (self.dir / "listed").open("w") as out:
            out.writelines(element(i) + "\n" for i in range(0, 2 * ELEMENTS, 2))
        self.start_router(self.config(n_rules=1), timeout=60)
        self.stop_router()
        ends_at = int(time.time()) + 86400
        db = sqlite3.connect(self.dir / "state.db")
        db.executemany("INSERT INTO timed_entries VALUES ('banned', ?, ?, 1)",
                       ((element(i) + "/128", ends_at) for i in range(ELEMENTS)))
        db.commit()
        db.close()

    def begin(self):
        self.fill()
        self.start_router(self.config(), timeout=WAIT_SEC)
        self.table = {}
        self.probe = LoopProbe(self)

    def close(self):
        if hasattr(self, "probe"):
            self.probe.close()
        super().close()

    @contextmanager
    def measured(self, name):
        self.probe.stretch(name)
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        said = self.probe.stretch("between")
        self.table[name] = said["cpu_ms"]
        print(f"{name:28} ran {said['cpu_ms']:7.2f} ms, late {said['late_ms']:7.2f} ms; "
              f"{took:6.2f} s, asked {said['asked']} times", flush=True)

    def tell(self, name, *words):
        """`millrace WORDS`, for as long as it takes; what it says is not looked at."""
        with self.measured(name):
            done = subprocess.run([build_dir() / "millrace", "-s", self.socket, *words],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  timeout=WAIT_SEC)
        assert done.returncode == 0, (words, done.stderr)

    def ask(self, what, method, **params):
        with self.measured(what), self.connect() as caller:
            caller.socket.settimeout(WAIT_SEC)
            answer = caller.ask(method, **params)
        assert "result" in answer, (method, answer)
        return answer["result"]

    def has_said(self, text, times=1):
        return self.router.output().count(text) >= times


def look(lab):
    """What changes nothing."""
    lab.tell("history", "history")
    lab.tell("diff of two", "diff", "1", "2")
    lab.tell("diff to what is in force", "diff", "1")
    lab.tell("show running", "show", "running")
    lab.tell("show rules", "show", "rules")
    assert len(lab.ask("show.firewall", "show.firewall", limit=ROWS_MAX)["lists"]) == 3
    lab.tell("show sets", "show", "sets")
    for name, of, rows in (("banned", "entries", ROWS_MAX), ("listed", "elements", ROWS_MAX)):
        said = lab.ask(f"show.set {name}", "show.set", name=name, limit=rows)
        assert (len(said[of]), said[of + "_total"]) == (rows, ELEMENTS), name
    said = lab.ask("explain", "explain", **{"in": "lan", "protocol": "tcp",
                                            "source": "198.18.3.3:5000",
                                            "destination": "198.51.100.1:80"})
    assert said["steps"]
    with lab.measured("watch"):
        watch = lab.start("rtr", "watch", build_dir() / "millrace", "-s", lab.socket, "watch", "rules")
        time.sleep(3)
        watch.stop(signal.SIGTERM)
        lab.processes.remove(watch)


def read_nothing(lab):
    """Clients that ask for all of it, and read none of it."""
    callers = [lab.connect() for _ in range(12)]
    with lab.measured("clients that do not read"):
        for caller in callers:
            for method, params in (("show.running", {}), ("config.diff", {"from": 1}),
                                   ("show.firewall", {"limit": ROWS_MAX})):
                caller.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        time.sleep(3)
    for caller in callers:
        caller.__exit__()


def change(lab):
    one, more = lab.write("one", first=1), lab.write("more", **GUEST)
    lab.tell("plan", "plan", one)
    lab.tell("apply confirm", "apply", one, "confirm", "3600")
    lab.tell("confirm", "confirm")
    lab.tell("rollback", "rollback")
    lab.tell("apply", "apply", one)
    lab.tell("apply what is there", "apply", one)
    with lab.measured("SIGHUP"):
        lab.router.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: lab.has_said("millraced.yaml: SIGHUP"), "the file to be in force", WAIT_SEC)
    lab.tell("apply an interface", "apply", more)
    lab.tell("rollback of it", "rollback")
    lab.tell("apply on trial", "apply", more, "confirm", "1")
    with lab.measured("end of a trial"):
        wait_for(lambda: lab.has_said("interface guest: goes", 2), "the way back", WAIT_SEC)


def change_sets(lab):
    lab.tell("ban", "ban", "198.18.7.7")
    lab.tell("unban", "unban", "198.18.7.7")
    with (lab.dir / "listed").open("a") as out:
        out.write("203.0.113.77\n")
    lab.tell("sets reload", "sets", "reload", "listed")
    with (lab.dir / "listed").open("a") as out:
        out.write("203.0.113.78\n")
    with lab.measured("a file at the minute"):
        wait_for(lambda: lab.has_said(f"set listed: {ELEMENTS + 2} elements"), "the file", WAIT_SEC)
        time.sleep(5)  # it is not in force yet


@pytest.mark.alone
@pytest.mark.skipif("sanitize" in build_dir().name, reason="sanitizers cost several times the CPU")
@pytest.mark.timeout(1200)
def test_nothing_that_is_asked_holds_up_the_loop():
    with LagLab() as lab:
        lab.begin()
        with lab.measured("idle"):
            time.sleep(2)
        look(lab)
        read_nothing(lab)
        change_sets(lab)
        change(lab)
        idle = lab.table["idle"]
        late = {name: ms for name, ms in lab.table.items() if ms > idle + BUSY_MS}
        assert late == {}
