// SPDX-License-Identifier: BSD-3-Clause
// ICMP echo (RFC 792, RFC 4443 section 4): questions that uplinks are probed by, and what of what
// comes in is an answer. Bytes in, bytes out. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UPLINK_ECHO_BYTES = 32 };

struct uplink_echo {
	uint16_t id, sequence;
};

// Without the IP header. The checksum of IPv6 is the kernel's to fill in.
size_t uplink_echo_write(
	uint8_t family, const struct uplink_echo *echo, uint8_t out[UPLINK_ECHO_BYTES]);
// As a raw socket gives it: IPv4 with its header. False: it is no answer.
bool uplink_echo_read(
	uint8_t family, const uint8_t *bytes, size_t n_bytes, struct uplink_echo *echo);
