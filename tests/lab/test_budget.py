# SPDX-License-Identifier: BSD-3-Clause
"""What the router takes and how it begins; workers that stall; links, frames and MACs of ports."""

import ctypes
import os
import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import cores_for
from home import ROUTER_LAN4, ROUTER_LAN6, build_dir
from lab import LabError, wait_for
from segment import (GATEWAYS, PCS, TARGET4, TARGET6, SegmentLab, is_reachable, segment_config,
                     wait_answer)
from tools import ping

MIB = 1 << 20
ROUTES = (f"routes:\n  - {{ to: 198.51.100.0/24, via: {GATEWAYS['gw1'][0]} }}\n"
          f"  - {{ to: '2001:db8:f::/48', via: '{GATEWAYS['gw1'][1]}' }}\n")
DRIVERS = pytest.mark.parametrize("driver", ["af_packet", "af_xdp"])
IS_SANITIZED = "sanitize" in str(build_dir())


@pytest.fixture
def bare():
    with SegmentLab() as lab:
        lab.start_answerers()
        yield lab


def start(lab, driver="af_packet", workers=1, extra="", **config):
    lab.start_router(segment_config(driver, cores_for(workers), extra=ROUTES + extra, **config))
    lab.wait_lan()
    for target in (TARGET4, TARGET6):
        wait_answer(lab, target, "gw1")


# --- time and memory ---

def seconds_to_first_packet(lab, config):
    """From the exec of millraced to the first answer that came through it."""
    lab.ip("pc1", f"neigh replace {ROUTER_LAN4} lladdr {lab.mac('rtr', 'port-lan')} dev eth0 "
                  f"nud permanent")  # the host's own retries are not what is measured
    stream = lab.start("pc1", f"first-{len(lab.processes)}", "ping", "-n", "-D", "-i", 0.02,
                       "-W", 1, "-c", 1000, TARGET4)
    time.sleep(0.2)
    began = time.time()
    lab.start_router(config, name=f"millraced-{len(lab.processes)}")
    first = wait_for(lambda: re.search(r"^\[([\d.]+)\] \d+ bytes from", stream.output(), re.M),
                     "the first packet")
    seconds = float(first[1]) - began
    stream.stop()
    said = lab.stop_router().output()
    return seconds, said


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's shadow memory takes its time")
@pytest.mark.alone
@pytest.mark.parametrize("with_hugepages", [True, False], ids=["hugepages", "no-hugepages"])
def test_the_first_packet_is_forwarded_within_two_seconds(bare, with_hugepages):
    """The best of a few: the machine may be busy with something else."""
    extra = ROUTES
    if not with_hugepages:
        extra += "memory: { hugepages: never }\n"
    elif bare.reserve_hugepages(400) < 400:
        pytest.skip("this machine has no hugepages to give")
    taken = []
    for _ in range(4):
        seconds, said = seconds_to_first_packet(
            bare, segment_config("af_packet", cores_for(1), is_nat=True, extra=extra))
        if (" with hugepages" in said) == with_hugepages:
            taken.append(seconds)
        if seconds < 2 and taken:
            break
    if with_hugepages and not taken:
        pytest.skip("another program of this machine took the hugepages")
    assert min(taken) < 2, taken


def memory_bytes(pid):
    """What a process has of RAM, and what of it is in hugepages."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = {name: int(value) for name, value in
                 re.findall(r"^(VmRSS|HugetlbPages):\s+(\d+) kB", status, re.M)}
    return (kilobytes["VmRSS"] + kilobytes["HugetlbPages"]) << 10, kilobytes["HugetlbPages"] << 10


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's shadow memory is not the router's")
@pytest.mark.alone
@pytest.mark.parametrize("with_hugepages", [True, False], ids=["hugepages", "no-hugepages"])
def test_a_million_flows_fit_in_a_gigabyte_and_the_budget_says_so(bare, with_hugepages):
    extra = "flows: { capacity: 1000000 }\n"
    if not with_hugepages:
        extra += "memory: { hugepages: never }\n"
    elif bare.reserve_hugepages(512) < 512:
        pytest.skip("this machine has no hugepages to give")
    start(bare, workers=2, is_nat=True, extra=extra)
    if with_hugepages and " with hugepages" not in bare.router.output():
        pytest.skip("another program of this machine took the hugepages")
    total, huge = memory_bytes(bare.router.pid)
    said = re.search(r"budget: .* 1000000 flows.*: (\d+) MiB; \d+ packet buffers: (\d+) MiB",
                     bare.router.output())
    assert said, bare.router.output()
    budget = (int(said[1]) + int(said[2])) * MIB
    assert total < 1024 * MIB, f"{total // MIB} MiB"
    assert (huge > 0) == with_hugepages
    assert budget * 0.5 < total < budget * 1.25 + 100 * MIB, \
        f"{total // MIB} MiB are used, {budget // MIB} were announced"


@contextmanager
def started_in_cgroup(lab, limits):
    """A router whose cgroup is /system.slice/router, as it sees it; `limits`: memory.max by path."""
    seen, own = lab.dir / "cgroups", lab.dir / "own-cgroup"
    for path, limit in limits.items():
        (seen / path).mkdir(parents=True, exist_ok=True)
        (seen / path / "memory.max").write_text(f"{limit}\n")
    own.write_text("1:name=other:/else\n0::/system.slice/router\n")
    config = lab.dir / "limited.yaml"
    config.write_text(segment_config("af_packet", cores_for(1), extra=ROUTES))
    router = lab.start("rtr", "limited", "unshare", "-m", "sh", "-c",
                       f"mount --bind {own} /proc/$$/cgroup && mount --bind {seen} /sys/fs/cgroup "
                       f"&& exec {build_dir()}/millraced -c {config} -s {lab.dir}/limited.sock")
    try:
        yield router
    finally:
        router.stop()


def test_the_limit_of_a_cgroup_is_all_the_memory_there_is(bare):
    """Its own and those of all above it; small FIBs are what a machine of 512 MiB has."""
    limits = {"system.slice/router": "max", "system.slice": 512 * MIB, ".": 4096 * MIB}
    with started_in_cgroup(bare, limits) as router:
        wait_for(lambda: "control: ready" in router.output(), "the router to be ready")
        assert ", 16384 + 2048 routes," in router.output(), router.output()


def test_a_cgroup_without_room_for_a_router_is_refused_with_numbers(bare):
    limits = {"system.slice/router": 64 * MIB, "system.slice": "max"}
    with started_in_cgroup(bare, limits) as router:
        wait_for(lambda: not router.is_alive(), "the router to give up")
        assert re.search(r"five eighths of this machine's are 40 MiB", router.output()), \
            router.output()


# --- workers ---

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, tid, None, None) != 0:
        raise LabError(f"ptrace of {tid}: {os.strerror(ctypes.get_errno())}")


@contextmanager
def stopped(tid):
    """One thread stands still, as if its core was taken away; the others go on."""
    ptrace(PTRACE_SEIZE, tid)
    try:
        ptrace(PTRACE_INTERRUPT, tid)
        os.waitpid(tid, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH, tid)


def thread_named(pid, name):
    return next(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                if (task / "comm").read_text().strip() == name)


@pytest.mark.parametrize("idle", ["adaptive", "busy"])
def test_a_worker_that_stalls_is_named_and_so_is_its_return(bare, idle):
    """Routes and addresses change under the worker that stands, and control has to wait for it."""
    extra = f"workers: {{ cores: [{', '.join(map(str, cores_for(2)))}], idle: {idle} }}\n"
    config = segment_config("af_packet", cores_for(2), extra=ROUTES)
    bare.start_router(extra + config.split("\n", 1)[1])
    bare.wait_lan()
    wait_answer(bare, TARGET4, "gw1")
    core = cores_for(2)[1]
    with stopped(thread_named(bare.router.pid, "worker-1")):
        began = time.monotonic()
        bare.route(f"add 198.18.128.0/24 via {GATEWAYS['gw2'][0]}")
        bare.ip("rtr", "addr add 198.18.0.2/24 dev lan")
        wait_for(lambda: re.search(rf"worker 1: on core {core} has made no turn for \d{{4}} ms",
                                   bare.router.output()), "a word that worker 1 stalls", 4)
        assert time.monotonic() - began < 3
        answers = bare.who_answers(TARGET4, count=32, wait=0.5)
        assert "gw1" in answers and None in answers, "the other one goes on with what is its own"
        assert "turns again" not in bare.router.output()
        assert "worker 0: on core" not in bare.router.output()
    wait_for(lambda: f"worker 1: on core {core} turns again" in bare.router.output(),
             "a word that worker 1 is back", 3)
    time.sleep(1)
    assert bare.router.output().count("worker 1:") == 2, "each is said once"
    for target in (TARGET4, TARGET6):
        assert ping(bare, "pc1", target, count=20).received == 20
    assert is_reachable(bare, "pc1", "198.18.0.2")
    assert set(bare.who_answers(TARGET4, count=32)) == {"gw1"}


def refusal(lab, config):
    path = lab.dir / "refused.yaml"
    path.write_text(config)
    done = lab.run("rtr", build_dir() / "millraced", "-c", path, "-s",
                   lab.dir / "refused.sock", check=False)
    assert done.returncode > 0
    return done.stderr


def test_workers_may_share_a_core():
    with SegmentLab() as lab:
        router = lab.start_router(segment_config("af_packet", (0, 0, 0)))
        lab.wait_lan()
        assert len(lab.millrace("show", "workers")["workers"]) == 3
        assert "core 0 is here twice" in router.output()


# --- ports ---

def carrier_is_on(lab, dev):
    return "NO-CARRIER" not in lab.ip_json("rtr", f"link show dev {dev}")[0]["flags"]


@DRIVERS
def test_the_tap_has_the_ports_carrier(bare, driver):
    start(bare, driver)
    assert carrier_is_on(bare, "lan") and carrier_is_on(bare, "wan")
    for _ in range(2):
        bare.ip("lsw", "link set router down")
        wait_for(lambda: not carrier_is_on(bare, "lan"), "the TAP to lose its carrier", 1)
        assert carrier_is_on(bare, "wan"), "the other one has nothing to do with it"
        assert "interface lan: link down" in bare.router.output()
        bare.ip("lsw", "link set router up")
        wait_for(lambda: carrier_is_on(bare, "lan"), "the TAP to get its carrier back", 1)
        for target in (ROUTER_LAN4, TARGET4, TARGET6):
            wait_for(lambda t=target: is_reachable(bare, "pc1", t), f"{target} to answer", 5)


@DRIVERS
def test_a_router_starts_without_a_link_and_works_when_it_comes(bare, driver):
    bare.ip("wsw", "link set router down")
    bare.start_router(segment_config(driver, cores_for(1), extra=ROUTES))
    wait_for(lambda: is_reachable(bare, "pc1", ROUTER_LAN4), "the other side to work")
    assert not carrier_is_on(bare, "wan")
    bare.ip("wsw", "link set router up")
    wait_for(lambda: carrier_is_on(bare, "wan"), "the carrier", 1)
    wait_for(lambda: is_reachable(bare, "pc1", TARGET4), "the way out to work", 5)


@pytest.mark.parametrize("is_nat", [False, True], ids=["plain", "nat"])
def test_jumbo_frames_pass_from_end_to_end(is_nat):
    with SegmentLab(mtu=9000) as lab:
        lab.start_answerers()
        start(lab, is_nat=is_nat)
        for target, header in ((TARGET4, 28), (TARGET6, 48)):
            wait_for(lambda to=target: is_reachable(lab, "pc1", to), "the way to be known")
            result = ping(lab, "pc1", target, count=10, payload=9000 - header, dont_fragment=True)
            assert result.received == 10, result.text
            assert lab.who_answers(target, bytes=9000 - header) == ["gw1"]
        for router in (ROUTER_LAN4, ROUTER_LAN6):
            assert ping(lab, "pc1", router, payload=8952, dont_fragment=True).received == 3
        lab.ip("rtr", "link set wan mtu 4000")
        wait_for(lambda: lab.probe("pc1", TARGET6, bytes=5000)[0].get("error") ==
                 [2, 0, 4000, ROUTER_LAN6], "Packet Too Big", 2)
        # without DF: IPv4 goes on in pieces
        said = lab.run("pc1", "ping", "-n", "-c", 3, "-i", 0.1, "-W", 1, "-M", "dont", "-s", 8972,
                       "198.51.100.11", check=False).stdout
        assert " 3 received" in said, said


def test_a_port_wears_the_mac_that_it_is_given(bare):
    own = bare.mac("rtr", "port-lan")
    start(bare, ports={"lan": ", mac: 02:00:5e:00:53:77"})
    seen = {n["dst"]: n["lladdr"] for n in bare.ip_json("pc1", "neigh show dev eth0")
            if "lladdr" in n}
    assert seen[ROUTER_LAN4] == seen[ROUTER_LAN6] == "02:00:5e:00:53:77"
    assert bare.mac("rtr", "lan") == "02:00:5e:00:53:77"
    for target in (ROUTER_LAN4, TARGET4, TARGET6):
        assert ping(bare, "pc1", target).received == 3
    assert is_reachable(bare, "gw1", PCS["pc1"][0])
    bare.stop_router()
    assert bare.mac("rtr", "port-lan") == own


@pytest.mark.parametrize(("mac", "why"), [
    ("03:00:5e:00:53:77", "bit"),
    ("ff:ff:ff:ff:ff:ff", "bit"),
    ("00:00:00:00:00:00", "no address"),
], ids=["group", "broadcast", "zero"])
def test_an_impossible_mac_is_refused_with_the_reason(bare, mac, why):
    own = bare.mac("rtr", "port-lan")
    said = refusal(bare, segment_config(ports={"lan": f", mac: {mac}"}))
    assert re.search(r"refused\.yaml:\d+:\d+", said) and mac in said and why in said, said
    assert bare.mac("rtr", "port-lan") == own
