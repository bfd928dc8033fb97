# SPDX-License-Identifier: BSD-3-Clause
"""A stateless profile for TRex: 50000 flows of UDP from the LAN, and their answers from the WAN to
the address that the router masquerades with. `-t size=64`: with FCS."""

from trex_stl_lib.api import (STLPktBuilder, STLScVmRaw, STLStream, STLTXCont, STLVmFlowVar,
                              STLVmWrFlowVar, Ether, IP, UDP)

HOST, SERVER, MASQUERADE = "198.18.0.11", "198.51.100.10", "203.0.113.2"
FIRST_PORT, LAST_PORT = 10000, 59999
FCS_BYTES = 4


class Nat44:
    def get_streams(self, direction=0, size=64, **kwargs):
        """`direction` 0 is the LAN's. Without a UDP checksum, which IPv4 allows: ports vary."""
        if direction == 0:
            base = Ether() / IP(src=HOST, dst=SERVER) / UDP(sport=FIRST_PORT, dport=4000, chksum=0)
        else:
            base = Ether() / IP(src=SERVER, dst=MASQUERADE) / UDP(sport=4000, dport=FIRST_PORT,
                                                                  chksum=0)
        pad = b"x" * max(0, int(size) - FCS_BYTES - len(base))
        ports = STLScVmRaw([
            STLVmFlowVar(name="port", min_value=FIRST_PORT, max_value=LAST_PORT, size=2, op="inc"),
            STLVmWrFlowVar(fv_name="port", pkt_offset="UDP.sport" if direction == 0 else "UDP.dport"),
        ])
        return [STLStream(packet=STLPktBuilder(pkt=base / pad, vm=ports), mode=STLTXCont())]


def register():
    return Nat44()
