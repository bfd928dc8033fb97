# SPDX-License-Identifier: BSD-3-Clause
"""Interfaces on VLANs of a port; vlan_lab.py draws them."""

import pytest
from lab import wait_for
from test_apply import FAR, FAR6
from tools import ping
from vlan_lab import GUEST, GUEST6, PC, THING, THING6, VlanLab

HOSTS_INSIDE = ("pc", "guest", "thing")


@pytest.fixture(scope="module", params=[("af_packet", 1), ("af_packet", 2), ("af_xdp", 1)],
                ids=lambda p: f"{p[0]}-{p[1]}w")
def lab(request):
    driver, workers = request.param
    with VlanLab(driver) as lab:
        lab.begin(workers=workers)
        yield lab


def test_each_host_reaches_the_internet_and_the_others(lab):
    for host in HOSTS_INSIDE:
        for door in ("tcp/80", "udp/53", "echo"):
            for target in (FAR, FAR6):
                lab.wait_answer(host, target, door)
    for host, target in (("pc", GUEST), ("guest", THING), ("thing", PC), ("guest", THING6),
                         ("thing", GUEST6)):
        lab.wait_answer(host, target, "tcp/80")


def test_the_router_answers_each_by_its_own_address(lab):
    for host, own in (("pc", "198.18.0.1"), ("guest", "198.19.20.1"), ("thing", "198.19.30.1"),
                      ("guest", "2001:db8:0:20::1"), ("thing", "2001:db8:0:30::1")):
        assert ping(lab, host, own).received == 3, (host, own)
    for own, host in ((GUEST, "guest"), (THING, "thing"), (THING6, "thing")):
        assert ping(lab, "rtr", own).received == 3, host
