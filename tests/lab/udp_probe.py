# SPDX-License-Identifier: BSD-3-Clause
"""Sends UDP datagrams and tells what became of each; run in a lab's host as a program.

    udp_probe.py serve PORT NAME    answers "NAME source-address source-port" to each datagram,
                                    from the address that it was sent to
    udp_probe.py ask TARGET PORT [count=1] [rounds=1] [sport=0] [ttl=64] [bytes=16] [wait=1.0]
        `count` sockets send `rounds` datagrams each, with DF set; one line of JSON for each:
        {"sport", "name", "seen"}, {"sport", "error": [type, code, info, offender]} or {"sport"}
    udp_probe.py listen PORT        prints the text of each datagram, one a line
    udp_probe.py send TARGET PORT COUNT [INTERVAL]
        numbered datagrams, nothing expected back
"""

import json
import select
import socket
import struct
import sys
import time

IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, IP_RECVERR = 10, 3, 11
IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_FREEBIND = 23, 25, 78
ORIGINS_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
MSG_ERRQUEUE = 0x2000


def serve(port, name):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)  # answers for whole prefixes
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    server.bind(("::", port))
    while True:
        _, control, _, peer = server.recvmsg(65535, 256)
        address = peer[0].removeprefix("::ffff:")
        # only the address: the way back is for the routes to choose
        info = next((data[:16] + bytes(4) for level, kind, data in control
                     if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)), None)
        send_as = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)] if info else []
        try:
            server.sendmsg([f"{name} {address} {peer[1]}".encode()], send_as, 0, peer)
        except OSError:
            continue  # no way back at the moment


def client(target, port, sport, ttl):
    is_ip6 = ":" in target
    sock = socket.socket(socket.AF_INET6 if is_ip6 else socket.AF_INET, socket.SOCK_DGRAM)
    if is_ip6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    sock.setblocking(False)
    sock.bind(("", sport))
    sock.connect((target, port))
    return sock


def icmp_error(sock):
    """What an ICMP error said, None when the queue holds none."""
    while True:
        try:
            _, control, _, _ = sock.recvmsg(2048, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            return None
        for _, _, data in control:
            if len(data) < 16:
                continue
            _, origin, kind, code, _, info, _ = struct.unpack_from("=IBBBBII", data)
            if origin not in ORIGINS_ICMP:
                continue
            family = struct.unpack_from("=H", data, 16)[0]
            at, size = (20, 4) if family == socket.AF_INET else (24, 16)
            return [kind, code, info, socket.inet_ntop(family, data[at:at + size])]


def outcome(sock, wait):
    result = {"sport": sock.getsockname()[1]}
    deadline = time.monotonic() + wait
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    while time.monotonic() < deadline:
        if not poll.poll(max(0, (deadline - time.monotonic()) * 1000)):
            break
        error = icmp_error(sock)
        if error:
            result["error"] = error
            break
        try:
            name, address, port = sock.recv(2048).decode().split()
        except OSError:
            continue
        result.update(name=name, seen=[address, int(port)])
        break
    return result


def ask(target, port, count=1, rounds=1, sport=0, ttl=64, size=16, wait=1.0):
    clients = [client(target, port, sport and sport + i, ttl) for i in range(count)]
    for _ in range(rounds):
        for sock in clients:
            try:
                sock.send(bytes(size))
            except OSError:
                sock.send(bytes(size))  # the first told of an error of the last round
        deadline = time.monotonic() + wait
        for sock in clients:
            print(json.dumps(outcome(sock, max(0.01, deadline - time.monotonic()))))


def listen(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    while True:
        print(server.recv(65535).decode(), flush=True)


def send(target, port, count, interval):
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    for i in range(count):
        client.sendto(str(i).encode(), (target, port))
        time.sleep(interval)


def main(words):
    if words[0] == "serve":
        serve(int(words[1]), words[2])
    if words[0] == "listen":
        listen(int(words[1]))
    if words[0] == "send":
        send(words[1], int(words[2]), int(words[3]), float(words[4]) if len(words) > 4 else 0)
        return
    options = dict(word.split("=") for word in words[3:])
    if "bytes" in options:
        options["size"] = options.pop("bytes")
    wait = float(options.pop("wait", 1.0))
    ask(words[1], int(words[2]), wait=wait, **{key: int(value) for key, value in options.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
