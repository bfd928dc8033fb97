# SPDX-License-Identifier: BSD-3-Clause
"""The router's socket: what it says to any program, and what a thousand of them do to it."""

import contextlib
import json
import multiprocessing
import os
import resource
import socket
import subprocess
import time

import pytest
from api_lab import ApiLab
from home import build_dir
from lab import run_command, wait_for

CLIENTS = 1000
SERVED_SEC = 3
# Of the loop, which shares two cores with all of the clients: the machine's own lateness is some
# of it.
LATE_US_MAX = 50_000

# More rules than one answer shows, and what is said of each makes a line.
RULES = 2000


@pytest.fixture(scope="module")
def lab():
    with ApiLab() as lab:
        lab.start_api()
        yield lab


def test_a_program_needs_nothing_but_a_socket(lab):
    """The first example of control/api/README.md."""
    done = run_command(["socat", "-", f"UNIX:{lab.socket}"],
                       stdin='{"jsonrpc":"2.0","id":1,"method":"show.version"}\n')
    answer = json.loads(done.stdout)
    assert answer["id"] == 1 and answer["result"]["uptime_sec"] >= 0


def test_a_batch_is_answered_at_once_and_notifications_not_at_all(lab):
    with lab.connect() as caller:
        caller.send([{"jsonrpc": "2.0", "id": "a", "method": "show.sets"},
                     {"jsonrpc": "2.0", "method": "ban", "params": {"address": "198.51.100.9"}},
                     {"jsonrpc": "2.0", "id": 2, "method": "show.set", "params": {"name": "banned"}},
                     {"jsonrpc": "2.0", "id": None, "method": "show.routes"},
                     7])
        answers = caller.next()
        assert [one["id"] for one in answers] == ["a", 2, None, None]
        assert answers[1]["result"]["entries"][0]["address"] == "198.51.100.9/32"
        assert answers[2]["result"]["total"] == len(answers[2]["result"]["routes"]) > 0
        assert answers[3]["error"]["code"] == -32600
        caller.send({"jsonrpc": "2.0", "method": "unban", "params": {"address": "198.51.100.9"}})
        assert caller.ask("show.set", name="banned")["result"]["entries"] == []


def test_who_shuts_down_gets_what_is_owed(lab):
    with lab.connect() as caller:
        for i in range(20):
            caller.send({"jsonrpc": "2.0", "id": i, "method": "show.drops"})
        caller.socket.shutdown(socket.SHUT_WR)
        assert [caller.next()["id"] for _ in range(20)] == list(range(20))
        assert caller.next() is None


# --- a thousand at once ---

def late_us(lab):
    return lab.millrace("show", "version")["loop_late_us"]


class Crowd:
    """Clients in a process of their own, which do something together again and again."""

    def __init__(self, lab, clients, work):
        self.callers = [lab.connect() for _ in range(clients)]
        self.answers = multiprocessing.get_context("fork").Value("L")
        self.process = multiprocessing.get_context("fork").Process(target=self._run, args=(work,))

    def _run(self, work):
        while True:
            for n in work(self.callers):
                self.answers.value += n

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *ignored):
        self.process.kill()
        self.process.join(10)
        for caller in self.callers:
            caller.__exit__()


def ask(callers):
    for caller in callers:
        caller.send({"jsonrpc": "2.0", "id": 1, "method": "show.firewall"})
    for caller in callers:
        yield 1 if b'"result"' in caller.lines.readline() else 0


def push(callers, line):
    """As much of it as goes in, by callers who never read."""
    for caller in callers:
        caller.socket.setblocking(False)
        with contextlib.suppress(OSError):
            caller.socket.send(line)
    yield 0


def ask_and_never_read(callers):
    return push(callers, b'{"jsonrpc":"2.0","id":1,"method":"show.firewall"}\n')


def send_nonsense(callers):
    return push(callers, b"[" * 60000 + b"\n")


def drip(callers):
    return push(callers, b" ")


@pytest.fixture
def crowded():
    """A router of its own for each crowd: how late its loop was is remembered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, soft + 2 * CLIENTS), hard))
    rules = "\n".join(f"    - {{ source: 198.18.{i // 250}.{i % 250}, port: {i + 1}, action: accept }}"
                      for i in range(RULES))
    with ApiLab() as lab:
        lab.start_api(f"  forward:\n{rules}")
        yield lab
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone
@pytest.mark.skipif("sanitize" in build_dir().name, reason="sanitizers cost several times the CPU")
@pytest.mark.parametrize("work", [ask, ask_and_never_read, send_nonsense, drip],
                         ids=lambda work: work.__name__)
def test_a_thousand_clients_do_not_hold_up_the_loop(crowded, work):
    with Crowd(crowded, CLIENTS, work) as crowd:
        began = time.monotonic()
        asked = 0
        while time.monotonic() < began + SERVED_SEC:
            assert crowded.millrace("show", "interfaces")["interfaces"], "another one is served"
            asked += 1
        late = late_us(crowded)
        answers = crowd.answers.value
        print(f"{work.__name__}: {answers} answers to {CLIENTS}, {asked} to another one, "
              f"the loop {late} us late at worst")
        assert (answers > 10) == (work is ask)
        assert asked > SERVED_SEC
    assert late < LATE_US_MAX
    wait_for(lambda: crowded.millrace("show", "version", check=False), "the router to answer")


def memory_kb(lab):
    pid = int(subprocess.run(["pgrep", "-f", f"^[^ ]*millraced -c .*{lab.dir}"],
                             capture_output=True, text=True).stdout.split()[0])
    status = open(f"/proc/{pid}/status", encoding="ascii").read()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_what_waits_is_bounded(crowded):
    """600 clients each send a line of 60 kB without an end: 36 MB, if all of it were kept."""
    before = memory_kb(crowded)
    callers = [crowded.connect() for _ in range(600)]
    for caller in callers:
        caller.socket.sendall(b" " * 60_000)
    wait_for(lambda: "who has most" in crowded.router.output(), "somebody to be let go")
    assert crowded.millrace("show", "version")
    assert memory_kb(crowded) - before < 80_000
    for caller in callers:
        with contextlib.suppress(OSError):
            caller.__exit__()


def test_who_may_write_finds_a_place_when_readers_have_taken_all(lab):
    """Readers hold all that they can; root still gets in."""
    script = ("import resource, select, socket, sys, time\n"
              "resource.setrlimit(resource.RLIMIT_NOFILE, (1400, 1400))\n"
              "held, poll, gone, until = [], select.poll(), set(), time.monotonic() + 20\n"
              "for _ in range(1280):\n"
              "    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); held.append(s)\n"
              "    poll.register(s, 0)\n"
              "    time.sleep(0.001)\n"
              "while len(gone) < 64 and time.monotonic() < until:\n"
              "    gone |= {fd for fd, _ in poll.poll(1000)}\n"
              "    time.sleep(0.05)\n"
              "print(len(gone), flush=True)\n"
              "sys.stdin.read()\n")
    readers = subprocess.Popen(
        ["setpriv", "--reuid=61000", "--regid=61001", "--clear-groups",
         "prlimit", f"--nofile={1400}", "/usr/bin/python3", "-c", script, str(lab.socket)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert int(readers.stdout.readline()) == 64
        assert "result" in lab.connect().ask("show.version")
    finally:
        readers.communicate("")
