# SPDX-License-Identifier: BSD-3-Clause
"""The uplink's address by DHCP, from Debian's servers, through the dataplane.

    pc1 198.18.0.11 -- lan [ the router ] wan -- router, a bridge of inet -- srv 198.51.100.10
                                                       |
                                         isp2 203.0.113.3: another server, or a stranger
"""

import json
import re
import signal
import time

import pytest
from conftest import cores_for
from dhcp_servers import isc, kea, start_rogue
from home import HomeLab, INET4, SERVER4, build_dir
from lab import wait_for
from tools import fetch, ping

ISP2 = "203.0.113.3"
POOL = "203.0.113."
POLICY = """
zones: { home: { interfaces: lan }, internet: { interfaces: wan } }
firewall:
  input: [{ from: home, action: accept }]
  forward: [{ from: home, action: accept }]
"""
LOSE_MANY = """
table ip lossy {
	chain input {
		type filter hook input priority 0
		udp dport 67 numgen random mod 100 < 30 drop
	}
	chain output {
		type filter hook output priority 0
		udp sport 67 numgen random mod 100 < 30 drop
	}
}
"""


def config(driver="af_packet", workers=1, dhcp4="yes", addresses=""):
    return (f"workers: {{ cores: [{', '.join(map(str, cores_for(workers)))}] }}\n"
            "ports:\n"
            f"  wan: {{ driver: {driver}, match: {{ name: port-wan }} }}\n"
            f"  lan: {{ driver: {driver}, match: {{ name: port-lan }} }}\n"
            "interfaces:\n"
            f"  wan: {{ port: wan, dhcp4: {dhcp4}{addresses} }}\n"
            "  lan: { port: lan, addresses: 198.18.0.1/24 }\n"
            "nat:\n  - { masquerade: wan }\n" + POLICY)


class UplinkLab(HomeLab):
    """A house behind a provider that says who one is, and a second station on its link."""

    def setup(self):
        super().setup()
        self.add_host("isp2")
        self.ip("inet", "link set router down")
        self.ip("inet", "link set router name cable")
        self.ip("inet", "link add router type bridge mcast_snooping 0 forward_delay 0")
        self.ip("inet", "addr flush dev cable")
        self.ip("inet", "link set cable master router")
        self.add_wire("inet", "isp2", "isp2", "eth0")
        self.ip("inet", "link set isp2 master router")
        for device in ("cable", "router"):
            self.ip("inet", f"link set {device} up")
        self.ip("inet", f"addr add {INET4}/24 dev router")
        self.ip("isp2", f"addr add {ISP2}/24 dev eth0")

    def dnsmasq(self, *words, host="inet", name="dnsmasq", lease="2m", first=100, last=110):
        device = "router" if host == "inet" else "eth0"
        server = self.start(host, name, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                            "--user=root", "--pid-file=", "--port=0", f"--interface={device}",
                            "--log-facility=-", "--log-dhcp", "--dhcp-authoritative", "--no-ping",
                            f"--dhcp-leasefile={self.dir}/{name}.leases",
                            f"--dhcp-range={POOL}{first},{POOL}{last},255.255.255.0,{lease}", *words)
        self.wait_port(host, 67, server, kind="udp")
        return server

    def start_uplink(self, text=None, **options):
        return self.start_router((text or config()) + f"state: {{ file: {self.dir}/state.db }}\n", **options)

    def lease(self):
        for interface in self.millrace("show", "interfaces")["interfaces"]:
            if interface["name"] == "wan":
                return interface["dhcp4"] or {}
        return {}

    def wait_bound(self, timeout=20, but=None):
        """The address, once there is one (other than `but`)."""
        wait_for(lambda: self.lease().get("state") == "bound" and self.lease()["address"] != but,
                 "the uplink to have its lease", timeout)
        return self.lease()["address"]

    def addresses(self):
        shown = json.loads(self.run("rtr", "ip", "-j", "-4", "addr", "show", "dev", "wan").stdout)
        return [f"{one['local']}/{one['prefixlen']}" for device in shown for one in device["addr_info"]]

    def routes(self):
        """(to, via, metric) of those that DHCP made."""
        return sorted((route["dst"], route.get("gateway"), route.get("metric", 0)) for route in json.loads(
            self.run("rtr", "ip", "-j", "-4", "route", "show", "proto", "dhcp").stdout))

    def wait_internet(self, timeout=15):
        wait_for(lambda: ping(self, "pc1", SERVER4, count=1).received, "pc1 to reach the internet", timeout)

    def seen_as(self):
        return fetch(self, "pc1", f"http://{SERVER4}/address").strip()

    def kill_router(self):
        router, self.router = self.router, None
        router.stop(signal.SIGKILL)
        self.processes.remove(router)


def messages(server):
    """What a dnsmasq has heard and said, in order."""
    return re.findall(r"DHCP(DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE)\(", server.output())


# --- the way to an address ---

@pytest.mark.parametrize(("driver", "workers"), [("af_packet", 1), ("af_xdp", 2)],
                         ids=["af_packet-1w", "af_xdp-2w"])
def test_a_house_behind_a_lease_reaches_the_internet(driver, workers):
    """Input drops by default: what the server says comes in all the same."""
    with UplinkLab() as lab:
        lab.start_servers()
        lab.dnsmasq()
        lab.start_uplink(config(driver, workers))
        address = lab.wait_bound()
        assert address.startswith(POOL) and address.endswith("/24")
        assert lab.addresses() == [address]
        lab.wait_internet()
        assert lab.seen_as() == address.split("/")[0]
        assert lab.routes() == [("default", INET4, 100)]
        said = json.loads(lab.run("rtr", "ip", "-j", "-4", "addr", "show", "dev", "wan").stdout)
        assert 60 < said[0]["addr_info"][0]["valid_life_time"] <= 120


@pytest.mark.parametrize("start", [kea, isc], ids=["kea", "isc"])
def test_other_servers_know_us_by_what_we_say(start):
    """Kea by the client id, ISC's dhcpd by vendor class and user class; each has one address for it."""
    says = {kea: "{ client-id: 'hex:00:68:6f:75:73:65', hostname: house }",
            isc: "{ vendor-class: sagem, user-class: livebox, client-id: duid }"}[start]
    with UplinkLab() as lab:
        lab.start_servers()
        server = start(lab, "inet", "router")
        lab.start_uplink(config(dhcp4=says))
        assert lab.wait_bound(timeout=30) == POOL + "77/24", server.tail()
        lab.wait_internet()
        assert lab.seen_as() == POOL + "77"
        assert lab.lease()["dns"] == [SERVER4] and lab.lease()["domains"] == ["isp.example"]


@pytest.mark.timeout(240)
def test_three_of_ten_messages_are_lost_each_way():
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        lab.run("inet", "nft", "-f", "-", stdin=LOSE_MANY)
        lab.start_uplink()
        lab.wait_bound(timeout=150)
        lab.wait_internet()
        assert lab.lease()["counts"]["sent"] >= 2
        print(messages(server), lab.lease()["counts"])


def test_an_address_that_somebody_has_is_declined():
    """isp2 has it, without the server's knowledge; the next one is free."""
    with UplinkLab() as lab:
        lab.ip("isp2", f"addr add {POOL}100/24 dev eth0")
        server = lab.dnsmasq("--dhcp-sequential-ip", first=100, last=102)
        lab.start_uplink()
        began = time.monotonic()
        assert lab.wait_bound(timeout=30) == POOL + "101/24"
        assert time.monotonic() - began > 9, "RFC 2131 3.1.5: ten seconds' wait"
        assert messages(server)[:5] == ["DISCOVER", "OFFER", "REQUEST", "ACK", "DECLINE"]
        assert lab.lease()["counts"]["declines"] == 1
        assert f"{POOL}100" in lab.router.output()


def test_an_address_that_is_ours_is_defended_and_given_up_to_who_insists():
    """isp2 takes it without asking, as a host does whose address somebody wrote into a file."""
    with UplinkLab() as lab:
        server = lab.dnsmasq("--dhcp-sequential-ip", first=100, last=102)
        lab.start_uplink()
        assert lab.wait_bound() == POOL + "100/24"
        mine = lab.ip_json("rtr", "link show dev wan")[0]["address"]

        def speak_as_it(address):
            lab.ip("isp2", "neigh flush dev eth0")
            lab.run("isp2", "ping", "-c", 1, "-W", 1, "-I", address, INET4, check=False)

        heard = lab.start("isp2", "tcpdump", "tcpdump", "-l", "-n", "-e", "-i", "eth0",
                          f"arp and ether src {mine}")
        wait_for(lambda: "listening on" in heard.output(), "tcpdump to listen")
        lab.ip("isp2", f"addr add {POOL}100/24 dev eth0")
        speak_as_it(POOL + "100")
        wait_for(lambda: lab.lease()["counts"]["defended"] == 1, "the address to be defended")
        wait_for(lambda: f"Request who-has {POOL}100 tell {POOL}100" in heard.output(),
                 "all to hear whose it is")
        assert lab.lease()["address"] == POOL + "100/24"
        wait_for(lambda: speak_as_it(POOL + "100") or lab.lease()["counts"]["declines"] == 1,
                 "the address to be given up")
        assert lab.addresses() == []
        assert lab.wait_bound(timeout=30) == POOL + "101/24"
        assert messages(server).count("DECLINE") == 1


def test_a_hook_hears_when_the_address_comes_changes_and_goes():
    with UplinkLab() as lab:
        server = lab.dnsmasq("--dhcp-sequential-ip", f"--dhcp-option=option:dns-server,{SERVER4}")
        hook, told = lab.dir / "hook", lab.dir / "hook.told"
        hook.write_text("#!/bin/sh\necho \"$MILLRACE_EVENT $@ $MILLRACE_SERVER $MILLRACE_GATEWAYS $MILLRACE_DNS"
                        f" $MILLRACE_LEASE_SEC\" >> {told}\n")
        hook.chmod(0o755)
        lab.start_uplink(config(dhcp4=f"{{ hook: {hook} }}"))
        lab.wait_bound()

        def lines():
            return told.read_text().splitlines() if told.exists() else []

        def line(what, last):
            return f"{what} {what} wan {POOL}{last}/24 {INET4} {INET4} {SERVER4} 120"

        lab.millrace("dhcp", "renew", "wan")
        wait_for(lambda: lines() == [line("bound", 100), line("renewed", 100)], "the hook to hear of it")
        server.stop()
        lab.processes.remove(server)
        (lab.dir / "dnsmasq.leases").unlink()
        lab.dnsmasq("--dhcp-sequential-ip", f"--dhcp-option=option:dns-server,{SERVER4}", first=105)
        lab.millrace("dhcp", "renew", "wan")
        lab.wait_bound(timeout=30, but=POOL + "100/24")
        wait_for(lambda: len(lines()) >= 4, "the hook to hear of the change")
        assert lines()[2:] == [line("lost", 100), line("bound", 105)]  # a NAK: not ours any more
        lab.millrace("dhcp", "release", "wan")
        wait_for(lambda: lines()[4:] == [line("lost", 105)], "the hook to hear that it is gone")


def test_a_rogue_server_says_what_it_likes():
    """Faster than the real one: nonsense of all kinds, and a NAK after each request."""
    with UplinkLab() as lab:
        lab.start_servers()
        rogue = start_rogue(lab, "isp2", "eth0", ISP2)
        lab.dnsmasq("--dhcp-reply-delay=1")
        lab.start_uplink()
        assert lab.wait_bound(timeout=40).startswith(POOL + "1")
        lab.wait_internet()
        counts = lab.lease()["counts"]
        print(counts)
        assert counts["unusable"] > 0 and counts["malformed"] > 0 and counts["not_for_us"] > 0
        assert counts["naks"] == 0 and lab.lease()["server"] == INET4
        assert rogue.is_alive()


def test_the_houses_own_network_is_not_taken():
    """A provider's box that gives out 198.18.0.0/24, as the house has it, would cut the house off."""
    with UplinkLab() as lab:
        lab.ip("inet", "addr add 198.18.0.254/24 dev router")
        lab.start("inet", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                  "--user=root", "--pid-file=", "--port=0", "--interface=router", "--no-ping",
                  f"--dhcp-leasefile={lab.dir}/leases",
                  "--dhcp-range=198.18.0.100,198.18.0.110,255.255.255.0,2m")
        lab.start_uplink()
        wait_for(lambda: "overlaps with that of another interface" in lab.router.output(),
                 "the router to say why it does not", 20)
        assert lab.addresses() == []
        assert ping(lab, "pc1", "198.18.0.1").received == 3


# --- what a server says besides ---

def test_routes_gateways_mtu_and_resolvers_are_used():
    with UplinkLab() as lab:
        lab.start_servers()
        lab.dnsmasq(f"--dhcp-option=3,{INET4},{ISP2}", "--dhcp-option=option:mtu,1400",
                    f"--dhcp-option=6,{SERVER4}", "--dhcp-option=option:domain-search,a.example,b.example")
        lab.start_uplink(config(dhcp4="{ metric: 20 }"))
        lab.wait_bound()
        assert lab.routes() == [("default", INET4, 20), ("default", ISP2, 21)]
        wait_for(lambda: lab.millrace("show", "interfaces")["interfaces"][0]["mtu"] == 1400, "the MTU")
        lease = lab.lease()
        assert lease["gateways"] == [INET4, ISP2] and lease["mtu"] == 1400
        assert lease["dns"] == [SERVER4] and lease["domains"][:2] == ["a.example", "b.example"]
        lab.wait_internet()
        refused = lab.run("pc1", "ping", "-n", "-c", 1, "-W", 1, "-M", "do", "-s", 1400, SERVER4, check=False)
        assert "mtu = 1400" in refused.stdout + refused.stderr
        # and given back
        lab.millrace("dhcp", "release", "wan")
        wait_for(lambda: lab.millrace("show", "interfaces")["interfaces"][0]["mtu"] == 1500, "the port's MTU")
        assert lab.routes() == [] and lab.addresses() == []


def test_classless_routes_and_a_gateway_beyond_the_subnet():
    """RFC 3442, as providers with an address of 32 bits have it: the gateway is on the link by its own
    route, and the router option is put aside."""
    with UplinkLab() as lab:
        lab.start_servers()
        lab.dnsmasq(f"--dhcp-option=3,{ISP2}", "--dhcp-option=1,255.255.255.255",
                    f"--dhcp-option=121,{INET4}/32,0.0.0.0,0.0.0.0/0,{INET4},198.51.100.128/25,{INET4}")
        lab.start_uplink()
        assert lab.wait_bound().endswith("/32")
        assert lab.routes() == [("198.51.100.128/25", INET4, 100), (INET4, None, 100), ("default", INET4, 100)]
        lab.wait_internet()
        assert ping(lab, "pc1", "198.51.100.138", count=1).received


def test_what_is_not_wished_is_left():
    with UplinkLab() as lab:
        lab.dnsmasq("--dhcp-option=option:mtu,1400", f"--dhcp-option=6,{SERVER4}")
        lab.start_uplink(config(dhcp4="{ use-routes: false, use-mtu: false, use-dns: false }"))
        lab.wait_bound()
        assert lab.routes() == []
        assert lab.millrace("show", "interfaces")["interfaces"][0]["mtu"] == 1500


# --- as time goes by ---

SOON = ("--dhcp-option=option:T1,4", "--dhcp-option=option:T2,8")


def test_a_lease_is_renewed_with_its_server_and_flows_go_on():
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq(*SOON)
        lab.start_uplink()
        address = lab.wait_bound()
        lab.wait_internet()
        with Talk(lab) as talk:
            n = len(messages(server))
            wait_for(lambda: messages(server)[n:].count("ACK") >= 2, "two renewals", 20)
            talk.must_go_on()
        assert messages(server)[n:n + 4] == ["REQUEST", "ACK", "REQUEST", "ACK"]
        assert lab.lease()["state"] == "bound" and lab.addresses() == [address]


def test_a_server_is_lost_and_another_goes_on():
    """RENEWING finds nobody, REBINDING finds isp2's."""
    with UplinkLab() as lab:
        lab.start_servers()
        first = lab.dnsmasq(*SOON)
        lab.start_uplink()
        address = lab.wait_bound()
        lab.wait_internet()
        first.stop()
        lab.processes.remove(first)
        with Talk(lab) as talk:
            lab.dnsmasq(f"--dhcp-option=3,{INET4}", *SOON, host="isp2", name="other")
            wait_for(lambda: lab.lease().get("server") == ISP2, "the other server to take over", 30)
            talk.must_go_on()
        assert lab.lease()["state"] == "bound" and lab.addresses() == [address]
        assert lab.lease()["counts"]["naks"] == 0


def test_a_lease_ends_when_no_server_answers():
    """The kernel would take the address by itself; the routes and the client go with it."""
    with UplinkLab() as lab:
        server = isc(lab, "inet", "router", lease=12)
        lab.start_uplink()
        lab.wait_bound(timeout=30)
        server.stop()
        lab.processes.remove(server)
        wait_for(lambda: lab.addresses() == [], "the address to end", 30)
        assert lab.routes() == []
        assert lab.lease()["state"] in ("init", "selecting") and lab.lease()["address"] is None
        isc(lab, "inet", "router", lease=12, name="again")
        lab.wait_bound(timeout=40)


def test_a_killed_router_asks_for_what_it_had():
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        lab.start_uplink()
        address = lab.wait_bound()
        n = len(messages(server))
        lab.kill_router()
        lab.start_uplink(name="again")
        assert lab.wait_bound() == address
        assert messages(server)[n:] == ["REQUEST", "ACK"], "INIT-REBOOT, no DISCOVER"
        lab.wait_internet()


def test_a_server_that_says_no_gives_another_address():
    """Its pool has changed meanwhile. Flows of the address that is gone are cut; new ones have the new one."""
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        lab.start_uplink()
        before = lab.wait_bound()
        lab.wait_internet()
        server.stop()
        lab.processes.remove(server)
        with Talk(lab) as talk:
            server = lab.dnsmasq(name="moved", first=150, last=160)
            lab.millrace("dhcp", "renew", "wan")
            after = lab.wait_bound(but=before)
            assert messages(server)[:2] == ["REQUEST", "NAK"]
            assert lab.addresses() == [after]
            assert 150 <= int(after.split("/")[0].removeprefix(POOL)) <= 160
            talk.must_be_cut()
        lab.wait_internet()
        assert lab.seen_as() == after.split("/")[0]
        flows = lab.millrace("show", "flows", "to", SERVER4)["flows"]
        assert not [flow for flow in flows if flow["nat_src"] == before.split("/")[0]
                    and flow["tx_packets"] > 0 and flow["idle_sec"] == 0]


def test_a_cable_pulled_and_put_back_asks_at_once_and_keeps_flows():
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        lab.start_uplink()
        address = lab.wait_bound()
        lab.wait_internet()
        with Talk(lab) as talk:
            n = len(messages(server))
            lab.ip("inet", "link set cable down")
            wait_for(lambda: lab.lease()["state"] == "down", "the router to notice", 5)
            assert lab.addresses() == [address]
            lab.ip("inet", "link set cable up")
            began = time.monotonic()
            wait_for(lambda: messages(server)[n:] == ["REQUEST", "ACK"], "the question and its answer", 5)
            print(f"asked and answered within {time.monotonic() - began:.2f} s")
            lab.wait_bound()
            talk.must_go_on()
        assert lab.addresses() == [address]


def test_a_device_set_down_by_hand_has_its_routes_again():
    """The kernel takes them with it, and gives nothing back; nor does the server, which is away."""
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        lab.start_uplink()
        address = lab.wait_bound()
        before = lab.routes()
        server.stop()
        lab.processes.remove(server)
        lab.ip("rtr", "link set wan down")
        wait_for(lambda: lab.routes() == [] and lab.lease()["state"] == "down", "the routes to go", 5)
        lab.ip("rtr", "link set wan up")
        wait_for(lambda: lab.routes() == before, "the routes to come back", 5)
        assert lab.lease()["state"] == "rebooting" and lab.addresses() == [address]
        lab.wait_internet()


# --- other configs, and by hand ---

def test_other_configs_leave_it_and_take_it():
    with UplinkLab() as lab:
        lab.start_servers()
        server = lab.dnsmasq()
        text = config() + f"state: {{ file: {lab.dir}/state.db }}\n"
        lab.start_router(text)
        address = lab.wait_bound()
        lab.wait_internet()
        n = len(messages(server))

        def apply(changed):
            path = lab.dir / "next.yaml"
            path.write_text(changed)
            assert lab.millrace("apply", path)["done"]

        with Talk(lab) as talk:
            apply(text.replace("198.18.0.1/24", "[198.18.0.1/24, 198.18.9.1/24]"))
            apply(text.replace("dhcp4: yes", "dhcp4: { metric: 7 }"))
            assert lab.addresses() == [address] and lab.routes() == [("default", INET4, 7)]
            # a second address in its subnet comes and goes, and with it the kernel's opinion of both
            apply(text.replace("dhcp4: yes", f"dhcp4: yes, addresses: {POOL}9/24"))
            assert sorted(lab.addresses()) == sorted([address, POOL + "9/24"])
            apply(text)
            assert lab.addresses() == [address] and lab.routes() == [("default", INET4, 100)]
            talk.must_go_on()
        assert messages(server)[n:] == []
        apply(text.replace("dhcp4: yes", "dhcp4: no"))
        assert lab.addresses() == [] and lab.routes() == []
        wait_for(lambda: messages(server)[n:] == ["RELEASE"], "the server to hear of it", 5)
        assert lab.lease() == {}
        apply(text)
        lab.wait_bound()
        lab.wait_internet()


def test_release_renew_and_their_events():
    with UplinkLab() as lab:
        server = lab.dnsmasq()
        lab.start_uplink()
        address = lab.wait_bound()
        heard = lab.start("rtr", "events", build_dir() / "millrace", "-s", lab.socket, "--json", "events", "uplinks")
        wait_for(lambda: lab.millrace("dhcp", "renew", "wan") and '"renewed"' in heard.output(), "an event", 10)
        assert lab.millrace("dhcp", "release", "wan")["dhcp4"]["state"] == "released"
        wait_for(lambda: '"lost"' in heard.output() and "RELEASE" in messages(server), "the release", 5)
        assert lab.addresses() == []
        lab.millrace("dhcp", "renew", "wan")
        assert lab.wait_bound() == address
        wait_for(lambda: '"bound"' in heard.output(), "an event of the new lease", 5)
        said = [json.loads(line)["params"] for line in heard.output().splitlines() if '"interface"' in line]
        assert {one["interface"] for one in said} == {"wan"} and said[-1]["address"] == address
        assert lab.millrace("dhcp", "renew", "lan", check=False) is None


class Talk:
    """A TCP connection from pc1 to the internet, that says a line twice a second and hears it again."""

    ECHO = ("import socket, sys\n"
            "s = socket.create_server(('', 7)); c, _ = s.accept()\n"
            "while (d := c.recv(4096)): c.sendall(d)\n")
    TALK = ("import socket, sys, time\n"
            "c = socket.create_connection((sys.argv[1], 7), 5); c.settimeout(30)\n"
            "for i in range(1000):\n"
            "    c.sendall(b'%d\\n' % i); print(c.recv(4096).decode(), end='', flush=True); time.sleep(.5)\n")

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        echo = self.lab.start("srv", "echo", "/usr/bin/python3", "-u", "-c", self.ECHO)
        self.lab.wait_port("srv", 7, echo)
        self.talk = self.lab.start("pc1", "talk", "/usr/bin/python3", "-u", "-c", self.TALK, SERVER4)
        self.wait_lines(2)
        return self

    def __exit__(self, *_):
        pass

    def lines(self):
        return len(self.talk.output().split())

    def wait_lines(self, more):
        n = self.lines()
        wait_for(lambda: self.lines() >= n + more, "the connection to go on", 20)

    def must_go_on(self):
        assert self.talk.is_alive(), self.talk.tail()
        self.wait_lines(2)

    def must_be_cut(self):
        n = self.lines()
        time.sleep(3)
        assert self.lines() <= n + 1, "what has the old address goes on"
