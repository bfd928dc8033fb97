# SPDX-License-Identifier: BSD-3-Clause
"""Doors of a host, and tries of those of others: which can be reached, and what is told where not.
Run in a lab's host as a program; a door is tcp/PORT, udp/PORT or echo.

    doors.py NAME SOCKET DOOR...

Answers "NAME source-address source-port" to who comes to its doors. Who connects to the Unix socket
and sends {"target", "door", "wait", "source", "count"} as a line of JSON gets a list: what became
of each of `count` tries, which begin together. That is {"got": "answer", "name", "seen", "port"},
{"got": "reset"}, {"got": "error", "code": [type, code], "by"} or {"got": "silence"}; an answer to
an echo request has no name.
"""

import errno
import ipaddress
import itertools
import json
import random
import select
import selectors
import socket
import struct
import sys
import threading
import time

from udp_probe import IP_RECVERR, IPV6_FREEBIND, IPV6_RECVERR, icmp_error

ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # request, reply
IDENTS = itertools.count(random.randrange(1 << 16))
ERRORS = {socket.AF_INET: (3, 4, 5, 11, 12), socket.AF_INET6: (1, 2, 3, 4)}


# --- serving ---

def bind(kind, port):
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_DGRAM:  # answers from the address that was asked
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        server.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    server.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        server.listen(64)
    return server


def words_for(name, peer):
    return f"{name} {peer[0].removeprefix('::ffff:')} {peer[1]}\n".encode()


def answer_stream(server, name):
    stream, peer = server.accept()
    with stream:
        stream.sendall(words_for(name, peer))


def answer_datagram(server, name):
    _, control, _, peer = server.recvmsg(2048, 256)
    info = [(level, kind, data[:16] + bytes(4)) for level, kind, data in control
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)]
    if peer[0].startswith("fe80"):  # which link an answer leaves by is part of its address
        info = []
    server.sendmsg([words_for(name, peer)], info, 0, peer)


def serve(name, doors):
    selector = selectors.DefaultSelector()
    for door in doors:
        protocol, port = door.split("/")
        is_tcp = protocol == "tcp"
        server = bind(socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM, int(port))
        selector.register(server, selectors.EVENT_READ, answer_stream if is_tcp else answer_datagram)
    print("open", flush=True)
    while True:
        for key, _ in selector.select():
            try:
                key.data(key.fileobj, name)
            except OSError:
                continue  # who asked has gone


# --- trying ---

def answered(text):
    name, seen, port = text.split()
    return {"got": "answer", "name": name, "seen": seen, "port": int(port)}


def error_of(sock):
    error = icmp_error(sock)
    return error and {"got": "error", "code": error[:2], "by": error[3]}


class TransportTry:
    """By TCP or UDP."""

    def __init__(self, family, target, door, source):
        protocol, port = door.split("/")
        self.is_tcp = protocol == "tcp"
        self.sock = socket.socket(family, socket.SOCK_STREAM if self.is_tcp else socket.SOCK_DGRAM)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            self.sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        self.sock.setblocking(False)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect_ex((target, int(port)))
        if not self.is_tcp:
            self.sock.send(b"who is there?")

    def outcome(self):
        """None: not yet."""
        error = error_of(self.sock)
        if error:
            return error
        try:
            return answered(self.sock.recv(200).decode())
        except BlockingIOError:
            return None
        except OSError as e:
            if e.errno == errno.ENOTCONN:
                return None
            # the reason of an error without one in the queue is an answer of TCP itself
            return {"got": "reset" if self.is_tcp and e.errno == errno.ECONNREFUSED else e.strerror}


class EchoTry:
    def __init__(self, family, target, door, source):
        self.family = family
        protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        self.sock = socket.socket(family, socket.SOCK_RAW, protocol)
        self.sock.setblocking(False)
        if source:
            self.sock.bind((source, 0))
        self.ident = struct.pack("!HH", next(IDENTS) & 0xffff, 1)  # each is a flow of its own
        request = struct.pack("!BBH", ECHO[family][0], 0, 0) + self.ident + bytes(16)
        if family == socket.AF_INET:  # ICMPv6 checksums are the kernel's
            total = sum(struct.unpack(f"!{len(request) // 2}H", request))
            total = (total & 0xffff) + (total >> 16)
            request = request[:2] + struct.pack("!H", ~total & 0xffff) + request[4:]
        self.sock.sendto(request, (target, 0))

    def outcome(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2048)
            except BlockingIOError:
                return None
            if self.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4:]
            if data[0] == ECHO[self.family][1] and data[4:8] == self.ident:
                return {"got": "answer", "name": "", "seen": ""}
            inner = 8 + (20 if self.family == socket.AF_INET else 40)
            if data[0] in ERRORS[self.family] and data[inner + 4:inner + 8] == self.ident:
                return {"got": "error", "code": [data[0], data[1]], "by": peer[0]}


def attempt(target, door, wait=0.5, source=None, count=1):
    is_ip6 = ipaddress.ip_address(target).version == 6
    family = socket.AF_INET6 if is_ip6 else socket.AF_INET
    make = EchoTry if door == "echo" else TransportTry
    tries = [make(family, target, door, source) for _ in range(count)]
    results = [None] * count
    deadline = time.monotonic() + wait
    while None in results and time.monotonic() < deadline:
        open_ones = [one.sock for one, result in zip(tries, results) if result is None]
        select.select(open_ones, [], [], min(0.02, wait))
        results = [result or one.outcome() for one, result in zip(tries, results)]
    for one in tries:
        one.sock.close()
    return [result or {"got": "silence"} for result in results]


def take_orders(listener):
    while True:
        stream, _ = listener.accept()
        with stream, stream.makefile("rw") as lines:
            order = json.loads(lines.readline())
            lines.write(json.dumps(attempt(**order)) + "\n")


if __name__ == "__main__":
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    orders.bind(sys.argv[2])
    orders.listen()
    threading.Thread(target=take_orders, args=(orders,), daemon=True).start()
    serve(sys.argv[1], sys.argv[3:])
