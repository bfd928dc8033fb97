# SPDX-License-Identifier: BSD-3-Clause
"""One host takes all the ports that it can get. The others go on as if it were not there.

    HOST (64511 connections to FAR), HOST2, SERVER --- [ router, one outside address ] --- FAR, FAR2

The outside address has 64512 ports of TCP above 1023. Who opens them all by hand is given half,
what leaves is read back frame by frame, and no two live flows may ever be answered at one place.
"""

import select
import socket
import struct
import time

import pytest
from checksums import folded_sum, frame_faults
from conftest import cores_for
from home import ROUTER_WAN4
from lab import wait_for
from nat_lab import FAR, FAR2, HOST, HOST2, SERVER, NatLab, inside_of
from scapy.layers.inet import IP, TCP

PORTS = range(1024, 65535)
OUTSIDE_PORTS = 64512  # of one address, those below 1024 are for ports below 1024
SYN, RST = 2, 4
BATCH = 128
BEATS = (2000, 2064, 2001, 2065)  # of either worker
QUIET_SEC = 10  # between two lines of the log, of one worker
CHECKED_OF = 16  # of so many frames the checksums of one
SO_RCVBUFFORCE = 33
REMOTE_PORT = 80
BEAT = "198.18.0.36"
HOSTS = (HOST, HOST2, SERVER, BEAT)  # a sequence number is the place here, and the port


def skip(raw):
    """What has come so far, unread."""
    try:
        while raw.recv(1, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        pass


class Crowd:
    """Connections by the ten thousand, one segment each way to know them by."""

    def __init__(self, lab, workers):
        self.lab, self.workers = lab, workers
        self.owners = {}  # (outside address, port, remote) of each live flow -> (host, port)
        self.began = time.monotonic()
        with inside_of(lab.namespace("inet")):
            self.seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.seen.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.seen.bind(("router", 0))
        self.seen.setblocking(False)

    def frames(self, host, remote, ports, flags):
        """Only port, sequence number and TCP checksum differ from one to the next."""
        ends = socket.inet_aton(host) + socket.inet_aton(remote)
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0x4000, 64, 6, 0) + ends
        head = head[:10] + struct.pack("!H", 0xffff - folded_sum(head)) + head[12:]
        macs = bytes.fromhex((self.lab.inside.router_mac + self.lab.inside.mac).replace(":", ""))
        before, step = macs + b"\x08\x00" + head, flags == RST
        seq_high, window = HOSTS.index(host), 8192
        common = folded_sum(ends) + 6 + 20 + REMOTE_PORT + seq_high + (5 << 12 | flags) + window
        for port in ports:
            total = common + port + port + step
            total = (total & 0xffff) + (total >> 16)
            checksum = 0xffff - ((total & 0xffff) + (total >> 16))
            yield before + struct.pack("!HHHHIBBHHH", port, REMOTE_PORT, seq_high, port + step, 0,
                                       5 << 4, flags, window, checksum, 0)

    def read(self, host, mapped, flags):
        """Whatever has left by now; where those of the host did is written to `mapped`. Returns
        how many beats came."""
        beats = 0
        while True:
            try:
                frame, address = self.seen.recvfrom(2048)
            except BlockingIOError:
                return beats
            if address[2] == socket.PACKET_OUTGOING or frame[12:14] != b"\x08\x00" or frame[23] != 6:
                continue
            assert len(self.owners) % CHECKED_OF != 0 or frame_faults(frame) == []
            seq = struct.unpack_from("!I", frame, 38)[0] - (frame[47] == RST)
            owner = HOSTS[seq >> 16], seq & 0xffff
            outside, remote = (socket.inet_ntoa(frame[at:at + 4]) for at in (26, 30))
            port = struct.unpack_from("!H", frame, 34)[0]
            assert self.owners.setdefault((outside, port, remote), owner) == owner, \
                "two flows are answered at one place"
            if owner[0] == host and frame[47] == flags:
                assert mapped.setdefault(owner[1], (outside, port)) == (outside, port)
            beats += owner[0] == BEAT

    def send_batch(self, host, remote, ports, flags, mapped):
        """And waits for what comes last, so that no queue on the way runs over."""
        for frame in self.frames(host, remote, ports, flags):
            self.lab.inside.raw.send(frame)
        for frame in self.frames(BEAT, remote, BEATS, SYN):
            self.lab.inside.raw.send(frame)
        deadline, beats = time.monotonic() + 0.5, 0
        while beats < len(BEATS) and time.monotonic() < deadline:
            select.select([self.seen], [], [], 0.05)
            beats += self.read(host, mapped, flags)

    def send(self, host, remote, ports, flags=SYN):
        """Where each of a host's connections leaves, by its own port; those that get nowhere are
        tried again, for a wire may lose a frame."""
        mapped = {}
        for _ in range(2):
            missing = [port for port in ports if port not in mapped]
            for at in range(0, len(missing), BATCH):
                self.send_batch(host, remote, missing[at:at + BATCH], flags, mapped)
        for wire in (self.lab.inside, self.lab.outside):
            skip(wire.raw)
        return mapped

    def flows(self):
        return sum(worker["flows"] for worker in self.lab.millrace("show", "workers")["workers"])

    def end(self, host, remote, ports):
        """Each is reset, and forgotten a second later."""
        most = self.flows() - len(ports)
        self.send(host, remote, ports, RST)
        wait_for(lambda: self.flows() <= most, "connections to be forgotten", 20, interval=0.2)
        for key in [key for key, owner in self.owners.items() if owner[0] == host and key[2] == remote]:
            del self.owners[key]

    def is_answered(self, host, remote, port, mapped):
        got = self.lab.pass_on(IP(src=remote, dst=mapped[0]) / TCP(
            sport=REMOTE_PORT, dport=mapped[1], flags="SA", seq=1,
            ack=(HOSTS.index(host) << 16 | port) + 1), self.lab.outside, self.lab.inside, 1.0)
        return got is not None and (got[IP].dst, got[TCP].dport) == (host, port)


@pytest.fixture(scope="module", params=[
    pytest.param(n, id=f"{n}w", marks=pytest.mark.xdist_group(f"exhaustion-{n}w")) for n in (1, 2)])
def crowd(request):
    with NatLab() as lab:
        lab.start_nat(cores_for(request.param), "flows: { timeouts: { tcp-closed: 1s } }\n",
                      firewall="", nat="\n  - { masquerade: wan }\n")
        crowd = Crowd(lab, request.param)
        crowd.greedy = crowd.send(HOST, FAR, PORTS)
        yield crowd


def test_a_host_gets_half_of_the_ports_and_no_more(crowd):
    assert OUTSIDE_PORTS * 0.45 < len(crowd.greedy) <= OUTSIDE_PORTS // 2 + crowd.workers
    assert len(set(crowd.greedy.values())) == len(crowd.greedy), "each has one of its own"
    assert all(address == ROUTER_WAN4 and port in PORTS for address, port in crowd.greedy.values())


def test_it_is_counted_and_logged_now_and_then(crowd):
    counts = crowd.lab.counts("")
    refused = len(PORTS) - len(crowd.greedy)
    assert counts["nat_over_share"] >= refused and counts["drop_nat_no_port"] >= refused
    said = crowd.lab.router.output().count(f"{HOST}: holds its share of ports, and wants more")
    most = crowd.workers * (1 + (time.monotonic() - crowd.began) / QUIET_SEC)
    assert 1 <= said <= most, f"{said} lines"


def test_another_host_begins_whatever_it_likes(crowd):
    ports = range(20000, 20500)
    mapped = crowd.send(HOST2, FAR, ports)
    assert sorted(mapped) == list(ports)
    assert not set(mapped.values()) & set(crowd.greedy.values()), "none is the greedy host's"
    for port in ports[::50]:
        assert crowd.is_answered(HOST2, FAR, port, mapped[port])
    crowd.end(HOST2, FAR, ports)


def test_over_its_share_a_host_shares_ports_towards_other_remotes(crowd):
    """And each answer finds the connection that it is meant for."""
    refused = [port for port in PORTS if port not in crowd.greedy][:300]
    before = crowd.lab.counts("nat_overloaded")["nat_overloaded"]
    mapped = crowd.send(HOST, FAR2, refused)
    assert sorted(mapped) == refused and len(set(mapped.values())) == len(refused)
    assert set(mapped.values()) <= set(crowd.greedy.values()), "somebody holds them already"
    assert crowd.lab.counts("nat_overloaded")["nat_overloaded"] >= before + len(refused)
    inner = {endpoint: port for port, endpoint in crowd.greedy.items()}
    for port in refused[::30]:
        assert crowd.is_answered(HOST, FAR2, port, mapped[port])
        assert crowd.is_answered(HOST, FAR, inner[mapped[port]], mapped[port])


def test_ports_come_back_when_connections_end(crowd):
    crowd.end(HOST, FAR, sorted(crowd.greedy))
    half_of_a_half = OUTSIDE_PORTS // 4  # what there was for the next host while HOST had its half
    mapped = crowd.send(SERVER, FAR, PORTS[:half_of_a_half + 4000])
    assert len(mapped) == half_of_a_half + 4000
