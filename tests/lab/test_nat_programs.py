# SPDX-License-Identifier: BSD-3-Clause
"""Real programs through masquerade, firewall, port forwards and hairpin, on 1, 2 and 4 workers.

With several workers the answers of a port forward come to another one than its flow's, and have to
be taken there (dataplane/owner.c). Four workers on fewer cores take turns.
"""

import hashlib
import os
import re
import socket
import threading

import pytest
from conftest import cores_for
from home import (FAR4, FAR6, INET4, INET6, PCS, ROUTER_LAN4, ROUTER_LAN6, ROUTER_WAN4, SERVER4,
                  SERVER6)
from lab import LabError
from nat_lab import NatLab, socket_of
from tools import fetch, iperf, ping, traceroute, udp_gets_through

PC1, PC2 = PCS["pc1"][0], PCS["pc2"][0]
SERVER4_TOO = "198.51.100.11"  # a STUN server has two addresses
STUN_PORT, SSH_PORT, IPERF_PORT, WEB_PORT, WEB_INNER = 3478, 2222, 5201, 8080, 80
ECHO_PORT, ECHO_INNER = 8100, 5299
NAT = f"""
  - {{ masquerade: wan, from: {PC2}, full-cone: true }}
  - {{ masquerade: wan }}
  - {{ forward: {{ protocol: [tcp, udp], ports: {IPERF_PORT}, to: {PC2} }}, interface: wan }}
  - {{ forward: {{ protocol: tcp, ports: {WEB_PORT}, to: {PC2}, to-port: {WEB_INNER} }}, interface: wan }}
  - {{ forward: {{ protocol: tcp, ports: {ECHO_PORT}, to: {PC2}, to-port: {ECHO_INNER} }}, interface: wan }}
"""
SSHD_CONF = """
Port {port}
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/user_key.pub
PidFile none
StrictModes no
PasswordAuthentication no
UsePAM yes
"""
SERVERS = pytest.mark.parametrize("server", [SERVER4, SERVER6], ids=["ipv4", "ipv6"])


def start_ssh_server(lab):
    for key in ("host_key", "user_key"):
        lab.run("srv", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.dir / key)
    (lab.dir / "sshd.conf").write_text(SSHD_CONF.format(port=SSH_PORT, dir=lab.dir))
    # it wants an empty /run/sshd, which is made where nobody else sees it
    server = lab.start("srv", "sshd", "unshare", "--mount", "sh", "-c",
                       "mount -t tmpfs run /run && mkdir -m 755 /run/sshd && "
                       f"exec /usr/sbin/sshd -D -e -f {lab.dir}/sshd.conf")
    lab.wait_port("srv", SSH_PORT, server)


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"programs-{n}w")) for n in (1, 2, 4)])
def house(request):
    with NatLab() as lab:
        lab.start_servers()
        start_ssh_server(lab)
        lab.ip("srv", f"addr add {SERVER4_TOO}/25 dev eth0")
        stun = lab.start("srv", "stund", "/usr/sbin/stund", "-h", SERVER4, "-a", SERVER4_TOO,
                         "-p", STUN_PORT, "-o", STUN_PORT + 1)
        inner = lab.start("pc2", "iperf3", "iperf3", "-s")
        web = lab.start("pc2", "web", "/usr/bin/python3", "-m", "http.server", WEB_INNER,
                        "--directory", lab.dir / "www")
        lab.start_nat(cores_for(request.param), nat=NAT)
        lab.wait_port("srv", STUN_PORT, stun, "udp")
        lab.wait_port("pc2", IPERF_PORT, inner)
        lab.wait_port("pc2", WEB_INNER, web)
        lab.wait_path()
        yield lab


def stun_says(lab, host):
    """The words of the STUN client's verdict: mapping, filter, ports, hairpin."""
    done = lab.run(host, "stun", SERVER4, "-v", check=False, timeout=40)
    verdict = re.search(r"^Primary: (.*)$", done.stdout + done.stderr, re.MULTILINE)
    assert verdict, done.stdout + done.stderr
    return [word.strip() for word in verdict[1].split(",")]


def test_stun_finds_an_endpoint_independent_mapping(house):
    said = stun_says(house, "pc1")
    assert said[0] == "Independent Mapping" and "Port Dependent Filter" in said, said


def test_stun_finds_a_full_cone_where_the_file_says_so(house):
    said = stun_says(house, "pc2")
    assert said[:2] == ["Independent Mapping", "Independent Filter"], said
    assert "will hairpin" in said, said


@SERVERS
def test_curl(house, server):
    host = f"[{server}]" if ":" in server else server
    seen = fetch(house, "pc1", f"http://{host}/address").strip()
    assert seen == (PCS["pc1"][1] if ":" in server else ROUTER_WAN4)
    wanted = hashlib.sha256((house.dir / "www/big").read_bytes()).hexdigest()
    got = house.run("pc1", "sh", "-c", f"curl -sS --fail -m 30 'http://{host}/big' | sha256sum")
    assert got.stdout.split()[0] == wanted


def ssh(lab, target, command, stdin=None):
    return lab.run("pc1", "ssh", "-p", SSH_PORT, "-i", lab.dir / "user_key", "-o",
                   "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                   "ConnectTimeout=10", "-o", "IdentitiesOnly=yes", f"root@{target}", command, stdin=stdin)


@SERVERS
def test_ssh(house, server):
    """A session, and what it carries arrives whole."""
    text = os.urandom(1 << 19).hex()
    got = ssh(house, server, "echo $SSH_CLIENT; sha256sum", text).stdout.split()
    assert got[0] == (PCS["pc1"][1] if ":" in server else ROUTER_WAN4)
    assert got[3] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("method", [None, "-I", "-T"], ids=["udp", "icmp", "tcp"])
def test_traceroute_shows_each_hop(house, method):
    assert traceroute(house, "pc1", SERVER4, method) == [ROUTER_LAN4, INET4, SERVER4]
    assert traceroute(house, "pc1", SERVER6, method) == [ROUTER_LAN6, INET6, SERVER6]


@pytest.mark.parametrize(("server", "header"), [(SERVER4, 28), (SERVER6, 48)], ids=["ipv4", "ipv6"])
def test_ping_of_each_size_around_the_mtu(house, server, header):
    """One piece, up to the MTU, with DF too; two and three pieces, also a last one of few bytes."""
    for size in (*range(1480, 1512), *range(2950, 2990, 3)):
        payload = size - header
        assert ping(house, "pc1", server, count=1, payload=payload).received == 1, f"{size} bytes"
        if size <= 1500:
            assert ping(house, "pc2", server, count=1, payload=payload,
                        dont_fragment=True).received == 1, f"{size} bytes, with DF"


@pytest.mark.parametrize("target", [FAR4, FAR6], ids=["ipv4", "ipv6"])
def test_a_bulk_transfer_finds_the_paths_mtu(house, target):
    assert iperf(house, "pc1", target, seconds=1).mbps > 5


@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
@SERVERS
def test_iperf_by_tcp(house, server, reverse):
    assert iperf(house, "pc1", server, seconds=1, reverse=reverse).mbps > 20


@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
@SERVERS
def test_iperf_by_udp(house, server, reverse):
    udp_gets_through(house, "pc1", server, 10, reverse)


CALLERS = pytest.mark.parametrize("caller", ["srv", "pc1"], ids=["forward", "hairpin"])


@CALLERS
def test_curl_to_a_port_forward(house, caller):
    wanted = hashlib.sha256((house.dir / "www/big").read_bytes()).hexdigest()
    got = house.run(caller, "sh", "-c",
                    f"curl -sS --fail -m 30 http://{ROUTER_WAN4}:{WEB_PORT}/big | sha256sum")
    assert got.stdout.split()[0] == wanted


@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
@CALLERS
def test_iperf_to_a_port_forward(house, caller, reverse):
    assert iperf(house, caller, ROUTER_WAN4, seconds=1, reverse=reverse).mbps > 20


@CALLERS
def test_iperf_by_udp_to_a_port_forward(house, caller):
    udp_gets_through(house, caller, ROUTER_WAN4, 10)


def answer_with_peers(listener, count):
    for _ in range(count):
        accepted, peer = listener.accept()
        accepted.sendall(f"{peer[0]} {peer[1]} {accepted.recv(100).decode()}".encode())
        accepted.close()


@CALLERS
def test_connections_of_all_workers_to_a_port_forward(house, caller):
    """A hundred ports of the caller's, so that each pair of workers has some."""
    count = 100
    listener = socket_of(house, "pc2", socket.SOCK_STREAM, (PC2, ECHO_INNER), timeout=20)
    listener.listen(count)
    thread = threading.Thread(target=answer_with_peers, args=(listener, count))
    try:
        thread.start()
        for i in range(count):
            own = {"srv": SERVER4, "pc1": PC1}[caller]
            client = socket_of(house, caller, socket.SOCK_STREAM, (own, 20000 + i), timeout=8)
            client.connect((ROUTER_WAN4, ECHO_PORT))
            client.sendall(f"number {i}".encode())
            address, port, *said = client.recv(100).decode().split()
            assert said == ["number", str(i)]
            if caller == "srv":
                assert (address, port) == (SERVER4, str(20000 + i))
            else:
                assert address == ROUTER_WAN4, "hairpin hides the caller (RFC 5382 REQ-8)"
            client.close()
        thread.join(5)
    finally:
        listener.close()


def test_ipv6_hosts_are_not_reached_from_outside(house):
    with pytest.raises(LabError, match="timed out|Timeout|timeout"):
        fetch(house, "srv", f"http://[{PCS['pc2'][1]}]/", timeout=1)
    assert ping(house, "srv", PCS["pc2"][1], count=1).received == 0
    assert ping(house, "pc2", SERVER6, count=1).received == 1


def test_all_workers_had_work(house):
    workers = house.millrace("show", "workers")["workers"]
    assert all(worker["rx_packets"] > 0 for worker in workers), workers
    if len(workers) > 1:
        assert any(worker["handed_over"] > 0 for worker in workers), workers
