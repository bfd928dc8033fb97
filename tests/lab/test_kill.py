# SPDX-License-Identifier: BSD-3-Clause
"""What somebody ends or clears by a command, while real connections run.

    the topology of apply_lab.py
"""

import json
import re

import pytest
from apply_lab import FAR, PC, ApplyLab, Caller
from lab import wait_for


@pytest.fixture(scope="module")
def lab():
    with ApplyLab() as lab:
        lab.begin()
        lab.serve_live()
        yield lab


def has_flow(lab, protocol):
    state = {"tcp": "established", "udp": "assured"}[protocol]
    return lab.millrace("show", "flows", "to-port", "4000", "proto", protocol, "state", state)["total"]


def count_strays(lab):
    return lab.counts("drop_tcp_new")["drop_tcp_new"]


def test_a_connection_is_ended_and_its_ends_are_told(lab):
    listener = Caller(lab.socket)
    listener.call("subscribe", topics=["commands"])
    with lab.live("tcp") as tcp, lab.live("udp", 200) as udp:
        wait_for(lambda: has_flow(lab, "tcp") and has_flow(lab, "udp"), "both flows")
        said = lab.told("kill", "flows", "from", PC, "to-port", "4000", "proto", "tcp", "--reset")
        assert said == "1 flow ended\n"
        wait_for(lambda: "error" in lab.processes[-2].output(), "the end of the connection", 5)
    assert "reset" in tcp["error"], tcp
    assert udp["answered"] == udp["sent"] > 0, udp
    event = json.loads(listener.lines.readline())["params"]
    assert event["what"] == "kill flows, reset" and event["n"] == 1 and event["uid"] == 0
    assert event["program"].startswith("millrace[")
    assert event["which"] == {"from": PC, "to_port": 4000, "protocol": "tcp"}
    assert "kill flows, reset: 1, by uid 0, millrace[" in lab.router.output()


def test_without_reset_the_connection_is_cut_and_does_not_come_back(lab):
    with lab.live("tcp") as tcp:
        wait_for(lambda: has_flow(lab, "tcp"), "the flow")
        assert lab.told("kill", "flow", "to", FAR, "proto", "tcp") == "1 flow ended\n"
        dropped = count_strays(lab)
        wait_for(lambda: count_strays(lab) > dropped, "what it sends to be dropped", 5)
    assert tcp["answered"] < tcp["sent"], tcp


def test_all_flows_end_only_when_that_is_meant(lab):
    with lab.live("udp", 200) as udp:
        wait_for(lambda: has_flow(lab, "udp"), "the flow")
        assert "--yes means it" in lab.refused("clear", "flows")
        assert "which flows?" in lab.refused("kill", "flows")
        assert re.fullmatch(r"[1-9]\d* flows? ended.*\n", lab.told("clear", "flows", "--yes"))
        wait_for(lambda: has_flow(lab, "udp"), "the flow to begin anew")
    assert udp["answered"] == udp["sent"] > 0, udp


def test_counters_begin_anew(lab):
    def received():
        answer = lab.millrace("show", "interfaces")
        return answer["cleared_sec"], answer["interfaces"][0]["rx_packets"]

    def last_rule():
        return lab.millrace("show", "rules")["lists"][1]["rules"][-2]["packets"]

    for _ in range(6):
        lab.attempt("pc", FAR, "tcp/80", wait=0.5)
    before = wait_for(lambda: received()[1] > 10 and received(), "packets to be counted")
    assert before[0] is None and last_rule() > 0
    assert lab.told("clear", "counters") == "counters begin anew; metrics go on\n"
    after = received()
    assert after[0] is not None and after[1] < before[1] and last_rule() == 0
    assert lab.attempt("pc", FAR, "tcp/80", wait=0.5)["got"] == "answer"
    assert last_rule() == 1
    lab.told("apply", lab.write("next", rules="    - { destination: 192.0.2.9, action: drop }\n"))
    assert last_rule() == 1, "the rule is another config's now, and the same one"
    assert lab.told("clear", "drops") == "counters of drops begin anew; metrics go on\n"


def test_neighbours_are_asked_for_anew(lab):
    def macs():
        return {n["addr"] for n in lab.millrace("show", "neighbours", "on", "lan")["neighbours"]
                if n["mac"] is not None}

    lab.wait_answer("pc", FAR)
    assert PC in macs()
    lab.ip("rtr", "neigh replace 198.18.0.200 lladdr 02:00:00:00:00:01 dev lan nud permanent")
    wait_for(lambda: "198.18.0.200" in macs(), "the permanent one")
    said = lab.told("clear", "neighbours", "198.18.0.0/24", "on", "lan")
    assert re.fullmatch(r"[1-9] neighbours? forgotten\n", said)
    wait_for(lambda: "198.18.0.200" in macs(), "the permanent one to stay")
    wait_for(lambda: lab.reaches(FAR), "the rest to come again", 5)
    wait_for(lambda: PC in macs(), "the neighbour", 5)


def test_names_that_people_know_work(lab):
    assert lab.told("show", "config") == lab.told("show", "running")
    assert "forward" in lab.told("show", "rules")
