# SPDX-License-Identifier: BSD-3-Clause
"""Upstreams that speak TLS, with a private CA: for dns_lab.py."""

import re

from dns_lab import UPSTREAMS, DnsLab
from lab import wait_for

NAME = "dns.example.org"


class TlsLab(DnsLab):
    def make_ca(self, ca="ca"):
        """Only one that a client trusts for what it signs."""
        self.run("rtr", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj", f"/CN={ca}",
                 "-keyout", self.dir / f"{ca}.key", "-out", self.dir / f"{ca}.pem")

    def make_certificate(self, name, ca="ca"):
        """Returns the file's name without its ending."""
        base = self.dir / f"{ca}-{name}"
        extensions = self.dir / f"{ca}-{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{name}\n")
        self.run("rtr", "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-subj", f"/CN={name}", "-keyout", f"{base}.key", "-out", f"{base}.csr")
        self.run("rtr", "openssl", "x509", "-req", "-in", f"{base}.csr", "-days", 2,
                 "-CA", self.dir / f"{ca}.pem", "-CAkey", self.dir / f"{ca}.key", "-CAcreateserial",
                 "-extfile", extensions, "-out", f"{base}.pem")
        return base

    def start_tls(self, host, certified=NAME, ca="ca", **more):
        base = self.make_certificate(certified, ca)
        return self.start_unbound(
            host, port=853, tls=f"tls-service-key: {base}.key\n  tls-service-pem: {base}.pem",
            **more)

    def start_dot(self, *upstreams, more=""):
        listed = ", ".join(f"{address} tls {NAME}" for address in upstreams)
        return self.start_dns(f"upstreams: [{listed}], tls-certificates: {self.dir}/ca.pem{more}")

    def watch_port_53(self, host):
        """What comes there in the open, until `seen_port_53`."""
        watch = self.start(host, f"tcpdump-{host}", "tcpdump", "-l", "-n", "-i", "eth0",
                           "port", 53)
        wait_for(lambda: "listening on" in watch.output(), "tcpdump to listen", 10)
        return watch

    def seen_in_the_open(self, host, watch):
        """The lines that tcpdump has; one more is sent, to know that it has seen all before it."""
        self.dig("mark.example.net", server=UPSTREAMS[host], check=False)
        wait_for(lambda: "mark.example.net" in watch.output(), "tcpdump to see the mark", 5)
        return [line for line in watch.output().splitlines()
                if " IP" in line and "mark.example.net" not in line
                and not re.search(r"ICMP|mark", line) and f"{UPSTREAMS[host]}.53 >" not in line]
