# SPDX-License-Identifier: BSD-3-Clause
"""Workers get cores and lose them while the router runs; no packet and no flow notices.

The stream is test_hitless's, numbered and translated, both ways; its topology is drawn there, and
the one of live TCP and UDP by veth. The others are a house's, as in test_apply.
"""

import json
import os

import pytest
from apply_lab import CUT, FAR, OTHER, ApplyLab, Caller, own_kib
from home import build_dir
from lab import wait_for
from test_hitless import FAR as INET
from test_hitless import FLOWS, HitlessLab, frames, thread_names

MOVES = 20
SETTLING = 4
RATE = 50000  # of both directions together: the generator shares its core with a worker
RATE_LEAST = 25000
TRIES = 5  # somebody else may have the cores
LATE_NS = 100e6  # the rings hold more than twice as much
GROWTH_KIB = 1024
CORES = sorted(os.sched_getaffinity(0))

pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")


def threads(lab):
    return sorted(name for name in thread_names(lab.router.pid).values()
                  if name.startswith("worker-"))


def workers(lab):
    return lab.millrace("show", "workers")["workers"]


def where(lab):
    return [worker["core"] for worker in workers(lab)]


def with_cores(text, cores, count=None):
    """The config with another line `workers`."""
    before = next(line for line in text.splitlines() if line.startswith("workers:"))
    count = "" if count is None else f"count: {count}, "
    return text.replace(before, f"workers: {{ {count}cores: {list(cores)} }}")


def owner(port):
    """Of two workers, as drivers/steering.h has it."""
    return (port >> 12 ^ port >> 6) & 1


def port_of(frame, at):
    return int.from_bytes(frame[at:at + 2], "big")


class StreamLab(HitlessLab):
    """Two workers, that begin on two cores. All of the stream comes to the first and is the
    second's: one queue, and the order of packets is told of the stream as a whole."""

    def __init__(self):
        super().__init__()
        self.workers = f"count: 2, cores: {CORES[:2]}"
        self.queues = ", queues: 1"  # the generator has one
        self.rate = RATE

    def begin(self):
        super().begin()
        lan, wan = frames.flow_frames(64, 3 * FLOWS, 4, is_nat=True)
        ports = sorted(port for port in (port_of(frame, 34) for frame in lan) if owner(port))[:FLOWS]
        self.captures = [
            frames.write_capture(self.dir / f"{side}.pcap",
                                 [frame for frame in all_ if port_of(frame, at) in ports])
            for side, all_, at in (("lan", lan, 34), ("wan", wan, 36))]
        self.layouts = []
        text = self.files[-1].read_text()
        for i, cores in enumerate(([0], [1], [0, 1], [1], [0], [0, 1])):
            cores = [CORES[k] for k in cores]
            path = self.dir / f"layout{i}.yaml"
            path.write_text(with_cores(text, cores, 2))
            self.layouts.append((path, cores))

    def move(self):
        path, cores = self.layouts[0]
        done = self.caller.call("config.apply", file=str(path))
        assert done["done"] and not done["is_unchanged"], done
        assert set(where(self)) == set(cores), (where(self), cores)
        assert len(threads(self)) == len(cores), (threads(self), cores)
        self.layouts.append(self.layouts.pop(0))


@pytest.fixture
def stream_lab():
    with StreamLab() as lab:
        lab.begin()
        yield lab


def all_flows(lab):
    """By who began them: no answer has more than a thousand."""
    hosts = [*frames.hosts(4), "198.19.0.11"]
    return [flow for host in hosts for flow in lab.millrace("show", "flows", "from", host)["flows"]]


def names_of(flows):
    """What the world sees of each flow."""
    return {(f["protocol"], f["src"], f["sport"], f["dst"], f["dport"]): (f["nat_src"], f["nat_sport"])
            for f in flows}


def bytes_of(flows):
    return {(f["protocol"], f["src"], f["sport"]): f["tx_bytes"] + f["rx_bytes"] for f in flows}


def sums(lab):
    """All that is counted, of interfaces and of workers."""
    counted = {}
    for one in lab.millrace("show", "interfaces")["interfaces"]:
        for key in ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"):
            counted[one["name"], key] = one[key]
    for one in workers(lab):
        for key in ("turns", "rx_packets", "flows"):
            counted[one["worker"], key] = one[key]
    return counted


def try_once(lab):
    """What was seen of the stream, and what else may have been the machine's fault."""
    with lab.live("tcp", target=INET) as tcp, lab.live("udp", 500, target=INET) as udp:
        with lab.stream() as seen:
            for _ in range(SETTLING):
                lab.move()
            before, counted = own_kib(lab.router.pid), sums(lab)
            flows = all_flows(lab)
            for _ in range(MOVES):
                lab.move()
            after, more = sums(lab), own_kib(lab.router.pid) - before
            now = all_flows(lab)
    assert more < GROWTH_KIB, f"{more} KiB more"
    assert all(after[key] >= counted[key] for key in counted), (counted, after)
    assert {f["worker"] for f in now if f["src"].startswith("198.18.0.")} == {1}
    names, later, grown = names_of(flows), names_of(now), bytes_of(now)
    assert len(names) > FLOWS and {key: later.get(key) for key in names} == names
    assert all(grown[key] >= n for key, n in bytes_of(flows).items())
    assert "error" not in tcp and tcp["answered"] == tcp["sent"] > 0, tcp
    return seen, udp["sent"] - udp["answered"]


@pytest.mark.alone
@pytest.mark.xdist_group("hugepages")
@pytest.mark.timeout(600)
def test_nothing_is_lost_when_workers_come_and_go(stream_lab):
    lab = stream_lab
    for _ in range(TRIES):
        seen, unanswered = try_once(lab)
        told = (f"{seen['lost']} lost, {seen['disordered']} out of order, {unanswered} of UDP, at "
                f"{seen['sent'] / seen['seconds']:.0f} pps; latency {seen['latency_ns']}; "
                f"{seen['drops']}")
        print(told)
        # whatever the machine does, no packet overtakes another of its flow
        assert seen["disordered"] == 0, told
        is_late = seen["latency_ns"]["p99.9"] > LATE_NS
        if seen["lost"] == unanswered == 0 and not seen["drops"] and not is_late and \
                seen["sent"] / seen["seconds"] > RATE_LEAST:
            break
    else:
        pytest.fail(f"each of {TRIES} times packets were lost, or late, or too few: {told}")
    used = lab.millrace("show", "ports")["buffers_in_use"]
    for _ in range(len(lab.layouts)):
        lab.move()
    wait_for(lambda: lab.millrace("show", "ports")["buffers_in_use"] <= used,
             "packet buffers to return", 5)


# --- as any other change of the config ---

class HouseLab(ApplyLab):
    def begin(self, **changes):
        super().begin(workers=2, **changes)
        self.cores = where(self)
        self.text = (self.dir / "millraced.yaml").read_text()

    def write_cores(self, cores, count=None, name="next", text=None):
        path = self.dir / f"{name}.yaml"
        path.write_text(with_cores(text or self.text, cores, count))
        return path


@pytest.fixture
def lab():
    with HouseLab() as lab:
        lab.begin()
        yield lab


def test_plan_apply_log_and_event_say_it(lab):
    assert len(set(lab.cores)) == 2 and threads(lab) == ["worker-0", "worker-1"]
    listener = Caller(lab.socket)
    listener.call("subscribe", topics=["config"])
    path = lab.write_cores(lab.cores[:1])
    plan = lab.told("plan", path)
    assert f"the workers go on on core {lab.cores[0]}\n" in plan, plan
    assert "It can be applied." in plan and where(lab) == lab.cores
    lab.told("apply", path)
    assert where(lab) == lab.cores[:1] * 2 and threads(lab) == ["worker-0"]
    said = f"2 workers on core {lab.cores[0]}"
    assert lab.router.output().count(said) == 1
    told = json.loads(listener.lines.readline())["params"]
    assert (told["what"], told["message"], told["revision"]) == ("workers", said, None)
    assert lab.reaches(FAR)
    lab.told("rollback")
    assert sorted(where(lab)) == sorted(lab.cores) and len(threads(lab)) == 2
    assert lab.reaches(FAR)


def test_what_is_not_confirmed_goes_back(lab):
    lab.told("apply", lab.write_cores(lab.cores[1:]), "--confirm", "2")
    assert where(lab) == lab.cores[1:] * 2
    wait_for(lambda: sorted(where(lab)) == sorted(lab.cores), "the router to go back", 8)
    lab.told("apply", lab.write_cores(lab.cores[1:]), "--confirm", "2")
    lab.told("confirm")
    assert where(lab) == lab.cores[1:] * 2 and lab.reaches(FAR)


def test_what_fails_later_moves_them_back(lab):
    text = lab.text.replace('"2001:db8:0:2::1/64"', '"2001:db8:0:2::1/64", "2001:db8:0:9::9/64"')
    assert text != lab.text
    lab.sysctl("rtr", {"net.ipv6.conf.lan.disable_ipv6": 1})  # it takes no IPv6 address
    said = lab.refused("apply", lab.write_cores(lab.cores[:1], text=text))
    assert "new addresses" in said and "nothing has changed" in said, said
    assert sorted(where(lab)) == sorted(lab.cores) and len(threads(lab)) == 2
    said = lab.refused("apply", lab.write_cores([1023]))
    assert "core 1023 is not in this machine" in said and "nothing has changed" in said, said


def test_more_cores_than_workers_need_a_restart(lab):
    for cores, count, what in ((lab.cores + lab.cores[:1], None, "workers.count"),
                               (lab.cores, 3, "workers.count")):
        path = lab.write_cores(cores, count)
        assert f"needs a restart of millraced: {what}\n" in lab.command("plan", path)[2]
        assert what in lab.refused("apply", path)
    assert "cannot run on 2 cores" in lab.refused("apply", lab.write_cores(lab.cores, 1))
    lab.told("apply", lab.write_cores(lab.cores[:1], 2))  # as many as there are: that can be said
    assert where(lab) == lab.cores[:1] * 2


def control_goes_first(lab):
    return os.sched_getscheduler(lab.router.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR


def test_one_core_at_the_start_and_two_later():
    """On a core that packets have too, control does not go before them."""
    with HouseLab() as lab:
        lab.write(workers=1)
        text = lab.config(workers=1)
        lab.config = lambda **_: with_cores(text, CORES[:1], 2)
        lab.begin()
        assert where(lab) == CORES[:1] * 2 and threads(lab) == ["worker-0"]
        assert control_goes_first(lab)
        lab.serve_live()
        with lab.live("tcp") as tcp:
            lab.told("apply", lab.write_cores(CORES[:2], 2))
            assert sorted(where(lab)) == CORES[:2] and len(threads(lab)) == 2
            assert control_goes_first(lab) == (len(CORES) > 2)
            before = [worker["turns"] for worker in workers(lab)]
            wait_for(lambda: all(worker["turns"] > turns for worker, turns in
                                 zip(workers(lab), before)), "both workers to turn")
            lab.told("apply", lab.write_cores(CORES[:1], 2))
            assert control_goes_first(lab)
        assert "error" not in tcp and tcp["answered"] == tcp["sent"] > 0, tcp


def test_rules_and_cores_change_together_and_flows_are_seen_throughout(lab):
    """The recorder and `explain` know the workers by their number, wherever they run."""
    lab.told("apply", lab.write_cores(lab.cores[:1], text=lab.config(rules=CUT, workers=2)))
    assert where(lab) == lab.cores[:1] * 2
    assert lab.reaches(FAR) and not lab.reaches(OTHER)
    capture = lab.start("rtr", "capture", build_dir() / "millrace", "-s",
                        lab.socket, "capture", "on", "lan", "count", 100)
    for port in range(40):
        lab.attempt("pc", FAR, "tcp/80", wait=0.5)
        if port == 20:
            lab.told("apply", lab.write_cores(lab.cores))
    wait_for(lambda: not capture.is_alive(), "the capture to have its packets", 10)
    shown = lab.millrace("show", "flows", "from", "198.18.0.11")["flows"]
    assert {flow["worker"] for flow in shown} == {0, 1}, shown
