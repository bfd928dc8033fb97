# SPDX-License-Identifier: BSD-3-Clause
"""The lab keeps its own promises: it leaves nothing behind, however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab import STATE_DIR, Lab, LabError, process_birth, run_command, sweep, wait_for

HERE = Path(__file__).parent

# A lab with a host that a program runs in; says its name, then waits for what comes.
CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from lab import Lab
class Small(Lab):
    def setup(self):
        self.add_host("a")
        self.set_resolver("a", "198.51.100.10")
        self.start("a", "sleep", "sleep", "300")
with Small() as lab:
    print(lab.name, lab.processes[0].pid, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-B", "-c", CHILD, HERE], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    name, pid = process.stdout.readline().split()
    yield process, name, int(pid)
    process.kill()
    process.wait()
    sweep()


def remains_of(name):
    """All that a lab of this name could leave behind."""
    spaces = [word for word in run_command(["ip", "netns", "list"]).stdout.split() if name in word]
    files = [path for folder in ("/tmp", "/etc/netns", STATE_DIR)
             for path in Path(folder).glob(f"{name}*")]
    return spaces + files


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(child, signum):
    process, name, pid = child
    assert len(remains_of(name)) == 4  # namespace, logs, resolv.conf, state
    process.send_signal(signum)
    assert process.wait(10) != 0
    assert remains_of(name) == []
    assert process_birth(pid) is None


def test_the_next_lab_sweeps_what_a_killed_one_left(child):
    process, name, pid = child
    sweep()
    assert remains_of(name), "a living lab is left alone"
    process.kill()
    process.wait()
    assert remains_of(name) and process_birth(pid)
    with Lab():
        assert remains_of(name) == []
    wait_for(lambda: process_birth(pid) is None, "the killed lab's program to end")


def test_an_exception_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        with Lab() as lab:
            lab.add_host("a")
            name, sleeper = lab.name, lab.start("a", "sleep", "sleep", 300)
            raise ZeroDivisionError
    assert remains_of(name) == []
    assert process_birth(sleeper.pid) is None


def test_wires_carry_frames_without_offloads():
    with Lab() as lab:
        lab.add_host("a")
        lab.add_host("b")
        lab.add_wire("a", "left", "b", "right")
        for host, dev in (("a", "left"), ("b", "right")):
            features = lab.run(host, "ethtool", "-k", dev).stdout
            for feature in ("rx-checksumming", "tx-checksumming", "tcp-segmentation-offload",
                            "generic-segmentation-offload", "generic-receive-offload",
                            "scatter-gather"):
                assert f"{feature}: off" in features


def test_waiting_in_vain_ends_and_says_for_what():
    began = time.monotonic()
    with pytest.raises(LabError, match="the moon"):
        wait_for(lambda: False, "the moon", timeout=0.1)
    assert time.monotonic() - began < 1


def test_a_program_that_ignores_sigterm_is_killed_and_named():
    with Lab() as lab:
        lab.add_host("a")
        deaf = lab.start("a", "deaf", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
        wait_for(lambda: "up" in deaf.output(), "the program to start")
        with pytest.raises(LabError, match="deaf: still running"):
            deaf.stop(timeout=0.3)
        assert process_birth(deaf.pid) is None
