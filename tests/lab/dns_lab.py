# SPDX-License-Identifier: BSD-3-Clause
"""The main job's lab (home.py) with a router that answers questions for names. Upstreams are
Unbounds in `srv` and `far`, which serve zones of their own; pc1 and pc2 ask the router.
"""

import re
import socket
import struct

from home import (FAR4, HomeLab, ROUTER_LAN4, SERVER4, home_config)
from lab import wait_for

UPSTREAMS = {"srv": SERVER4, "far": FAR4}

ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 203.0.113.53
www A 203.0.113.80
www AAAA 2001:db8:0:a::80
short 2 A 203.0.113.81
alias CNAME www
big TXT "{text}" "{text}" "{text}" "{text}" "{text}" "{text}" "{text}" "{text}"
""".replace("{text}", "t" * 250)

UNBOUND = """server:
  directory: "{dir}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  log-queries: yes
  interface: {address}@{port}
  {tls}
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  do-daemonize: no
  module-config: "iterator"
  max-udp-size: 4096
  {zones}
auth-zone:
  name: "{zone}"
  zonefile: "{file}"
  for-downstream: yes
  for-upstream: no
remote-control:
  control-enable: no
"""

NAMED = """options {{
	directory "{dir}";
	pid-file none;
	session-keyfile none;
	listen-on port 53 {{ {address}; }};
	listen-on-v6 {{ none; }};
	dnssec-validation no;
	notify no;
	querylog yes;
	{more}
}};
controls {{ }};
{zones}
"""


class DnsLab(HomeLab):
    def start_dns(self, keys, path=True):
        """`keys`: those of the section, but for `listen`."""
        router = self.start_router(self.config(keys))
        if path:
            self.wait_path(targets=(SERVER4,))
        return router

    def config(self, keys, listen="[lan, lo]"):
        return (home_config() + f"state: {{ file: {self.dir}/state.db }}\n"
                f"dns: {{ listen: {listen}, {keys} }}\n")

    def apply(self, keys):
        path = self.dir / "next.yaml"
        path.write_text(self.config(keys))
        return self.millrace("apply", str(path))

    def dns(self):
        return self.millrace("show", "dns")

    def dns_counts(self):
        return self.dns()["counts"]

    def upstream(self, host):
        return next(one for one in self.dns()["upstreams"] if UPSTREAMS[host] in one["upstream"])

    # --- questions ---

    def dig(self, *words, server=ROUTER_LAN4, host="pc1", check=True):
        return Dig(self.run(host, "dig", f"@{server}", "+tries=1", "+timeout=5", *words,
                            check=check).stdout)

    # --- upstreams ---

    def start_named(self, host, name, address, more="", zones=""):
        """BIND9's, on that address; each question is a line of its output."""
        conf = self.dir / f"{name}.conf"
        conf.write_text(NAMED.format(dir=self.dir, address=address, more=more, zones=zones))
        process = self.start(host, name, "named", "-g", "-n", 1, "-c", conf)
        self.wait_port(host, 53, process, "udp")
        return process

    def start_unbound(self, host, zone="example.net", text=ZONE, port=53, tls="", zones="",
                      name=None):
        name = name or f"unbound-{host}-{port}"
        file = self.dir / f"{name}.zone"
        file.write_text(text)
        conf = self.dir / f"{name}.conf"
        conf.write_text(UNBOUND.format(dir=self.dir, address=UPSTREAMS[host], port=port, tls=tls,
                                       zone=zone, file=file, zones=zones))
        process = self.start(host, name, "unbound", "-d", "-c", conf)
        self.wait_port(host, port, process, "tcp")
        return process


def answers(dig):
    """The data of the answer, without the SOA of one that there is not."""
    return [record[4] for record in dig.records if record[3] != "SOA"]


class Dig:
    """What dig printed."""

    def __init__(self, text):
        self.text = text
        found = re.search(r"status: (\w+)", text)
        self.status = found.group(1) if found else None
        found = re.search(r";; flags: ([a-z ]*);", text)
        self.flags = found.group(1).split() if found else []
        self.records = [line.split(None, 4) for line in text.splitlines()
                        if line and line[0] != ";"]
        self.data = [record[4] for record in self.records]
        self.ttls = [int(record[1]) for record in self.records]
        self.is_tcp = "(TCP)" in text
        found = re.search(r"Query time: (\d+) msec", text)
        self.msec = int(found.group(1)) if found else 0

    def __repr__(self):
        return self.text


def question(name, number=1, qtype=1, flags=0x0100, edns=b""):
    """A query as bytes."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, flags, 1, 0, 0, 1 if edns else 0) + labels + b"\0" + \
        struct.pack("!2H", qtype, 1) + edns


def wait_asked(process, what, times=1):
    """Until an upstream's log of queries has that."""
    return wait_for(lambda: process.output().count(what) >= times, f"{process.name}: {what}", 5)


def drain(sock, seconds=0.5):
    sock.settimeout(seconds)
    answers = []
    try:
        while True:
            answers.append(sock.recv(65535))
    except socket.timeout:
        return answers
