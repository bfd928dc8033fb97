// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/show_parts.h"
#include "control/nat_text.h"
#include "control/rule_text.h"

static void put_count(json_t *to, struct dp_count count)
{
	show_put_number(to, "packets", count.packets);
	show_put_number(to, "bytes", count.bytes);
}

static void put_comment(json_t *to, const char *comment)
{
	json_object_set_new(to, "comment", comment == NULL ? json_null() : json_string(comment));
}

static void put_place(json_t *to, const struct config *config, struct cfg_place place)
{
	show_put_text(to, "file", config_file_of(config, place));
	show_put_number(to, "line", (uint64_t)place.line);
}

// --- rules ---

static json_t *rule_json(const struct router *router, unsigned rule)
{
	const struct cfg_rule *its = router->firewall.policy->rules[rule];
	json_t *to = json_object();
	struct dp_count count;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (out != NULL) {
		rule_text_write(out, its);
		if (fclose(out) == 0)
			show_put_text(to, "rule", text);
	}
	free(text);
	put_comment(to, its->comment);
	baselines_rule(&router->baselines, router->dp, rule, &count);
	put_count(to, count);
	put_place(to, router->firewall.policy->config, its->place);
	return to;
}

static json_t *list_json(const struct router *router, unsigned list)
{
	const struct firewall *firewall = &router->firewall;
	json_t *to = json_object();

	show_put_text(to, "name", policy_list_name(firewall->policy, list));
	show_put_bool(to, "is_hook", list < DP_HOOK_COUNT);
	if (list < DP_HOOK_COUNT) {
		const struct cfg_firewall *config = &router->config->firewall;
		struct dp_count count;

		show_put_text(to, "default", action_text(config->defaults[list]));
		baselines_default(&router->baselines, router->dp, (enum dp_hook)list, &count);
		put_count(to, count);
	}
	return to;
}

// Places in the policy in force, whichever that is by then.
struct firewall_walk {
	const struct router *router;
	unsigned list;
	bool is_in_list; // its object is out
	uint32_t rule;	 // of the list
	unsigned left;
};

static void *begin_firewall(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct firewall_walk *walk;
	unsigned limit;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (walk != NULL)
		*walk = (struct firewall_walk){.router = ctx, .left = limit};
	return walk;
}

static bool next_firewall(void *ctx, json_t *rows)
{
	struct firewall_walk *walk = ctx;
	const struct dp_policy *policy = &walk->router->firewall.policy->dp;
	const struct dp_list *list;
	json_t *rules;

	if (!policy->has_firewall || walk->list >= policy->n_lists)
		return false;
	list = &policy->lists[walk->list];
	if (!walk->is_in_list)
		json_array_append_new(rows, list_json(walk->router, walk->list));
	walk->is_in_list = true;
	rules = json_array();
	for (; walk->left > 0 && walk->rule < list->n && json_array_size(rules) < RPC_ROWS_MAX;
		walk->rule++, walk->left--)
		json_array_append_new(rules, rule_json(walk->router, list->first + walk->rule));
	json_array_append_new(rows, rules);
	if (walk->left > 0 && walk->rule < list->n)
		return true;
	walk->list++;
	walk->rule = 0;
	walk->is_in_list = false;
	return walk->list < policy->n_lists;
}

static json_t *end_firewall(void *ctx)
{
	const struct firewall_walk *walk = ctx;
	const struct dp_policy *policy = &walk->router->firewall.policy->dp;

	return json_pack("{s:b, s:I}", "is_there", policy->has_firewall, "total",
		(json_int_t)policy->n_rules);
}

const struct rpc_walk show_firewall = {
	"lists", "rules", begin_firewall, next_firewall, end_firewall, free};

json_t *show_counters(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct firewall *firewall = &router->firewall;
	json_t *list;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < firewall->policy->n_counters; i++) {
		json_t *to = json_object();
		struct dp_count count;

		show_put_text(to, "name", firewall->policy->counters[i]);
		baselines_named(&router->baselines, router->dp, i, &count);
		put_count(to, count);
		json_array_append_new(list, to);
	}
	return json_pack("{s:o}", "counters", list);
}

// --- translations and zones ---

static json_t *nat_json(const struct config *config, const struct cfg_nat *nat)
{
	json_t *to = json_object();
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	show_put_text(to, "kind", nat_kind_text(nat->kind));
	if (out != NULL) {
		nat_text_write(out, nat);
		if (fclose(out) == 0)
			show_put_text(to, "rule", text);
	}
	free(text);
	put_place(to, config, nat->place);
	return to;
}

json_t *show_nat(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	unsigned limit;
	json_t *list;

	if (!show_read_limit(params, &limit, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < router->config->n_nats && i < limit; i++)
		json_array_append_new(list, nat_json(router->config, &router->config->nats[i]));
	return json_pack("{s:o, s:I}", "rules", list, "total", (json_int_t)router->config->n_nats);
}

static json_t *interface_json(const struct router *router, const char *name)
{
	json_t *to = json_object();

	show_put_text(to, "name", name);
	show_put_bool(to, "is_there", interfaces_by_name(&router->interfaces, name) != NULL);
	return to;
}

static bool is_in_a_zone(const struct config *config, const char *interface)
{
	for (unsigned i = 0; i < config->n_zones; i++)
		for (unsigned k = 0; k < config->zones[i].interfaces.n; k++)
			if (strcmp(config->zones[i].interfaces.names[k], interface) == 0)
				return true;
	return false;
}

static json_t *zone_json(const char *name, json_t *interfaces)
{
	return json_pack("{s:s, s:o}", "name", name, "interfaces", interfaces);
}

json_t *show_zones(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct config *config = router->config;
	json_t *list, *rest;

	if (!show_read_nothing(params, failure))
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < config->n_zones; i++) {
		const struct cfg_names *names = &config->zones[i].interfaces;
		json_t *its = json_array();

		for (unsigned k = 0; k < names->n; k++)
			json_array_append_new(its, interface_json(router, names->names[k]));
		json_array_append_new(list, zone_json(config->zones[i].name, its));
	}
	rest = json_array();
	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (!is_in_a_zone(config, config->interfaces[i].name))
			json_array_append_new(
				rest, interface_json(router, config->interfaces[i].name));
	json_array_append_new(list, zone_json(CFG_ZONE_NONE, rest));
	return json_pack("{s:o}", "zones", list);
}
