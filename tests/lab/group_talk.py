# SPDX-License-Identifier: BSD-3-Clause
"""Multicast as service discovery does it (RFC 6762); run in a lab's host as a program.

    group_talk.py answer DEVICE GROUP PORT      says who asks; answers each question to the group
    group_talk.py listen DEVICE GROUP PORT      prints what is said to the group
    group_talk.py ask DEVICE GROUP PORT         asks the group
"""

import socket
import struct
import sys


def open_group(device, group, port):
    index = socket.if_nametoindex(device)
    is_ip6 = ":" in group
    sock = socket.socket(socket.AF_INET6 if is_ip6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_ip6:
        member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    else:
        by_index = struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, by_index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, by_index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sock.bind((group, port, 0, index) if is_ip6 else (group, port))
    return sock, (group, port, 0, index) if is_ip6 else (group, port)


def main(what, device, group, port):
    sock, to = open_group(device, group, int(port))
    if what == "ask":
        sock.sendto(b"question", to)
        return
    print("ready", flush=True)
    while True:
        text, peer = sock.recvfrom(1500)
        print(text.decode(), peer[0].split("%")[0], flush=True)
        if what == "answer" and text == b"question":
            sock.sendto(b"answer", to)


if __name__ == "__main__":
    main(*sys.argv[1:5])
