# SPDX-License-Identifier: BSD-3-Clause
"""driver: auto takes the best driver that works, and says why it passed the others over."""

from pathlib import Path

import pytest
from home import SERVER4, SERVER6, HomeLab, home_config
from lab import wait_for
from tools import ping

XDP_PROGRAM = Path(__file__).with_name("xdp_program.py")
NO_PCI = "not driver pci: port-{side} is not a PCI card"


@pytest.fixture
def lab():
    with HomeLab() as lab:
        yield lab


def start(lab, **config):
    """The lines about each port in what the router said."""
    router = lab.start_router(home_config("auto", **config))
    wait_for(lambda: "ready:" in router.output(), "it to be ready")
    lab.wait_path()
    for server in (SERVER4, SERVER6):
        assert ping(lab, "pc1", server, count=5).received == 5
    return {side: [line.partition(f"port {side}: ")[2] for line in router.output().splitlines()
                   if f"port {side}: " in line] for side in ("wan", "lan")}


def drivers(lab):
    return {port["name"]: port["driver"] for port in lab.millrace("show", "ports")["ports"]}


def test_a_device_that_is_no_pci_card_is_taken_by_af_xdp(lab):
    said = start(lab)
    assert drivers(lab) == {"wan": "af_xdp", "lan": "af_xdp"}
    for side, lines in said.items():
        assert lines[:2] == [NO_PCI.format(side=side), "driver af_xdp"], lines


def test_a_jumbo_mtu_is_not_for_af_xdp(lab):
    """Each port is chosen for by itself."""
    said = start(lab, wan_mtu=9000)
    assert drivers(lab) == {"wan": "af_packet", "lan": "af_xdp"}
    assert said["wan"][0] == NO_PCI.format(side="wan")
    assert said["wan"][1].startswith("not driver af_xdp: MTU 9000 of port-wan is too large"), said
    assert said["wan"][2] == "driver af_packet"


def xdp_program(lab):
    return lab.ip_json("rtr", "link show dev port-lan")[0].get("xdp")


@pytest.fixture
def others_program(lab):
    """Somebody else's XDP program is on the LAN's device."""
    lab.run("rtr", "/usr/bin/python3", XDP_PROGRAM, "port-lan", "others")
    program = xdp_program(lab)
    assert program["prog"]["name"] == "others"
    return program


def test_a_device_with_somebody_elses_xdp_program_is_taken_by_af_packet(lab, others_program):
    said = start(lab)
    assert drivers(lab) == {"wan": "af_xdp", "lan": "af_packet"}
    assert said["lan"][0] == NO_PCI.format(side="lan")
    assert said["lan"][1].startswith("not driver af_xdp: port-lan is already taken: another "
                                     "program has the XDP program others"), said
    assert said["lan"][2] == "driver af_packet"


def test_somebody_elses_xdp_program_stays_where_it_is(lab, others_program):
    start(lab)
    assert xdp_program(lab) == others_program
    lab.stop_router()
    assert xdp_program(lab) == others_program
