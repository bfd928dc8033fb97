# SPDX-License-Identifier: BSD-3-Clause
"""Tells who asks by UDP which address and port it saw, and how many bytes came.

    udp_reporter.py serve PORT
    udp_reporter.py ask SERVER PORT SOURCE_PORT PAYLOAD_BYTES
"""

import socket
import sys


def serve(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    while True:
        data, peer = server.recvfrom(65535)
        address = peer[0].removeprefix("::ffff:")
        server.sendto(f"{address} {peer[1]} {len(data)}\n".encode(), peer)


def ask(server, port, source_port, payload):
    """Three tries a second apart: UDP may lose; a refusal (ICMP) ends it at once."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        client.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: IP_PMTUDISC_DONT, no DF
    client.bind(("", source_port))
    client.connect((server, port))
    client.settimeout(1)
    for tried in (1, 2, 3):
        client.send(bytes(payload))
        try:
            print(client.recv(200).decode(), end="")
            return 0
        except TimeoutError:
            continue
        except ConnectionRefusedError:
            print(f"connection refused at try {tried}", file=sys.stderr)
            return 2
    print("no answer", file=sys.stderr)
    return 1


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    sys.exit(ask(sys.argv[2], *(int(word) for word in sys.argv[3:6])))
