# SPDX-License-Identifier: BSD-3-Clause
"""perf/demo as a newcomer runs it: to its end, stopped half-way, and left up to look around in."""

import os
import re
import signal
import subprocess

import pytest
from home import REPO
from lab import wait_for

DEMO = str(REPO / "perf" / "demo")
DEMO_PAGES = 256
DEMO_SEC = 240  # on a busy machine; half a minute of it is measuring

pytestmark = [pytest.mark.xdist_group("hugepages"), pytest.mark.timeout(2 * DEMO_SEC)]


def hugepages_now():
    with open("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", encoding="ascii") as f:
        return int(f.read())


def namespaces_of(pid):
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True)
    return [line.split()[0] for line in listed.stdout.splitlines()
            if line.startswith(f"millrace-{pid}-")]


def test_it_shows_the_main_job_and_cleans_up():
    pages = hugepages_now()
    with subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as demo:
        said, _ = demo.communicate(timeout=DEMO_SEC)
    assert demo.returncode == 0, said
    assert "the far end sees 203.0.113.2" in said
    assert re.search(r"TCP up, IPv4 with NAT +[1-9]\d* Mbit/s +[1-9]\d* Mbit/s", said), said
    assert re.search(r"UDP down.* +[1-9]\d* Mbit/s", said), said
    assert namespaces_of(demo.pid) == []
    assert hugepages_now() < pages + DEMO_PAGES  # other labs come and go meanwhile


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_cleans_up_and_says_so(signum, tmp_path):
    pages = hugepages_now()
    log = tmp_path / "log"
    with open(log, "wb") as out:
        demo = subprocess.Popen([DEMO], stdout=out, stderr=out, start_new_session=True)
    wait_for(lambda: "Through millraced" in log.read_text(), "the router to run", DEMO_SEC)
    assert namespaces_of(demo.pid)
    os.killpg(demo.pid, signum)  # as a terminal does with Ctrl-C
    assert demo.wait(timeout=60) == 128 + signum, log.read_text()
    assert "cleaned up" in log.read_text()
    assert namespaces_of(demo.pid) == []
    assert hugepages_now() < pages + DEMO_PAGES  # other labs come and go meanwhile
