# SPDX-License-Identifier: BSD-3-Clause
"""A disk that takes its time, and how long the router's loop is busy or waits meanwhile.

    disk = SlowDisk(lab)
    lab.start_router(config, env=disk.env)
    with disk.slow(300): ...    each fsync and fdatasync of the router takes 300 ms more
"""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

from home import build_dir

PROBE = Path(__file__).with_name("loop_probe.py")


class SlowDisk:
    def __init__(self, lab):
        self.path = lab.dir / "slow-disk"
        self.set(0)
        self.env = {"LD_PRELOAD": str(build_dir() / "tests/lab/slow_disk.so"),
                    "SLOW_DISK": str(self.path)}

    def set(self, ms):
        part = self.path.with_suffix(".part")
        part.write_text(f"{ms}\n")
        part.rename(self.path)

    @contextmanager
    def slow(self, ms):
        self.set(ms)
        try:
            yield
        finally:
            self.set(0)


class LoopProbe:
    """Asks the router of a lab all the time, from now on; see loop_probe.py."""

    def __init__(self, lab):
        self.popen = subprocess.Popen(
            ["/usr/bin/python3", PROBE, str(lab.socket), str(lab.router.popen.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.popen.kill()
        self.popen.communicate()

    def stretch(self, name):
        """Begins one; what was seen in the one before: asked, cpu_ms, late_ms."""
        self.popen.stdin.write(name + "\n")
        self.popen.stdin.flush()
        return json.loads(self.popen.stdout.readline())
