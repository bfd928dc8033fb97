# SPDX-License-Identifier: BSD-3-Clause
"""What the router tells as it happens, and what `millrace watch` draws of it.

See home.py for the topology.
"""

import json
import select
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_lab import ApiLab, Caller
from conftest import Variant, start
from home import SERVER4, HomeLab, build_dir
from lab import wait_for
from test_cli import Terminal


@pytest.fixture(scope="module")
def lab():
    with ApiLab() as lab:
        lab.start_api()
        yield lab


@pytest.fixture(scope="module")
def house():
    with HomeLab() as lab:
        start(lab, Variant("af_packet"))
        yield lab


def next_event(caller, topic):
    while True:
        message = caller.next()
        assert message["jsonrpc"] == "2.0" and "id" not in message
        if message["method"] == "event" and message["params"]["topic"] == topic:
            assert abs(message["params"]["time"] - time.time()) < 60
            return message["params"]


def test_sets_tell_what_commands_do(lab):
    with lab.connect() as caller:
        assert caller.ask("subscribe", topics=["sets"])["result"] == {"topics": ["sets"]}
        lab.millrace("ban", "198.51.100.40", "for", "90s")
        event = next_event(caller, "sets")
        assert (event["set"], event["address"], event["is_in"], event["for_sec"], event["by"]) == \
            ("banned", "198.51.100.40/32", True, 90, "command")
        lab.millrace("unban", "198.51.100.40")
        assert next_event(caller, "sets")["is_in"] is False
        assert caller.ask("unsubscribe")["result"] == {"topics": []}
        lab.millrace("ban", "198.51.100.41")
        assert caller.ask("show.version")["id"] == 1, "nothing but answers"
    lab.millrace("unban", "198.51.100.41")


def test_who_does_something_hears_of_it_too(lab):
    bans = 40
    with lab.connect() as caller:
        caller.ask("subscribe", topics=["sets"])
        caller.send([{"jsonrpc": "2.0", "id": i, "method": "ban",
                      "params": {"address": f"198.51.100.{i}", "for": "2s"}} for i in range(bans)])
        answers = caller.next()
        assert [one["id"] for one in answers] == list(range(bans))
        assert [next_event(caller, "sets")["address"] for _ in range(bans)] == \
            [f"198.51.100.{i}/32" for i in range(bans)]
        for i in range(bans):
            caller.send({"jsonrpc": "2.0", "method": "unban", "params": {"address": f"198.51.100.{i}"}})
            assert next_event(caller, "sets")["is_in"] is False


def test_links_neighbours_and_drops_tell_what_happens(house):
    with Caller(house.socket) as caller:
        caller.ask("subscribe")
        house.ip("sw", "link set router down")
        assert (event := next_event(caller, "links"))["interface"] == "lan" and not event["is_up"]
        house.ip("sw", "link set router up")
        assert next_event(caller, "links")["is_up"]
        house.run("pc1", "ping", "-n", "-c", 1, "-W", 1, "203.0.113.77", check=False)
        assert next_event(caller, "neighbours")["interface"] in ("lan", "wan")
        house.run("pc1", "ping", "-n", "-c", 3, "-i", 0.1, "-t", 1, SERVER4, check=False)
        wait_for(lambda: "drop_ttl" in next_event(caller, "drops")["counters"], "its drops")


def ban_many(lab, bans):
    with lab.connect() as busy:
        for i in range(bans):
            busy.ask("ban", address=f"198.51.100.{i}", **{"for": "5s"})


def test_who_reads_too_slowly_is_told_how_much_is_lost(lab):
    bans, callers = 1500, 15
    with lab.connect() as slow:
        slow.ask("subscribe", topics=["sets"])
        with ThreadPoolExecutor(callers) as pool:  # what comes at once is written at once
            list(pool.map(lambda n: ban_many(lab, bans // callers), range(callers)))
        told = lost = 0
        while told + lost < bans:
            message = slow.next()
            if message["method"] == "lost":
                lost += message["params"]["events"]
            else:
                told += 1
        assert told + lost == bans and lost > 0


def test_the_command_prints_a_line_each(lab):
    events = subprocess.Popen([build_dir() / "millrace", "-s", lab.socket, "events", "sets"],
                              stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: lab.millrace("ban", "198.51.100.50") and
                 lab.millrace("unban", "198.51.100.50") and
                 select.select([events.stdout], [], [], 0.2)[0], "an event")
        line = events.stdout.readline()
        assert " sets " in line and "address=198.51.100.50/32" in line
    finally:
        events.send_signal(signal.SIGINT)
        events.communicate(timeout=10)


def test_watch_shows_rates(house):
    with subprocess.Popen([build_dir() / "millrace", "-s", house.socket, "watch", "interfaces"],
                          stdout=subprocess.PIPE, text=True) as watch:
        house.run("pc1", "ping", "-n", "-q", "-c", 150, "-i", 0.02, "-s", 1000, SERVER4)
        watch.send_signal(signal.SIGTERM)
        said, _ = watch.communicate(timeout=10)
    assert watch.returncode == 0
    assert "\x1b" not in said
    rates = [line.split() for line in said.splitlines() if line.startswith("wan")]
    assert any(row[5] == "kB" and 20 < float(row[4]) < 80 for row in rates), said
    total = next(one for one in house.millrace("show", "interfaces")["interfaces"]
                 if one["name"] == "wan")
    assert total["tx_bytes"] > 150_000


def test_watch_gives_the_terminal_back(lab):
    terminal = Terminal(lab, "watch", "drops", env={"TERM": "xterm"})
    terminal.wait_for("counters per second; q ends")
    terminal.type("q")
    said, code = terminal.end()
    assert code == 0 and said.endswith("\x1b[?25h\x1b[?1049l")
    terminal = Terminal(lab, "watch", "nonsense")
    assert "'nonsense' is not known" in terminal.end()[0]


def test_json_events_are_the_sockets(lab):
    events = subprocess.Popen([build_dir() / "millrace", "-s", lab.socket, "-j", "events"],
                              stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.5)
        lab.millrace("ban", "198.51.100.51")
        assert json.loads(events.stdout.readline())["method"] == "event"
    finally:
        events.kill()
        events.communicate()
        lab.millrace("unban", "198.51.100.51")
