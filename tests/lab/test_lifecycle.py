# SPDX-License-Identifier: BSD-3-Clause
"""Starting, stopping and what is said when it cannot start."""

import mmap
import signal
import subprocess

import pytest
from conftest import Variant, cores_for, params, start
from home import SERVER4, HomeLab, build_dir, home_config
from lab import HUGEPAGES
from tools import ping

VARIANTS = params([Variant("af_packet"), Variant("af_xdp", 2), Variant("tap")], "-lifecycle")

MAP_HUGETLB = 0x40000  # Linux's, which the mmap module does not name


def hugepage_count(what):
    return int(HUGEPAGES.with_name(what).read_text())


def kernel_view(lab):
    """What the router's namespace looks like to the kernel, without counters and timers."""
    links = sorted((link["ifname"], link["address"], link["mtu"],
                    tuple(flag for flag in sorted(link["flags"]) if flag != "LOWER_UP"),
                    bool(link.get("promiscuity")), "xdp" in link)
                   for link in lab.ip_json("rtr", "-d link show"))
    addresses = lab.run("rtr", "sh", "-c", "ip -o addr | sed 's/^[0-9]*: //; s/valid_lft.*//'").stdout
    routes = "".join(lab.ip("rtr", f"-{family} route show table all") for family in (4, 6))
    return links, sorted(addresses.split("\n")), sorted(line.strip() for line in routes.split("\n"))


@pytest.fixture
def bare(request):
    """A house whose router has not been started."""
    with HomeLab() as lab:
        yield lab


def refusal(lab, config, *wrapper, name="refused", timeout=10):
    """Runs millraced on a config that it must refuse; what it said."""
    path = lab.dir / f"{name}.yaml"
    path.write_text(config)
    done = lab.run("rtr", *wrapper, build_dir() / "millraced", "-c", path, "-s",
                   lab.dir / f"{name}.sock", timeout=timeout, check=False)
    assert done.returncode > 0, f"exit code {done.returncode}: {done.stderr}"
    return done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_stopping_gives_everything_back(variant, signum):
    with HomeLab(wires=variant.wires) as lab:
        before = kernel_view(lab)
        start(lab, variant)
        assert lab.has_device("rtr", "lan") and lab.has_device("rtr", "wan")
        router, lab.router = lab.router, None
        assert router.stop(signum) == 0, router.tail()
        router.check_sanitizers()
        assert kernel_view(lab) == before
        assert not lab.socket.exists()


@pytest.mark.parametrize("variant", VARIANTS)
def test_restarting_at_once_works(variant):
    with HomeLab(wires=variant.wires) as lab:
        start(lab, variant)
        for _ in range(3):
            lab.stop_router()
            lab.start_router(home_config(variant.driver, cores_for(variant.workers)))
            lab.wait_path()


@pytest.mark.parametrize("variant", VARIANTS)
def test_restarting_after_a_kill_works(variant):
    with HomeLab(wires=variant.wires) as lab:
        start(lab, variant)
        router, lab.router = lab.router, None
        assert router.stop(signal.SIGKILL) == -signal.SIGKILL
        lab.processes.remove(router)
        lab.start_router(home_config(variant.driver, cores_for(variant.workers)))
        lab.wait_path()


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_instances_on_one_machine_do_not_meet(variant):
    with HomeLab(wires=variant.wires) as one, \
            HomeLab(wires=variant.wires) as two:
        start(one, variant)
        start(two, variant)
        for lab in (one, two):
            assert ping(lab, "pc1", SERVER4, count=20).received == 20
        one.stop_router()
        assert ping(two, "pc1", SERVER4, count=20).received == 20


def test_a_port_that_is_taken_is_named(bare):
    start(bare, Variant("af_packet"))
    said = refusal(bare, home_config("af_packet", cores_for(1)))
    assert "port-lan" in said or "port-wan" in said, said
    assert "taken" in said or "use" in said, said
    assert ping(bare, "pc1", SERVER4).received == 3, "the first instance goes on"


def test_an_absent_port_is_named(bare):
    bare.ip("rtr", "link del port-wan")
    before = kernel_view(bare)
    said = refusal(bare, home_config("af_packet", cores_for(1)))
    assert "refused.yaml:3:3" in said and "no network device port-wan" in said, said
    assert kernel_view(bare) == before, "the port that was opened before it is given back"


def test_without_root_it_says_what_it_needs(bare):
    said = refusal(bare, home_config("af_packet", cores_for(1)), "setpriv", "--reuid=65534",
                   "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    assert "root" in said or "CAP_NET_ADMIN" in said, said


BROKEN = [
    ("ports: [", "1:"),
    ("ports:\n  lan: {driver: warp}\n", "2:"),
    ("ports: {}\nnonsense: 1\n", "2:1"),
    ("\x00\xff\xfe garbage", ":"),
    ("", "port"),
]


@pytest.mark.parametrize(("text", "place"), BROKEN, ids=["syntax", "value", "key", "garbage", "empty"])
def test_a_broken_config_is_refused_with_its_place(bare, text, place):
    said = refusal(bare, text)
    assert "refused.yaml" in said and place in said, said


def test_an_absent_config_is_named(bare):
    done = bare.run("rtr", build_dir() / "millraced", "-c", "/nonexistent/house.yaml", check=False)
    assert done.returncode > 0
    assert "/nonexistent/house.yaml" in done.stderr and "no such file" in done.stderr


def test_the_command_says_when_no_daemon_listens(bare):
    done = subprocess.run([build_dir() / "millrace", "-s", bare.dir / "none.sock", "show", "drops"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode > 0
    assert "none.sock" in done.stderr


def start_with_promised_hugepages():
    """What a router says that sees free hugepages, all of which are promised to somebody."""
    with HomeLab() as lab:
        assert lab.reserve_hugepages(256) == 256
        # all that can be had, whoever made them: another lab may have some too
        pages = hugepage_count("free_hugepages") - hugepage_count("resv_hugepages")
        with mmap.mmap(-1, pages << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB):
            start(lab, Variant("af_packet"))
            assert "without hugepages, in" in lab.router.output()
            assert ping(lab, "pc1", SERVER4, count=3).received == 3
            return lab.stop_router().output()


@pytest.mark.alone
def test_hugepages_that_another_takes_first_are_done_without():
    """Free by the count, yet promised to somebody: DPDK finds out only when it reaches for them.
    Where another lab of this machine gives its own back in between, the count is too low before."""
    for _ in range(3):
        said = start_with_promised_hugepages()
        if "going without" not in said:
            break
    assert "starting without hugepages" in said, said
