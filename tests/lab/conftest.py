# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the labs: the main job's house, once for each driver and number of workers."""

import os
from dataclasses import dataclass

import pytest
from home import HomeLab, home_config
from lab import Lab, LabError
from nat_lab import NatLab

DRIVERS = ("af_packet", "af_xdp", "tap")


@dataclass(frozen=True)
class Variant:
    driver: str  # "kernel": the comparison, nftables instead of millraced
    workers: int = 1

    @property
    def name(self):
        return self.driver if self.driver == "kernel" else f"{self.driver}-{self.workers}w"

    @property
    def is_kernel(self):
        return self.driver == "kernel"

    @property
    def wires(self):
        return "tap" if self.driver == "tap" else "veth"


def params(variants, suffix=""):
    """A group each, so that with xdist the tests of one variant share one worker and one lab."""
    return [pytest.param(v, id=v.name, marks=pytest.mark.xdist_group(v.name + suffix))
            for v in variants]


OURS = [Variant(driver, workers) for workers in (1, 2) for driver in DRIVERS]
KERNEL = Variant("kernel")


def pytest_addoption(parser):
    parser.addoption("--router", choices=("all", "millraced", "kernel"), default="all",
                     help="which routers the labs run on (default: both)")


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--router")
    if wanted == "all":
        return
    kept, dropped = [], []
    for item in items:
        variant = getattr(item, "callspec", None) and item.callspec.params.get("variant")
        is_kernel = bool(variant and variant.is_kernel)
        (kept if is_kernel == (wanted == "kernel") else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def cores_for(workers):
    """With xdist, labs of one worker sit on different cores."""
    have = sorted(os.sched_getaffinity(0))
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    return [have[(first + i) % len(have)] for i in range(workers)]


def start(lab, variant, **config):
    """The variant's router in a home lab, servers running, a packet seen to get through."""
    lab.start_servers()
    if variant.is_kernel:
        lab.start_kernel_router()
    else:
        lab.start_router(home_config(variant.driver, cores_for(variant.workers), **config))
    lab.wait_path()


@pytest.fixture(scope="module")
def home(variant):
    with HomeLab(wires=variant.wires) as lab:
        start(lab, variant)
        yield lab


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"nat-{n}w")) for n in (1, 4)])
def nat_lab(request):
    with NatLab() as lab:
        lab.start_nat(cores_for(request.param))
        yield lab


@pytest.fixture
def nat(nat_lab):
    """Whatever a test is about, the checksums of all that left the router must be right."""
    yield nat_lab
    nat_lab.check_checksums()


def counted(lab):
    """What a router that still answers has dropped, a line for each reason; "" when none does."""
    router = getattr(lab, "router", None)
    if router is None or not router.is_alive():
        return ""
    try:
        return "\n".join(f"{name} {n}" for name, n in lab.counts("drop_").items() if n)
    except (LabError, OSError, ValueError) as e:
        return str(e)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the lab's programs last said and what the router counted."""
    report = (yield).get_result()
    if not report.failed:
        return
    for lab in (a for a in getattr(item, "funcargs", {}).values() if isinstance(a, Lab)):
        for process in lab.processes:
            report.sections.append((f"{process.host}: {process.name}", process.tail()))
        report.sections.append(("drops", counted(lab)))
