# SPDX-License-Identifier: BSD-3-Clause
"""Many flows at a time, each of which sends once more whenever it is told to.

    many_flows.py serve PORT ADDRESS...         echoes UDP and TCP, on 8 ports from PORT on
    many_flows.py talk N SEED PORT TARGET...    N flows to the targets, and these ports

On SIGUSR1 a talker sends once in each flow that it still has, and says "sent".
"""

import random
import select
import signal
import socket
import sys

PORTS = 8
ANSWER_SEC = 2
UDP, TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(address, port):
    udp, tcp = (socket.socket(family_of(address), kind) for kind in (UDP, TCP))
    for sock in udp, tcp:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    tcp.listen(1024)
    return udp, tcp


def serve(first, addresses):
    listeners = [listen(address, port) for address in addresses
                 for port in range(first, first + PORTS)]
    udps, tcps, peers = {u for u, _ in listeners}, {t for _, t in listeners}, set()
    print("serving", flush=True)
    while True:
        for ready in select.select([*udps, *tcps, *peers], [], [])[0]:
            try:
                if ready in udps:
                    data, peer = ready.recvfrom(2048)
                    ready.sendto(data, peer)
                elif ready in tcps:
                    peers.add(ready.accept()[0])
                elif data := ready.recv(2048):
                    ready.sendall(data)
                else:
                    raise ConnectionResetError
            except OSError:
                if ready in peers:
                    peers.remove(ready)
                    ready.close()


def begin(kind, target, port):
    sock = socket.socket(family_of(target), kind)
    sock.settimeout(ANSWER_SEC)
    sock.connect((target, port))
    for _ in range(2):
        sock.send(b"hello")
        sock.recv(2048)
    sock.setblocking(False)
    return sock


def talk(n, seed, port, targets):
    choose = random.Random(seed)
    socks = [begin(choose.choice((UDP, TCP)), choose.choice(targets),
                   port + choose.randrange(PORTS)) for _ in range(n)]

    def send(*ignored):
        for sock in socks:
            try:
                sock.send(b"again")
            except OSError:
                pass  # it was cut, or heard of it
        print("sent", flush=True)

    signal.signal(signal.SIGUSR1, send)
    print("talking", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), sys.argv[3:])
    else:
        talk(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
