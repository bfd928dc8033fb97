// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/leases.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cfg/base/addr.h"
#include "control/cli/answer.h"

enum { PAGE = 10000 }; // the most that one answer has

const struct grammar_arg lease_args[] = {
	{NULL, "address", GRAMMAR_NETWORK, "this one, or those of a network", NULL, true},
	{"in", "subnet", GRAMMAR_INTERFACE, "of this subnet, as `dhcp-server` names it"},
	{"mac", "mac", GRAMMAR_NAME, "of this card"},
	{"state", "state", GRAMMAR_CHOICE, "what is with it", "free|offered|bound|declined"},
	{"limit", "limit", GRAMMAR_COUNT, "how many at most; 1000 otherwise"},
	{0},
};

static int compare_leases(const void *a, const void *b)
{
	struct ip_addr x = {0}, y = {0};

	if (ip_addr_parse(answer_text(*(json_t *const *)a, "address"), &x) != 0 ||
		ip_addr_parse(answer_text(*(json_t *const *)b, "address"), &y) != 0)
		return 0;
	return memcmp(x.bytes, y.bytes, sizeof(x.bytes));
}

// In the order of their addresses; the caller frees it. NULL: none, or no memory.
static json_t **sort_leases(const json_t *result, size_t *n)
{
	const json_t *list = json_object_get(result, "leases");
	json_t **sorted = calloc(json_array_size(list) + 1, sizeof(json_t *)), *one;
	size_t i;

	*n = sorted == NULL ? 0 : json_array_size(list);
	if (sorted == NULL)
		return NULL;
	json_array_foreach(list, i, one) sorted[i] = one;
	qsort(sorted, *n, sizeof(json_t *), compare_leases);
	return sorted;
}

void print_leases(const json_t *result, FILE *out)
{
	struct table *table = table_new("ADDRESS|MAC|NAME|SUBNET|STATE|>LEFT");
	char unit[UNIT_BYTES];
	size_t n;
	json_t **sorted = sort_leases(result, &n);

	for (size_t i = 0; i < n && table != NULL; i++) {
		const json_t *lease = sorted[i];

		table_add(table, "%s", answer_text(lease, "address"));
		table_add(table, "%s", answer_text(lease, "mac"));
		table_add(table, "%s", answer_text_or(lease, "name", ""));
		table_add(table, "%s", answer_text_or(lease, "subnet", "-"));
		table_add(table, "%s%s", answer_text(lease, "state"),
			answer_truth(lease, "is_reserved") ? ", reserved" : "");
		table_add(table, "%s", unit_seconds(answer_number(lease, "left_sec"), unit));
	}
	free(sorted);
	answer_print(table, out);
	answer_print_rest(result, "leases", out);
}

static void add_subnet(struct table *table, const json_t *subnet)
{
	table_add(table, "%s", answer_text(subnet, "name"));
	table_add(table, "%s", answer_text(subnet, "interface"));
	table_add(table, "%s", answer_text(subnet, "subnet"));
	table_add(table, "%" PRIu64, answer_number(subnet, "leases"));
	table_add(table, "%" PRIu64, answer_number(subnet, "addresses"));
	table_add(table, "%" PRIu64, answer_number(subnet, "reservations"));
}

void print_dhcp(const json_t *result, FILE *out)
{
	struct table *table;
	const char *key;
	json_t *value;

	answer_table(result, "subnets", "SUBNET|INTERFACE|NETWORK|>LEASES|>ADDRESSES|>RESERVATIONS",
		add_subnet, out);
	table = table_new("COUNTER|>MESSAGES");
	json_object_foreach(json_object_get(result, "counters"), key, value)
	{
		if (table == NULL || json_integer_value(value) == 0)
			continue;
		table_add(table, "%s", key);
		table_add(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	fputc('\n', out);
	answer_print(table, out);
}

// --- as comma-separated values, RFC 4180 ---

static void print_field(const char *text, FILE *out)
{
	bool needs_quotes = strpbrk(text, ",\"\r\n") != NULL ||
			    (text[0] != '\0' && strchr("=+-@", text[0]) != NULL);

	if (!needs_quotes) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_row(const json_t *lease)
{
	static const char *const texts[] = {
		"address", "mac", "client_id", "name", "subnet", "state"};
	time_t since = (time_t)answer_number(lease, "since");
	struct tm day;
	char text[32];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		print_field(answer_text(lease, texts[i]), stdout);
		putchar(',');
	}
	gmtime_r(&since, &day);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &day);
	printf("%s,%" PRIu64 "\r\n", text, answer_number(lease, "left_sec"));
}

// Those of a network; of one that has more than an answer holds, each half by itself.
static int export_network(const struct cli *cli, const struct ip_prefix *network)
{
	char text[ADDR_STR_BYTES];
	json_t *result = cli_ask(cli, "show.leases",
		json_pack("{s:s, s:i}", "address", ip_prefix_str(network, text), "limit", PAGE));
	int code = EXIT_SUCCESS;
	json_t **sorted;
	size_t n;

	if (result == NULL)
		return EXIT_FAILURE;
	if (answer_number(result, "total") > PAGE && network->len < 32) {
		struct ip_prefix half = *network;

		half.len++;
		code = export_network(cli, &half);
		half.addr.bytes[network->len / 8] |= (uint8_t)(0x80 >> network->len % 8);
		if (code == EXIT_SUCCESS)
			code = export_network(cli, &half);
		json_decref(result);
		return code;
	}
	sorted = sort_leases(result, &n);
	for (size_t i = 0; i < n; i++)
		print_row(sorted[i]);
	free(sorted);
	json_decref(result);
	return code;
}

int do_leases_export(const struct cli *cli)
{
	struct ip_prefix all = {.addr.family = IP_V4};

	fputs("address,mac,client_id,name,subnet,state,since,left_sec\r\n", stdout);
	return export_network(cli, &all);
}
