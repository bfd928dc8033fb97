#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""systemd's journal as far as a service sees it: journal.py [--no-socket|--deaf] PROGRAM [ARGS...]

Runs the program with its stderr connected to a stream and JOURNAL_STREAM naming it, and with
/run/systemd/journal/socket, unless it is to be without; a deaf one has little room and reads nothing
until SIGUSR1. What comes is printed, an object a line:
{"via": "socket", fields...} or {"via": "stream", "text": ...}. In a mount namespace of its own:

    unshare --mount /usr/bin/python3 journal.py ...
"""

import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
ENTRY_MAX = 64 << 10


def fields_of(datagram):
    """An entry of the native protocol: NAME=text lines, or NAME, length and bytes."""
    fields, rest = {}, datagram
    while rest:
        line, _, rest = rest.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if not is_text:
            size = struct.unpack("<Q", rest[:8])[0]
            value, end = rest[8:8 + size], rest[8 + size:8 + size + 1]
            assert end == b"\n", datagram
            rest = rest[8 + size + 1:]
        fields.setdefault(name.decode(), []).append(value.decode())
    assert all(len(values) == 1 for values in fields.values()), fields
    return {name: values[0] for name, values in fields.items()}


def tell(**what):
    print(json.dumps(what), flush=True)


def main():
    argv = sys.argv[1:]
    has_socket, is_deaf = argv[0] != "--no-socket", argv[0] == "--deaf"
    argv = argv[1:] if is_deaf or not has_socket else argv
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    SOCKET.parent.mkdir(parents=True)
    entries = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if has_socket:
        entries.bind(str(SOCKET))
    ours, theirs = socket.socketpair()
    if is_deaf:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least there is
    its = os.fstat(theirs.fileno())
    program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env={
        **os.environ, "JOURNAL_STREAM": f"{its.st_dev}:{its.st_ino}"})
    theirs.close()
    signal.signal(signal.SIGTERM, lambda *ignored: program.send_signal(signal.SIGTERM))
    if is_deaf:
        signal.sigwait([signal.SIGUSR1])
    stream = ours.makefile("rb")
    with selectors.DefaultSelector() as selector:
        selector.register(entries, selectors.EVENT_READ)
        selector.register(ours, selectors.EVENT_READ)
        is_open = True
        while is_open:
            for key, _ in selector.select():
                if key.fileobj is entries:
                    tell(via="socket", **fields_of(entries.recv(ENTRY_MAX)))
                    continue
                line = stream.readline()
                is_open = line != b""
                if is_open:
                    tell(via="stream", text=line.decode(errors="backslashreplace").rstrip("\n"))
        entries.setblocking(False)
        try:
            while has_socket:
                tell(via="socket", **fields_of(entries.recv(ENTRY_MAX)))
        except BlockingIOError:
            pass
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
