# SPDX-License-Identifier: BSD-3-Clause
"""Two uplinks that stand in for each other: what becomes of a house's traffic when one fails."""

import json
import re
import time

import pytest
from home import build_dir
from lab import wait_for
from tools import lookup
from uplinks_lab import (ANSWERS, GATEWAYS, PROBES, SERVER, WAITER, WHICH, Pulse, UplinksLab, said,
                         see_a_cut_cable, talk, uplinks_config, wait_ended)


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
        see_a_cut_cable(lab)


@pytest.mark.parametrize("probes", [PROBES, ()], ids=["echo", "arp"])
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


def test_who_only_listens_hears_that_his_translation_has_changed():
    """Whose packet comes first after it, the far end's or his own, is chance: of so many, both."""
    with UplinksLab() as lab:
        lab.begin()
        lab.start_web("srv", 81, "stream")
        listeners = [talk(lab, WAITER, port=81, name=f"listener-{i}") for i in range(16)]
        path = lab.dir / "next.yaml"
        path.write_text(uplinks_config().replace(
            "nat:\n", "nat:\n  - { source: 203.0.113.150, interface: wan }\n") +
            f"state: {{ file: {lab.dir}/state.db }}\n")
        assert lab.millrace("apply", path) is not None
        assert [wait_ended(listener)[1] for listener in listeners] == ["ConnectionResetError"] * 16


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
        # half of them by chance: at any one moment it may be fewer
        wait_for(lambda: lab.uplink("fibre")["loss_percent"] >= 25, "the loss to be seen", 20)
        lab.lose_nothing("isp1")
        lab.wait_used("fibre", timeout=40)


DEAF = "table ip deaf { chain in { type filter hook input priority 0; udp dport 53 drop; }; }"


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


@pytest.mark.parametrize("resolvers", [
    {"isp1": "198.51.100.153", "isp2": "198.51.100.154"}, {"isp1": "198.51.100.153", "isp2": "198.51.100.153"},
], ids=["each its own", "the same address"])
def test_a_resolver_is_asked_by_the_uplink_that_told_of_it(resolvers):
    """Flows are shared, and a provider's resolver answers nobody who comes by the other one."""
    with UplinksLab() as lab:
        lab.begin(uplinks_config(fibre="priority: 1", lte="priority: 1",
                                 more="dns: { listen: [lan], upstreams: learned, cache: 0 }\n"), resolvers)
        lab.wait_used("fibre", "lte")
        lab.sysctl("rtr", {"net.ipv4.fib_multipath_hash_policy": 1})  # by ports: each question anew
        names = [f"{resolvers['isp1']} by wan", f"{resolvers['isp2']} by lte"]

        def upstreams():
            return {u["upstream"]: u for u in lab.millrace("show", "dns")["upstreams"]}

        def heard(isp):
            server = next(p for p in lab.processes if p.name == f"dnsmasq-{isp}")
            return server.output().count(f"query[A] {WHICH}")

        def ask(count):
            return [address for _ in range(count) for address in lookup(lab, "pc", WHICH, "A", "198.18.0.1")]

        wait_for(lambda: sorted(upstreams()) == sorted(names), "both resolvers", 10)
        # now and then another than the quickest goes first: so each is asked
        assert set(ask(64)) == set(ANSWERS.values())
        wait_for(lambda: {n: u["sent"] for n, u in upstreams().items()} ==
                 {n: heard(isp) for n, isp in zip(names, ("isp1", "isp2"))}, "each to hear its own")
        lab.run("isp2", "nft", "-f", "-", stdin=DEAF)
        assert set(ask(40)) == {ANSWERS["fibre"]}
        assert upstreams()[names[1]]["silent"] > 0 and upstreams()[names[0]]["failures_in_a_row"] == 0, upstreams()


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
        lab.ip("rtr", "rule add from 203.0.113.250 lookup 7809 priority 7801 protocol 78")  # of an old lease
        lab.start_router(lab.dir / "millraced.yaml")
        wait_for(lambda: lab.run("rtr", "ip", "rule").stdout.count("lookup 780") == 2, "two rules", 15)
        assert "203.0.113.250" not in lab.run("rtr", "ip", "rule").stdout


def test_explain_and_events_name_the_uplink():
    with UplinksLab() as lab:
        lab.begin()

        def step():
            answer = lab.millrace("explain", "in", "lan", "tcp", "198.18.0.11:5000", "to", f"{SERVER}:80")
            return next(s for s in answer["steps"] if s["step"] == "uplink")

        assert step()["decision"] == "fibre (wan), up, priority 1"
        assert [(o["what"], o["no"]) for o in step()["passed_over"]] == [("lte (lte), up, priority 2", "priority")]
        events = lab.start("rtr", "events", build_dir() / "millrace", "-s", lab.socket, "--json", "events",
                           "uplinks")
        wait_for(lambda: lab.run("rtr", "ss", "-xH").stdout.count(str(lab.socket)) > 0, "somebody to hear")
        lab.cut("isp1")
        wait_for(lambda: '"used"' in events.output(), "the events", 5)
        told = [(e["uplink"], e["what"]) for e in events_of(events) if e.get("by") == "uplinks"]
        assert told == [("fibre", "down"), ("fibre", "unused"), ("lte", "used")], told
        assert step()["decision"] == "lte (lte), up, priority 2"
        assert step()["passed_over"][0]["no"] == "down"


def events_of(process):
    for line in process.output().splitlines():
        if line.startswith("{"):
            event = json.loads(line)
            yield event.get("params", event)


def test_uplinks_of_one_priority_share_flows_and_keep_those_that_they_have():
    """Three to one; who joins or leaves moves nobody else's flows."""
    with UplinksLab() as lab:
        lab.begin(uplinks_config(fibre="priority: 1, weight: 3", lte="priority: 1, weight: 1"))
        lab.wait_used("fibre", "lte")
        assert [lab.uplink(n)["ipv4"]["share_percent"] for n in ("fibre", "lte")] == [75, 25]
        seen = [lab.seen_as() for _ in range(60)]
        assert 4 <= seen.count("lte") <= 28 and seen.count("lte") + seen.count("fibre") == 60, seen
        talkers = [talk(lab, name=f"talker-{i}") for i in range(16)]
        of_lte = [t for t in talkers if lab.addresses["lte"] in t.output()]
        of_fibre = [t for t in talkers if lab.addresses["fibre"] in t.output()]
        assert of_lte and of_fibre
        lab.kill("isp2")
        lab.wait_used("fibre")
        for talker in of_lte:
            assert wait_ended(talker)[1] == "ConnectionResetError"
        lab.revive("isp2")
        lab.wait_used("fibre", "lte")
        before = [said(t) for t in of_fibre]
        wait_for(lambda: all(said(t) > b + 5 for t, b in zip(of_fibre, before)), "the others to go on", 5)
        assert not any("ended" in t.output() for t in of_fibre)


def test_uplinks_change_at_run_time_without_loss():
    """None, then two, the other one first, then none again: a ping each 10 ms misses next to nothing,
    and a connection by the one that stays in use goes on."""
    with UplinksLab() as lab:
        text = uplinks_config()
        begin, end = text.index("uplinks:"), text.index("nat:")
        without = text[:begin] + text[end:]
        state = f"state: {{ file: {lab.dir}/state.db }}\n"
        lab.begin(text)

        def apply(config):
            path = lab.dir / "next.yaml"
            path.write_text(config + state)
            began = time.time()
            assert lab.millrace("apply", path) is not None
            return began

        talker, pulse = talk(lab), Pulse(lab)
        began = apply(without)
        assert lab.millrace("show", "uplinks")["uplinks"] == []
        began_with = apply(text)
        lab.wait_used("fibre")
        pulse.wait_back(began_with)
        assert pulse.gap(began) < 0.3
        before = said(talker)
        wait_for(lambda: said(talker) > before + 5, "the connection to go on", 5)
        began = apply(uplinks_config(fibre="priority: 2", lte="priority: 1"))
        lab.wait_used("lte")
        pulse.wait_back(began)
        print(f"swapped: {pulse.gap(began) * 1000:.0f} ms")
        assert pulse.gap(began) < 0.3 and lab.seen_as() == "lte"
        assert wait_ended(talker)[1] == "ConnectionResetError"


def defaults_of(text, routes):
    """By which interface the best default route led, after each of the kernel's news of one; `routes` are
    those before it, by metric."""
    for gone, interface, metric in re.findall(
            r"^(Deleted )?default via \S+ dev (\w+) (?!table).*?metric (\d+)", text, re.M):
        if gone:
            del routes[int(metric)]
        else:
            routes[int(metric)] = interface
        yield routes[min(routes)]


def test_uplinks_come_and_go_and_the_default_route_never_leads_by_another():
    """Not for a moment: who is looked at then is cut. Nor by the first of the list, if a later one is better."""
    with UplinksLab() as lab:
        text = uplinks_config()
        begin, end = text.index("uplinks:"), text.index("nat:")
        lab.begin(text)

        def has_heard(metric):
            for what in ("add", "del"):
                lab.ip("rtr", f"route {what} 203.0.113.77 dev lan metric {metric}")
            return f"metric {metric}" in monitor.output()

        routes = {r["metric"]: r["dev"] for r in lab.ip_json("rtr", "route show default")}
        monitor = lab.start("rtr", "monitor", "ip", "monitor", "route")
        wait_for(lambda: has_heard(7), "the kernel's news")
        title, fibre, lte = text[begin:end].splitlines()
        for uplinks in ("", f"{title}\n{lte}\n{fibre}\n", ""):
            path = lab.dir / "next.yaml"
            path.write_text(f"{text[:begin]}{uplinks}{text[end:]}state: {{ file: {lab.dir}/state.db }}\n")
            assert lab.millrace("apply", path) is not None
        wait_for(lambda: has_heard(8), "the last of the kernel's news")
        led = list(defaults_of(monitor.output(), routes))
        assert len(led) >= 3 * 5 and set(led) == {"wan"}, monitor.output()


def test_a_house_that_asks_much_notices_no_more():
    """Names at full rate while the cable is cut: neither the failover nor the loop waits for them."""
    more = "dns: { listen: [lan], upstreams: learned, cache: 0 }\n"
    with UplinksLab() as lab:
        lab.begin(uplinks_config(more=more))
        (lab.dir / "names").write_text("".join(f"a{i}.load.example.net A\n" for i in range(5000)))
        load = lab.start("pc", "dnsperf", "dnsperf", "-s", "198.18.0.1", "-d", lab.dir / "names", "-l", 14,
                         "-c", 8, "-S", 1)
        wait_for(lambda: load.output().count("\n") > 8, "the load", 10)
        pulse = Pulse(lab)
        began = time.time()
        lab.cut("isp1")
        pulse.wait_back(began)
        gap = pulse.gap(began)
        late_ms = lab.millrace("show", "version")["loop_late_us"] / 1000
        load.popen.wait(40)
        asked = re.search(r"Queries completed:\s+(\d+) \(([\d.]+)%\)", load.output())
        print(f"failover under load: {gap * 1000:.0f} ms; the loop at worst {late_ms:.1f} ms late; "
              f"{asked[1]} questions answered, {asked[2]} %")
        assert gap < 1 and late_ms < 250
        assert int(asked[1]) > 1000 and float(asked[2]) > 95
        assert lookup(lab, "pc", WHICH, "A", "198.18.0.1") == [ANSWERS["lte"]]
