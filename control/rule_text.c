// SPDX-License-Identifier: BSD-3-Clause
#include "control/rule_text.h"

#include <inttypes.h>

#include "cfg/words.h"
#include "control/text_line.h"

enum { DSCPS = 64, DAYS = 7, DAY_MIN = 1440, ALL_DAYS = (1 << DAYS) - 1 };

// --- values ---

static void put_states(struct text_line *line, uint8_t states)
{
	static const char *const names[] = {"new", "established", "related", "invalid"};
	struct text_list list = {.out = line->out, .n = (unsigned)__builtin_popcount(states)};

	if (states == 0)
		return;
	text_line_key(line, "state");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((states >> i & 1) == 0)
			continue;
		text_list_item(&list);
		fputs(names[i], line->out);
	}
	text_list_end(&list);
}

static void put_dscps(struct text_line *line, uint64_t dscps)
{
	struct text_list list = {.out = line->out, .n = (unsigned)__builtin_popcountll(dscps)};

	if (dscps == 0)
		return;
	text_line_key(line, "dscp");
	for (unsigned i = 0; i < DSCPS; i++) {
		const char *word = text_word_of(word_dscps, i);

		if ((dscps >> i & 1) == 0)
			continue;
		text_list_item(&list);
		if (word != NULL)
			fputs(word, line->out);
		else
			fprintf(line->out, "%u", i);
	}
	text_list_end(&list);
}

static void put_tcp_flags(struct text_line *line, const struct cfg_tcp_flags *flags)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	struct text_list list = {.out = line->out, .n = (unsigned)__builtin_popcount(flags->mask)};

	if (flags->mask == 0)
		return;
	text_line_key(line, "tcp-flags");
	for (unsigned i = 0; i < 8; i++) {
		if ((flags->mask >> i & 1) == 0)
			continue;
		text_list_item(&list);
		fprintf(line->out, "%s%s", flags->flags >> i & 1 ? "" : "not ", names[i]);
	}
	text_list_end(&list);
}

static void put_mark(struct text_line *line, const char *key, const struct cfg_mark *mark)
{
	if (mark->mask == 0)
		return;
	text_line_key(line, key);
	fprintf(line->out, "0x%" PRIx32, mark->value);
	if (mark->mask != UINT32_MAX)
		fprintf(line->out, "/0x%" PRIx32, mark->mask);
}

static const char *unit_of(uint32_t per_sec)
{
	switch (per_sec) {
	case 1:
		return "s";
	case 60:
		return "m";
	case 3600:
		return "h";
	default:
		return "d";
	}
}

static void put_rate(struct text_line *line, const char *key, const struct cfg_rate *rate)
{
	if (rate->packets == 0)
		return;
	text_line_key(line, key);
	fprintf(line->out, "%s%" PRIu32 "/%s", rate->is_above ? "over " : "", rate->packets,
		unit_of(rate->per_sec));
	if (rate->burst != rate->packets)
		fprintf(line->out, " burst %" PRIu32, rate->burst);
	if (rate->is_per_source)
		fputs(" per source", line->out);
}

static void write_time(FILE *out, const struct cfg_time *time)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	bool has_hours = time->first_min != 0 || time->last_min != DAY_MIN;
	bool has_days = time->days != ALL_DAYS || !has_hours;
	const char *comma = "";

	for (unsigned i = 0; has_days && i < DAYS; i++) {
		if ((time->days >> (i + 1) % DAYS & 1) == 0) // Sunday is 0
			continue;
		fprintf(out, "%s%s", comma, names[i]);
		comma = ",";
	}
	if (has_hours)
		fprintf(out, "%s%02d:%02d-%02d:%02d", has_days ? " " : "", time->first_min / 60,
			time->first_min % 60, time->last_min / 60, time->last_min % 60);
}

static void put_times(struct text_line *line, const struct cfg_rule *rule)
{
	struct text_list list = {.out = line->out, .n = rule->n_times};

	if (rule->n_times == 0)
		return;
	text_line_key(line, "time");
	for (unsigned i = 0; i < rule->n_times; i++) {
		text_list_item(&list);
		fputc('"', line->out); // it has commas and colons
		write_time(line->out, &rule->times[i]);
		fputc('"', line->out);
	}
	text_list_end(&list);
}

// --- rules ---

const char *action_text(enum cfg_action action)
{
	switch (action) {
	case CFG_CONTINUE:
		return "continue";
	case CFG_ACCEPT:
		return "accept";
	case CFG_DROP:
		return "drop";
	case CFG_REJECT:
		return "reject";
	case CFG_JUMP:
		return "jump";
	case CFG_RETURN:
		return "return";
	}
	return "?";
}

static const char *reject_text(enum cfg_reject reject)
{
	switch (reject) {
	case CFG_REJECT_AUTO:
		return "auto";
	case CFG_REJECT_RST:
		return "tcp-reset";
	case CFG_REJECT_PORT:
		return "port-unreachable";
	case CFG_REJECT_HOST:
		return "host-unreachable";
	case CFG_REJECT_NET:
		return "net-unreachable";
	case CFG_REJECT_PROHIBITED:
		return "admin-prohibited";
	}
	return "?";
}

static void put_matches(struct text_line *line, const struct cfg_rule *rule)
{
	text_line_names(line, "from", &rule->from);
	text_line_names(line, "to", &rule->to);
	text_line_match(line, "in-interface", CFG_SET_INTERFACES, &rule->in_interface);
	text_line_match(line, "out-interface", CFG_SET_INTERFACES, &rule->out_interface);
	if (rule->family != IP_NONE)
		text_line_family(line, rule->family);
	text_line_match(line, "source", CFG_SET_ADDRESSES, &rule->source);
	text_line_match(line, "destination", CFG_SET_ADDRESSES, &rule->destination);
	text_line_match(line, "protocol", CFG_SET_PROTOCOLS, &rule->protocol);
	text_line_match(line, "port", CFG_SET_PORTS, &rule->port);
	text_line_match(line, "source-port", CFG_SET_PORTS, &rule->source_port);
	text_line_match(line, "icmp", CFG_SET_ICMP, &rule->icmp);
	text_line_match(line, "icmp6", CFG_SET_ICMP6, &rule->icmp6);
	put_tcp_flags(line, &rule->tcp_flags);
	put_dscps(line, rule->dscps);
	text_line_match(line, "mac", CFG_SET_MACS, &rule->mac);
	put_states(line, rule->states);
	if (rule->has_dnat)
		text_line_word(line, "dnat", rule->is_dnat ? "true" : "false");
	put_mark(line, "mark", &rule->mark);
	put_times(line, rule);
	put_rate(line, "rate", &rule->rate);
}

static void put_effects(struct text_line *line, const struct cfg_rule *rule)
{
	if (rule->counter != NULL)
		text_line_word(line, "count", rule->counter);
	if (rule->log != NULL) {
		text_line_quoted(line, "log", rule->log);
		put_rate(line, "log-rate", &rule->log_rate);
	}
	put_mark(line, "set-mark", &rule->set_mark);
	if (rule->add_set != NULL) {
		text_line_key(line, "add-to");
		fprintf(line->out, "{set: %s, address: %s, timeout: %" PRIu32 "s, ipv6-prefix: %u}",
			rule->add_set, rule->add_destination ? "destination" : "source",
			rule->add_sec, rule->add_ip6_len);
	}
	if (rule->action == CFG_JUMP)
		text_line_word(line, "jump", rule->jump);
	else
		text_line_word(line, "action", action_text(rule->action));
	if (rule->action == CFG_REJECT && rule->reject != CFG_REJECT_AUTO)
		text_line_word(line, "reject-with", reject_text(rule->reject));
}

void rule_text_write(FILE *out, const struct cfg_rule *rule)
{
	struct text_line line = {.out = out};

	put_matches(&line, rule);
	put_effects(&line, rule);
}
