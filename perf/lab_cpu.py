# SPDX-License-Identifier: BSD-3-Clause
"""Who had the processor, and for how long, by thread.

On a machine that others use too, time on the wall says little: what a router forwards in a second
of its own processor time does not change when somebody else takes the other half.
"""

import os
import time
from pathlib import Path

NS = 1e9
FIRST_NICE = -19


def thread_times(tid):
    """(seconds that it ran, seconds that it was ready and another ran instead)."""
    ran, waited, _ = Path(f"/proc/{tid}/schedstat").read_text().split()
    return int(ran) / NS, int(waited) / NS


def thread_names(pid):
    """{thread id: name} of a process; of one that has ended, none."""
    try:
        return {int(task.name): (task / "comm").read_text().strip()
                for task in Path(f"/proc/{pid}/task").iterdir()}
    except FileNotFoundError:
        return {}


def thread_named(pid, *beginnings):
    """The thread of a process whose name begins like one of these."""
    return next(tid for tid, name in thread_names(pid).items() if name.startswith(beginnings))


def kernel_thread(name):
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                return int(path.parent.name)
        except OSError:  # ended meanwhile
            continue
    raise LookupError(name)


def go_first(pid):
    """All threads of a process before what others of this machine run. Where the kernel shares
    processors by sessions, its session too, which is its own."""
    for tid in thread_names(pid):
        os.setpriority(os.PRIO_PROCESS, tid, FIRST_NICE)
    try:
        Path(f"/proc/{pid}/autogroup").write_text(str(FIRST_NICE))
    except OSError:  # a kernel without
        pass


def ksoftirqd():
    """The kernel's own threads that forward when there is much; else it forwards in the time of
    whoever it interrupts."""
    return [(name, kernel_thread(name))
            for name in (f"ksoftirqd/{core}" for core in range(os.cpu_count() or 1))]


class Meter:
    """Processor time from its making on, of the threads of some processes and of ksoftirqd."""

    def __init__(self, processes):
        """`processes`: {name: process id}"""
        self.threads = {}  # thread id -> (name, seconds at the start)
        for name, pid in processes.items():
            for tid, comm in thread_names(pid).items():
                self.threads[tid] = (f"{name}: {comm}" if comm != name else name,
                                     thread_times(tid)[0])
        for name, tid in ksoftirqd():
            self.threads[tid] = (name, thread_times(tid)[0])
        self.began = time.monotonic()

    def read(self):
        """{name: share of one core}, the greediest first."""
        seconds = time.monotonic() - self.began
        used = {}
        for tid, (name, before) in self.threads.items():
            try:
                used[name] = used.get(name, 0) + thread_times(tid)[0] - before
            except OSError:  # it has ended
                continue
        return {name: round(ran / seconds, 3) for name, ran in
                sorted(used.items(), key=lambda item: -item[1]) if ran > 0.002 * seconds}


def load_average():
    """Programs that want a core at present, over the last minute."""
    return os.getloadavg()[0]
