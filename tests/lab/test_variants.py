# SPDX-License-Identifier: BSD-3-Clause
"""The main tests of routes, neighbours and the host stack, on the drivers and numbers of workers
that their own files do not run them on."""

import pytest
import test_host_stack
import test_neighbours
import test_routes
from conftest import OURS, Variant, cores_for, params
from home import ROUTER_LAN4, ROUTER_LAN6
from segment import GATEWAYS, SegmentLab, segment_config
from tools import ping

OTHERS = [v for v in OURS if v not in (Variant("af_packet", 1), Variant("af_xdp", 2))]
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
NOWHERE = [("unreachable", "drop_unreachable", {4: [3, 1], 6: [1, 3]}),
           (None, "drop_no_route", {4: [3, 0], 6: [1, 0]})]

pytestmark = pytest.mark.parametrize("variant", params(OTHERS, "-others"), scope="module")


@pytest.fixture(scope="module")
def running(variant):
    with SegmentLab(wires=variant.wires) as lab:
        lab.start_answerers()
        lab.start_router(segment_config(variant.driver, cores_for(variant.workers)))
        lab.wait_lan()
        assert {port["driver"] for port in lab.millrace("show", "ports")["ports"]} == {variant.driver}
        assert len(lab.millrace("show", "workers")["workers"]) == variant.workers
        yield lab


@pytest.fixture
def lab(running):
    """Without a route but those of the links, before and after each test."""
    yield running
    for family in (4, 6):
        running.ip("rtr", f"-{family} route flush proto boot")


# --- routes ---

@FAMILIES
def test_the_longest_prefix_wins(lab, family):
    test_routes.test_the_longest_prefix_wins(lab, family)


@FAMILIES
def test_two_gateways_share_the_flows(lab, family):
    test_routes.test_two_gateways_share_the_flows(lab, family)


@pytest.mark.parametrize("nowhere", NOWHERE, ids=["unreachable", "no-route"])
@FAMILIES
def test_a_packet_that_goes_nowhere_is_answered(lab, family, nowhere):
    test_routes.test_a_packet_that_goes_nowhere_is_answered(lab, family, *nowhere)


@FAMILIES
def test_too_big_says_the_mtu_of_the_way_out(lab, family):
    test_routes.test_too_big_says_the_mtu_of_the_way_out(lab, family)


# --- neighbours ---

@FAMILIES
def test_packets_to_a_silent_host_wait_and_arrive_in_order(lab, family):
    test_neighbours.test_packets_to_a_silent_host_wait_and_arrive_in_order(lab, family)


def test_who_does_not_answer_holds_no_more_than_its_share(lab):
    test_neighbours.test_who_does_not_answer_holds_no_more_than_its_share(lab)


# --- host stack ---

@pytest.mark.parametrize("router", [ROUTER_LAN4, ROUTER_LAN6], ids=["ipv4", "ipv6"])
def test_the_router_answers_each_ping(lab, router):
    result = ping(lab, "pc1", router, count=100, interval=0.005)
    assert result.received == 100 and "DUP!" not in result.text, result.text


def test_a_tcp_service_answers_on_every_address(lab):
    lab.route(f"add 0.0.0.0/0 via {GATEWAYS['gw1'][0]}")
    test_host_stack.test_a_tcp_service_answers_on_every_address(lab)


@pytest.mark.parametrize("group", ["224.0.0.251", "ff02::fb"], ids=["ipv4", "ipv6"])
def test_a_question_to_a_group_is_heard_and_answered(lab, group):
    test_host_stack.test_a_question_to_a_group_is_heard_and_answered(lab, group)
