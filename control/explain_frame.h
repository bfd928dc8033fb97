// SPDX-License-Identifier: BSD-3-Clause
// A frame made of a description: Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200), TCP, UDP, ICMP or
// nothing, zeroes as payload, all checksums right. No I/O. Any thread.
#pragma once

#include <stddef.h>

#include "cfg/base/addr.h"

enum {
	EXPLAIN_FRAME_MAX = 1600, // it is in one buffer
	EXPLAIN_PAYLOAD_MAX = 1452,
	EXPLAIN_HOPS = 64, // where nothing else is said
};

struct explain_frame {
	struct mac_addr src_mac, dst_mac;
	struct ip_addr src, dst; // of one family
	uint16_t sport, dport;	 // host order; TCP, UDP
	uint8_t protocol;
	uint8_t tcp_flags;
	uint16_t mss; // TCP option; 0: none
	uint8_t icmp_type, icmp_code;
	uint16_t query_id;
	uint8_t hops, dscp;
	bool has_df;	  // IPv4
	bool is_fragment; // the first of several
	uint16_t payload_bytes;
};

// Its length. `out` has room for EXPLAIN_FRAME_MAX, the payload is EXPLAIN_PAYLOAD_MAX at most.
size_t explain_frame_write(const struct explain_frame *from, uint8_t *out);
