# SPDX-License-Identifier: BSD-3-Clause
"""Two uplinks that stand in for each other: what becomes of a house's traffic when one fails."""

import time

import pytest
from lab import wait_for
from tools import lookup
from uplinks_lab import (ANSWERS, GATEWAYS, PROBES, SERVER, WAITER, WHICH, Pulse, UplinksLab, said, talk,
                         uplinks_config, wait_ended)


def test_the_better_one_is_used_and_the_other_can_be_asked():
    with UplinksLab() as lab:
        lab.begin()
        assert lab.used() == ["fibre"] and lab.seen_as() == "fibre"
        assert lab.kernel_default() == "wan"
        fibre, lte = lab.uplink("fibre"), lab.uplink("lte")
        assert fibre["ipv4"]["share_percent"] == 100 and fibre["ipv4"]["why_not"] is None
        assert fibre["ipv4"]["gateway"] == GATEWAYS["fibre"]
        assert lte["ipv4"]["why_not"] == "priority" and lte["state"] == "up"
        wait_for(lambda: all(t["rtt_us"] for t in lab.uplink("lte")["targets"]), "round trips by lte", 5)
        answer = lab.millrace("ping-uplink", "lte")
        assert answer["answered"] == answer["sent"] == 5 and all(answer["rtts_us"])
        assert answer["source"] == lab.addresses["lte"] and answer["gateway"] == GATEWAYS["lte"]
        assert answer["target"] == PROBES[0]
        answer = lab.millrace("ping-uplink", "fibre", SERVER, "count", "2")
        assert answer["answered"] == 2 and answer["target"] == SERVER
        assert lab.millrace("ping-uplink", "nobody", check=False) is None


def test_a_cut_cable_moves_everything_at_once():
    with UplinksLab() as lab:
        lab.begin()
        pulse, talker, waiter = Pulse(lab), talk(lab), talk(lab, WAITER, name="waiter")
        began = time.time()
        lab.cut("isp1")
        pulse.wait_back(began)
        gap = pulse.gap(began)
        print(f"cut to first answer by the other: {gap * 1000:.0f} ms")
        assert gap < 1
        lab.wait_used("lte")
        assert lab.kernel_default() == "lte" and lab.seen_as() == "lte"
        # who spoke by the dead one hears of it and can connect anew, also who only waits
        for process in (talker, waiter):
            at, how = wait_ended(process)
            print(f"{process.name}: {how} after {at - began:.2f} s")
            assert how == "ConnectionResetError" and at - began < 1


@pytest.mark.parametrize("probes", [True, False], ids=["echo", "arp"])
def test_a_silent_death_is_noticed(probes):
    """The link stays up; its probes, or its next router, do not answer: 3 a second apart, and the wait
    for the last of them."""
    with UplinksLab() as lab:
        lab.begin(uplinks_config(probes=probes))
        pulse, waiter = Pulse(lab), talk(lab, WAITER, name="waiter")
        began = time.time()
        lab.kill("isp1")
        pulse.wait_back(began)
        gap = pulse.gap(began)
        print(f"silent death to first answer by the other: {gap:.2f} s")
        assert gap < 4 + 1
        assert lab.uplink("fibre")["state"] == "down" and lab.used() == ["lte"]
        at, how = wait_ended(waiter)
        assert how == "ConnectionResetError" and at - began < 4 + 1
        assert lab.seen_as() == "lte"


def test_it_goes_back_when_the_hold_is_over_and_leaves_nothing_behind():
    """Nobody's flow stays on the metered line."""
    with UplinksLab() as lab:
        lab.begin(uplinks_config(common="hold: 3s"))
        lab.kill("isp1")
        lab.wait_used("lte")
        talker = talk(lab)
        assert lab.addresses["lte"] in talker.output()
        lab.revive("isp1")
        lab.wait_state("fibre", "recovering")
        began = time.time()
        assert lab.used() == ["lte"]
        lab.wait_used("fibre")
        held = time.time() - began
        assert 2.5 < held < 5, held
        at, how = wait_ended(talker)
        assert how == "ConnectionResetError" and at - began < held + 1
        assert lab.seen_as() == "fibre"


def test_who_lives_on_the_other_one_is_left_alone():
    """Flaps of an uplink that is not used move nothing; each makes its next hold longer."""
    with UplinksLab() as lab:
        lab.begin()
        lab.cut("isp1")
        lab.wait_used("lte")
        talker = talk(lab)
        for _ in range(3):
            lab.mend("isp1")
            lab.wait_state("fibre", "recovering")
            lab.cut("isp1")
            lab.wait_state("fibre", "down")
            assert lab.used() == ["lte"]
        before = said(talker)
        wait_for(lambda: said(talker) > before + 5, "the talk to go on", 5)
        assert "ended" not in talker.output()


def test_one_that_fails_again_and_again_is_held_for_longer():
    with UplinksLab() as lab:
        lab.begin()
        holds = []
        for _ in range(3):
            lab.cut("isp1")
            lab.wait_used("lte")
            lab.mend("isp1")
            lab.wait_state("fibre", "recovering")
            began = time.time()
            lab.wait_used("fibre", timeout=30)
            holds.append(time.time() - began)
        print("holds:", [f"{hold:.1f}" for hold in holds])
        assert holds[0] < 3.5 < holds[1] < 6 < holds[2] < 10
        assert lab.uplink("fibre")["changes"] == 7  # up once at the start, then down and up


def test_both_dead_the_better_one_stays_and_any_that_answers_is_used_at_once():
    with UplinksLab() as lab:
        lab.begin(uplinks_config(common="hold: 1h"))
        lab.kill("isp1")
        lab.kill("isp2")
        lab.wait_state("fibre", "down")
        lab.wait_state("lte", "down")
        assert lab.used() == ["fibre"] and lab.kernel_default() == "wan"
        lab.revive("isp2")
        lab.wait_used("lte")
        assert lab.uplink("lte")["state"] == "recovering"  # an hour's hold is for when another works
        assert lab.seen_as() == "lte"


def test_much_loss_makes_the_other_one_better():
    with UplinksLab() as lab:
        lab.begin(uplinks_config(common="hold: 2s, lost: 20"))
        lab.lose("isp1", 50)
        lab.wait_state("fibre", "degraded", timeout=40)
        lab.wait_used("lte")
        assert lab.uplink("fibre")["loss_percent"] >= 25
        lab.lose_nothing("isp1")
        lab.wait_used("fibre", timeout=40)


def test_resolvers_move_with_the_uplink():
    more = "dns: { listen: [lan], upstreams: learned, cache: 0 }\n"
    with UplinksLab() as lab:
        lab.begin(uplinks_config(more=more))
        assert lookup(lab, "pc", WHICH, "A", "198.18.0.1") == [ANSWERS["fibre"]]
        lab.cut("isp1")
        lab.wait_used("lte")
        began = time.monotonic()
        assert lookup(lab, "pc", WHICH, "A", "198.18.0.1") == [ANSWERS["lte"]]
        assert time.monotonic() - began < 1
        lab.mend("isp1")
        lab.wait_used("fibre")
        assert lookup(lab, "pc", WHICH, "A", "198.18.0.1") == [ANSWERS["fibre"]]


def test_answers_leave_by_the_uplink_that_was_called():
    """To a host behind a forward, and to the router itself, by the one that is not used; providers
    drop what is from an address of somebody else."""
    with UplinksLab() as lab:
        lab.begin()
        lab.start_web("pc", 8080, "forwarded")
        lab.start_web("rtr", 8022, "own")
        for port in (8080, 8022):
            for name in ("lte", "fibre"):
                talker = talk(lab, host="srv", target=lab.addresses[name], port=port, name=f"{name}-{port}")
                assert f"as {SERVER}" in talker.output() or "as 198.18.10" in talker.output(), \
                    talker.output()
                wait_for(lambda t=talker: said(t) > 5, "the talk to go on", 5)
        rules = lab.run("rtr", "ip", "rule").stdout
        assert rules.count("lookup 780") == 2, rules


def test_nothing_is_left_in_the_kernel():
    with UplinksLab() as lab:
        lab.begin()
        lab.stop_router()
        assert "780" not in lab.run("rtr", "ip", "rule").stdout
        assert "default" not in lab.run("rtr", "ip", "route", "show", "table", "all").stdout


def test_a_killed_routers_rules_go_at_the_next_start():
    with UplinksLab() as lab:
        lab.begin()
        router, lab.router = lab.router, None
        router.popen.kill()
        router.popen.wait(5)
        lab.processes.remove(router)
        assert "780" in lab.run("rtr", "ip", "rule").stdout
        lab.start_router(lab.dir / "millraced.yaml")
        wait_for(lambda: lab.run("rtr", "ip", "rule").stdout.count("lookup 780") == 2, "two rules", 15)
