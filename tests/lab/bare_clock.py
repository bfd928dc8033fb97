# SPDX-License-Identifier: BSD-3-Clause
"""What the machine itself makes late: a clock that goes before everything else on its core, and looks
each millisecond. It is late where the kernel does not let go, or the machine's own host has the core.

    bare_clock.py CORE      a line on stdin: how late it was at worst since the one before, in ms
"""

import os
import select
import sys
import time

EACH_SEC = 0.001


def main():
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_max(os.SCHED_FIFO)))
    worst = 0.0
    while True:
        began = time.monotonic()
        time.sleep(EACH_SEC)
        worst = max(worst, time.monotonic() - began - EACH_SEC)
        if select.select([sys.stdin], [], [], 0)[0]:
            if not sys.stdin.readline():
                return
            print(round(1e3 * worst, 3), flush=True)
            worst = 0.0


main()
