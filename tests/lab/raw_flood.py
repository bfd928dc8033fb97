# SPDX-License-Identifier: BSD-3-Clause
"""Sends raw frames at a rate that a loop of send() does not reach; run in a lab's host.

    raw_flood.py DEVICE PACKETS_PER_SECOND SECONDS FILE     frames in hex, one a line, in turn
    -> how many were sent
"""

import ctypes
import socket
import sys
import time
from pathlib import Path

BATCH = 64


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint),
                ("iov", ctypes.POINTER(Iovec)), ("n_iov", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]


def flood(device, rate, seconds, frames):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    raw.bind((device, 0))
    frames *= -(-BATCH // len(frames))
    buffers = [ctypes.create_string_buffer(frame, len(frame)) for frame in frames]
    iovecs = (Iovec * len(frames))(*((ctypes.addressof(b), len(b)) for b in buffers))
    messages = (Message * len(frames))()
    for i, message in enumerate(messages):
        message.iov = ctypes.pointer(iovecs[i])
        message.n_iov = 1
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    began = time.monotonic()
    sent = at = 0
    while (elapsed := time.monotonic() - began) < seconds:
        due = int(elapsed * rate) - sent
        if due <= 0:
            time.sleep(0.0005)
            continue
        n = sendmmsg(raw.fileno(), ctypes.byref(messages[at]), min(BATCH, due, len(frames) - at), 0)
        sent += max(n, 0)
        at = (at + max(n, 0)) % len(frames)
    print(sent)


if __name__ == "__main__":
    flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]),
          [bytes.fromhex(line) for line in Path(sys.argv[4]).read_text().split()])
