# SPDX-License-Identifier: BSD-3-Clause
"""Links, routes, leases, commands and packets while the forwarder is asked for all that the machine can
ask: none of them waits for it. See dns_load.py."""

import time

import pytest
from dns_load import LoadLab
from lab import wait_for

# Milliseconds, some times of what is seen on a machine that does nothing else. What is worse than that
# is only forgiven where it was half as bad without any question for a name: then it is the machine's.
LINK_MS = 100  # the loop looks every 50 ms
ROUTE_MS = 50
OFFER_MS = 50
LEASE_MS = 400  # the disk's sync, which the kernel finishes when its own threads come to it
COMMAND_MS = 150  # of which the asking program waits for a core itself
LOOP_MS = 100
APPLY_MS = 400  # and in an apply, which writes its revision: that sync is the loop's
PACKET_P99_MS = 20
WAITS_US = 100  # that control is ready and another has its core, in the mean


def bound(limit, idle):
    return max(limit, 2 * idle)


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_nothing_waits_for_names():
    with LoadLab() as lab:
        lab.start_all()
        idle = lab.measure()
        idle_late_ms = lab.loop_late_us() / 1e3
        load = lab.start_load()
        wait_for(lambda: lab.dns_counts()["resolved"] > 20000, "a load", 20)
        busy = lab.measure()
        load_late_ms = lab.loop_late_us() / 1e3
        # and what is large is thrown away at once, with all of it in use
        took = []
        for cache in (32, 48):
            path = lab.dir / "next.yaml"
            path.write_text(lab.config_text(cache=cache))
            began = time.monotonic()
            lab.millrace("apply", str(path))
            took.append(round(1e3 * (time.monotonic() - began)))
        busy_late_ms = lab.loop_late_us() / 1e3
        rates = lab.end_load(load)
        counts = lab.dns_counts()
        text = (f"idle {idle}, loop {idle_late_ms} ms\nbusy {busy}, loop {load_late_ms} ms\n"
                f"apply {took} ms, loop {busy_late_ms} ms\n{rates}")
        print(text)
        # it was a load: of hits and of misses, and the forwarder's thread had what there was
        assert busy["dns_core"] > 0.2 and busy["dns_core"] > 10 * idle["dns_core"], text
        assert counts["cache_hits"] > 100000 and counts["resolved"] > 20000, (counts, text)
        for name, one in rates.items():
            assert one["lost_percent"] < 1, (name, text)
        for name, limit in (("links_ms", LINK_MS), ("routes_ms", ROUTE_MS)):
            assert busy[name]["worst"] < bound(limit, idle[name]["worst"]), (name, text)
        assert busy["commands_ms"]["p99"] < bound(COMMAND_MS, idle["commands_ms"]["p99"]), text
        for name, limit in (("offer_p99_ms", OFFER_MS), ("ack_p99_ms", LEASE_MS)):
            assert busy["leases"][name] < bound(limit, idle["leases"][name]), (name, text)
        assert busy["leases"]["naks"] == 0 and busy["leases"]["acks"] > 50, text
        assert load_late_ms < bound(LOOP_MS, idle_late_ms), text
        assert busy_late_ms < bound(APPLY_MS, idle_late_ms), text
        assert busy["control_waits_us"] < WAITS_US, text
        assert busy["packets_ms"]["lost"] <= idle["packets_ms"]["lost"], text
        assert busy["packets_ms"]["p99"] < bound(PACKET_P99_MS, idle["packets_ms"]["p99"]), text
