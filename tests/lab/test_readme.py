# SPDX-License-Identifier: BSD-3-Clause
"""What the README tells people to write works as it stands there."""

import re

import pytest
from home import QUICKSTART, REPO, ROUTER_WAN4, SERVER4, HomeLab, build_dir
from lab import run_command
from tools import fetch, ping


def readme_yaml():
    return re.search(r"```yaml\n(.*?)```", (REPO / "README.md").read_text(), re.DOTALL)[1]


def test_ten_lines_make_a_router():
    text = readme_yaml()
    assert len(text.splitlines()) == 10
    for card, netdev in (("enp1s0", "port-wan"), ("enp2s0", "port-lan")):
        assert card in text
        text = text.replace(card, netdev)
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
