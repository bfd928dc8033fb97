# SPDX-License-Identifier: BSD-3-Clause
"""The DHCP server with real clients, relays and neighbours; without a dataplane, and through it."""

import json
import random
import signal
import sqlite3
import time

import pytest
from conftest import cores_for
from dhcp_lab import SERVER, DhcpLab
from home import HomeLab, build_dir, home_config
from lab import run_command, wait_for
from networkd import start_networkd

PLAIN = "  lan: { pool: 198.18.0.100-198.18.0.240 }"
FULL = f"""  lan:
    pool: 198.18.0.100-198.18.0.240
    lease-time: 4h
    renew: 1h
    rebind: 2h
    options:
      dns: [198.18.0.53, 198.18.0.54]
      domain: home.example
      search: [home.example, example.com]
      ntp: 198.18.0.123
      mtu: 1400
      routes: [0.0.0.0/0 via {SERVER}, 198.51.100.0/24 via 198.18.0.2]
      captive-portal: https://portal.example/api
      option-224: 0x0a0b
    reservations:
      printer: {{ mac: 02:00:5e:00:53:01, address: 198.18.0.9 }}
      named: {{ client-id: 0x01aabbccddeeff, address: 198.18.0.10, options: {{ mtu: 1300 }} }}
"""


@pytest.fixture
def lab():
    with DhcpLab() as made:
        yield made


def as_number(text):
    return int.from_bytes(bytes(int(part) for part in text.split(".")), "big")


def is_in_pool(address):
    return as_number("198.18.0.100") <= as_number(address) <= as_number("198.18.0.240")


# --- clients ---

def test_three_words_are_enough_for_a_house(lab):
    lab.start_server(PLAIN)
    address = lab.udhcpc("pc1")
    told = lab.told("pc1")
    assert is_in_pool(address)
    assert (told["router"], told["dns"], told["subnet"]) == (SERVER, SERVER, "255.255.255.0")
    assert told["lease"] == str(12 * 3600)
    assert lab.run("pc1", "ping", "-c", 1, "-W", 2, SERVER).returncode == 0
    assert lab.udhcpc("pc1") == address  # it is known
    assert lab.udhcpc("pc2") != address


def test_udhcpc_is_told_all_options(lab):
    lab.start_server(FULL)
    assert lab.udhcpc("pc2", "-O", "search", "-O", "mtu", "-O", "staticroutes", "-O", "224",
                      "-O", "ntpsrv")
    told = lab.told("pc2")
    assert told["dns"] == "198.18.0.53 198.18.0.54"
    assert told["domain"] == "home.example"
    assert told["search"] == "home.example. example.com." or told["search"] == "home.example example.com"
    assert told["ntpsrv"] == "198.18.0.123"
    assert told["mtu"] == "1400"
    assert told["staticroutes"].split() == ["0.0.0.0/0", SERVER, "198.51.100.0/24", "198.18.0.2"]
    assert told["opt224"] == "0a0b"
    assert told["lease"] == "14400"


def test_dhclient_gets_renews_and_releases(lab):
    lab.start_server(FULL.replace("4h", "80s").replace("1h", "61s").replace("2h", "70s"))
    lease, pid = lab.dir / "dhclient.leases", lab.dir / "dhclient.pid"
    conf = lab.dir / "dhclient.conf"
    conf.write_text("request subnet-mask, routers, domain-name-servers, domain-name, "
                    "ntp-servers, dhcp-renewal-time, dhcp-rebinding-time;\n"
                    'send host-name "laptop";\n')
    dhclient = ("dhclient", "-4", "-cf", conf, "-sf", lab.script("pc2"), "-lf", lease, "-pf", pid)
    lab.run("pc2", *dhclient, "-1", "eth0")
    told = lab.told("pc2")
    assert is_in_pool(told["new_ip_address"])
    assert told["new_dhcp_renewal_time"] == "61"
    assert told["new_dhcp_rebinding_time"] == "70"
    assert told["new_domain_name"] == "home.example"
    lab.wait_event(f"given lan {told['new_ip_address']} laptop")
    lab.run("pc2", *dhclient, "-r", "eth0")
    lab.wait_event(f"released lan {told['new_ip_address']}")
    lab.run("pc2", *dhclient, "-1", "eth0")
    assert lab.told("pc2")["new_ip_address"] == told["new_ip_address"]
    lab.run("pc2", *dhclient, "-x", "eth0", check=False)


def test_dhcpcd_gets_an_address(lab):
    lab.start_server(FULL)
    conf = lab.dir / "dhcpcd.conf"
    conf.write_text("noipv6\nnohook resolv.conf, hostname\nduid\noption domain_name_servers, "
                    "classless_static_routes, interface_mtu\n")
    client = lab.start("pc2", "dhcpcd", "unshare", "-m", "sh", "-c",
                       "mount -t tmpfs none /run && mount -t tmpfs none /var/lib/dhcpcd; "
                       f"exec dhcpcd -4 -B -d -f {conf} eth0")
    wait_for(lambda: any(is_in_pool(a) for a in lab.addresses("pc2")),
             "dhcpcd to set its address", 25)
    address = lab.addresses("pc2")[0]
    lab.wait_event(f"given lan {address}")
    assert any(r["dst"] == "198.51.100.0/24" for r in lab.ip_json("pc2", "route show"))
    client.stop()
    lab.processes.remove(client)


def test_systemd_networkd_takes_all_options_and_gives_its_address_back(lab):
    lab.start_server(FULL)
    addresses = []
    for _ in range(2):
        client = start_networkd(lab, "pc2", "laptop", "UseMTU=yes\nClientIdentifier=duid")
        wait_for(lambda: {("default", SERVER), ("198.51.100.0/24", "198.18.0.2")} <=
                 {(r["dst"], r.get("gateway")) for r in lab.ip_json("pc2", "route show")},
                 "systemd-networkd to set its routes", 20)
        address, = lab.addresses("pc2")
        assert is_in_pool(address)
        lab.wait_event(f"given lan {address} laptop")
        assert lab.ip_json("pc2", "link show dev eth0")[0]["mtu"] == 1400
        client.stop(signal.SIGTERM)
        lab.processes.remove(client)
        addresses.append(address)
        wait_for(lambda: lab.server.output().count(f"released lan {addresses[0]}") == len(addresses),
                 "it to give the address back")
        lab.ip("pc2", "addr flush dev eth0")
    assert addresses[0] == addresses[1]


def test_reservations_by_mac_and_by_client_id(lab):
    lab.start_server(FULL)
    assert lab.udhcpc("pc1") == "198.18.0.9"
    assert lab.udhcpc("pc2", "-x", "0x3d:01aabbccddeeff", "-O", "mtu", "-C") == "198.18.0.10"
    assert lab.told("pc2")["mtu"] == "1300"
    assert is_in_pool(lab.udhcpc("pc2"))


def test_who_is_refused_gets_nothing(lab):
    lab.start_server("  lan: { pool: 198.18.0.100-198.18.0.240, deny: 02:00:5e:00:53:01 }")
    assert lab.udhcpc("pc1", "-t", 2, check=False) is None
    assert lab.udhcpc("pc2") is not None


# --- the network ---

def test_an_address_that_somebody_has_is_not_given(lab):
    lab.ip("pc2", "addr add 198.18.0.100/24 dev eth0")
    lab.start_server("  lan: { pool: 198.18.0.100-198.18.0.101 }")
    assert lab.udhcpc("pc1", "-r", "198.18.0.100") == "198.18.0.101"
    lab.wait_event("declined lan 198.18.0.100")


def test_an_interface_may_come_late_and_go(lab):
    lab.ip("srv", "link set lan name other")
    lab.start_server(PLAIN)
    lab.ip("srv", "link set other down")
    lab.ip("srv", "link set other name lan")
    lab.ip("srv", "link set lan up")
    lab.wait_event("dhcp lan: serving")
    assert lab.udhcpc("pc1")
    lab.ip("srv", "link del lan")
    lab.wait_event("the interface is gone")
    lab.add_wire("sw", "server", "srv", "lan")
    lab.ip("sw", "link set server master br0")
    lab.ip("srv", f"addr add {SERVER}/24 dev lan")
    wait_for(lambda: lab.server.output().count("dhcp lan: serving") == 2, "it to be served again")
    assert lab.udhcpc("pc2")


def test_a_relay_asks_for_hosts_of_another_network(lab):
    """dnsmasq as the relay, on sw: pc2 moves behind it."""
    lab.ip("sw", "link set pc2 nomaster")
    lab.ip("sw", "addr add 198.51.100.1/24 dev pc2")
    lab.ip("sw", "addr add 198.18.0.2/24 dev br0")
    lab.ip("srv", "route add 198.51.100.0/24 via 198.18.0.2")
    lab.start_server(PLAIN + "\n  far: { interface: lan, relayed: true, subnet: 198.51.100.0/24, "
                     "pool: 198.51.100.50-198.51.100.60, options: { routers: 198.51.100.1 } }")
    relay = lab.start("sw", "relay", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                      "--port=0", "--user=root", "--pid-file=", f"--dhcp-relay=198.51.100.1,{SERVER}",
                      "--interface=pc2,br0", "--bind-interfaces")
    lab.wait_port("sw", 67, relay, "udp")
    address = lab.udhcpc("pc2")
    assert 50 <= int(address.rsplit(".", 1)[1]) <= 60 and address.startswith("198.51.100.")
    assert lab.told("pc2")["router"] == "198.51.100.1"
    lab.wait_event(f"given far {address}")
    assert is_in_pool(lab.udhcpc("pc1"))


# --- leases last ---

def test_leases_survive_a_restart_and_another_config(lab):
    lab.start_server("  lan: { pool: 198.18.0.100-198.18.0.101 }")
    address = lab.udhcpc("pc1")
    assert lab.stop_server() == 0
    lab.start_server()
    assert lab.udhcpc("pc2", "-r", address) != address
    lab.write_config(PLAIN)
    lab.server.popen.send_signal(signal.SIGHUP)
    lab.wait_event("followed")
    assert lab.udhcpc("pc1") == address


BIG = "  lan: {{ pool: 198.18.4.0-198.18.255.0, per-host: 65536, conflict-check: {check}, lease-time: 8h{more} }}"


def start_big(lab, check="false", more=""):
    lab.ip("srv", "addr flush dev lan")
    lab.ip("srv", f"addr add {SERVER}/16 dev lan")
    lab.start_server(BIG.format(check=check, more=more), addresses=f"{SERVER}/16")


def clients(lab, first, n, window, seconds, again_ms=1000):
    return lab.start("pc1", f"clients-{first}", build_dir() / "tests/dhcp/dhcp_clients", "eth0",
                     first, n, window, seconds, again_ms)


def acks(process):
    return [(int(words[1]), words[2]) for words in map(str.split, process.output().splitlines())
            if len(words) == 3 and words[0] == "ack"]


def measured(process):
    return json.loads(process.output().splitlines()[-1])


@pytest.mark.alone
def test_a_thousand_clients_get_their_leases(lab):
    start_big(lab)
    load = clients(lab, 1, 1000, 32, 5)
    load.popen.wait(20)
    result = measured(load)
    assert result["naks"] == 0
    assert len({client for client, _ in acks(load)}) == 1000
    assert len(set(acks(load))) == 1000  # each always the same
    assert result["per_sec"] >= 2000, result
    single = clients(lab, 1, 1000, 1, 2)
    single.popen.wait(20)
    assert measured(single)["offer_p50_ms"] < 2, measured(single)


def test_power_cuts_forget_nothing(lab):
    """kill -9 at 100 random moments under load, then: no address twice, none forgotten."""
    start_big(lab)
    load = clients(lab, 1, 20000, 24, 600, again_ms=20)
    draw = random.Random(20261122)
    for _ in range(100):
        time.sleep(draw.uniform(0.005, 0.12))
        lab.server.popen.kill()
        lab.server.popen.wait()
        lab.processes.remove(lab.server)
        lab.start_server()
    load.stop()
    given = acks(load)
    owner, of_client = {}, {}
    for client, address in given:
        assert owner.setdefault(address, client) == client, f"{address} was given twice"
        of_client[client] = address
    assert len(owner) > 1000, "too few leases to prove anything"
    assert lab.stop_server() == 0
    with sqlite3.connect(lab.leases_path()) as db:
        kept = dict(db.execute("SELECT address, mac FROM dhcp4_leases WHERE state = 2"))
    for client, address in of_client.items():
        mac = b"\x02\x00" + client.to_bytes(4, "big")
        assert kept.get(as_number(address)) == mac, f"{address} of client {client} is forgotten"


# --- hooks ---

# What it is told, a line each; the second word of the first argument's line is the event.
HOOK = """#!/bin/sh
{first}
echo "$MILLRACE_EVENT $1 $2 $3 $4" >> {told}
"""


class HookLab(DhcpLab):
    def write_hook(self, first=""):
        path = self.dir / "hook"
        path.write_text(HOOK.format(first=first, told=self.hook_told()))
        path.chmod(0o755)
        return path

    def hook_told(self):
        return self.dir / "hook.told"

    def hook_lines(self):
        return [line.split(" ") for line in self.hook_told().read_text().splitlines()] \
            if self.hook_told().exists() else []


@pytest.fixture(name="hooked")
def fixture_hooked():
    with HookLab() as made:
        yield made


def with_hook(path, lease="12h"):
    return f"  lan: {{ pool: 198.18.0.100-198.18.0.240, lease-time: {lease}, hook: {path} }}"


def test_a_hook_is_told_of_a_lease_from_its_beginning_to_its_end(hooked):
    hooked.start_server(with_hook(hooked.write_hook("echo some words"), "60s"))
    client = hooked.start("pc1", "udhcpc", "udhcpc", "-i", "eth0", "-f", "-R", "-t", 5, "-T", 1, "-s",
                          hooked.script("pc1"), "-x", "hostname:Lap.Top")
    wait_for(lambda: hooked.hook_lines() and hooked.told_path("pc1").exists(), "client and hook to hear of the lease")
    address = hooked.told("pc1")["ip"]
    client.popen.send_signal(signal.SIGUSR1)  # it renews
    wait_for(lambda: len(hooked.hook_lines()) > 1, "the hook to hear of the renewal")
    client.stop(signal.SIGTERM)  # it gives the address back
    hooked.processes.remove(client)
    wait_for(lambda: len(hooked.hook_lines()) > 2, "the hook to hear of the end")
    mac = "02:00:5e:00:53:01"
    assert hooked.hook_lines() == [["given", "add", mac, address, "lap"], ["renewed", "old", mac, address, "lap"],
                                   ["released", "del", mac, address, "lap"]]
    hooked.wait_event("dhcp lan: hook: some words")


def test_a_lease_that_ends_while_the_router_is_off_is_told_when_it_is_back(hooked):
    hooked.start_server(with_hook(hooked.write_hook(), "60s"))
    address = hooked.udhcpc("pc1")
    wait_for(lambda: hooked.hook_lines(), "the hook to hear of the lease")
    assert hooked.stop_server() == 0
    with sqlite3.connect(hooked.leases_path()) as db:  # as if a minute had passed
        db.execute("UPDATE dhcp4_leases SET ends_at = ends_at - 61")
    db.close()
    for _ in range(2):
        hooked.start_server()
        wait_for(lambda: len(hooked.hook_lines()) > 1, "the hook to hear of the end")
        assert hooked.stop_server() == 0
    assert [line[0] for line in hooked.hook_lines()] == ["given", "expired"]  # once, not at each start
    assert hooked.hook_lines()[1][3] == address


def test_hooks_that_hang_die_or_are_anybodys_hold_up_no_lease(hooked):
    path = hooked.write_hook('case "$2" in *:01) kill -9 $$ ;; esac; [ ! -e $0.hang ] || sleep 1000')
    hooked.start_server(with_hook(path))
    assert hooked.udhcpc("pc1")
    hooked.wait_event(f"the hook {path} died of signal 9")
    (hooked.dir / "hook.hang").touch()
    assert hooked.udhcpc("pc2") and hooked.udhcpc("pc1")  # the second while the first's hangs
    hooked.wait_event(f"the hook {path} took too long and was killed", 30)
    (hooked.dir / "hook.hang").unlink()
    path.chmod(0o757)
    assert hooked.udhcpc("pc2")
    hooked.wait_event(f"the hook {path} is not run: others than its owner may write it")
    assert hooked.server.is_alive()


@pytest.mark.alone
def test_a_thousand_leases_are_told_in_their_order_and_wait_for_no_hook(hooked):
    path = hooked.write_hook()
    start_big(hooked, more=f", hook: {path}")
    load = clients(hooked, 1, 1000, 16, 1000, again_ms=2000)
    wait_for(lambda: load.output().count("ack ") >= 1000, "1000 leases", 60)
    load.popen.send_signal(signal.SIGTERM)
    load.popen.wait(10)
    told = [(int(mac.replace(":", "")[4:], 16), address) for event, _, mac, address, _ in hooked.hook_lines()
            if event == "given"]
    # the program takes longer than the lease: they are told after all is given
    given = list(dict.fromkeys(acks(load)))
    assert len(given) == 1000 and measured(load)["naks"] == 0
    wait_for(lambda: sum(line[0] == "given" for line in hooked.hook_lines()) == 1000, "the hooks to run", 120)
    assert len(told) < 1000, "a lease has waited for its hook"
    told = [(int(mac.replace(":", "")[4:], 16), address) for event, _, mac, address, _ in hooked.hook_lines()
            if event == "given"]
    assert told == given


# --- through the dataplane ---

ROUTER = """
zones: { home: { interfaces: lan }, internet: { interfaces: wan } }
firewall:
  input:
    - { from: home, action: accept }
  forward:
    - { from: home, action: accept }
dhcp-server:
  lan: { pool: 198.18.0.100-198.18.0.120 }
"""


def test_through_the_router_with_a_firewall():
    with HomeLab() as home:
        home.start_servers()
        home.start_router(home_config("af_packet", cores_for(1)) + ROUTER +
                          f"state: {{ file: {home.dir}/state.db }}\n")
        home.ip("pc2", "addr flush dev eth0 scope global")
        script = home.dir / "udhcpc.script"
        script.write_text("#!/bin/sh\n[ \"$1\" = bound ] || exit 0\n"
                          "ip addr add $ip/$mask dev eth0\n"
                          "ip route replace default via $router\n")
        script.chmod(0o755)
        home.run("pc2", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", 5, "-T", 1, "-s", script,
                 "-x", "hostname:laptop")
        home.run("pc2", "curl", "-sf", "-m", 10, "http://198.51.100.10/")
        leases = home.millrace("show", "leases")["leases"]
        assert len(leases) == 1 and leases[0]["name"] == "laptop"
        csv = run_command([build_dir() / "millrace", "-s", home.socket, "leases", "export"]).stdout
        assert csv.splitlines()[1].startswith(f"{leases[0]['address']},{leases[0]['mac']},")
        assert home.millrace("show", "dhcp")["counters"]["acks"] == 1
        # another config in force: no lease is lost, other options at the next question
        path = home.dir / "other.yaml"
        path.write_text(home_config("af_packet", cores_for(1)) +
                        ROUTER.replace("120 }", "121, options: { domain: home.example } }") +
                        f"state: {{ file: {home.dir}/state.db }}\n")
        home.millrace("apply", path)
        assert home.millrace("show", "leases")["leases"][0]["address"] == leases[0]["address"]
        assert home.millrace("show", "dhcp")["subnets"][0]["addresses"] == 22
        assert leases[0]["address"] in home.run("pc2", "ip", "addr", "show", "dev", "eth0").stdout


DNS = "dns: { listen: lan, upstreams: [198.51.100.10] }\n"
NAMED = """dhcp-server: { lan: { pool: 198.18.0.100-198.18.0.120, reservations: {
  printer: { mac: 02:00:5e:00:53:77, address: 198.18.0.9 } } } }
"""


def test_hosts_are_known_by_the_names_they_have_from_dhcp():
    with HomeLab() as home:
        def config(dns):
            return (home_config("af_packet", cores_for(1)) + NAMED + dns +
                    f"state: {{ file: {home.dir}/state.db }}\n")

        def dig(*words):
            return home.run("pc1", "dig", "@198.18.0.1", "+short", "+timeout=5", *words).stdout

        home.start_router(config(DNS))
        # a reservation, whether its host is there or not
        wait_for(lambda: dig("printer.home.arpa") == "198.18.0.9\n", "the printer's name")
        assert dig("-x", "198.18.0.9") == "printer.home.arpa.\n"
        assert dig("laptop.home.arpa") == ""
        # a lease, for as long as it is there
        home.ip("pc2", "addr flush dev eth0 scope global")
        script = home.dir / "udhcpc.script"
        script.write_text("#!/bin/sh\n[ \"$1\" = bound ] || exit 0\n"
                          "ip addr add $ip/$mask dev eth0\n")
        script.chmod(0o755)
        client = home.start("pc2", "udhcpc", "udhcpc", "-i", "eth0", "-f", "-R", "-t", 5, "-T", 1,
                            "-s", script, "-x", "hostname:LapTop")
        wait_for(lambda: dig("laptop.home.arpa") != "", "the laptop's name")
        address = home.millrace("show", "leases")["leases"][0]["address"]
        assert dig("laptop.home.arpa") == f"{address}\n"
        assert dig("-x", address) == "laptop.home.arpa.\n"
        # another domain takes it along
        path = home.dir / "other.yaml"
        path.write_text(config(DNS.replace("lan,", "lan, domain: home.example,")))
        home.millrace("apply", path)
        wait_for(lambda: dig("laptop.home.example") == f"{address}\n", "the name in its domain")
        assert dig("printer.home.example") == "198.18.0.9\n"
        assert dig("laptop.home.arpa") == "" and dig("printer.home.arpa") == ""
        assert dig("-x", address) == "laptop.home.example.\n"
        client.stop(signal.SIGTERM)  # it gives the address back
        home.processes.remove(client)
        wait_for(lambda: dig("laptop.home.example") == "", "the name to be gone")


def test_systemd_networkd_renews_by_itself_and_is_known_by_its_name():
    with HomeLab() as home:
        home.start_router(home_config("af_packet", cores_for(1)) + DNS +
                          NAMED.replace("pool:", "lease-time: 60s, pool:") + "log: { parts: { dhcp: debug } }\n" +
                          f"state: {{ file: {home.dir}/state.db }}\n")
        home.ip("pc2", "addr flush dev eth0 scope global")
        client = start_networkd(home, "pc2", "laptop")

        def left_sec():
            leases = home.millrace("show", "leases")["leases"]
            return leases[0]["left_sec"] if leases else 0

        def dig():
            return home.run("pc1", "dig", "@198.18.0.1", "+short", "+timeout=5", "laptop.home.arpa").stdout

        wait_for(lambda: dig() != "", "the laptop's name", 20)
        lease, = home.millrace("show", "leases")["leases"]
        assert dig() == f"{lease['address']}\n"
        wait_for(lambda: left_sec() < 35, "half of the time to be over", 40)
        wait_for(lambda: left_sec() > 50, "it to renew", 20)  # T1, 30 s
        again, = home.millrace("show", "leases")["leases"]
        assert (again["address"], again["since"]) == (lease["address"], lease["since"])
        client.stop(signal.SIGTERM)
        home.processes.remove(client)
        wait_for(lambda: dig() == "", "the name to be gone")
        # what the log tells of it at debug
        said = run_command([build_dir() / "millrace", "-s", home.socket, "show", "log", "dhcp"]).stdout
        for word in ("offered", "gives", "renews", "gives back"):
            assert f"from {lease['mac']} on lan: {word} {lease['address']}" in said, said
