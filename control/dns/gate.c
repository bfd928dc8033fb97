// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "control/dns/client_rate.h"

struct gate {
	struct dns_stats *stats;
	struct client_rate *rate;
	struct cookie_server cookies;
};

struct gate *gate_new(struct dns_stats *stats)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->stats = stats;
	gate->rate = client_rate_new();
	if (gate->rate != NULL)
		return gate;
	gate_free(gate);
	return NULL;
}

void gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	client_rate_free(gate->rate);
	free(gate);
}

// 0, also where there is none; -EBADMSG: it is malformed.
static int take_cookie(
	struct gate *gate, const struct dns_message *query, struct asker *asker, enum cookie_is *is)
{
	static const enum dns_count counts[] = {
		[COOKIE_IS_NEW] = DNS_COUNT_COOKIE_NEW,
		[COOKIE_IS_VALID] = DNS_COUNT_COOKIE_VALID,
		[COOKIE_IS_BAD] = DNS_COUNT_COOKIE_BAD,
	};
	struct cookie cookie;
	int rc = cookie_find(query, &cookie);

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	*is = cookie_server_take(&gate->cookies, &cookie, &asker->client, (uint32_t)time(NULL));
	dns_stats_count(gate->stats, counts[*is]);
	asked_with_cookie(&asker->asked, &cookie);
	return 0;
}

enum gate_verdict gate_take(struct gate *gate, const struct dns_message *query, int *parsed,
	struct asker *asker, uint32_t per_sec, uint64_t now_ms, enum cookie_is *is)
{
	*is = COOKIE_IS_NEW;
	if (*parsed == 0)
		*parsed = take_cookie(gate, query, asker, is);
	if (asker->is_stream || *is == COOKIE_IS_VALID)
		return GATE_OPEN;
	switch (client_rate_take(gate->rate, &asker->client, per_sec, now_ms)) {
	case CLIENT_RATE_ANSWER:
		return GATE_OPEN;
	case CLIENT_RATE_CUT:
		// section 5.2.3: a client that knows cookies comes again with the one that it gets;
		// who forges an address has hardly more sent there than it sends
		dns_stats_count(gate->stats,
			asker->asked.has_cookie ? DNS_COUNT_COOKIE_ASKED : DNS_COUNT_CUT);
		return asker->asked.has_cookie ? GATE_BADCOOKIE : GATE_CUT;
	case CLIENT_RATE_DROP:
		break;
	}
	dns_stats_count(gate->stats, DNS_COUNT_DROP_RATE);
	return GATE_DROP;
}

bool gate_asks_for_cookie(const struct dns_message *query, int parsed, const struct asker *asker)
{
	return parsed == 0 && query->n_questions == 0 && (query->flags & DNS_OPCODE) == 0 &&
	       asker->asked.has_cookie;
}
