# SPDX-License-Identifier: BSD-3-Clause
"""A managed switch in a lab's host, run there as a program: what a bridge with VLAN filtering does,
where the kernel has none.

    vlan_switch.py TRUNK DEVICE=VLAN...     access ports by the VLAN each is in; `-`: untagged ones

Frames of the trunk go to the access ports of their VLAN, without their tag. Those of an access port
go to the others of its VLAN, and to the trunk with a tag. A tag of VLAN 0 is none.
"""

import select
import socket
import struct
import sys

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, SO_RCVBUFFORCE = 3, 263, 8, 33
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("IIIHHHH")  # tpacket_auxdata
FRAMES_A_TURN = 64


def open_on(device):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    raw.bind((device, ETH_P_ALL))
    raw.setblocking(False)
    return raw


def receive(raw):
    """(frame without its outermost tag, VLAN), None: there is none, or it is one that was sent. The
    kernel tells of a tag beside the frame."""
    frame, ancillary, _, address = raw.recvmsg(65535, socket.CMSG_SPACE(AUXDATA.size))
    if address[2] == socket.PACKET_OUTGOING:
        return None
    for _, _, data in ancillary:
        status, _, _, _, _, tci, _ = AUXDATA.unpack(data[:AUXDATA.size])
        if status & TP_STATUS_VLAN_VALID:
            return frame, tci & 0xfff
    return frame, 0


def send(raw, frame):
    try:
        raw.send(frame)
    except OSError:
        pass  # the other end is down, as a cable may be


class Switch:
    def __init__(self, trunk, access):
        self.trunk = open_on(trunk)
        self.access = {open_on(device): 0 if vlan == "-" else int(vlan) for device, vlan in access}

    def pass_on(self, source):
        for _ in range(FRAMES_A_TURN):
            try:
                received = receive(source)
            except BlockingIOError:
                return
            if received is None:
                continue
            frame, tagged = received
            vlan = tagged if source is self.trunk else self.access[source]
            for raw, its in self.access.items():
                if its == vlan and raw is not source:
                    send(raw, frame)
            if source is not self.trunk:
                tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
                send(self.trunk, frame[:12] + tag + frame[12:])

    def run(self):
        sources = [self.trunk, *self.access]
        print("switching", flush=True)
        while True:
            for source in select.select(sources, [], [])[0]:
                try:
                    self.pass_on(source)
                except OSError:
                    pass  # its device went down


if __name__ == "__main__":
    Switch(sys.argv[1], [word.split("=") for word in sys.argv[2:]]).run()
