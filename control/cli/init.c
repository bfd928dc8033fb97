// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/first_plan.h"
#include "control/doctor/machine.h"
#include "control/doctor/new_file.h"

#define DEFAULT_FILE "router.yaml"

enum { ASKED_MAX = 3, ANSWER_BYTES = 64 };

struct init_options {
	const char *file;	      // "-": to stdout
	const char *wan, *lan;	      // cards, or NULL
	struct ip_prefix lan_address; // family IP_NONE: chosen
	bool asks_nothing, replaces;
};

static bool has_flag(const struct cli *cli, const char *param)
{
	return json_is_true(json_object_get(cli->params, param));
}

// False: it has said why.
static bool read_options(const struct cli *cli, struct init_options *options)
{
	const char *file = cli_value(cli, "output"), *address = cli_value(cli, "lan_address");

	*options = (struct init_options){
		.file = file != NULL ? file : DEFAULT_FILE,
		.wan = cli_value(cli, "wan"),
		.lan = cli_value(cli, "lan"),
		.asks_nothing = has_flag(cli, "yes"),
		.replaces = has_flag(cli, "force"),
	};
	if (address == NULL || ip_prefix_parse(address, &options->lan_address) == 0)
		return true;
	cli_wrong_usage("no address with the length of its network:", address);
	return false;
}

// --- questions ---

static void show_card(const struct card *card, unsigned number)
{
	char text[ADDR_STR_BYTES];

	fprintf(stderr, "  %u  %-12s %s", number, card_label(card), card->model);
	if (card->is_elsewhere)
		fputs(", in another network namespace", stderr);
	if (card->name[0] != '\0')
		fputs(card->has_carrier ? ", link" : ", no link", stderr);
	for (unsigned i = 0; i < card->n_addresses; i++)
		fprintf(stderr, ", %s", ip_prefix_str(&card->addresses[i].prefix, text));
	if (card->gateway4.family != IP_NONE)
		fprintf(stderr, ", default route");
	if (card->carries_session)
		fputs(", this SSH session", stderr);
	fputc('\n', stderr);
}

static const struct card *find_answer(const struct cards *cards, const char *answer)
{
	char *end;
	unsigned long number = strtoul(answer, &end, 10);

	if (end != answer && *end == '\0' && number >= 1 && number <= cards->n)
		return &cards->list[number - 1];
	return first_plan_find(cards, answer);
}

// NULL: there is no answer, and that has been said.
static const struct card *ask(
	const struct cards *cards, const char *what, const struct card *otherwise)
{
	char answer[ANSWER_BYTES];

	for (unsigned i = 0; i < ASKED_MAX; i++) {
		const struct card *card;

		fprintf(stderr, "%s [%s]: ", what, card_label(otherwise));
		if (fgets(answer, sizeof(answer), stdin) == NULL)
			break;
		answer[strcspn(answer, "\n")] = '\0';
		card = answer[0] == '\0' ? otherwise : find_answer(cards, answer);
		if (card != NULL)
			return card;
		fprintf(stderr, "'%s' is none of them: its number or its name, please.\n", answer);
	}
	fputs("\nmillrace: no answer; nothing is written (--yes asks nothing)\n", stderr);
	return NULL;
}

// Fills what is open by what is answered.
static bool ask_cards(
	const struct cards *cards, struct first_plan *plan, const struct init_options *options)
{
	struct first_plan guess = *plan;
	struct error err;

	for (unsigned i = 0; i < cards->n; i++)
		show_card(&cards->list[i], i + 1);
	if (options->wan == NULL) {
		plan->wan.card = ask(cards, "WAN, towards the internet", plan->wan.card);
		if (plan->wan.card == NULL)
			return false;
		guess.wan.card = plan->wan.card;
		guess.lan.card = options->lan != NULL ? plan->lan.card : NULL;
		if (first_plan_choose(cards, &guess, &err) == 0)
			plan->lan.card = guess.lan.card;
	}
	if (options->lan == NULL)
		plan->lan.card = ask(cards, "LAN, the house", plan->lan.card);
	return plan->lan.card != NULL;
}

// --- what it comes to ---

static int pick_card(
	const struct cards *cards, const char *label, const struct card **out, struct error *err)
{
	if (label == NULL)
		return 0;
	*out = first_plan_find(cards, label);
	return *out != NULL
		       ? 0
		       : error_set(err, "there is no network card %s (millrace doctor lists them)",
				 label);
}

static void say_next(const struct first_plan *plan, const char *file)
{
	const struct card *const both[] = {plan->wan.card, plan->lan.card};
	char text[ADDR_STR_BYTES];

	fprintf(stderr, "%s: %s is %s, %s is %s with %s. Next:\n", file, plan->wan.interface,
		card_label(plan->wan.card), plan->lan.interface, card_label(plan->lan.card),
		ip_prefix_str(&plan->lan_addresses[0], text));
	fprintf(stderr, "  millrace check %s\n", file);
	for (unsigned i = 0; i < 2; i++) {
		if (both[i]->master[0] != '\0')
			fprintf(stderr, "  ip link set %s nomaster\n", both[i]->name);
		if (both[i]->n_addresses > 0)
			fprintf(stderr,
				"  ip addr flush dev %s    # from here on the router has them\n",
				both[i]->name);
	}
	fprintf(stderr, "  millraced -c %s\n", file);
}

static int write_file(const struct first_plan *plan, const struct session *session,
	const struct init_options *options, struct error *err)
{
	char *text = first_file_text(plan, session);
	int rc;

	if (text == NULL)
		return error_set(err, "no memory for the file");
	if (strcmp(options->file, "-") == 0)
		rc = fputs(text, stdout) >= 0 && fflush(stdout) == 0
			     ? 0
			     : error_set(err, "cannot write to the standard output");
	else
		rc = new_file_write(options->file, text, options->replaces, err);
	free(text);
	return rc;
}

// 0, -1 with the reason, or 1 when that has been said.
static int make(
	const struct machine *machine, const struct init_options *options, struct error *err)
{
	const struct cards *cards = &machine->cards;
	struct first_plan plan = {0};

	if (pick_card(cards, options->wan, &plan.wan.card, err) != 0 ||
		pick_card(cards, options->lan, &plan.lan.card, err) != 0 ||
		first_plan_choose(cards, &plan, err) != 0)
		return -1;
	if (!options->asks_nothing && !ask_cards(cards, &plan, options))
		return 1;
	if (first_plan_complete(&plan, &machine->tree, &machine->live, cards, &options->lan_address,
		    err) != 0 ||
		write_file(&plan, &cards->session, options, err) != 0)
		return -1;
	if (strcmp(options->file, "-") != 0)
		say_next(&plan, options->file);
	return 0;
}

int do_init(const struct cli *cli)
{
	static struct machine machine; // more than a stack should hold
	struct init_options options;
	struct error err;
	int rc;

	if (!read_options(cli, &options))
		return CLI_EXIT_USAGE;
	rc = machine_look(&machine, &err);
	if (rc == 0) {
		rc = make(&machine, &options, &err);
		machine_fini(&machine);
	}
	if (rc < 0)
		fprintf(stderr, "millrace: %s\n", err.text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
