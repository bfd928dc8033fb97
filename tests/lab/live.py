# SPDX-License-Identifier: BSD-3-Clause
"""Traffic that goes on while a router changes, and tells in the end what became of it.

    live.py serve ADDRESS PORT      echoes UDP and TCP
    live.py udp TARGET PORT RATE    numbered datagrams, so many a second
    live.py tcp TARGET PORT         one connection, a line there and back each 5 ms

On SIGINT a sender waits for what is on its way and prints one line of JSON: {"sent", "answered"},
with "error" where a connection ended.
"""

import json
import select
import signal
import socket
import struct
import sys
import threading
import time

LAST_ANSWERS_SEC = 0.5
is_over = threading.Event()


def echo_tcp(peer):
    with peer:
        while data := peer.recv(65536):
            peer.sendall(data)


def serve(address, port):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.bind((address, port))
    tcp = socket.create_server((address, port))
    print("serving", flush=True)
    while True:
        for ready in select.select([udp, tcp], [], [])[0]:
            if ready is udp:
                data, peer = udp.recvfrom(2048)
                udp.sendto(data, peer)
            else:
                threading.Thread(target=echo_tcp, args=(tcp.accept()[0],), daemon=True).start()


def send_udp(target, port, rate):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.connect((target, port))
    sock.setblocking(False)
    answered, sent, began = set(), 0, time.monotonic()

    def collect():
        while True:
            try:
                answered.add(struct.unpack("!I", sock.recv(2048)[:4])[0])
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error: it counts as no answer

    print("sending", flush=True)
    while not is_over.is_set():
        while sent < (time.monotonic() - began) * rate:
            try:
                sock.send(struct.pack("!I", sent) + bytes(60))
            except OSError:
                pass
            sent += 1
        collect()
        time.sleep(0.001)
    end = time.monotonic() + LAST_ANSWERS_SEC
    while time.monotonic() < end:
        collect()
        time.sleep(0.01)
    return {"sent": sent, "answered": len(answered)}


def send_tcp(target, port):
    result = {"sent": 0, "answered": 0}
    with socket.create_connection((target, port), timeout=5) as sock:
        print("sending", flush=True)
        try:
            while not is_over.is_set():
                line = b"%015d\n" % result["sent"]
                sock.sendall(line)
                result["sent"] += 1
                got = b""
                while len(got) < len(line):
                    piece = sock.recv(64)
                    if not piece:
                        return {**result, "error": "closed"}
                    got += piece
                assert got == line
                result["answered"] += 1
                time.sleep(0.005)
        except OSError as e:
            return {**result, "error": str(e)}
    return result


def main(words):
    if words[0] == "serve":
        serve(words[1], int(words[2]))
    signal.signal(signal.SIGINT, lambda *_: is_over.set())
    if words[0] == "udp":
        result = send_udp(words[1], int(words[2]), float(words[3]))
    else:
        result = send_tcp(words[1], int(words[2]))
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
