# SPDX-License-Identifier: BSD-3-Clause
"""A DHCP server that means harm: dhcp_rogue.py DEVICE ADDRESS. Answers each message at once, with all
that it has."""

import socket
import struct
import sys

device, address = sys.argv[1:3]
OWN = socket.inet_aton(address)
COOKIE = b"\x63\x82\x53\x63"
OFFER, ACK, NAK = 2, 5, 6


def reply(query, kind, yiaddr="203.0.113.222", options=b"", server=OWN, lease=3600, xid=None):
    head = struct.pack("!BBBB4sHH4s4s4s4s", 2, 1, 6, 0, xid or query[4:8], 0, 0x8000, bytes(4),
                       socket.inet_aton(yiaddr), bytes(4), bytes(4)) + query[28:44] + bytes(192)
    said = bytes([53, 1, kind]) + (b"\x36\x04" + server if server else b"")
    if lease is not None:
        said += struct.pack("!BBI", 51, 4, lease)
    return head + COOKIE + said + options + b"\xff"


def nonsense(query):
    """Offers that no client may take, and messages that are none."""
    mask = b"\x01\x04\xff\xff\xff\x00"
    yield reply(query, OFFER, "127.0.0.1", mask)
    yield reply(query, OFFER, "224.0.0.9", mask)
    yield reply(query, OFFER, "203.0.113.255", mask)
    yield reply(query, OFFER, options=b"\x01\x04\xff\x00\xff\x00")  # a mask with holes
    yield reply(query, OFFER, options=mask, server=None)
    yield reply(query, OFFER, options=mask, lease=0)
    yield reply(query, OFFER, options=mask, lease=None)
    yield reply(query, OFFER, options=mask, xid=b"\x00\x01\x02\x03")
    yield reply(query, OFFER, options=mask + b"\x0f\xf0home")  # an option beyond the end
    yield reply(query, OFFER, options=mask)[:200]
    yield reply(query, 77, options=mask)
    yield b"\x02" * 300


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    own.bind(("", 67))
    while True:
        heard, _ = own.recvfrom(2000)
        if len(heard) < 240 or heard[0] != 1:
            continue
        answers = list(nonsense(heard))
        if b"\x35\x01\x03" in heard[240:]:  # a request
            answers += [reply(heard, NAK, "0.0.0.0"), reply(heard, ACK, options=b"\x01\x04\xff\xff\xff\x00")]
        for answer in answers:
            own.sendto(answer, ("255.255.255.255", 68))
