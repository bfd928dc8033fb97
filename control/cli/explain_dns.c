// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/explain_dns.h"

#include <string.h>

#include "control/cli/answer.h"

const struct grammar_arg explain_dns_args[] = {
	{NULL, "name", GRAMMAR_NAME, "which name"},
	{"type", "type", GRAMMAR_NAME, "of record; A otherwise"},
	{"client", "client", GRAMMAR_ADDRESS, "who asks; the router itself otherwise"},
	{0},
};

static void print_upstreams(const json_t *result, FILE *out)
{
	const char *domain = answer_text(result, "domain");

	if (domain[0] != '\0')
		fprintf(out, "goes to the upstreams of %s", domain);
	else if (answer_truth(result, "has_upstreams"))
		fputs("goes to the upstreams for all names", out);
	else
		fputs("is looked up from the root down", out);
	fputs(answer_truth(result, "may_be_private") ? "; its answers may be private addresses\n"
						     : "; private addresses are withheld\n",
		out);
}

static void print_group(const json_t *result, FILE *out)
{
	const char *by = answer_text(result, "group_by");

	if (by[0] != '\0')
		fprintf(out, "%s is of blocking[%u], by its client %s\n",
			answer_text(result, "client"), (unsigned)answer_number(result, "group"),
			by);
}

void print_explain_dns(const json_t *result, FILE *out)
{
	const char *verdict = answer_text(result, "verdict"), *why = answer_text(result, "why");

	fprintf(out, "%s %s, asked by %s: ", answer_text(result, "name"),
		answer_text(result, "type"), answer_text(result, "client"));
	if (strcmp(verdict, "refused") == 0) {
		fputs("refused: `access` does not have the client\n", out);
		return;
	}
	if (strcmp(verdict, "links") == 0) {
		fprintf(out, "%s\n", why);
	} else if (strcmp(verdict, "upstream") != 0) {
		fprintf(out, "%s by %s: %s\n", verdict, answer_text(result, "stage"), why);
	} else {
		if (why[0] != '\0')
			fprintf(out, "%s; ", why);
		print_upstreams(result, out);
	}
	print_group(result, out);
}
