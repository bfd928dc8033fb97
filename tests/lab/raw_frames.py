# SPDX-License-Identifier: BSD-3-Clause
"""Sends and watches raw Ethernet frames in a lab's host; run there as a program.

    raw_frames.py send DEVICE       frames in hex, one a line, from standard input
    raw_frames.py watch DEVICE      prints each frame that comes in, until it is ended
"""

import socket
import sys
import time

ETH_P_ALL = 3


def open_on(device):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    raw.bind((device, 0))
    return raw


def send(device):
    raw = open_on(device)
    for line in sys.stdin:
        raw.send(bytes.fromhex(line))
        time.sleep(0.0005)  # far below what any router loses packets at


def watch(device):
    raw = open_on(device)
    print("watching", flush=True)
    while True:
        frame, address = raw.recvfrom(65535)
        if address[2] != socket.PACKET_OUTGOING:
            print(frame.hex(), flush=True)


if __name__ == "__main__":
    {"send": send, "watch": watch}[sys.argv[1]](sys.argv[2])
