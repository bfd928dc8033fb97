// SPDX-License-Identifier: BSD-3-Clause
// What a server says of the address that a client's cookie came from, so that it knows both when
// they come again: it keeps nothing but a secret (RFC 9018, SipHash-2-4 of client cookie, time and
// address). Times are the wall clock's, in seconds. DNS thread.
#pragma once

#include "control/dns/cookie.h"
#include "control/dns/siphash.h"

enum {
	COOKIE_SERVER_BYTES = 16,   // RFC 9018 section 4
	COOKIE_AGE_MAX_SEC = 3600,  // section 4.3
	COOKIE_AHEAD_MAX_SEC = 300, // the same: a clock that was set back
	COOKIE_RENEW_SEC = 1800,    // the same: older ones are not given again
	COOKIE_SECRET_SEC =
		24 * 3600, // RFC 7873 section 7.1 wants one to live no longer than weeks
};

struct cookie_server {
	uint8_t secret[SIPHASH_KEY_BYTES];
	uint8_t before[SIPHASH_KEY_BYTES]; // what it signed counts until its age ends that
	uint32_t since_sec;		   // 0: there is no secret yet
	bool has_before;
};

enum cookie_is {
	COOKIE_IS_NEW = 0, // of the client alone
	COOKIE_IS_VALID,   // this address had it from here
	COOKIE_IS_BAD,	   // it is not from here, is old, or came from another address
};

// What a client has sent becomes what it is answered with.
enum cookie_is cookie_server_take(struct cookie_server *server, struct cookie *cookie,
	const struct ip_addr *client, uint32_t now_sec);
