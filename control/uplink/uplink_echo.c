// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_echo.h"

#include "cfg/base/addr.h"
#include "cfg/base/cursor.h"

enum {
	ECHO4_ASKS = 8, // RFC 792
	ECHO4_ANSWERS = 0,
	ECHO6_ASKS = 128, // RFC 4443 4.1
	ECHO6_ANSWERS = 129,
	IP4_PROTOCOL_AT = 9,
	IP4_LEAST = 20,
	ICMP = 1,
};

// RFC 1071
static uint16_t checksum_of(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

size_t uplink_echo_write(
	uint8_t family, const struct uplink_echo *echo, uint8_t out[UPLINK_ECHO_BYTES])
{
	struct cursor_out c = cursor_out_of(out, UPLINK_ECHO_BYTES);
	uint16_t sum;

	cursor_put_u8(&c, family == IP_V6 ? ECHO6_ASKS : ECHO4_ASKS);
	cursor_put_u8(&c, 0);
	cursor_put_u16(&c, 0);
	cursor_put_u16(&c, echo->id);
	cursor_put_u16(&c, echo->sequence);
	cursor_put_zeroes(&c, UPLINK_ECHO_BYTES - c.n);
	if (family == IP_V4) {
		sum = checksum_of(out, UPLINK_ECHO_BYTES);
		out[2] = (uint8_t)(sum >> 8);
		out[3] = (uint8_t)sum;
	}
	return UPLINK_ECHO_BYTES;
}

static bool skip_ip4(struct cursor *c, const uint8_t *bytes, size_t n_bytes)
{
	size_t header_bytes = n_bytes == 0 ? 0 : (size_t)(bytes[0] & 0xf) * 4;

	if (header_bytes < IP4_LEAST || header_bytes > n_bytes || bytes[IP4_PROTOCOL_AT] != ICMP)
		return false;
	cursor_bytes(c, header_bytes);
	return true;
}

bool uplink_echo_read(
	uint8_t family, const uint8_t *bytes, size_t n_bytes, struct uplink_echo *echo)
{
	struct cursor c = cursor_of(bytes, n_bytes);
	uint8_t type, code;

	if (family == IP_V4 && !skip_ip4(&c, bytes, n_bytes))
		return false;
	type = cursor_u8(&c);
	code = cursor_u8(&c);
	cursor_u16(&c); // the kernel has looked at the checksum
	echo->id = cursor_u16(&c);
	echo->sequence = cursor_u16(&c);
	return !c.is_short && code == 0 &&
	       type == (family == IP_V6 ? ECHO6_ANSWERS : ECHO4_ANSWERS);
}
