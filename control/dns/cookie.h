// SPDX-License-Identifier: BSD-3-Clause
// DNS cookies (RFC 7873) in a message, whoever sent it: what a client says of itself, and what the
// server has told that client before. Who forges an address has neither. Any thread.
#pragma once

#include "control/dns/dns_message.h"

enum {
	COOKIE_OPTION = 10,	     // section 4
	COOKIE_CLIENT_BYTES = 8,     // always
	COOKIE_SERVER_BYTES_MIN = 8, // or none
	COOKIE_SERVER_BYTES_MAX = 32,
	COOKIE_OPTION_HEAD_BYTES = 4,
};

struct cookie {
	uint8_t client[COOKIE_CLIENT_BYTES];
	uint8_t server[COOKIE_SERVER_BYTES_MAX];
	uint8_t server_bytes; // 0: of the client alone
};

// The first one of a parsed message: section 5.2 has others ignored. 0; -ENOENT: it has none;
// -EBADMSG: its length is none that a cookie has, or EDNS's options are not what they say.
int cookie_find(const struct dns_message *message, struct cookie *out);

// Behind a message of `n` bytes that ends with its OPT, whose data it joins. The new length: `n`
// where there is no such OPT, or no room.
size_t cookie_append(const struct cookie *cookie, uint8_t *message, size_t n, size_t room);
size_t cookie_option_bytes(const struct cookie *cookie);
