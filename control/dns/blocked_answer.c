// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/blocked_answer.h"

#include <stdio.h>

#include "control/dns/local_internal.h"

void blocked_reason(const struct dns_blocked *blocked, char why[DNS_WHY_BYTES])
{
	char rule[DNS_NAME_STR_BYTES + 32];

	if (blocked->list == NULL)
		snprintf(why, DNS_WHY_BYTES, "%s: %s",
			blocked->match.rule.is_exception ? "`allow` of the config"
							 : "`names` of the config",
			dns_name_str(&blocked->match.name, rule));
	else
		snprintf(why, DNS_WHY_BYTES, "the list %s, line %u: %s", blocked->list,
			blocked->match.line,
			block_rule_str(
				&blocked->match.rule, &blocked->match.name, rule, sizeof(rule)));
}

void blocked_put(struct dns_answer *answer, const struct dns_message *query,
	const struct dns_blocked *blocked, struct dns_local_result *result)
{
	static const struct ip_addr zero4 = {.family = IP_V4}, zero6 = {.family = IP_V6};
	const struct dns_question *question = &query->question;

	result->stage = DNS_STAGE_BLOCKING;
	result->verdict = DNS_LOCAL_BLOCKED;
	dns_answer_explain(answer, DNS_EXTRA_BLOCKED, result->why);
	switch (blocked->answer) {
	case CFG_DNS_BLOCK_NXDOMAIN:
		result->rcode = DNS_NXDOMAIN;
		break;
	case CFG_DNS_BLOCK_ZERO:
		if (question->type == DNS_A || question->type == DNS_ANY)
			dns_answer_add_address(answer, &question->name, DNS_LOCAL_TTL_SEC, &zero4);
		if (question->type == DNS_AAAA || question->type == DNS_ANY)
			dns_answer_add_address(answer, &question->name, DNS_LOCAL_TTL_SEC, &zero6);
		break;
	case CFG_DNS_BLOCK_REFUSED:
		result->rcode = DNS_REFUSED;
		return;
	}
	if (answer->n_records[DNS_ANSWER] == 0)
		dns_answer_add_soa(answer, &blocked->match.name, DNS_LOCAL_TTL_SEC);
}

// --- aliases ---

// RFC 9460 section 2.4.2 (an alias) and 2.5 (somebody else serves it): the root stands for nobody
// else. Each by itself: there may be several.
static bool is_service_blocked(const struct dns_local *local, uint16_t view,
	const struct dns_message *answer, const struct dns_record *record,
	struct dns_blocked *found, struct dns_name *alias)
{
	struct dns_name target;

	if (dns_record_target(answer, record, &target) != 0 || target.n_labels == 0 ||
		!dns_blocking_find(local->blocking, view, &target, found))
		return false;
	*alias = target;
	return true;
}

bool blocked_alias_find(const struct dns_local *local, uint16_t view,
	const struct dns_message *answer, struct dns_blocked *found, struct dns_name *alias)
{
	struct dns_walk walk = dns_walk_begin(answer);
	struct dns_record record;

	*alias = answer->question.name;
	found->match.name.len = 0;
	while (view != 0 && dns_walk_next(&walk, &record)) {
		bool is_service = record.type == DNS_SVCB || record.type == DNS_HTTPS;

		if (record.section != DNS_ANSWER || (record.type != DNS_CNAME && !is_service))
			continue;
		if (alias->len > 0 && found->match.name.len == 0)
			dns_blocking_find(local->blocking, view, alias, found);
		if (found->match.name.len > 0)
			return false;
		if (is_service) {
			struct dns_blocked of_service;

			if (is_service_blocked(local, view, answer, &record, &of_service, alias)) {
				*found = of_service;
				return true;
			}
			continue;
		}
		if (dns_record_target(answer, &record, alias) != 0)
			return false;
		if (dns_blocking_find(local->blocking, view, alias, found))
			return true;
	}
	return false;
}

size_t blocked_alias_write(const struct asked *asked, const struct dns_blocked *blocked,
	const struct dns_name *alias, uint8_t *out, size_t room, enum dns_rcode *rcode)
{
	struct dns_message query = {
		.id = asked->id,
		.flags = asked->flags,
		.n_questions = 1,
		.question = asked->question,
		.edns = {.is_there = asked->has_edns, .is_do = asked->is_do},
	};
	struct dns_local_result result = {.rcode = DNS_NOERROR};
	char reason[DNS_WHY_BYTES], name[DNS_NAME_STR_BYTES];
	struct dns_answer answer;

	blocked_reason(blocked, reason);
	snprintf(result.why, sizeof(result.why), "its alias %.150s: %.200s",
		dns_name_str(alias, name), reason);
	dns_answer_begin(&answer, &query, out, room < asked->room_bytes ? room : asked->room_bytes);
	blocked_put(&answer, &query, blocked, &result);
	*rcode = result.rcode;
	return dns_answer_end(&answer, result.rcode, 0);
}
