# SPDX-License-Identifier: BSD-3-Clause
"""From an empty machine to a router, as the README's "First router" tells it, by its own commands.

    pc 198.18.0.11 -- enp2s0 [ the machine ] enp1s0 203.0.113.2 -- inet 203.0.113.1
                                                                   198.51.100.10: the internet
"""

import json
import re
import time

import pytest
from home import REPO, HomeLab, build_dir
from lab import run_command, wait_for
from tools import ping

WAN, LAN, PC, INET, FAR = "203.0.113.2", "198.18.0.1", "198.18.0.11", "203.0.113.1", "198.51.100.10"
LAN_ADDRESS = ("--lan-address", f"{LAN}/24")  # init would take one of 192.168
SSH = {"SSH_CONNECTION": f"198.51.100.7 50022 {WAN} 22"}
ANSWER_IN_TIME_SEC = 10


class NewcomerLab(HomeLab):
    """A machine with an address on the card to its provider, as an installer leaves it."""

    def setup(self):
        for host in ("rtr", "pc", "inet"):
            self.add_host(host)
        self.add_wire("rtr", "enp1s0", "inet", "eth0")
        self.add_wire("rtr", "enp2s0", "pc", "eth0")
        self.ip("inet", f"addr add {INET}/24 dev eth0")
        self.ip("inet", f"addr add {FAR}/32 dev lo")
        self.ip("pc", f"addr add {PC}/24 dev eth0")
        self.ip("pc", f"route add default via {LAN}")
        self.ip("rtr", f"addr add {WAN}/24 dev enp1s0")
        self.ip("rtr", f"route add default via {INET}")
        self.file = self.dir / "router.yaml"

    def command(self, *words, check=True, stdin=None, env=None):
        """`millrace ...` on the machine: exit code, what it says on stdout and on stderr."""
        prefix = ["env", *(f"{key}={value}" for key, value in (env or {}).items())]
        done = self.run("rtr", *prefix, build_dir() / "millrace", *words, check=check, stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    def doctor(self, env=None):
        """(exit code, the answer for programs)."""
        code, said, _ = self.command("doctor", "--json", check=False, env=env)
        return code, json.loads(said)

    def findings(self, env=None):
        """By id and what it is about."""
        return {(one["id"], one["about"]): one for one in self.doctor(env)[1]["findings"]}

    def start_millraced(self):
        self.socket = self.dir / "router.sock"
        self.router = self.start("rtr", "millraced", build_dir() / "millraced", "-c", self.file,
                                 "-s", self.socket)


@pytest.fixture
def lab():
    with NewcomerLab() as lab:
        yield lab


def readme_commands():
    """The lines of the section's block, without what they say behind."""
    section = (REPO / "README.md").read_text().split("## First router\n")[1].split("\n## ")[0]
    block = re.search(r"```\n(.*?)```", section, re.DOTALL)[1]
    return [line.split("#")[0].split() for line in block.splitlines()]


def test_the_readmes_commands_make_a_router(lab):
    """All of them, in their order; then two hosts reach each other by the router's one address."""
    said = []
    began = time.monotonic()
    for words in readme_commands():
        words = [str(lab.file) if word == "router.yaml" else word for word in words]
        if words[0] == "build/millraced":
            assert words[1:] == ["-c", str(lab.file)]
            lab.start_millraced()
        elif words[0] == "build/millrace":
            more = LAN_ADDRESS if words[1] == "init" else ()
            code, out, err = lab.command(*words[1:], *more)
            said.append((words[1], code, out, err))
        else:
            assert " ".join(words) in said[1][3], "what init told to do next"
            lab.run("rtr", *words)
            said.append((words[0],))
    assert [one[0] for one in said] == ["doctor", "init", "check", "ip"]
    assert said[2] == ("check", 0, "", ""), "the file has no mistake, and nothing doubtful"
    wait_for(lambda: ping(lab, "pc", FAR, count=1).received, "pc to reach the internet", 15)
    took = time.monotonic() - began
    print(f"from `doctor` to the first answer through the router: {took:.2f} s")
    assert took < ANSWER_IN_TIME_SEC
    check_traffic(lab)


def check_traffic(lab):
    server = lab.start("inet", "web", "/usr/bin/python3", "-u", "-m", "http.server", 80, "--bind", FAR,
                       "--directory", lab.dir)
    lab.wait_port("inet", 80, server)
    assert "router.yaml" in lab.run("pc", "curl", "-sS", "--noproxy", "*", f"http://{FAR}/").stdout
    assert re.search(rf"^{WAN} .*GET", server.output(), re.MULTILINE), "seen by the WAN's address"
    assert ping(lab, "pc", LAN).received == 3
    assert ping(lab, "inet", WAN).received == 3  # the file lets echoes in
    assert lab.run("inet", "curl", "-sS", "--noproxy", "*", "--max-time", 1, f"http://{WAN}:22/",
                   check=False).returncode == 28, "nobody else is let in: no answer in time"


def test_a_laptop_that_is_plugged_in_works(lab):
    """It knows nothing, asks by DHCP, and reaches the internet."""
    lab.ip("pc", "addr flush dev eth0 scope global")
    lab.command("init", "--yes", "-o", lab.file, *LAN_ADDRESS)
    lab.file.write_text(lab.file.read_text() + f"state: {{ file: {lab.dir}/state.db }}\n")
    lab.ip("rtr", "addr flush dev enp1s0")
    lab.start_millraced()
    lab.wait_router()
    script = lab.dir / "udhcpc.script"
    script.write_text('#!/bin/sh\n[ "$1" = bound ] || exit 0\n'
                      "ip addr add $ip/$mask dev eth0 && ip route replace default via $router\n")
    script.chmod(0o755)
    lab.run("pc", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", 5, "-T", 1, "-s", script)
    wait_for(lambda: ping(lab, "pc", FAR, count=1).received, "the laptop to reach the internet", 15)
    assert [lease["state"] for lease in lab.millrace("show", "leases")["leases"]] == ["bound"]


# --- doctor ---

def test_it_finds_the_cards_and_what_would_become_of_them(lab):
    code, found = lab.doctor()
    cards = {card.get("name"): card for card in found["cards"]}
    assert code == 0 and found["problems"] == 0
    assert cards["enp2s0"]["opens_by"] == "af_xdp" and cards["enp2s0"]["has_link"]
    assert "ip addr flush dev enp1s0" in cards["enp1s0"]["refused"]
    assert cards["enp1s0"]["addresses"] == [f"{WAN}/24"]


def test_its_word_on_a_card_is_the_drivers(lab):
    """Why it is refused, in the very words; how it is opened, when it is free."""
    refused = {card.get("name"): card for card in lab.doctor()[1]["cards"]}["enp1s0"]["refused"]
    lab.command("init", "--yes", "-o", lab.file, *LAN_ADDRESS)
    lab.start_millraced()
    wait_for(lambda: not lab.router.is_alive(), "the router to refuse the card")
    assert refused in lab.router.output()
    lab.processes.remove(lab.router)
    lab.router = None
    lab.ip("rtr", "addr flush dev enp1s0")
    expected = {card.get("name"): card.get("opens_by") for card in lab.doctor()[1]["cards"]}
    lab.start_millraced()
    lab.wait_router()
    drivers = {port["netdev"]: port["driver"] for port in lab.millrace("show", "ports")["ports"]}
    assert drivers == {name: expected[name] for name in ("enp1s0", "enp2s0")}


def test_a_machine_that_uses_all_its_cards_is_a_problem(lab):
    lab.ip("rtr", "addr add 198.18.7.1/24 dev enp2s0")
    code, said, _ = lab.command("doctor", check=False)
    assert code == 1 and said.startswith("problem  cards ")
    assert "the router would not run here as it is" in said


def test_lines_fit_a_terminal_but_for_commands(lab):
    _, said, _ = lab.command("doctor")
    lines = said.splitlines()
    indent = max(len(line) - len(line.lstrip()) for line in lines)
    assert [line for line in lines if len(line) > 80 and not line.startswith(" " * indent)] == []
    assert "\x1b" not in said


def test_who_came_by_ssh_is_warned_and_let_in_again(lab):
    assert ("card-session", "enp1s0") not in lab.findings()
    assert ("card-session", "enp1s0") in lab.findings(SSH)
    behind_sudo = f"env -u SSH_CONNECTION {build_dir() / 'millrace'} doctor; true"
    said = lab.run("rtr", "env", f"SSH_CONNECTION={SSH['SSH_CONNECTION']}", "sh", "-c", behind_sudo)
    assert "SSH session" in said.stdout
    _, text, _ = lab.command("init", "--yes", "-o", "-", env=SSH)
    assert "{ from: internet, source: 198.51.100.7, protocol: tcp, port: ssh, action: accept }" in text


def test_it_names_the_programs_that_a_router_meets(lab):
    lab.run("rtr", "nft", "add table inet somebodys")
    dns = lab.start("rtr", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                    "--user=root", "--pid-file=", "--no-resolv", "--no-hosts")
    lab.wait_port("rtr", 53, dns, "udp")
    lab.command("init", "--yes", "-o", lab.file, *LAN_ADDRESS)
    lab.ip("rtr", "addr flush dev enp1s0")
    assert ("runs-already", "millraced") not in lab.findings()
    lab.start_millraced()
    lab.wait_router()
    found = lab.findings()
    assert "(inet somebodys)" in found["nftables", "firewall"]["text"]
    assert found["port-taken", "port 53"]["text"].startswith(f"dnsmasq (process {dns.pid}) answers")
    assert f"(process {lab.router.pid})" in found["runs-already", "millraced"]["text"]


def test_without_root_it_says_what_it_does_not_see(lab):
    done = lab.run("rtr", "setpriv", "--reuid", 65534, "--regid", 65534, "--clear-groups",
                   build_dir() / "millrace", "doctor", check=False)
    unseen = [line for line in done.stdout.splitlines() if line.startswith("unseen")]
    assert len(unseen) >= 2 and "rights" in unseen[0]


# --- init ---

def test_two_questions_are_asked_and_answered(lab):
    _, _, said = lab.command("init", "-o", lab.file, stdin="enp2s0\n\n")
    assert "WAN, towards the internet [enp1s0]: LAN, the house [enp1s0]: " in said
    assert "name: enp2s0" in lab.file.read_text().split("lan:")[0]
    _, _, said = lab.command("init", "-f", "-o", lab.file, stdin="nonsense\n1\n2\n")
    assert "'nonsense' is none of them" in said
    assert "name: enp1s0" in lab.file.read_text().split("lan:")[0]


def test_no_answer_writes_nothing(lab):
    code, _, said = lab.command("init", "-o", lab.file, check=False)
    assert code == 1 and "nothing is written" in said and not lab.file.exists()


def test_a_wan_without_an_address_asks_by_dhcp(lab):
    lab.ip("rtr", "addr flush dev enp1s0")
    _, _, said = lab.command("init", "--yes", "--wan", "enp1s0", "-o", lab.file, *LAN_ADDRESS)
    assert "flush" not in said
    assert "\n    dhcp4: yes" in lab.file.read_text() and "routes:" not in lab.file.read_text()
    assert lab.command("check", lab.file) == (0, "", "")
    server = lab.start("inet", "dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                       "--user=root", "--pid-file=", "--interface=eth0", "--no-ping", "--no-resolv",
                       "--address=/www.example.com/203.0.113.80",
                       f"--dhcp-leasefile={lab.dir}/leases", "--dhcp-range=203.0.113.100,203.0.113.110,2m")
    lab.wait_port("inet", 67, server, kind="udp")
    lab.start_millraced()
    wait_for(lambda: ping(lab, "pc", FAR, count=1).received, "pc to reach the internet", 20)
    # and names, of the provider's servers
    wait_for(lambda: lab.run("pc", "dig", f"@{LAN}", "+short", "+tries=1", "+timeout=2",
                             "www.example.com", check=False).stdout == "203.0.113.80\n",
             "a name to be answered", 10)


def test_a_file_is_not_written_over_unless_forced(lab):
    lab.file.write_text("mine")
    code, _, said = lab.command("init", "--yes", "-o", lab.file, check=False)
    assert code == 1 and "is there already; --force replaces it" in said
    assert lab.file.read_text() == "mine"
    lab.command("init", "--yes", "--force", "-o", lab.file)
    assert lab.file.read_text().startswith("# A first router")
    assert [path.name for path in lab.dir.glob("router.yaml*")] == ["router.yaml"]


@pytest.mark.parametrize(("words", "said"), [
    (["--wan", "eth7"], "there is no network card eth7"),
    (["--wan", "enp1s0", "--lan", "enp1s0"], "WAN and LAN cannot be one card"),
    (["--lan-address", "203.0.113.9/24"], "in a network that this machine has elsewhere"),
], ids=["card", "same", "network"])
def test_what_cannot_be_is_refused(lab, words, said):
    code, _, err = lab.command("init", "--yes", "-o", lab.file, *words, check=False)
    assert code == 1 and said in err and not lab.file.exists()


@pytest.mark.parametrize("words", [["init", "--yes", "more"], ["init", "--lan-address", "x"],
                                   ["init", "--what"], ["doctor", "what"]], ids=" ".join)
def test_a_wrong_word_is_a_wrong_use(words):
    done = run_command([build_dir() / "millrace", *words], check=False)
    assert done.returncode == 2 and "millrace: " in done.stderr


def test_an_answer_that_cannot_be_written_is_no_success():
    done = run_command(["sh", "-c", f"{build_dir() / 'millrace'} doctor >/dev/full"], check=False)
    assert done.returncode == 1
