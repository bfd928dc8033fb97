// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "control/doctor/machine.h"

enum { TEXT_BYTES = 200, ROUTER_CARDS = 2 };

static const char *link_text(const struct card *card, char *out, size_t out_bytes)
{
	if (card->name[0] == '\0')
		snprintf(out, out_bytes, "not with the kernel here");
	else if (!card->is_up)
		snprintf(out, out_bytes, "switched off, so its link is not known");
	else if (!card->has_carrier)
		snprintf(out, out_bytes, "no link");
	else if (card->speed_mbps == 0 || card->is_wire)
		snprintf(out, out_bytes, "link");
	else if (card->speed_mbps >= 1000)
		snprintf(out, out_bytes, "link at %u%s Gbit/s", card->speed_mbps / 1000,
			card->speed_mbps % 1000 == 500 ? ".5" : "");
	else
		snprintf(out, out_bytes, "link at %u Mbit/s", card->speed_mbps);
	return out;
}

// "0000:03:00.0, ixgbe, node 0, "
static const char *place_text(const struct card *card, char *out, size_t out_bytes)
{
	char node[24] = "";

	if (card->numa >= 0)
		snprintf(node, sizeof(node), "node %d, ", card->numa);
	snprintf(out, out_bytes, "%s%s%s%s%s", card->name[0] != '\0' ? card->pci : "",
		card->name[0] != '\0' && card->pci[0] != '\0' ? ", " : "", card->driver,
		card->driver[0] != '\0' ? ", " : "", node);
	return out;
}

static const char *abilities_text(const struct live_card *live, char *out, size_t out_bytes)
{
	out[0] = '\0';
	if (live != NULL && live->queues_max > 1)
		snprintf(out, out_bytes, " Up to %u queues, RSS %s.", live->queues_max,
			live->rss_entries > 0 ? "over them" : "not told");
	return out;
}

static const char *opening_text(const struct card *card, char *out, size_t out_bytes)
{
	if (strcmp(card->opens_by, "pci") == 0)
		snprintf(out, out_bytes, "The router would drive it by itself (pci, DPDK's %s).",
			card->pmd);
	else if (strcmp(card->opens_by, "af_xdp") == 0)
		snprintf(out, out_bytes, "The router would open it by AF_XDP, else AF_PACKET.");
	else
		snprintf(out, out_bytes, "The router would open it by AF_PACKET.");
	return out;
}

static void say_free(const struct machine *machine, const struct card *card, struct findings *out)
{
	char place[TEXT_BYTES], link[TEXT_BYTES], opening[TEXT_BYTES], can[TEXT_BYTES];

	finding_add(out, VERDICT_FINE, "card", card_label(card), "%s (%s%s). %s%s", card->model,
		place_text(card, place, sizeof(place)), link_text(card, link, sizeof(link)),
		opening_text(card, opening, sizeof(opening)),
		abilities_text(live_card(&machine->live, card->name), can, sizeof(can)));
}

static void say_refused(const struct card *card, struct findings *out)
{
	char place[TEXT_BYTES], link[TEXT_BYTES];
	struct finding *finding = finding_add(out, VERDICT_WARNING, "card-refused",
		card_label(card), "%s (%s%s). The router would refuse it: %s.", card->model,
		place_text(card, place, sizeof(place)), link_text(card, link, sizeof(link)),
		card->refused.text);

	if (card->name[0] == '\0')
		return;
	if (card->master[0] != '\0')
		finding_fix(finding, "ip link set %s nomaster", card->name);
	else if (!card->carries_session)
		finding_fix(finding, "ip addr flush dev %s", card->name);
}

// What stays with the machine while others are free: a keeper's way in, as it should be.
static void say_kept(const struct card *card, struct findings *out)
{
	char place[TEXT_BYTES], link[TEXT_BYTES], address[ADDR_STR_BYTES] = "";

	if (card->n_addresses > 0)
		ip_prefix_str(&card->addresses[0].prefix, address);
	finding_add(out, VERDICT_FINE, "card-kept", card_label(card),
		"%s (%s%s). The machine's own: %s%s%s. A router would have the others.",
		card->model, place_text(card, place, sizeof(place)),
		link_text(card, link, sizeof(link)),
		address[0] != '\0' ? address : "it is part of ",
		address[0] != '\0' ? "" : card->master,
		card->carries_session ? ", your SSH session" : "");
}

static void say_elsewhere(const struct card *card, struct findings *out)
{
	finding_add(out, VERDICT_FINE, "card-elsewhere", card_label(card),
		"%s, with %s in another network namespace, or without a device. A router that is "
		"started here has nothing to do with it.",
		card->model, card->driver);
}

// Nobody shall saw off the branch that they sit on.
static void say_session(const struct card *card, struct findings *out)
{
	finding_add(out, VERDICT_WARNING, "card-session", card_label(card),
		"The SSH session that you are in comes in over this card: giving it to the router "
		"ends the session. Use the console, a third card, or a script that goes on without "
		"you (nohup) and ends the router when you cannot come back.");
}

void look_at_cards(const struct machine *machine, struct findings *out)
{
	const struct cards *cards = &machine->cards;
	unsigned n_free = 0, n_here = 0;

	for (unsigned i = 0; i < cards->n; i++) {
		const struct card *card = &cards->list[i];

		n_free += card->opens_by[0] != '\0';
		n_here += !card->is_elsewhere;
		if (card->is_elsewhere)
			say_elsewhere(card, out);
		else if (card->opens_by[0] != '\0')
			say_free(machine, card, out);
		else if (card->name[0] != '\0' && card_is_spare(cards, card))
			say_kept(card, out);
		else
			say_refused(card, out);
		if (card->carries_session && !card_is_spare(cards, card))
			say_session(card, out);
	}
	if (n_here == 0)
		finding_add(out, VERDICT_PROBLEM, "no-cards", "cards",
			"There is no network card here that a router could have.");
	else if (n_free == 0)
		finding_add(out, VERDICT_PROBLEM, "no-free-cards", "cards",
			"The machine itself uses every card: the router would have none.");
	else if (n_here < ROUTER_CARDS)
		finding_add(out, VERDICT_WARNING, "one-card", "cards",
			"There is one card. A router between two networks wants two.");
	if (cards->n_odd > 0)
		finding_add(out, VERDICT_UNSEEN, "odd-names", "cards",
			"%u card%s left out: of a name with other characters than letters, digits, "
			"dot, dash, underscore.",
			cards->n_odd, cards->n_odd == 1 ? " was" : "s were");
	if (cards->n_more > 0)
		finding_add(out, VERDICT_UNSEEN, "more-cards", "cards",
			"%u more cards were not looked at.", cards->n_more);
}
