# SPDX-License-Identifier: BSD-3-Clause
"""Puts an XDP program that lets all packets pass on a network device, as a firewall would its own;
run in a lab's host. It stays there.

    xdp_program.py DEVICE NAME
"""

import ctypes
import socket
import struct
import sys

BPF_PROG_TYPE_XDP = 6
XDP_PASS = 2
# r0 = XDP_PASS; exit (opcode, registers, offset, immediate)
PASS_ALL = struct.pack("<BBhi", 0xb7, 0, 0, XDP_PASS) + struct.pack("<BBhi", 0x95, 0, 0, 0)


def attach(device, name):
    libbpf = ctypes.CDLL("libbpf.so.1")
    program = libbpf.bpf_prog_load(BPF_PROG_TYPE_XDP, name.encode(), b"BSD", PASS_ALL,
                                   ctypes.c_size_t(len(PASS_ALL) // 8), None)
    if program < 0:
        sys.exit(f"the kernel does not load it: {program}")
    done = libbpf.bpf_xdp_attach(socket.if_nametoindex(device), program, 0, None)
    if done < 0:
        sys.exit(f"it cannot be put on {device}: {done}")


if __name__ == "__main__":
    attach(*sys.argv[1:])
