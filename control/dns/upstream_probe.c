// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/upstream_probe.h"

#include "cfg/base/clock.h"
#include "control/dns/exchange.h"

enum { WANTED_FOR_MS = 60000 }; // after the last question to the group

static void probe(struct upstream *upstream);

static void on_probe(void *ctx, const struct dns_message *answer, const struct upstream *ignored)
{
	struct upstream *upstream = ctx;
	struct upstream_group *group = upstream->group;

	upstream->probe = NULL;
	// any answer is one: what it is worth, questions tell
	if (upstream->n_failures > 0)
		probe(upstream);
	else if (group->on_back != NULL)
		group->on_back(group->on_back_ctx);
}

// An exchange is one try every 300 ms, and ends after some: then the next begins. With one upstream
// alone the questions themselves find out, unless somebody wants to hear of it.
static void probe(struct upstream *upstream)
{
	struct upstream_group *group = upstream->group;

	if ((group->n > 1 || group->on_back != NULL) &&
		clock_now_ms() - group->last_asked_ms < WANTED_FOR_MS)
		upstream->probe = exchange_probe(
			group, upstream, &upstream->probe_question, on_probe, upstream);
}

void upstream_probe_failing(struct upstream_group *group, const struct dns_question *question)
{
	for (unsigned i = 0; i < group->n; i++) {
		struct upstream *upstream = &group->list[i];

		if (upstream->n_failures == 0 || upstream->probe != NULL)
			continue;
		upstream->probe_question = *question;
		probe(upstream);
	}
}

void upstream_probe_end(struct upstream *upstream)
{
	exchange_cancel(upstream->probe);
	upstream->probe = NULL;
}
