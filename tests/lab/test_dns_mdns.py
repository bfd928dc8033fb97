# SPDX-License-Identifier: BSD-3-Clause
"""Names of the link by unicast DNS: Avahi on pc2 answers multicast, pc1 asks the router with dig.
See dns_lab.py.
"""

import time

import pytest
from dns_lab import answers, DnsLab, ZONE
from home import PCS, SERVER4
from lab import wait_for

KEYS = f"""upstreams: {SERVER4}, mdns: lan,
  records: [ {{ name: door.example.net, cname: printer.local }} ],
  blocking: [ {{ clients: 198.18.0.99, names: printer.local }} ]"""

AVAHI = """[server]
host-name=printer
use-ipv4=yes
use-ipv6=yes
allow-interfaces=eth0
enable-dbus=no
ratelimit-interval-usec=0
[publish]
publish-hinfo=no
publish-workstation=no
[reflector]
[rlimits]
"""

SERVICE = """<?xml version="1.0" standalone='no'?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name>{name}</name>
  <service><type>{type}</type><port>{port}</port><txt-record>path=/{name}</txt-record></service>
</service-group>
"""

# Sends a response for liar.local to the group, from an address and with a TTL of one's choice.
LIAR = """
import sys, time
from scapy.all import DNS, DNSRR, Ether, IP, UDP, sendp
source, ttl, data = sys.argv[1], int(sys.argv[2]), sys.argv[3]
answer = DNS(qr=1, aa=1, qd=None, an=DNSRR(rrname="liar.local", type="A", rclass=0x8001, ttl=120,
                                           rdata=data))
packet = (Ether(dst="01:00:5e:00:00:fb") / IP(src=source, dst="224.0.0.251", ttl=ttl) /
          UDP(sport=5353, dport=5353) / answer)
for _ in range(30):
    sendp(packet, iface="eth0", verbose=False)
    time.sleep(0.1)
"""


class MdnsLab(DnsLab):
    def start_avahi(self, host, services, name="printer"):
        """Its files are where it looks for them in a mount namespace of its own."""
        place = self.dir / f"avahi-{host}"
        (place / "etc/services").mkdir(parents=True)
        (place / "run").mkdir()
        (place / "etc/avahi-daemon.conf").write_text(AVAHI.replace("printer", name))
        for service, (kind, port) in services.items():
            (place / f"etc/services/{service}.service").write_text(
                SERVICE.format(name=service, type=kind, port=port))
        script = (f"mount --make-rprivate / && mount --bind {place}/etc /etc/avahi && "
                  "mkdir -p /run && mount -t tmpfs none /run && mkdir /run/avahi-daemon && "
                  "exec avahi-daemon --no-drop-root --no-rlimits --no-chroot --no-proc-title --debug")
        return self.start(host, f"avahi-{host}", "unshare", "--mount", "sh", "-c", script)

    def keys(self):
        return " ".join(KEYS.split())

    def liar(self, source, ttl, data):
        return self.start("pc2", f"liar-{ttl}-{data}", "/usr/bin/python3", "-c", LIAR, source, ttl,
                          data)

    def ask_until(self, name, kind="A"):
        return wait_for(lambda: answers(self.dig(name, kind)), f"{name} to be there", 20)


@pytest.fixture(scope="module", name="lab")
def fixture_lab():
    with MdnsLab() as lab:
        lab.unbound = lab.start_unbound("srv", text=ZONE)
        lab.start_dns(lab.keys())
        lab.avahi = lab.start_avahi("pc2", {"Papers": ("_ipp._tcp", 631), "Pages": ("_http._tcp", 80)})
        wait_for(lambda: "startup complete" in lab.avahi.output(), "avahi to be there", 20)
        lab.ask_until("printer.local")
        yield lab


def test_addresses_of_a_host(lab):
    answer = lab.dig("PRINTER.local")
    assert answer.status == "NOERROR" and answer.data == [PCS["pc2"][0]], answer
    assert all(1 <= ttl <= 120 for ttl in answer.ttls), answer
    answer = lab.dig("printer.local", "AAAA")
    assert answer.data == [PCS["pc2"][1]], answer  # none of fe80::/10
    assert lab.dig("printer.local", "+tcp").data == [PCS["pc2"][0]]
    assert lab.dig("door.example.net").data == ["printer.local.", PCS["pc2"][0]]


def test_names_of_an_address(lab):
    for address in PCS["pc2"]:
        assert lab.dig("-x", address).data == ["printer.local."], address


def test_services_are_browsed_and_found(lab):
    wait_for(lambda: answers(lab.dig("_services._dns-sd._udp.local", "PTR")), "services", 20)
    answer = lab.dig("_http._tcp.local", "PTR")
    assert answer.data == ["Pages._http._tcp.local."], answer
    answer = lab.dig("Pages._http._tcp.local", "SRV")
    assert answer.data == ["0 0 80 printer.local."], answer
    assert lab.dig("Papers._ipp._tcp.local", "SRV").data == ["0 0 631 printer.local."]
    assert lab.dig("Pages._http._tcp.local", "TXT").data == ['"path=/Pages"']


def test_a_name_that_is_there_has_nothing_else(lab):
    answer = lab.dig("printer.local", "MX")
    assert answer.status == "NOERROR" and "SOA" in answer.text, answer


def test_what_nobody_has_is_told_in_time_and_not_asked_again(lab):
    began = time.monotonic()
    answer = lab.dig("nobody.local")
    assert answer.status == "NXDOMAIN" and time.monotonic() - began < 2.5, answer
    asked = lab.dns_counts()["mdns_asked"]
    answer = lab.dig("nobody.local")
    assert answer.status == "NXDOMAIN" and answer.msec < 300, answer
    assert lab.dns_counts()["mdns_asked"] == asked


def test_others_are_answered_meanwhile(lab):
    waits = [lab.start("pc1", f"dig{i}", "dig", "@198.18.0.1", f"nobody{i}.local") for i in range(10)]
    lab.dig("www.example.net")
    times = [lab.dig("www.example.net").msec for _ in range(10)]
    assert max(times) < 500, times
    for wait in waits:
        wait_for(lambda w=wait: "NXDOMAIN" in w.output(), "the others to be answered", 10)


def test_nothing_of_it_goes_upstream(lab):
    lab.dig("secret.local")
    lab.dig("-x", "198.18.0.200")
    lab.dig("-x", "169.254.1.2")
    lab.dig("after.example.net")
    wait_for(lambda: "after.example.net" in lab.unbound.output(), "the upstream to be asked", 5)
    assert "local" not in lab.unbound.output().replace("localhost", "")
    assert ".arpa" not in lab.unbound.output()


def test_who_is_not_on_the_link_is_not_believed(lab):
    """From another network, and through a router; then the same from the link."""
    for source, ttl, data in (("203.0.113.77", 255, "203.0.113.66"),
                              (PCS["pc2"][0], 64, "203.0.113.67")):
        before = lab.dns_counts()["drop_mdns_off_link"]
        lab.liar(source, ttl, data)
        wait_for(lambda: lab.dns_counts()["drop_mdns_off_link"] > before, "the liar", 10)
        assert lab.dig("liar.local").status == "NXDOMAIN"
    lab.liar(PCS["pc2"][0], 255, "203.0.113.68")
    wait_for(lambda: lab.dig("liar.local").data == ["203.0.113.68"], "the link to be believed", 10)


def test_it_is_explained_and_blocked(lab):
    why = lab.millrace("explain", "dns", "printer.local", "client", PCS["pc1"][0])
    assert (why["verdict"], why["stage"]) == ("links", "mdns") and "RFC 6762" in why["why"]
    assert lab.millrace("explain", "dns", "printer.local", "client", "198.18.0.99")["verdict"] == "blocked"


def test_who_leaves_says_goodbye(lab):
    assert answers(lab.dig("printer.local"))
    lab.avahi.stop()
    wait_for(lambda: lab.dig("printer.local").status == "NXDOMAIN", "the name to go", 12)
