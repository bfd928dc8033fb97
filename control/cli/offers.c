// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/offers.h"

#include <stdlib.h>
#include <string.h>

#include "control/cli/answer.h"
#include "control/cli/client.h"

static void add(void *ctx, const char *word, const char *help)
{
	struct offers *offers = ctx;
	struct offer *to = &offers->list[offers->n];

	if (offers->n == OFFERS_MAX || strlen(word) >= sizeof(to->word))
		return;
	for (unsigned i = 0; i < offers->n; i++)
		if (strcmp(offers->list[i].word, word) == 0)
			return;
	snprintf(to->word, sizeof(to->word), "%s", word);
	snprintf(to->help, sizeof(to->help), "%s", help);
	offers->n++;
}

// The daemon's list that has the names, and what stands beside one.
static const struct {
	const char *method, *list, *name, *help;
} lives[] = {
	[GRAMMAR_INTERFACE] = {"show.interfaces", "interfaces", "name", "port"},
	[GRAMMAR_SET] = {"show.sets", "sets", "name", "kind"},
	[GRAMMAR_UPLINK] = {"show.uplinks", "uplinks", "name", "interface"},
	[GRAMMAR_ADDRESS] = {"show.neighbours", "neighbours", "addr", "interface"},
	[GRAMMAR_NETWORK] = {"show.neighbours", "neighbours", "addr", "interface"},
};

// Without a daemon there are none; completion says nothing of errors.
static void add_live(void *ctx, enum grammar_type type)
{
	struct offers *offers = ctx;
	json_t *result, *one;
	struct error err;
	size_t i;

	if ((size_t)type >= sizeof(lives) / sizeof(lives[0]) || lives[type].method == NULL)
		return;
	result = client_call(offers->cli->socket, lives[type].method, NULL, &err);
	json_array_foreach(json_object_get(result, lives[type].list), i, one)
	{
		const char *name = answer_text(one, lives[type].name);

		if (strncmp(name, offers->begun, strlen(offers->begun)) == 0)
			add(offers, name, answer_text(one, lives[type].help));
	}
	json_decref(result);
}

struct offers *offers_collect(
	const struct cli *cli, const char *const *words, int n_words, const char *begun)
{
	struct offers *offers = calloc(1, sizeof(*offers));
	struct grammar_offers to = {add, add_live, offers};

	if (offers == NULL)
		return NULL;
	offers->cli = cli;
	offers->begun = begun;
	grammar_complete(cli_commands, words, n_words, begun, &to);
	return offers;
}
