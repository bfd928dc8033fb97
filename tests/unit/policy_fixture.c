// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/policy_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/state_db.h"
#include "control/state_writer.h"

struct router fixture;

static char state_file[64];
static sqlite3 *state_db;

void policy_fixture_set_there(const char *name, bool is_there)
{
	struct interfaces *interfaces = &fixture.interfaces;

	for (unsigned i = 0; i < interfaces->n; i++) {
		if (strcmp(interfaces->list[i].config->name, name) != 0)
			continue;
		if (!is_there)
			interfaces->list[i] = interfaces->list[--interfaces->n];
		return;
	}
	for (unsigned i = 0; i < fixture.config->n_interfaces; i++)
		if (strcmp(fixture.config->interfaces[i].name, name) == 0)
			interfaces->list[interfaces->n++] = (struct interface){
				.config = &fixture.config->interfaces[i],
				.id = FIRST_ID + (int)i,
			};
}

int policy_fixture_open(const char *text, const char *absent, struct error *err)
{
	struct cfg_errors errors = {0};
	char said[1024];

	fixture.dp = recording_reset();
	fixture.config = config_parse("test.yaml", text, strlen(text), &errors);
	if (fixture.config == NULL) {
		fprintf(stderr, "%s\n", error_str(&errors.list[0], said, sizeof(said)));
		abort();
	}
	cfg_errors_free(&errors);
	snprintf(state_file, sizeof(state_file), "/var/tmp/policy_fixture.%d.db", (int)getpid());
	fixture.config->state_file = state_file;
	for (unsigned i = 0; i < fixture.config->n_interfaces; i++) {
		const char *name = fixture.config->interfaces[i].name;

		if (absent == NULL || strcmp(name, absent) != 0)
			policy_fixture_set_there(name, true);
	}
	state_db = state_db_open(state_file, err);
	fixture.base = event_base_new();
	fixture.state_writer = fixture.base == NULL ? NULL : state_writer_new(fixture.base);
	if (fixture.state_writer == NULL)
		abort();
	if (bans_open(&fixture.bans, fixture.config, state_db, fixture.state_writer, fixture.dp,
		    POLICY_FIXTURE_NOW, err) != 0)
		return -1;
	return firewall_open(&fixture.firewall, fixture.config, &fixture.interfaces,
		&fixture.bans.sets, fixture.dp, POLICY_FIXTURE_NOW, err);
}

void policy_fixture_close(void)
{
	firewall_close(&fixture.firewall);
	bans_close(&fixture.bans, POLICY_FIXTURE_NOW);
	state_writer_free(fixture.state_writer);
	event_base_free(fixture.base);
	state_db_close(state_db);
	config_free(fixture.config);
	unlink(state_file);
	memset(&fixture, 0, sizeof(fixture));
	recording_reset();
}

// --- words ---

static void write_set(FILE *out, unsigned at)
{
	const struct dp_set *set = &recording.policy.sets[at];
	char text[ADDR_STR_BYTES];
	const char *blank = "";

	fputc('[', out);
	for (unsigned i = 0; i < set->n_prefixes; i++, blank = " ")
		fprintf(out, "%s%s", blank, ip_prefix_str(&set->prefixes[i], text));
	for (unsigned i = 0; i < set->n_macs; i++, blank = " ")
		fprintf(out, "%s%s", blank, mac_addr_str(&set->macs[i], text));
	for (unsigned i = 0; i < set->n_ranges; i++, blank = " ") {
		fprintf(out, "%s%" PRIu32, blank, set->ranges[i].first);
		if (set->ranges[i].first != set->ranges[i].last)
			fprintf(out, "-%" PRIu32, set->ranges[i].last);
	}
	if (set->timed != DP_INDEX_NONE)
		fprintf(out, "%stimed %u", blank, set->timed);
	fputc(']', out);
}

static void write_match(FILE *out, const char *key, const struct dp_match_set *match)
{
	if (match->set == DP_INDEX_NONE)
		return;
	fprintf(out, " %s%s=", match->is_negated ? "!" : "", key);
	write_set(out, match->set);
}

static void write_rate(FILE *out, const char *key, unsigned at)
{
	const struct dp_rate *rate = &recording.policy.rates[at];

	fprintf(out, " %s=%" PRIu32 "/%" PRIu32 "s burst %" PRIu32 "%s", key, rate->packets,
		rate->per_sec, rate->burst, rate->is_per_source ? " per source" : "");
}

static void write_matches(FILE *out, const struct dp_rule *rule)
{
	if (rule->from_zones != 0)
		fprintf(out, " from=%#" PRIx32, rule->from_zones);
	if (rule->to_zones != 0)
		fprintf(out, " to=%#" PRIx32, rule->to_zones);
	if (rule->family != IP_NONE)
		fprintf(out, " family=%u", rule->family);
	write_match(out, "in", &rule->in_interface);
	write_match(out, "out", &rule->out_interface);
	write_match(out, "src", &rule->source);
	write_match(out, "dst", &rule->destination);
	write_match(out, "sport", &rule->source_port);
	write_match(out, "dport", &rule->destination_port);
	write_match(out, "proto", &rule->protocol);
	write_match(out, "icmp", &rule->icmp);
	write_match(out, "icmp6", &rule->icmp6);
	write_match(out, "mac", &rule->mac);
	if (rule->tcp_flags_mask != 0)
		fprintf(out, " flags=%#x/%#x", rule->tcp_flags, rule->tcp_flags_mask);
	if (rule->dscps != 0)
		fprintf(out, " dscps=%#" PRIx64, rule->dscps);
	if (rule->states != 0)
		fprintf(out, " states=%#x", rule->states);
	if (rule->is_dnat >= 0)
		fprintf(out, " dnat=%d", rule->is_dnat);
	if (rule->mark_mask != 0)
		fprintf(out, " mark=%#" PRIx32 "/%#" PRIx32, rule->mark, rule->mark_mask);
	if (rule->schedule != DP_INDEX_NONE)
		fprintf(out, " schedule=%u", rule->schedule);
	if (rule->rate != DP_INDEX_NONE)
		write_rate(out, rule->is_above_rate ? "above" : "rate", rule->rate);
}

static void write_effects(FILE *out, const struct dp_rule *rule)
{
	static const char *const actions[] = {
		"continue", "accept", "drop", "reject", "jump", "return"};

	if (rule->counter != DP_INDEX_NONE)
		fprintf(out, " counter=%u", rule->counter);
	if (rule->log != DP_INDEX_NONE) {
		fprintf(out, " log='%s'", recording.policy.logs[rule->log].prefix);
		write_rate(out, "at", recording.policy.logs[rule->log].rate);
	}
	if (rule->set_mark_mask != 0)
		fprintf(out, " set=%#" PRIx32 "/%#" PRIx32, rule->set_mark, rule->set_mark_mask);
	if (rule->add_timed != DP_INDEX_NONE)
		fprintf(out, " add=%s/%u to %u for %" PRIu32 "s",
			rule->add_destination ? "dst" : "src", rule->add_ip6_len, rule->add_timed,
			rule->add_sec);
	fprintf(out, " %s", actions[rule->action]);
	if (rule->reject != DP_REJECT_AUTO)
		fprintf(out, " with %d", (int)rule->reject);
	if (rule->jump_list != DP_INDEX_NONE)
		fprintf(out, " %u", rule->jump_list);
}

static char words[4096];

static const char *finish(FILE *out)
{
	fclose(out);
	return words[0] == ' ' ? words + 1 : words;
}

const char *policy_fixture_rule(unsigned rule)
{
	FILE *out = fmemopen(words, sizeof(words), "w");

	write_matches(out, &recording.policy.rules[rule]);
	write_effects(out, &recording.policy.rules[rule]);
	return finish(out);
}

const char *policy_fixture_set(unsigned set)
{
	FILE *out = fmemopen(words, sizeof(words), "w");

	write_set(out, set);
	return finish(out);
}

static void write_prefix(FILE *out, const char *key, const struct ip_prefix *prefix)
{
	char text[ADDR_STR_BYTES];

	if (prefix->addr.family != IP_NONE)
		fprintf(out, " %s=%s", key, ip_prefix_str(prefix, text));
}

const char *policy_fixture_nat(unsigned at)
{
	static const char *const kinds[] = {
		"source", "one-to-one", "forward", "redirect", "prefix", "exempt"};
	const struct dp_nat *nat = &recording.policy.nats[at];
	FILE *out = fmemopen(words, sizeof(words), "w");

	fprintf(out, "%s family=%u interface=%d", kinds[nat->kind], nat->family, nat->interface);
	write_match(out, "src", &nat->source);
	write_match(out, "dst", &nat->destination);
	write_match(out, "proto", &nat->protocol);
	write_prefix(out, "outside", &nat->outside);
	write_prefix(out, "inside", &nat->inside);
	if (nat->last_port != 0)
		fprintf(out, " ports=%u-%u", nat->first_port, nat->last_port);
	if (nat->inside_port != 0)
		fprintf(out, " port=%u", nat->inside_port);
	fprintf(out, "%s%s%s", nat->is_random ? " random" : "", nat->keeps_parity ? " parity" : "",
		nat->is_full_cone ? " cone" : "");
	return finish(out);
}
