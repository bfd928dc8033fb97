// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/explain.h"

#include <stdio.h>

#include "cfg/base/clock.h"
#include "control/dns/front.h"

enum { MS_PER_SEC = 1000 };

static size_t write_query(const struct dns_asking *asking, uint8_t *bytes, size_t room)
{
	static const uint8_t header[DNS_HEADER_BYTES] = {0, 0, DNS_RD >> 8, 0, 0, 1};
	struct cursor_out out = cursor_out_of(bytes, room);

	cursor_put(&out, header, sizeof(header));
	dns_name_write(&out, &asking->name);
	cursor_put_u16(&out, asking->type);
	cursor_put_u16(&out, DNS_CLASS_IN);
	return out.n;
}

static void tell_upstreams(const struct dns_policy *policy, const struct dns_asking *asking,
	struct dns_explanation *out)
{
	out->domain[0] = '\0';
	out->has_upstreams = policy->config.upstreams.n > 0;
	for (unsigned i = 0; i < policy->n_domains; i++) {
		if (!dns_name_is_within(&asking->name, &policy->domains[i].name))
			continue;
		dns_name_str(&policy->domains[i].name, out->domain);
		out->has_upstreams = true;
		return;
	}
}

void dns_explain(struct dns_parts *parts, void *ctx)
{
	const struct dns_policy *policy = front_policy(parts->front);
	struct dns_asking *asking = ctx;
	struct dns_explanation *to = &asking->out;
	uint8_t bytes[DNS_UDP_BYTES], answer[DNS_UDP_BYTES];
	uint32_t now_sec = (uint32_t)(clock_now_ms() / MS_PER_SEC);
	struct dns_message query;
	struct dns_blocking_view view;

	if (dns_message_parse(bytes, write_query(asking, bytes, sizeof(bytes)), &query) != 0)
		return;
	to->is_refused = !dns_policy_may_ask(policy, &asking->client);
	view = dns_local_view(policy->local, &asking->client, now_sec);
	to->group = view.number;
	snprintf(to->group_by, sizeof(to->group_by), "%s", view.by);
	dns_local_answer(policy->local, &query, &asking->client, now_sec, answer, sizeof(answer),
		&to->result);
	tell_upstreams(policy, asking, to);
}
