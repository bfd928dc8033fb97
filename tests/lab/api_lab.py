# SPDX-License-Identifier: BSD-3-Clause
"""A router without wires, for labs of its socket and its command.

    callers --- control.sock --- rtr: wan (null port), lan (null port)

The machine's list of groups is the lab's own there, so that nothing of the machine is touched.
"""

import json
import socket

from home import HomeLab, build_dir
from lab import ETC_NETNS, wait_for

READERS, ADMINS = 61001, 61002  # gids, of millrace and millrace-admin
GROUPS = f"root:x:0:\nmillrace:x:{READERS}:\nmillrace-admin:x:{ADMINS}:\n"

CONFIG = """
ports: {{ wan: {{ driver: "null" }}, lan: {{ driver: "null" }} }}
interfaces:
  wan: {{ port: wan, addresses: [203.0.113.2/24, "2001:db8:0:1::2/64"] }}
  lan: {{ port: lan, addresses: [198.18.0.1/24, "2001:db8:0:2::1/64"] }}
state: {{ file: {dir}/state.db }}
zones: {{ home: {{ interfaces: lan }}, internet: {{ interfaces: wan }} }}
sets:
  banned: {{ addresses: [], timeout: 1d }}
  slow: {{ addresses: [], timeout: 1h }}
firewall:
  input: [{{ source: banned, action: drop }}, {{ source: slow, rate: 10/s, action: accept }}]
{more}
"""


class ApiLab(HomeLab):
    """`groups`: what /etc/group says to the router."""

    def __init__(self, groups=GROUPS):
        super().__init__(wires="none")
        self.groups = groups

    def setup(self):
        self.add_host("rtr")
        self.set_resolver("rtr", "198.51.100.10")
        (ETC_NETNS / self.namespace("rtr") / "group").write_text(self.groups)
        self.dir.chmod(0o755)

    def start_api(self, more=""):
        router = self.start_router(CONFIG.format(dir=self.dir, more=more))
        wait_for(self.has_link_locals, "the link-local addresses")
        return router

    def connect(self):
        return Caller(self.socket)

    def command(self, *words, stdin=None, env=None, check=True):
        """`millrace WORDS` in the router's namespace; see run_command."""
        wrapper = ["env", *(f"{key}={value}" for key, value in (env or {}).items())]
        return self.run("rtr", *wrapper, build_dir() / "millrace", "-s", self.socket, *words,
                        stdin=stdin, check=check)


class Caller:
    """A connection to the socket, by the letters of JSON-RPC."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.lines.close()
        self.socket.close()

    def send(self, what):
        self.socket.sendall(json.dumps(what).encode() + b"\n")

    def next(self):
        """What the next line says; None at the end."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, method, request_id=1, **params):
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        return self.next()
