// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/value_rule_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "cfg/value_print.h"
#include "cfg/words.h"

enum { DSCPS = 64, FLAGS = 8, DAYS = 7, ALL_DAYS = (1 << DAYS) - 1, MINUTES_OF_DAY = 1440 };

static const struct {
	char name;
	uint32_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

void value_list_add(struct value_list *list, const char *word)
{
	if (list->n_added++ > 0)
		text_out_add(list->out, ", ");
	else if (list->n > 1)
		text_out_add(list->out, "[");
	text_out_add(list->out, word);
	if (list->n_added == list->n && list->n > 1)
		text_out_add(list->out, "]");
}

static void print_seconds(uint32_t seconds, struct text_out *out)
{
	if (seconds == 0)
		text_out_add(out, "0s");
	for (unsigned i = 0; i < UNITS; i++) {
		if (seconds >= units[i].seconds)
			text_out_addf(
				out, "%" PRIu32 "%c", seconds / units[i].seconds, units[i].name);
		seconds %= units[i].seconds;
	}
}

static void print_dscps(uint64_t dscps, struct text_out *out)
{
	struct value_list list = {.out = out, .n = (unsigned)__builtin_popcountll(dscps)};

	for (unsigned dscp = 0; dscp < DSCPS; dscp++) {
		const char *word = word_of(word_dscps, dscp);
		char number[4];

		snprintf(number, sizeof(number), "%u", dscp);
		if (dscps >> dscp & 1)
			value_list_add(&list, word != NULL ? word : number);
	}
}

static void print_tcp_flags(const struct cfg_tcp_flags *flags, struct text_out *out)
{
	struct value_list list = {.out = out, .n = (unsigned)__builtin_popcount(flags->mask)};

	for (unsigned bit = 1; bit < 1 << FLAGS; bit <<= 1) {
		char text[16];

		snprintf(text, sizeof(text), "%s%s", flags->flags & bit ? "" : "not ",
			word_of(word_tcp_flags, bit));
		if (flags->mask & bit)
			value_list_add(&list, text);
	}
}

static void print_mark(const struct cfg_mark *mark, struct text_out *out)
{
	text_out_addf(out, "0x%" PRIx32, mark->value);
	if (mark->mask != UINT32_MAX)
		text_out_addf(out, "/0x%" PRIx32, mark->mask);
}

static void print_rate(const struct cfg_rate *rate, struct text_out *out)
{
	char unit = 's';

	for (unsigned i = 0; i < UNITS; i++) {
		if (units[i].seconds == rate->per_sec)
			unit = units[i].name;
	}
	text_out_addf(out, "%s%" PRIu32 "/%c", rate->is_above ? "over " : "", rate->packets, unit);
	if (rate->burst != rate->packets)
		text_out_addf(out, " burst %" PRIu32, rate->burst);
	if (rate->is_per_source)
		text_out_add(out, " per source");
}

// Days of the week from Monday on, what is in a row as one: "mon-fri,sun".
static int days_str(uint8_t days, char *out, size_t out_bytes)
{
	int len = 0;

	for (unsigned first = 0; first < DAYS; first++) {
		unsigned last = first;

		if (!(days >> (first + 1) % DAYS & 1))
			continue;
		while (last + 1 < DAYS && days >> (last + 2) % DAYS & 1)
			last++;
		len += snprintf(out + len, out_bytes - (size_t)len, "%s%s", len == 0 ? "" : ",",
			word_of(word_days, (first + 1) % DAYS));
		if (last > first)
			len += snprintf(out + len, out_bytes - (size_t)len, "%s%s",
				last == first + 1 ? "," : "-",
				word_of(word_days, (last + 1) % DAYS));
		first = last;
	}
	return len;
}

static void print_time(const struct cfg_time *time, struct text_out *out)
{
	bool has_hours = time->first_min != 0 || time->last_min != MINUTES_OF_DAY;
	char text[64];
	int len = 0;

	if (time->days != ALL_DAYS || !has_hours)
		len = days_str(time->days, text, sizeof(text));
	if (has_hours)
		snprintf(text + len, sizeof(text) - (size_t)len, "%s%02u:%02u-%02u:%02u",
			len > 0 ? " " : "", time->first_min / 60u, time->first_min % 60u,
			time->last_min / 60u, time->last_min % 60u);
	value_print_scalar(text, out);
}

void value_rule_print(const struct model_key *key, const void *value, struct text_out *out)
{
	if (key->type == MODEL_SECONDS)
		print_seconds(*(const uint32_t *)value, out);
	else if (key->type == MODEL_DSCP)
		print_dscps(*(const uint64_t *)value, out);
	else if (key->type == MODEL_TCP_FLAG)
		print_tcp_flags(value, out);
	else if (key->type == MODEL_MARK)
		print_mark(value, out);
	else if (key->type == MODEL_RATE)
		print_rate(value, out);
	else
		print_time(value, out);
}
