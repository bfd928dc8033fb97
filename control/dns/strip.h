// SPDX-License-Identifier: BSD-3-Clause
// An answer without what its asker did not ask for: DNSSEC's records (RFC 4035 section 3.2.1) and
// OPT. Names are written anew, as what they pointed to may have gone. Pure. Any thread.
#pragma once

#include "control/dns/dns_message.h"

// Each returns the length of what it wrote to `out`; 0: there is no room, or a name is none.
size_t strip_dnssec(const struct dns_message *answer, uint8_t *out, size_t room);
// The records of an alias, then those of what it leads to, as one answer to the alias's question.
size_t strip_join(const struct dns_message *alias, const struct dns_message *answer, uint8_t *out,
	size_t room);
size_t strip_nothing(const struct dns_message *answer, uint8_t *out, size_t room); // but OPT

// A record's data with its length in front, names in it written out. False: a name is none, or
// there is no room.
bool strip_put_data(
	const struct dns_message *answer, const struct dns_record *record, struct cursor_out *out);
