# SPDX-License-Identifier: BSD-3-Clause
"""Ports and interfaces come, go and change while the router runs; the others notice nothing.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
      \\ 198.51.100.10: the internet       guest -- guest 198.19.0.11
"""

import re

import pytest
from apply_lab import FAR, HOSTS, PC, ApplyLab, Caller, own_kib
from example import Host
from lab import wait_for

GUEST = "198.19.0.11"
TIMES = 50
COMES_IN = "    - { from: guest, to: wan, action: accept }\n"


class HotLab(ApplyLab):
    def __init__(self):
        super().__init__()
        self.plan = {**HOSTS, "guest": Host("guest", (f"{GUEST}/24",), gateways=("198.19.0.1",))}

    def begin(self, **changes):
        super().begin(**changes)
        self.open_doors("guest")

    def write(self, name="millraced", guest=None, changed=(), **changes):
        """With `guest`, keys of its port, the config has that port and an interface on it."""
        path = super().write(name, **{**changes, "rules": changes.get("rules", "")
                                      + (COMES_IN if guest else "")})
        text = path.read_text()
        if guest:
            text = text.replace("ports:\n", f"ports:\n  guest: {{ {guest} }}\n", 1)
            text = text.replace("interfaces:\n", "interfaces:\n  guest: { port: guest, addresses: "
                                                 "198.19.0.1/24 }\n", 1)
            text = text.replace("zones:\n", "zones:\n  guest: { interfaces: guest }\n", 1)
        for old, new in changed:
            assert text.count(old) == 1, (old, text.count(old))
            text = text.replace(old, new)
        path.write_text(text)
        return path

    def guest_reaches(self):
        return self.attempt("guest", FAR, "tcp/80", wait=0.3)["got"] == "answer"

    def interfaces(self):
        return {i["name"]: i for i in self.millrace("show", "interfaces")["interfaces"]}

    def flows_of(self, *words):
        return self.millrace("show", "flows", *words)["flows"]


def match(driver="af_packet", name="port-guest", more=""):
    return f"driver: {driver}, match: {{ name: {name} }}{more}"


@pytest.fixture
def lab():
    with HotLab() as lab:
        lab.begin()
        yield lab


@pytest.mark.parametrize(("driver", "workers"), [("af_packet", 1), ("af_packet", 2), ("af_xdp", 1)])
def test_a_port_comes_and_goes_and_nobody_else_notices(driver, workers):
    with HotLab() as lab:
        lab.begin(workers=workers)
        come_and_go(lab, driver, workers)


def come_and_go(lab, driver, workers):
    lab.serve_live()
    caller = Caller(lab.socket)
    with_guest = str(lab.write("with", guest=match(driver), workers=workers))
    without = str(lab.dir / "millraced.yaml")

    def once(is_used):
        for path in (with_guest, without):
            done = caller.call("config.apply", file=path)
            assert done["done"], done
            if is_used and path is with_guest:
                wait_for(lab.guest_reaches, "the guest to reach the internet")

    with lab.live("udp", 500) as udp, lab.live("tcp") as tcp:
        for _ in range(TIMES):
            once(is_used=True)
    assert udp["answered"] == udp["sent"] > 20 * TIMES, udp
    assert tcp["answered"] == tcp["sent"] > TIMES and "error" not in tcp, tcp
    assert not lab.has_device("rtr", "guest") and "guest" not in lab.interfaces()
    assert lab.ip("rtr", "-4 route show 198.19.0.0/24") == ""
    assert "198.19.0.0/24" not in [r["to"] for r in lab.millrace("show", "routes")["routes"]]
    # a new flow takes a page here and there: so without any
    before, before_kib = lab.millrace("show", "ports"), own_kib(lab.router.pid)
    for _ in range(TIMES):
        once(is_used=False)
    after = lab.millrace("show", "ports")
    assert after["buffers"] == before["buffers"], (before, after)
    wait_for(lambda: lab.millrace("show", "ports")["buffers_in_use"] <= before["buffers_in_use"] + 64,
             "packet buffers to return", 5)
    grown = own_kib(lab.router.pid) - before_kib
    assert grown < 1024, f"{grown} KiB more than before"


def test_what_goes_cuts_its_flows_and_leaves_the_others(lab):
    lab.serve_live()
    lab.told("apply", lab.write("with", guest=match()))
    wait_for(lab.guest_reaches, "the guest to reach the internet")
    with lab.live("tcp") as tcp:
        assert lab.flows_of("on", "guest") and lab.flows_of("from", PC)
        plan = lab.told("plan", lab.dir / "millraced.yaml")
        assert "interface guest goes\n" in plan, plan
        assert re.search(rf"^[1-9]\d* of \d+ live flows ends? with it:\n +[1-9]\d* with their "
                         rf"interface\n  tcp {GUEST}:\d+ -> {FAR}:80$", plan, re.MULTILINE), plan
        before = lab.counts("flow_cut")["flow_cut"]
        lab.told("apply", lab.dir / "millraced.yaml")
        wait_for(lambda: lab.counts("flow_cut")["flow_cut"] > before, "flows to be cut")
        wait_for(lambda: not lab.flows_of("from", GUEST), "the guest's flows to end")
        assert lab.flows_of("from", PC)
    assert tcp["answered"] == tcp["sent"] and "error" not in tcp, tcp
    assert lab.router.output().count("guest: goes, with port guest") == 1
    lab.told("rollback")
    wait_for(lab.guest_reaches, "the guest to reach the internet again")


CHANGES = [
    ("driver", match("af_xdp")),
    ("mac", match(more=', mac: "02:00:5e:00:53:07"')),
    ("queues", match(more=", queues: 1")),
    ("tap", "driver: tap, tap-name: cable0"),
]


@pytest.mark.parametrize("changed", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_port_that_is_changed_is_made_anew(lab, changed):
    lab.serve_live()
    lab.told("apply", lab.write("with", guest=match(more=", mtu: 1400")))
    wait_for(lab.guest_reaches, "the guest to reach the internet")
    assert lab.interfaces()["guest"]["mtu"] == 1400
    with lab.live("udp", 500) as udp:
        path = lab.write("next", guest=changed)
        assert "interface guest is made anew\n" in lab.told("plan", path)
        lab.told("apply", path)
        guest = lab.interfaces()["guest"]
        assert guest["mtu"] == 1500 and "198.19.0.1/24" in guest["addresses"], guest
        if "02:00:5e" in changed:
            assert guest["mac"] == "02:00:5e:00:53:07", guest
        if "tap" not in changed:
            wait_for(lab.guest_reaches, "the guest to reach the internet again")
        lab.told("rollback")
        wait_for(lab.guest_reaches, "the guest to reach the internet by the old port")
    assert lab.interfaces()["guest"]["mtu"] == 1400
    assert udp["answered"] == udp["sent"] > 20, udp


def test_what_leads_to_the_internet_now_is_made_anew_with_its_routes(lab):
    path = lab.write("next", changed=[("nat:\n  - { masquerade: wan }", "nat:\n  - "
                                       "{ masquerade: lan, to: 192.0.2.0/24 }")])
    lab.ip("inet", "route replace 198.18.0.0/24 via 203.0.113.2")
    plan = lab.told("plan", path)
    assert "interface wan is made anew\n" in plan and "interface lan is made anew\n" in plan, plan
    routes = (lab.routes(), lab.routes(6))
    lab.told("apply", path)
    assert (lab.routes(), lab.routes(6)) == routes
    wait_for(lambda: lab.reaches(FAR), "the pc to reach the internet")
    outside = {name: i["is_outside"] for name, i in lab.interfaces().items()}
    assert outside == {"wan": False, "lan": True}
    lab.told("rollback")
    wait_for(lambda: lab.reaches(FAR), "the pc to reach the internet again")


def test_a_name_moves_to_another_card(lab):
    lab.ip("guest", "addr replace 198.18.0.12/24 dev eth0")
    lab.ip("guest", "route replace default via 198.18.0.1")
    lab.told("apply", lab.write("next", changed=[("match: { name: port-lan }",
                                                  "match: { name: port-guest }")]))
    wait_for(lab.guest_reaches, "the guest to be on the LAN")
    assert not lab.reaches(FAR)
    lab.told("rollback")
    wait_for(lambda: lab.reaches(FAR), "the pc to be on it again")
    assert not lab.guest_reaches()


BAD = [
    ("absent", match(name="port-none"), (), "port-none"),
    ("mtu", match(more=", mtu: 9000"), (), "larger than the 1500"),
    ("later", match(), [("sets:\n", "sets:\n  bad: { addresses: [], file: /nonexistent/list }\n"),
                        ("    - { from: guest, to:",
                         "    - { destination: bad, action: drop }\n    - { from: guest, to:")],
     "/nonexistent/list"),
]


@pytest.mark.parametrize(("guest", "changed", "what"), [row[1:] for row in BAD],
                         ids=[row[0] for row in BAD])
def test_what_cannot_come_leaves_all_as_it_was(lab, guest, changed, what):
    lab.serve_live()
    before = lab.state()
    with lab.live("tcp") as tcp, lab.live("udp", 500) as udp:
        said = lab.refused("apply", lab.write("next", guest=guest, changed=changed))
        assert what in said and "nothing has changed" in said, said
    assert lab.state() == before
    assert tcp["answered"] == tcp["sent"] and udp["answered"] == udp["sent"], (tcp, udp)


def test_who_had_to_make_room_is_there_again_when_another_cannot_come(lab):
    lab.told("apply", lab.write("with", guest=match()))
    wait_for(lab.guest_reaches, "the guest to reach the internet")
    before = lab.state()
    said = lab.refused("apply", lab.write("next", guest=match(name="port-none")))
    assert "port-none" in said, said
    wait_for(lambda: lab.state() == before, "the state of before")
    wait_for(lab.guest_reaches, "the guest to reach the internet again")
    assert "is there again; its connections are not" in lab.router.output()


def test_on_trial_what_came_goes_by_itself(lab):
    lab.told("apply", lab.write("with", guest=match()), "--confirm", "3")
    wait_for(lab.guest_reaches, "the guest to reach the internet", 2.5)
    wait_for(lambda: "guest" not in lab.interfaces(), "the router to go back", 6)
    assert lab.reaches(FAR) and not lab.has_device("rtr", "guest")


def test_the_router_ends_well_with_ports_that_came(lab):
    lab.told("apply", lab.write("with", guest=match("af_xdp")))
    wait_for(lab.guest_reaches, "the guest to reach the internet")
    lab.stop_router()
    assert "prog/xdp" not in lab.ip("rtr", "link show port-guest")
