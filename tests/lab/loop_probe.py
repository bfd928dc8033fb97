# SPDX-License-Identifier: BSD-3-Clause
"""How long the router's control loop leaves a small question unanswered.

    loop_probe.py SOCKET PID    asks again and again, each time on a connection that is open

A line "NAME" on stdin begins a stretch, and prints one line of JSON about the stretch before:
{"name", "asked", "cpu_ms", "late_ms"}. `cpu_ms` is the most that the loop's thread ran between one
question and its answer: that is the code's, however much else the machine has to do. `late_ms` is
the longest wait for an answer, but for the time in which the loop or the one who asks was ready to
run and had no core: it has what the loop waited for besides, as a disk or a lock.
"""

import json
import os
import select
import socket
import sys
import time
from pathlib import Path

QUESTION = b'{"jsonrpc":"2.0","id":1,"method":"show.zones"}\n'
PAUSE_SEC = 0.001


def times(path):
    """(ran, waited for a core) in nanoseconds."""
    ran, waited, _ = path.read_text().split()
    return int(ran), int(waited)


class Stretch:
    def __init__(self, name):
        self.name, self.asked, self.cpu_ns, self.late_ns = name, 0, 0, 0

    def note(self, wall_ns, loop, own_wait_ns):
        self.asked += 1
        self.cpu_ns = max(self.cpu_ns, min(loop[0], wall_ns))
        self.late_ns = max(self.late_ns, wall_ns - loop[1] - own_wait_ns)

    def told(self):
        return json.dumps({"name": self.name, "asked": self.asked,
                           "cpu_ms": round(self.cpu_ns / 1e6, 2),
                           "late_ms": round(self.late_ns / 1e6, 2)})


def probe(path, pid):
    loop, own = Path(f"/proc/{pid}/task/{pid}/schedstat"), Path("/proc/thread-self/schedstat")
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    stretch, said = Stretch("start"), b""
    while True:
        before, own_before, began = times(loop), times(own), time.monotonic_ns()
        sock.sendall(QUESTION)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += sock.recv(65536)
        wall = time.monotonic_ns() - began
        after, own_after = times(loop), times(own)
        stretch.note(wall, [b - a for a, b in zip(before, after)], own_after[1] - own_before[1])
        if select.select([0], [], [], PAUSE_SEC)[0]:
            data = os.read(0, 4096)
            if not data:
                return
            said += data
            while b"\n" in said:
                name, said = said.split(b"\n", 1)
                print(stretch.told(), flush=True)
                stretch = Stretch(name.decode())


if __name__ == "__main__":
    probe(sys.argv[1], int(sys.argv[2]))
