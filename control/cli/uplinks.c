// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/uplinks.h"

#include <inttypes.h>

#include "control/cli/answer.h"

static void add_ms(struct table *table, const json_t *object, const char *key)
{
	if (json_is_integer(json_object_get(object, key)))
		table_add(table, "%.1f ms", (double)answer_number(object, key) / 1000);
	else
		table_add(table, "-");
}

static void add_percent(struct table *table, const json_t *object, const char *key)
{
	if (json_is_integer(json_object_get(object, key)))
		table_add(table, "%" PRIu64 "%%", answer_number(object, key));
	else
		table_add(table, "-");
}

// The share that it has, or why it has none.
static void add_use(struct table *table, const json_t *family)
{
	if (answer_number(family, "share_percent") > 0)
		table_add(table, "%" PRIu64 "%%", answer_number(family, "share_percent"));
	else
		table_add(table, "%s", answer_text_or(family, "why_not", "-"));
}

static void add_uplink(struct table *table, const json_t *uplink)
{
	const json_t *family = json_object_get(uplink, "ipv4"),
		     *family6 = json_object_get(uplink, "ipv6");
	char unit[UNIT_BYTES];

	if (!answer_truth(family, "has_way") && answer_truth(family6, "has_way"))
		family = family6;
	table_add(table, "%s", answer_truth(uplink, "is_used") ? "*" : "");
	table_add(table, "%s", answer_text(uplink, "name"));
	table_add(table, "%s", answer_text(uplink, "interface"));
	table_add(table, "%s", answer_text(uplink, "state"));
	table_add(table, "%s", unit_seconds(answer_number(uplink, "since_sec"), unit));
	add_use(table, family);
	table_add(table, "%s", answer_text_or(family, "address", "-"));
	table_add(table, "%s", answer_text_or(family, "gateway", "-"));
	add_percent(table, uplink, "loss_percent");
	add_ms(table, uplink, "rtt_us");
	table_add(table, "%" PRIu64, answer_number(uplink, "changes"));
}

void print_uplinks(const json_t *result, FILE *out)
{
	answer_table(result, "uplinks",
		"|UPLINK|INTERFACE|STATE|>SINCE|USED|ADDRESS|GATEWAY|>LOSS|>RTT|>CHANGES",
		add_uplink, out);
	for (size_t i = 0; i < json_array_size(json_object_get(result, "uplinks")); i++) {
		const json_t *uplink = json_array_get(json_object_get(result, "uplinks"), i);

		if (json_is_integer(json_object_get(uplink, "held_sec")))
			fprintf(out, "%s: works again, held for %" PRIu64 " s more\n",
				answer_text(uplink, "name"), answer_number(uplink, "held_sec"));
	}
}

void print_uplink_ping(const json_t *result, FILE *out)
{
	const json_t *rtts = json_object_get(result, "rtts_us");

	fprintf(out, "%s by uplink %s (%s, %s), from %s via %s\n", answer_text(result, "target"),
		answer_text(result, "uplink"), answer_text(result, "interface"),
		answer_text(result, "state"), answer_text_or(result, "source", "no address"),
		answer_text_or(result, "gateway", "its link"));
	for (size_t i = 0; i < json_array_size(rtts); i++) {
		const json_t *rtt = json_array_get(rtts, i);

		if (json_is_integer(rtt))
			fprintf(out, "%zu: %.2f ms\n", i + 1,
				(double)json_integer_value(rtt) / 1000);
		else
			fprintf(out, "%zu: no answer\n", i + 1);
	}
	fprintf(out, "%" PRIu64 " of %" PRIu64 " answered\n", answer_number(result, "answered"),
		answer_number(result, "sent"));
}
