// SPDX-License-Identifier: BSD-3-Clause
// What is answered of a name that is blocked, and of one whose alias is: who gives a tracker a name
// of his own domain, which leads to the tracker's, does not get round a list. DNS thread.
#pragma once

#include "control/dns/answer.h"
#include "control/dns/blocking.h"
#include "control/dns/local.h"

// "the list ads, line 17: ||ads.example.com^"
void blocked_reason(const struct dns_blocked *blocked, char why[DNS_WHY_BYTES]);
// Into an answer that has begun, and into `result`, which has `why` already.
void blocked_put(struct dns_answer *answer, const struct dns_message *query,
	const struct dns_blocked *blocked, struct dns_local_result *result);

// The first name that an answer from outside leads to, by aliases or as who serves it (SVCB,
// HTTPS), and that is blocked for those of the view, unless `allow` or a list lets what was asked
// for, or a name before, pass. False: none.
bool blocked_alias_find(const struct dns_local *local, uint16_t view,
	const struct dns_message *answer, struct dns_blocked *found, struct dns_name *alias);
// What is answered instead. Its length.
size_t blocked_alias_write(const struct asked *asked, const struct dns_blocked *blocked,
	const struct dns_name *alias, uint8_t *out, size_t room, enum dns_rcode *rcode);
