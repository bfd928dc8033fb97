// SPDX-License-Identifier: BSD-3-Clause
// Who is answered by UDP, where anybody may say that he is somebody else: each address at its rate
// (client_rate.h), and whoever shows by a cookie that it is where it says (RFC 7873) without bound.
// DNS thread, with the lock of the statistics.
#pragma once

#include "control/dns/cookie_server.h"
#include "control/dns/front.h"

struct gate;

struct gate *gate_new(struct dns_stats *stats); // NULL: no memory
void gate_free(struct gate *gate);		// NULL is fine

enum gate_verdict {
	GATE_OPEN = 0,
	GATE_CUT,	// "ask again by TCP"
	GATE_BADCOOKIE, // "ask again with this cookie"
	GATE_DROP,
};

// Of a query that dns_message_parse has taken as `*parsed` says: -EBADMSG, too, when its cookie is
// malformed. `asker->asked` gets the cookie that it is answered with, and `*is` what its own was
// (COOKIE_IS_NEW also where there is none). All is counted.
enum gate_verdict gate_take(struct gate *gate, const struct dns_message *query, int *parsed,
	struct asker *asker, uint32_t per_sec, uint64_t now_ms, enum cookie_is *is);
// RFC 7873 section 5.4: without a question it is the cookie that is asked for.
bool gate_asks_for_cookie(const struct dns_message *query, int parsed, const struct asker *asker);
