// SPDX-License-Identifier: BSD-3-Clause
// The cookies of one upstream that is asked by UDP (RFC 7873 section 5): ours for it, and what it
// gave for that. Whoever forges its answer would have to know ours, beside port and number. Pure.
// DNS thread.
#pragma once

#include "control/dns/cookie.h"

struct upstream_cookie {
	struct cookie cookie; // server_bytes 0: it has not shown that it knows cookies
	struct ip_addr from;  // our address that it is for; of no family: there is none yet
	uint8_t n_without;    // questions in a row answered without, though it knows cookies
	uint8_t n_unheard;    // in a row: answered without one only, not with
	bool is_off;	      // it, or what is between, does not even bear the sight of one
};

// Appends the one to send from that address to a question of `n` bytes. The new length: `n` where
// it gets none. `is_failing`: the upstream has not answered; as some box on the way may be why, one
// that has not shown that it knows cookies is then asked without.
size_t upstream_cookie_put(struct upstream_cookie *upstream, const struct ip_addr *from,
	bool is_failing, uint8_t *query, size_t n, size_t room);

enum upstream_cookie_verdict {
	UPSTREAM_COOKIE_TAKE = 0, // the answer is to be believed as any is
	UPSTREAM_COOKIE_IGNORE,	  // somebody else's: the real one may yet come
	UPSTREAM_COOKIE_AGAIN,	  // it is to be asked once more
	UPSTREAM_COOKIE_BY_TCP,	  // only so it is to be believed
};

// Of an answer by TCP, where nobody forges one: whoever knows cookies there has not forgotten them.
void upstream_cookie_note_tcp(struct upstream_cookie *upstream, const struct dns_message *answer);

// Of an answer to a question by UDP, with a cookie or (`is_sent` false) without. `is_doubted`: TCP
// is about to tell already.
enum upstream_cookie_verdict upstream_cookie_judge(struct upstream_cookie *upstream,
	const struct dns_message *answer, bool is_sent, bool is_doubted);
