# SPDX-License-Identifier: BSD-3-Clause
"""DNS cookies (RFC 7873) as bytes: for clients and servers that do what no real one does."""

import socket
import struct

from dns_lab import question

COOKIE, PADDING = 10, 12
FORMERR, BADCOOKIE = 1, 23


def option(code, data):
    return struct.pack("!2H", code, len(data)) + data


def opt(options=b"", high=0):
    """An OPT record; `high`: the upper bits of an answer's code."""
    return b"\0" + struct.pack("!2HIH", 41, 1232, high << 24, len(options)) + options


def ask(sock, name, options=b"", number=1):
    sock.send(question(name, number, edns=opt(options)))


def skip_question(message):
    at = 12
    while message[at]:
        at += 1 + message[at]
    return at + 5


def read(message):
    """(code with its upper bits, whether it is cut, the cookie or None, bytes) of an answer whose
    OPT comes last and has the root's name."""
    at = skip_question(message) if message[4:6] == b"\0\1" else 12
    code, cookie = message[3] & 15, None
    for _ in range(sum(struct.unpack("!3H", message[6:12]))):
        while message[at] and message[at] < 0xc0:
            at += 1 + message[at]
        at += 2 if message[at] else 1
        kind, _, ttl, size = struct.unpack("!2HIH", message[at:at + 10])
        data, at = message[at + 10:at + 10 + size], at + 10 + size
        if kind != 41:
            continue
        code |= ttl >> 24 << 4
        while data:
            what, n = struct.unpack("!2H", data[:4])
            if what == COOKIE:
                cookie = data[4:4 + n]
            data = data[4 + n:]
    return code, bool(message[2] & 2), cookie, len(message)


def client(server, source=None):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source or "0.0.0.0", 0))
    sock.connect((server, 53))
    sock.settimeout(3)
    return sock


def learn(sock, name, mine=b"rstuvwxy"):
    """The whole cookie that the server gives for ours."""
    ask(sock, name, option(COOKIE, mine))
    return read(sock.recv(4096))[2]
