# SPDX-License-Identifier: BSD-3-Clause
"""What is settled before a card is opened, by what cards and kernel say of themselves."""

import re

import pytest
from segment import GATEWAYS, TARGET4, SegmentLab, segment_config, wait_answer
from tools import ping

ROUTES = f"routes:\n  - {{ to: 198.51.100.0/24, via: {GATEWAYS['gw1'][0]} }}\n"
MOST = 8192  # neighbours of a family


@pytest.mark.xdist_group("sizes")
def test_a_jumbo_card_is_known_by_its_mac():
    """Buffers are made before it is opened, by the MTU it has."""
    with SegmentLab(mtu=9000) as lab:
        lab.start_answerers()
        config = segment_config(extra=ROUTES)
        for port in ("port-lan", "port-wan"):
            config = config.replace(f"name: {port} ", f"mac: '{lab.mac('rtr', port)}' ")
        lab.start_router(config)
        wait_answer(lab, TARGET4, "gw1")
        assert ping(lab, "pc1", TARGET4, payload=8972, dont_fragment=True).received == 3


@pytest.mark.xdist_group("sizes")
def test_no_more_neighbours_are_promised_than_the_kernel_has_room_for():
    """In a namespace of its own it can only say how to make more."""
    with SegmentLab() as lab:
        rooms = [min(MOST, int(lab.run("rtr", "ip", f"-{family}", "ntable", "show").stdout
                               .split(" thresh3 ")[1].split()[0]) // 4 * 3) for family in (4, 6)]
        lab.start_router(segment_config())
        said = lab.router.output()
        promised = re.search(r"budget: .* (\d+) \+ (\d+) neighbours", said)
        assert promised and [int(n) for n in promised.groups()] == rooms, said
        warned = re.findall(r"warning .*net\.ipv4\.neigh\.default\.gc_thresh2=\d+ and gc_thresh3=\d+",
                            said)
        assert len(warned) == (rooms != [MOST, MOST]), said
