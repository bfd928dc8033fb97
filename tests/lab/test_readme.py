# SPDX-License-Identifier: BSD-3-Clause
"""What the README tells people to write works as it stands there."""

import re

import pytest
from home import QUICKSTART, REPO, ROUTER_WAN4, SERVER4, HomeLab, build_dir
from lab import LabError, run_command
from tools import fetch, ping


def readme_yaml():
    return re.search(r"```yaml\n(.*?)```", (REPO / "README.md").read_text(), re.DOTALL)[1]


def lab_yaml():
    """The ten lines with the lab's cards in place of the README's."""
    text = readme_yaml()
    for card, netdev in (("enp1s0", "port-wan"), ("enp2s0", "port-lan")):
        assert card in text
        text = text.replace(card, netdev)
    return text


def test_ten_lines_make_a_router():
    text = lab_yaml()
    assert len(text.splitlines()) == 10
    with HomeLab() as lab:
        lab.start_servers()
        lab.start_router(text)
        lab.wait_path(targets=[SERVER4])
        assert fetch(lab, "pc1", f"http://{SERVER4}/address").strip() == ROUTER_WAN4


@pytest.mark.parametrize("path", sorted((REPO / "cfg/examples").glob("*.yaml")), ids=lambda p: p.name)
def test_examples_are_accepted(path):
    """On any machine: their cards may be absent."""
    run_command([build_dir() / "millraced", "-c", path, "--check"])


def test_quickstart_serves_both_families():
    with HomeLab() as lab:
        lab.start_servers()
        lab.start_router(QUICKSTART)
        lab.wait_path()
        assert ping(lab, "pc1", SERVER4).received == 3


def test_a_card_that_the_machine_uses_is_freed_in_the_way_it_says():
    freeing = re.findall(r"`(ip (?:addr|link) [^`]*enp1s0[^`]*)`", (REPO / "README.md").read_text())
    assert freeing == ["ip addr flush dev enp1s0", "ip link set enp1s0 nomaster"]
    freeing = [command.replace("enp1s0", "port-wan") for command in freeing]
    with HomeLab() as lab:
        lab.ip("rtr", "addr add 203.0.113.77/24 dev port-wan")
        with pytest.raises(LabError, match="still carries the machine's own address 203.0.113.77"):
            lab.start_router(lab_yaml())
        assert f"({freeing[0]})" in lab.router.output()
        lab.run("rtr", *freeing[0].split())
        lab.ip("rtr", "link add br0 type bridge")
        lab.ip("rtr", "link set port-wan master br0")
        with pytest.raises(LabError, match="port-wan is part of br0"):
            lab.start_router(lab_yaml())
        assert f"({freeing[1]})" in lab.router.output()
        lab.run("rtr", *freeing[1].split())
        lab.start_router(lab_yaml())
