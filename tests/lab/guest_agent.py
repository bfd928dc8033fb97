# SPDX-License-Identifier: BSD-3-Clause
"""Runs inside a lab's virtual machine: does what guest.py asks for over a virtio serial port.

A request is one line of JSON, an answer another. Only one side speaks at a time.
"""

import json
import os
import subprocess
import sys

started = {}  # pid -> Popen


def run(ask):
    """A command to its end."""
    try:
        done = subprocess.run(ask["argv"], input=ask.get("stdin"), capture_output=True, text=True,
                              stdin=None if ask.get("stdin") else subprocess.DEVNULL,
                              errors="replace", timeout=ask["timeout"])
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {ask['timeout']:g} s"}
    return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def start(ask):
    """A program that goes on in the background, its output in a file."""
    with open(ask["log"], "ab") as out:
        popen = subprocess.Popen(ask["argv"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 env={**os.environ, **ask.get("env", {})}, start_new_session=True)
    started[popen.pid] = popen
    return {"pid": popen.pid}


def poll(ask):
    return {"code": started[ask["pid"]].poll()}


def stop(ask):
    """A signal, and the exit code; killed, and said so, when it does not end in time."""
    popen = started[ask["pid"]]
    if popen.poll() is None:
        popen.send_signal(ask["signum"])
    try:
        return {"code": popen.wait(ask["timeout"])}
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
        return {"code": None}


def write(ask):
    with open(ask["path"], "w") as out:
        out.write(ask["text"])
    return {}


VERBS = {"run": run, "start": start, "poll": poll, "stop": stop, "write": write}


def main():
    fd = os.open(sys.argv[1], os.O_RDWR)
    os.write(fd, b'{"ready": true}\n')
    line = b""
    while True:
        part = os.read(fd, 65536)
        line += part
        if not part or not line.endswith(b"\n"):
            continue
        try:
            ask = json.loads(line)
            answer = VERBS[ask["verb"]](ask)
        except Exception as e:  # whatever it was, the lab should read it
            answer = {"error": f"{type(e).__name__}: {e}"}
        line = b""
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(fd, data):]


main()
