# SPDX-License-Identifier: BSD-3-Clause
"""A zone with signatures: for dns_lab.py."""

from dns_lab import DnsLab

ZONE_NAME = "example.net"


class SigningLab(DnsLab):
    def sign(self, text):
        """The zone with its signatures; the key becomes the trust anchor."""
        folder = self.dir / "keys"
        folder.mkdir(mode=0o755)
        plain = folder / "plain"
        plain.write_text(text)
        self.run("rtr", "dnssec-keygen", "-K", folder, "-a", "ECDSAP256SHA256", "-f", "KSK", ZONE_NAME)
        self.run("rtr", "dnssec-keygen", "-K", folder, "-a", "ECDSAP256SHA256", ZONE_NAME)
        self.run("rtr", "dnssec-signzone", "-S", "-K", folder, "-d", folder, "-o", ZONE_NAME,
                 "-f", folder / "signed", plain)
        anchors = [line for file in folder.glob("K*.key") for line in file.read_text().splitlines()
                   if line and line[0] != ";" and " 257 " in line]
        (self.dir / "anchor").write_text("\n".join(anchors) + "\n")
        return (folder / "signed").read_text()
