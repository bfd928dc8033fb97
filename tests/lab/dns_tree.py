# SPDX-License-Identifier: BSD-3-Clause
"""A tree of authoritative servers for a router that asks from the root: three BIND9, each with an
address of its own in `srv`, whose logs say who was asked what.

    .  (root, 198.51.100.20, signed) ---- net, org (198.51.100.21, signed), com (there, unsigned)
       net ---- example.net (198.51.100.22, NSEC) ---- bogus, expired (broken), plain (unsigned)
       org ---- example.org (there, NSEC3);  com ---- example.com (there, unsigned)
"""

import re

from dns_lab import DnsLab

ROOT, TLD, LEAF = "198.51.100.20", "198.51.100.21", "198.51.100.22"
SERVERS = {"root": ROOT, "tld": TLD, "leaf": LEAF}

HEAD = """$TTL {ttl}
@ SOA {ns} hostmaster.example.net. 1 3600 600 86400 {minimum}
@ NS {ns}
"""

DATA = """ns A 198.51.100.22
www A 203.0.113.80
www AAAA 2001:db8:0:a::80
a.long.way.down A 203.0.113.82
alias CNAME www
popular 10 A 203.0.113.83
brief 2 A 203.0.113.84
lasting 604800 A 203.0.113.85
zebra A 203.0.113.86
*.wild A 203.0.113.87
"""

# zone: (server, how it is signed, zones below it)
ZONES = {
    "bogus.example.net": ("leaf", "forged", []),
    "expired.example.net": ("leaf", "expired", []),
    "plain.example.net": ("leaf", None, []),
    "example.net": ("leaf", "nsec", ["bogus", "expired", "plain"]),
    "example.org": ("leaf", "nsec3", []),
    "example.com": ("leaf", None, []),
    "net": ("tld", "nsec", ["example"]),
    "org": ("tld", "nsec", ["example"]),
    "com": ("tld", None, ["example"]),
    "": ("root", "nsec", ["net", "org", "com"]),
}

HOW = {
    "nsec": [], "forged": [], "nsec3": ["-3", "-"],
    "expired": ["-P", "-s", "20200101000000", "-e", "20200201000000"],
}


class TreeLab(DnsLab):
    def start_tree(self):
        self.folder = self.dir / "tree"
        self.folder.mkdir(mode=0o755)
        for zone, (_, how, below) in ZONES.items():
            (self.folder / f"{zone}.plain").write_text(self.zone_text(zone, below))
            (self.folder / f"{zone}.zone").write_text(self.zone_signed(zone, how))
        self.hints = self.folder / "hints"
        self.hints.write_text(f". 3600000 NS ns-root.\nns-root. 3600000 A {ROOT}\n")
        self.anchor = self.folder / "anchor"
        self.anchor.write_text("".join(
            line + "\n" for file in self.folder.glob("K.+*.key")
            for line in file.read_text().splitlines() if " 257 " in line and line[0] != ";"))
        return {name: self.start_server(name) for name in SERVERS}

    @staticmethod
    def zone_text(zone, below):
        if zone == "":
            lines = [HEAD.format(ttl=86400, ns="ns-root.", minimum=60), f"ns-root. A {ROOT}\n"]
        elif "." not in zone:
            lines = [HEAD.format(ttl=86400, ns=f"ns.{zone}.", minimum=60), f"ns A {TLD}\n"]
        else:
            lines = [HEAD.format(ttl=300, ns=f"ns.{zone}.", minimum=60), DATA]
        for name in below:
            server = TLD if zone == "" else LEAF
            lines.append(f"{name} NS ns.{name}\nns.{name} A {server}\n")
        return "".join(lines)

    def zone_signed(self, zone, how):
        plain, out = self.folder / f"{zone}.plain", self.folder / f"{zone}.signed"
        if how is None:
            return plain.read_text()
        for words in (["-f", "KSK"], []):
            self.run("rtr", "dnssec-keygen", "-K", self.folder, "-a", "ECDSAP256SHA256", *words,
                     zone or ".")
        # `-g`: with the DS records of those below, which were signed before
        self.run("rtr", "dnssec-signzone", "-S", "-g", *HOW[how], "-K", self.folder, "-d",
                 self.folder, "-o", zone or ".", "-f", out, plain)
        text = out.read_text()
        return text.replace("203.0.113.80", "203.0.113.66") if how == "forged" else text

    def start_server(self, name, again=""):
        address = SERVERS[name]
        if again == "":
            self.ip("srv", f"addr add {address}/25 dev eth0")
        return self.start_named("srv", f"named-{name}{again}", address, "recursion no;", "".join(
            f'zone "{zone or "."}" {{ type primary; file "{self.folder}/{zone}.zone"; }};\n'
            for zone, (server, _, _) in ZONES.items() if server == name))

    def start_recursion(self, more="dnssec: true"):
        anchor = f", trust-anchor: {self.anchor}" if "dnssec: true" in more else ""
        return self.start_dns(f"root-hints: {self.hints}, {more}{anchor}")


def asked(server):
    """What a server was asked, as (name, type), in order."""
    return re.findall(r"query: (\S+) IN (\S+)", server.output())


def asked_for(server, name, qtype="A"):
    return asked(server).count((name, qtype))
