// SPDX-License-Identifier: BSD-3-Clause
// dns.explain: who would answer a question, and why.
#include <stdlib.h>

#include "control/api/dns_task.h"
#include "control/api/show_parts.h"
#include "control/dns/explain.h"

static bool read_question(const json_t *params, struct dns_name *name, uint16_t *type,
	struct ip_addr *client, struct rpc_failure *failure)
{
	const char *name_text = json_string_value(json_object_get(params, "name"));
	const char *type_text = json_string_value(json_object_get(params, "type"));
	const char *client_text = json_string_value(json_object_get(params, "client"));

	*type = type_text == NULL ? DNS_A : dns_type_parse(type_text);
	*client = (struct ip_addr){.family = IP_V4, .v4 = {127, 0, 0, 1}};
	if (name_text == NULL || dns_name_parse(name_text, name) != 0)
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"'name': expected a name such as www.example.com");
	else if (*type == 0)
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"'type': expected a type of record such as A, AAAA or TYPE64");
	else if (client_text != NULL && ip_addr_parse(client_text, client) != 0)
		rpc_fail(failure, RPC_INVALID_PARAMS, "'client': expected an address");
	else
		return true;
	return false;
}

static const char *verdict_of(const struct dns_explanation *why)
{
	static const char *const verdicts[] = {
		[DNS_LOCAL_GO_ON] = "upstream",
		[DNS_LOCAL_ANSWERED] = "answered",
		[DNS_LOCAL_BLOCKED] = "blocked",
		[DNS_LOCAL_LINK] = "links",
		[DNS_LOCAL_ALIAS] = "answered",
	};

	return why->is_refused ? "refused" : verdicts[why->result.verdict];
}

static void *begin(struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"name", "type", "client", NULL};
	struct dns_asking said = {0}, *asking;

	if (!show_check_keys(params, keys, failure) ||
		!read_question(params, &said.name, &said.type, &said.client, failure))
		return NULL;
	asking = malloc(sizeof(*asking));
	if (asking != NULL)
		*asking = said;
	return dns_task_new(session->rpc->ctx, dns_explain, asking, failure);
}

static json_t *explanation_json(const struct dns_asking *asking)
{
	char text[DNS_NAME_STR_BYTES], type_text[DNS_TYPE_STR_BYTES];
	const struct dns_explanation *why = &asking->out;
	json_t *to = json_object();

	show_put_text(to, "name", dns_name_str(&asking->name, text));
	show_put_text(to, "type", dns_type_str(asking->type, type_text));
	show_put_addr(to, "client", &asking->client);
	show_put_text(to, "verdict", verdict_of(why));
	show_put_text(to, "stage", dns_local_stage_name(why->result.stage));
	show_put_text(to, "why", why->result.why);
	show_put_number(to, "group", why->group);
	show_put_text(to, "group_by", why->group_by);
	show_put_text(to, "domain", why->domain);
	show_put_bool(to, "has_upstreams", why->has_upstreams);
	show_put_bool(to, "may_be_private", why->result.may_be_private);
	return to;
}

static enum rpc_task_state go_on(void *task, json_t **result, struct rpc_failure *failure)
{
	void *asking;
	enum rpc_task_state state = dns_task_go_on(task, &asking, failure);

	if (asking != NULL)
		*result = explanation_json(asking);
	return state;
}

const struct rpc_task explain_dns = {.begin = begin, .go_on = go_on, .free = dns_task_free};
