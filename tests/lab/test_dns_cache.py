# SPDX-License-Identifier: BSD-3-Clause
"""The cache's bound: many more names than it holds, each asked for once. See dns_load.py."""

import os
import re
from pathlib import Path

import pytest
from dns_load import LoadLab
from home import SERVER4

MIB = 1 << 20
# A full run has a million and takes some minutes.
MANY = int(os.environ.get("MILLRACE_NAMES", "250000"))
NAMES = {"plain": MANY, "library": MANY * 2 // 3}
CACHE_MIB = 8
# libunbound has as much again; then what so many freed pieces of all sizes leave behind
BESIDE_MIB = {"plain": 4, "library": 24}


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["plain", "library"])
def test_names_without_end_take_no_more_than_the_config_says(how):
    with LoadLab() as lab:
        lab.start_upstream()
        text = lab.config_text(cache=CACHE_MIB)
        if how == "library":
            text = text.replace("upstreams: ", "dnssec: true, trust-anchor: /dev/null, upstreams: ")
        lab.start_router(text)
        lab.wait_path(targets=(SERVER4,))
        names = lab.dir / "names"
        names.write_text("".join(f"n{i}.example.net A\n" for i in range(NAMES[how])))
        # what comes with the first questions is no part of the cache
        few = lab.dir / "few"
        few.write_text("".join(f"f{i}.example.net A\n" for i in range(2000)))
        assert lab.dnsperf("rtr", "few", "127.0.0.1", "few", "-n", 1, "-q", 300).popen.wait(60) == 0
        before = resident_mib(lab.router.pid)
        load = lab.dnsperf("rtr", "names", "127.0.0.1", "names", "-n", 1, "-q", 300)
        assert load.popen.wait(330) == 0, load.output()
        seen = lab.dns()
        grown = resident_mib(lab.router.pid) - before
        text = f"{how}: {grown:.1f} MiB more, {seen['cache']}, {load.output()[-900:]}"
        print(text)
        assert seen["counts"]["resolved"] > 0.98 * NAMES[how], text
        assert 0.9 * CACHE_MIB * MIB < seen["cache"]["bytes"] <= CACHE_MIB * MIB, text
        assert seen["cache"]["evicted"] > 0.5 * NAMES[how], text
        assert grown < CACHE_MIB + BESIDE_MIB[how], text
