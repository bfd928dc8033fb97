// SPDX-License-Identifier: BSD-3-Clause
// Rules, sets and translations by their names and places in the config.
#include <stdlib.h>

#include "cfg/base/endpoint.h"
#include "control/api/explain_text.h"
#include "control/nat_text.h"
#include "control/rule_text.h"

// --- rules ---

static char *text_of(const void *of, void (*write)(FILE *out, const void *of))
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (out == NULL)
		return NULL;
	write(out, of);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void write_rule(FILE *out, const void *rule)
{
	rule_text_write(out, rule);
}

static void write_nat(FILE *out, const void *nat)
{
	nat_text_write(out, nat);
}

json_t *show_rule_json(const struct config *config, const char *list, const struct cfg_rule *rule)
{
	char *text = text_of(rule, write_rule);
	json_t *to = json_pack("{s:s, s:s, s:i, s:s?, s:s?}", "list", list, "file",
		config_file_of(config, rule->place), "line", rule->place.line, "rule", text,
		"comment", rule->comment);

	free(text);
	return to;
}

json_t *explain_rule_json(const struct router *router, int64_t rule)
{
	const struct policy *policy = router->firewall.policy;

	if (rule < 0 || rule >= policy->dp.n_rules)
		return json_null();
	return show_rule_json(
		router->config, policy_list_of(policy, (uint32_t)rule), policy->rules[rule]);
}

static const char *zone_name(const struct router *router, uint8_t zone)
{
	if (zone == DP_ZONE_ROUTER)
		return CFG_ZONE_ROUTER;
	if (zone == DP_ZONE_NONE || zone - DP_ZONE_NONE - 1u >= router->config->n_zones)
		return CFG_ZONE_NONE;
	return router->config->zones[zone - DP_ZONE_NONE - 1].name;
}

static const char *verdict_text(const struct dp_explained_rules *rules)
{
	if (rules->action == DP_ACCEPT)
		return "accept";
	return rules->action == DP_REJECT ? "reject" : "drop";
}

static void rules_passed_over(struct explain_steps *steps)
{
	const struct dp_explained_rules *rules = &steps->why->rules;
	const struct policy *policy = steps->router->firewall.policy;

	for (unsigned i = 0; i < rules->n_misses; i++) {
		const struct cfg_rule *its = policy->rules[rules->misses[i].index];
		char *text = text_of(its, write_rule);

		step_passed_over(
			steps, &its->place, rules->misses[i].field, "%s", text == NULL ? "" : text);
		free(text);
	}
}

// What matched without deciding.
static void step_effects(struct explain_steps *steps)
{
	const struct dp_explained_rules *rules = &steps->why->rules;
	const struct policy *policy = steps->router->firewall.policy;

	for (unsigned i = 0; i < rules->n_matched; i++) {
		const struct cfg_rule *its = policy->rules[rules->matched[i]];
		char *text;

		if ((int64_t)rules->matched[i] == rules->rule)
			continue;
		text = text_of(its, write_rule);
		step_begin(steps, "rule", "%s: matches, and does not decide",
			policy_list_of(policy, rules->matched[i]));
		step_because(steps, "%s", text == NULL ? "" : text);
		step_place(steps, its->place);
		free(text);
	}
}

void step_rules(struct explain_steps *steps)
{
	const struct dp_explained_rules *rules = &steps->why->rules;
	static const char *const hooks[] = {"input", "forward", "output"};
	const struct router *router = steps->router;
	const char *from = zone_name(router, rules->from_zone);
	const char *to = zone_name(router, rules->to_zone);
	char *text;

	if (!rules->is_asked)
		return;
	step_effects(steps);
	step_begin(steps, "rules", "%s: %s, from %s to %s", hooks[rules->hook], verdict_text(rules),
		from, to);
	if (rules->rule < 0) {
		step_because(steps, "no rule decides: %s", rules->by_default);
	} else {
		const struct cfg_rule *its = router->firewall.policy->rules[rules->rule];

		text = text_of(its, write_rule);
		step_because(steps, "%s%s%s%s", text == NULL ? "" : text,
			its->comment == NULL ? "" : " (", its->comment == NULL ? "" : its->comment,
			its->comment == NULL ? "" : ")");
		step_place(steps, its->place);
		free(text);
	}
	rules_passed_over(steps);
	if (rules->is_in_doubt)
		step_begin(
			steps, "doubt", "the judge says another rule: a defect, please report it");
	if (rules->asked_rate)
		step_begin(steps, "rate", "as it is now: the next packet may find it used up");
}

// --- sets ---

static void set_names(
	const struct policy *policy, const uint16_t *sets, unsigned n, char *text, size_t bytes)
{
	const struct config *config = policy->config;
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < config->n_sets && at < bytes; k++)
			if (policy->sets[k] == sets[i])
				at += (size_t)snprintf(text + at, bytes - at, "%s%s",
					at > 0 ? ", " : "", config->sets[k].name);
}

void step_sets(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	const struct policy *policy = steps->router->firewall.policy;
	char source[256], destination[256];

	set_names(policy, why->source_sets, why->n_source_sets, source, sizeof(source));
	set_names(policy, why->destination_sets, why->n_destination_sets, destination,
		sizeof(destination));
	if (source[0] == '\0' && destination[0] == '\0')
		return;
	step_begin(steps, "sets", "source in %s; destination in %s",
		source[0] == '\0' ? "none" : source, destination[0] == '\0' ? "none" : destination);
}

// --- translations ---

static void nats_passed_over(struct explain_steps *steps, const struct dp_explained_nat *nat)
{
	const struct policy *policy = steps->router->firewall.policy;
	const struct cfg_nat *last = NULL;

	for (unsigned i = 0; i < nat->n_misses; i++) {
		const struct cfg_nat *its = policy->nats[nat->misses[i].index];
		char *text;

		if (its == last) // one of its interfaces or ranges of ports
			continue;
		last = its;
		text = text_of(its, write_nat);
		step_passed_over(
			steps, &its->place, nat->misses[i].field, "%s", text == NULL ? "" : text);
		free(text);
	}
}

static void nat_because(struct explain_steps *steps, const struct dp_explained_nat *nat)
{
	const struct cfg_nat *its;
	char *text;

	if (nat->nat < 0) {
		if (nat->is_hairpin)
			step_because(
				steps, "it goes back inside (hairpin): answers must come here");
		else if (nat->is_called)
			step_because(steps, "an inside endpoint is known by that one outside");
		else if (nat->is_expected)
			step_because(steps, "a helper expects it");
		return;
	}
	its = steps->router->firewall.policy->nats[nat->nat];
	text = text_of(its, write_nat);
	step_because(steps, "%s", text == NULL ? "" : text);
	step_place(steps, its->place);
	free(text);
}

// As it leaves, from the frame itself.
static void source_nat(struct explain_steps *steps)
{
	const struct dp_explanation *why = steps->why;
	size_t n = why->left_bytes < DP_EXPLAIN_LEFT_MAX ? why->left_bytes : DP_EXPLAIN_LEFT_MAX;
	json_t *left = explain_left_json(why->left, n);
	const char *source = json_string_value(json_object_get(left, "source"));

	if (why->source_nat.n_addresses == 0)
		step_begin(steps, "source nat", "none: it leaves as %s",
			source == NULL ? "?" : source);
	else
		step_begin(steps, "source nat", "it leaves as %s", source == NULL ? "?" : source);
	json_decref(left);
}

void step_nat(struct explain_steps *steps, bool is_source)
{
	const struct dp_explanation *why = steps->why;
	const struct dp_explained_nat *nat = is_source ? &why->source_nat : &why->destination_nat;
	bool is_there = nat->nat >= 0 || nat->is_called || nat->is_expected || nat->is_hairpin;
	struct ip_endpoint to = {.addr = why->dst, .port = why->dport, .has_port = why->dport != 0};
	char text[ADDR_STR_BYTES];

	if (!is_there && nat->n_misses == 0)
		return;
	if (is_source)
		source_nat(steps);
	else if (is_there)
		step_begin(steps, "destination nat", "it goes to %s", ip_endpoint_str(&to, text));
	else
		step_begin(steps, "destination nat", "none");
	nat_because(steps, nat);
	nats_passed_over(steps, nat);
}
