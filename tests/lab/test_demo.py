# SPDX-License-Identifier: BSD-3-Clause
"""perf/demo as a newcomer runs it: to its end, stopped half-way, kept, and when a part fails."""

import os
import re
import signal
import subprocess
import sys

import pytest
from home import REPO
from lab import hugepages_of_nobody, namespaces_of, process_birth, wait_for

DEMO = str(REPO / "perf" / "demo")
DEMO_SEC = 240  # on a busy machine; half a minute of it is measuring
MAIN_JOB = ["far end sees 203.0.113.2", "pc1 traces 198.51.100.10: 198.18.0.1 > "]

# The program behind perf/demo with less to measure: what it does with its lab is the same.
SHORT = f"""
import sys
sys.path.insert(0, {str(REPO / "perf")!r})
import demo
demo.ROUNDS = demo.TCP_SEC = 1
sys.exit(demo.main())
"""

pytestmark = [pytest.mark.xdist_group("hugepages"), pytest.mark.timeout(2 * DEMO_SEC)]


def run_demo(*argv, env=None):
    """Its process id, exit code and words."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **(env or {})}) as demo:
        said, _ = demo.communicate(timeout=DEMO_SEC)
    return demo.pid, demo.returncode, said


def run_short(*words, env=None):
    return run_demo(sys.executable, "-B", "-c", SHORT, *words, env=env)


def test_it_shows_the_main_job_and_cleans_up():
    pages = hugepages_of_nobody()
    pid, code, said = run_demo(DEMO)
    assert code == 0, said
    assert all(words in said for words in MAIN_JOB), said
    assert re.search(r"TCP up, IPv4 with NAT +[1-9]\d* Mbit/s +[1-9]\d* Mbit/s", said), said
    assert re.search(r"UDP down.* +[1-9]\d* Mbit/s", said), said
    assert namespaces_of(pid) == []
    assert hugepages_of_nobody() == pages


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_cleans_up_and_says_so(signum, tmp_path):
    pages = hugepages_of_nobody()
    log = tmp_path / "log"
    with open(log, "wb") as out:
        demo = subprocess.Popen([DEMO], stdout=out, stderr=out, start_new_session=True)
    wait_for(lambda: "Through millraced" in log.read_text(), "the router to run", DEMO_SEC)
    assert namespaces_of(demo.pid)
    os.killpg(demo.pid, signum)  # as a terminal does with Ctrl-C
    assert demo.wait(timeout=60) == 128 + signum, log.read_text()
    assert "cleaned up" in log.read_text()
    assert namespaces_of(demo.pid) == []
    assert hugepages_of_nobody() == pages


@pytest.fixture
def apart(tmp_path):
    """Environment of a demo that neither sees nor ends what somebody else keeps on this machine."""
    env = {"MILLRACE_LAB_STATE": str(tmp_path)}
    yield env
    run_demo(DEMO, "--end", env=env)


def test_a_kept_house_can_be_entered_until_it_is_ended(apart, tmp_path):
    pages = hugepages_of_nobody()
    pid, code, said = run_short("--keep", env=apart)
    assert code == 0, said
    assert "The house stays up." in said and "perf/demo --end" in said
    assert len(namespaces_of(pid)) == 7, "the house; the kernel's is gone"
    assert len(list(tmp_path.glob("*.json"))) == 1

    enter = dict(re.findall(r"ip netns exec (millrace-\S+-(?:pc1|rtr)) bash +# (.*)", said))
    pc1, rtr = (next(space for space in enter if space.endswith(host)) for host in ("-pc1", "-rtr"))
    subprocess.run(["ip", "netns", "exec", pc1, "ping", "-n", "-c", "1", "-W", "2", "198.51.100.10"],
                   check=True, stdout=subprocess.DEVNULL, timeout=10)
    ask = re.search(r"^  build/millrace (-s \S+ show interfaces)$", said, re.M)[1]
    shown = subprocess.run([REPO / "build/millrace", *ask.split()], check=True, text=True,
                           capture_output=True, timeout=10).stdout
    assert "203.0.113.2/24" in shown and "198.18.0.1/24" in shown
    router = int(subprocess.run(["ip", "netns", "pids", rtr], check=True, text=True,
                                capture_output=True).stdout.split()[0])
    assert process_birth(router)
    kept = int(re.search(r"Hugepages reserved for this run: (\d+)|No hugepages", said)[1] or 0)
    assert hugepages_of_nobody() == pages + kept

    _, code, said = run_demo(DEMO, "--end", env=apart)
    assert code == 0 and re.fullmatch(rf"Ended: millrace-{pid}-\S+\n", said), said
    assert namespaces_of(pid) == []
    assert process_birth(router) is None
    assert list(tmp_path.glob("*.json")) == []
    assert hugepages_of_nobody() == pages
    assert run_demo(DEMO, "--end", env=apart)[1:] == (0, "Nothing was left up.\n")


def test_a_part_that_fails_is_named_with_its_reason_and_nothing_is_kept(apart, tmp_path):
    """The other parts are shown all the same."""
    broken = tmp_path / "bin" / "traceroute"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no such way >&2\nexit 3\n")
    broken.chmod(0o755)
    pages = hugepages_of_nobody()
    pid, code, said = run_short("--keep", env={**apart, "PATH": f"{broken.parent}:{os.environ['PATH']}"})
    assert code == 1, said
    assert "  FAILED  traceroute 198.51.100.10\n" in said, said
    assert re.search(r"perf/demo: these parts did not work:\n  traceroute 198.51.100.10: .*"
                     r"exit code 3: no such way\n  traceroute 2001:db8:0:f::10: ", said), said
    assert "The router's last words:" in said and "ready: 2 interfaces" in said, said
    assert re.search(r"the far end sees +203.0.113.2 +203.0.113.2", said), said
    assert "stays up" not in said
    assert namespaces_of(pid) == []
    assert hugepages_of_nobody() == pages


def test_a_router_that_does_not_start_is_shown(apart, tmp_path):
    build = tmp_path / "build"
    build.mkdir()
    (build / "millraced").write_text("#!/bin/sh\necho cannot >&2\nexit 7\n")
    (build / "millraced").chmod(0o755)
    pid, code, said = run_short(env={**apart, "MILLRACE_BUILD": str(build)})
    assert code == 1, said
    assert "perf/demo: millraced ended with code 7:\ncannot\n" in said, said
    assert namespaces_of(pid) == []
