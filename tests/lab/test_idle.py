# SPDX-License-Identifier: BSD-3-Clause
"""A router without traffic sleeps, and wakes up at once."""

import os
import statistics
import time
from pathlib import Path

import pytest
from conftest import OURS, params
from home import SERVER4, build_dir
from tools import ping

pytestmark = pytest.mark.parametrize("variant", params(OURS, "-idle"), scope="module")

QUIET_SEC = 3


def cpu_seconds(pid):
    """User and system time of all threads of a process."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif("sanitize" in build_dir().name, reason="sanitizers cost several times the CPU")
def test_idle_router_uses_less_than_3_percent_of_a_core(home):
    time.sleep(1)  # what wait_path sent has settled
    began, used = time.monotonic(), cpu_seconds(home.router.pid)
    time.sleep(5)
    share = (cpu_seconds(home.router.pid) - used) / (time.monotonic() - began)
    assert share < 0.03, f"{share:.1%} of a core"


def test_first_packet_after_idling_is_forwarded_within_1_ms(home):
    """Beside what the same ping costs while packets keep coming. Best of a few tries: another
    program on the machine may delay a packet, a slow wake-up delays each one."""
    busy = ping(home, "pc1", SERVER4, count=200, interval=0.003).median_ms
    first = []
    for _ in range(4):
        time.sleep(QUIET_SEC)
        result = ping(home, "pc1", SERVER4, count=1)
        assert result.received == 1, result.text
        first.append(result.rtts_ms[0])
    assert statistics.median_low(first) - busy < 1.0, f"first {first} ms, busy {busy} ms"
