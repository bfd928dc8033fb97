# SPDX-License-Identifier: BSD-3-Clause
"""A plan says which of the flows that live would end: exactly those that an apply then ends.

    the topology of apply_lab.py
"""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
from apply_lab import CUT, FAR, FAR6, OTHER, ApplyLab
from lab import wait_for

MANY = Path(__file__).with_name("many_flows.py")
PORT, PORTS, FLOWS = 4100, 8, 240
ROUNDS = int(os.environ.get("MILLRACE_ROUNDS", "4"))  # of random policies
NAMES = ("protocol", "src", "sport", "dst", "dport")
RESTS_SEC = 0.3
SPARE = "203.0.113.5"  # an address of the router's that some translations use


class PlanLab(ApplyLab):
    def config(self, nat_first="", wan=f", {SPARE}/24", **changes):
        return super().config(wan=wan, **changes).replace("nat:\n", f"nat:\n{nat_first}")

    def begin(self, **changes):
        super().begin(**changes)
        server = self.start("inet", "many", "/usr/bin/python3", MANY, "serve", PORT,
                            FAR, OTHER, FAR6)
        wait_for(lambda: "serving" in server.output(), "the server")

    def talk(self, n, seed):
        """So many flows, each of which has had answers."""
        talker = self.start("pc", f"talk-{seed}", "/usr/bin/python3", MANY, "talk", n, seed, PORT,
                            FAR, OTHER, FAR6)
        wait_for(lambda: "talking" in talker.output(), "all flows", 30)
        return talker

    def hush(self, talker):
        talker.stop(signal.SIGKILL)
        self.processes.remove(talker)
        self.command("kill", "flows", "on", "lan")

    def flows(self):
        """How many packets each has sent, by its name."""
        return {name_of(flow): flow["tx_packets"]
                for flow in self.millrace("show", "flows", "limit", 5000)["flows"]
                if is_ours(flow)}

    def resting_flows(self):
        """The same, once nothing is on its way: acknowledgements come late."""
        now, before = self.flows(), None
        while now != before:
            time.sleep(RESTS_SEC)
            now, before = self.flows(), now
        return now

    def ended_by_another_packet(self, talker, before):
        """Those that have sent one are not the flows any more that they were."""
        said = talker.output().count("sent")
        talker.popen.send_signal(signal.SIGUSR1)
        wait_for(lambda: talker.output().count("sent") > said, "another packet of each")
        after = self.resting_flows()
        return {name for name, packets in before.items() if after.get(name, 0) <= packets}


def is_ours(flow):
    return PORT <= flow["dport"] < PORT + PORTS


def name_of(flow):
    return tuple(flow[key] for key in NAMES)


def random_rules(choose):
    """Rules that meet some of the flows, each by something else."""
    rules = []
    for _ in range(choose.randrange(1, 6)):
        first = PORT + choose.randrange(PORTS)
        asks = choose.sample([
            f"protocol: {choose.choice(('tcp', 'udp'))}, port: {first}-{first + choose.randrange(3)}",
            f"destination: {choose.choice((OTHER, FAR6, FAR))}",
            f"source-port: {choose.randrange(32768, 50000)}-{choose.randrange(50000, 61000)}, "
            f"protocol: {choose.choice(('tcp', 'udp'))}",
        ], 1)
        action = choose.choice(("drop", "reject", "accept"))
        rules.append(f"    - {{ {', '.join(asks)}, action: {action} }}\n")
    return "".join(rules)


def random_policy(choose):
    changes = {"rules": random_rules(choose)}
    if choose.random() < 0.4:
        changes["nat_first"] = choose.choice((
            f"  - {{ source: {SPARE}, interface: wan, protocol: udp }}\n",
            f"  - {{ source: {SPARE}, interface: wan, to: {OTHER} }}\n",
            f"  - {{ exempt: wan, to: {OTHER}, protocol: tcp }}\n"))
    return changes


@pytest.mark.alone
@pytest.mark.timeout(240)
@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_plan_says_is_what_an_apply_cuts(workers):
    choose = random.Random(workers)
    cut = kept = 0
    with PlanLab() as lab:
        lab.begin(workers=workers)
        usual = lab.write("usual", workers=workers)
        for turn in range(ROUNDS):
            talker = lab.talk(FLOWS, turn)
            before = lab.resting_flows()
            assert len(before) == FLOWS
            path = lab.write("next", workers=workers, **random_policy(choose))
            plan = lab.millrace("plan", path)
            said = {name_of(flow) for flow in plan["cut"] if is_ours(flow)}
            assert plan["cut_is_all"] and plan["judged"] >= FLOWS
            assert len(plan["cut"]) == plan["cut_total"] == sum(
                cause["flows"] for cause in plan["causes"])
            assert lab.flows() == before, "a plan changes nothing"
            lab.told("apply", path)
            ended = lab.ended_by_another_packet(talker, before)
            assert ended == said, (path.read_text(), plan["causes"])
            cut, kept = cut + len(said), kept + FLOWS - len(said)
            lab.hush(talker)
            lab.told("apply", usual)
    print(f"{cut} cut, {kept} kept")
    assert cut > FLOWS and kept > FLOWS


@pytest.fixture
def lab():
    with PlanLab() as lab:
        lab.begin()
        yield lab


def test_it_names_the_line_that_ends_them_and_the_flows(lab):
    lab.talk(40, 1)
    others = [name for name in lab.flows() if name[3] == OTHER]
    path = lab.write("next", rules=CUT)
    line = 1 + path.read_text().splitlines().index(CUT.rstrip())
    said = lab.told("plan", path)
    assert f"{len(others)} of " in said and "live flows end with it:\n" in said, said
    assert (f"{len(others):8} by forward, {path}:{line}: destination: {OTHER}, action: drop\n"
            in said), said
    shown = re.findall(rf"^  (tcp|udp) \S+:(\d+) -> {OTHER}:(\d+)$", said, re.MULTILINE)
    assert len(shown) == min(10, len(others))
    assert said.endswith("It can be applied.\n")
    path = lab.write("next", nat_first=f"  - {{ source: {SPARE}, interface: wan }}\n")
    assert re.search(r"^ +\d+ translated otherwise: ", lab.told("plan", path), re.MULTILINE)


def test_it_judges_no_more_than_it_is_asked_to_and_says_so(lab):
    lab.talk(FLOWS, 1)
    path = lab.write("next", rules="    - { action: drop }\n")
    plan = lab.millrace("plan", path, "flows", 100)
    assert 100 <= plan["judged"] < FLOWS and not plan["cut_is_all"]
    assert "of the first " in lab.told("plan", path, "--flows", "100")
    assert lab.millrace("plan", path)["judged"] > FLOWS


def test_what_would_not_be_applied_is_no_plan_either(lab):
    path = lab.write("next", sets="  bad: { addresses: [], file: /nonexistent/list }\n",
                     rules="    - { destination: bad, action: drop }\n")
    for verb in "plan", "apply":
        said = lab.refused(verb, path)
        assert "/nonexistent/list" in said and "nothing has changed" in said, said


def test_a_set_that_only_the_new_file_has_is_made_by_an_apply_alone(lab):
    for seconds in (1, 2):  # another timeout, and another room, each time
        path = lab.write("next", rules="    - { source: slow, action: drop }\n",
                         sets=f"  slow: {{ addresses: [], timeout: {seconds}h, "
                              f"capacity: {seconds * 1024} }}\n")
        assert "It can be applied" in lab.told("plan", path)
        assert "slow" not in [s["name"] for s in lab.millrace("show", "sets")["sets"]]
    lab.told("apply", path)
