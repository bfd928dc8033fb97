# SPDX-License-Identifier: BSD-3-Clause
"""A router between a house and the internet whose config is changed while it runs.

    inet 203.0.113.1 -- wan [ the router ] lan -- pc 198.18.0.11
         2001:db8:0:1::1                          2001:db8:0:2::11
      \\ 198.51.100.10, 2001:db8:f::10: the internet
"""

import json
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

from conftest import cores_for
from example import ExampleLab, Host
from home import build_dir
from lab import run_command, wait_for

FAR, FAR6, OTHER = "198.51.100.10", "2001:db8:f::10", "198.51.100.66"
WAN, PC = "203.0.113.2", "198.18.0.11"
HOSTS = {
    "inet": Host("wan", ("203.0.113.1/24", "203.0.113.9/24", "2001:db8:0:1::1/64"),
                 more=(f"{FAR}/32", f"{OTHER}/32", f"{FAR6}/128"),
                 routes=("198.18.0.0/24 via 203.0.113.2", "2001:db8:0:2::/64 via 2001:db8:0:1::2")),
    "pc": Host("lan", (f"{PC}/24", "2001:db8:0:2::11/64"), gateways=("198.18.0.1",
                                                                    "2001:db8:0:2::1")),
}
LIVE = Path(__file__).with_name("live.py")
CUT = "    - { destination: 198.51.100.66, action: drop }\n"


class ApplyLab(ExampleLab):
    def __init__(self):
        super().__init__("apply", HOSTS)

    def config(self, rules="", routes="", nat="", sets="", wan="", workers=1, more=""):
        return f"""
ports:
  wan: {{ driver: af_packet, match: {{ name: port-wan }} }}
  lan: {{ driver: af_packet, match: {{ name: port-lan }} }}
interfaces:
  wan: {{ port: wan, addresses: [203.0.113.2/24, "2001:db8:0:1::2/64"{wan}] }}
  lan: {{ port: lan, addresses: [198.18.0.1/24, "2001:db8:0:2::1/64"] }}
routes:
  - {{ to: 0.0.0.0/0, via: 203.0.113.1 }}
  - {{ to: "::/0", via: "2001:db8:0:1::1" }}
{routes}
zones:
  lan: {{ interfaces: lan }}
  wan: {{ interfaces: wan }}
nat:
  - {{ masquerade: wan }}
{nat}
sets:
  banned: {{ addresses: [], timeout: 1d }}
  listed: {{ addresses: [203.0.113.77], file: {self.dir}/listed }}
{sets}
firewall:
  input:
    - {{ from: lan, action: accept }}
    - {{ from: wan, protocol: icmp, action: accept }}
  forward:
    - {{ destination: banned, action: drop }}
    - {{ destination: listed, action: drop, count: listed }}
{rules}
    - {{ from: lan, to: wan, action: accept }}
    - {{ from: wan, dnat: true, action: accept }}
workers: {{ cores: [{', '.join(map(str, cores_for(workers)))}] }}
state: {{ file: {self.dir}/state.db }}
{more}"""

    def write(self, name="millraced", **changes):
        path = self.dir / f"{name}.yaml"
        path.write_text(self.config(**changes))
        return path

    def begin(self, **changes):
        (self.dir / "listed").touch()
        self.start_router(self.write(**changes), args=("--state", self.dir / "state.db"))
        for host in HOSTS:
            self.open_doors(host)
        self.wait_answer("pc", FAR)
        wait_for(self.has_link_locals, "the link-local addresses")

    def again(self):
        self.start_router(self.dir / "millraced.yaml", args=("--state", self.dir / "state.db"))
        self.wait_answer("pc", FAR)

    def kill(self):
        self.router.popen.kill()
        self.router.popen.wait()
        self.processes.remove(self.router)
        self.socket.unlink()

    def command(self, *words):
        """(exit code, what it says, what it complains about)."""
        done = run_command([build_dir() / "millrace", "-s", self.socket, *words], check=False)
        return done.returncode, done.stdout, done.stderr

    def told(self, *words):
        code, out, err = self.command(*words)
        assert code == 0, err
        return out

    def refused(self, *words):
        code, out, err = self.command(*words)
        assert code == 1 and out == "", (code, out, err)
        return err

    def history(self):
        return self.millrace("history")["revisions"]

    def reaches(self, target, door="tcp/80"):
        return self.attempt("pc", target, door, wait=0.5)["got"] == "answer"

    def routes(self, family=4):
        return sorted(r["dst"] for r in self.ip_json("rtr", f"-{family} route show proto 77"))

    def state(self):
        """All that an apply may have left behind."""
        rules = [[rule["rule"] for rule in one["rules"]]
                 for one in self.millrace("show", "firewall")["lists"]]
        addresses = {i["name"]: sorted(i["addresses"])
                     for i in self.millrace("show", "interfaces")["interfaces"]}
        return (rules, addresses, self.told("show", "nat"), self.millrace("show", "sets")["sets"],
                [self.ip("rtr", f"-{family} route show") for family in (4, 6)])

    @contextmanager
    def live(self, kind, *words, target=FAR, host="pc"):
        """Traffic from the host while the block runs; the dictionary has what became of it then."""
        name = f"live-{kind}-{len(self.processes)}"
        traffic = self.start(host, name, "/usr/bin/python3", LIVE, kind, target, 4000, *words)
        wait_for(lambda: "sending" in traffic.output(), "traffic")
        result = {}
        yield result
        traffic.stop(signal.SIGINT)
        self.processes.remove(traffic)
        result.update(json.loads(traffic.output().splitlines()[-1]))

    def serve_live(self):
        server = self.start("inet", "live", "/usr/bin/python3", LIVE, "serve", FAR, 4000)
        wait_for(lambda: "serving" in server.output(), "the server")


class Caller:
    """One connection to the daemon's socket."""

    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(30)
        self.stream.connect(str(path))
        self.lines = self.stream.makefile("rw")

    def call(self, method, **params):
        self.lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                                     "params": params}) + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())["result"]


def own_kib(pid):
    """Memory that the daemon has written to, but for its cards' rings: those fill once."""
    name, kib = "", 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            name = words[5] if len(words) > 5 else ""
        elif words[0] == "Private_Dirty:" and not name.startswith("socket:"):
            kib += int(words[1])
    return kib
