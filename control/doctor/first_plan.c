// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/first_plan.h"

#include <stdio.h>
#include <string.h>

// --- which cards ---

// As the WAN: a default route says it, else a link does.
static int wan_rank(const struct card *card)
{
	return (card->gateway4.family != IP_NONE) * 8 + (card->gateway6.family != IP_NONE) * 4 +
	       card->has_carrier * 2 + (card->name[0] != '\0');
}

// As the LAN: free, and not the one by which somebody works on the machine.
static int lan_rank(const struct card *card)
{
	return !card->carries_session * 8 + (card->opens_by[0] != '\0') * 4 +
	       card->has_carrier * 2 + (card->name[0] != '\0');
}

// The first of the best. Of two default routes the kernel uses the one with the lower metric.
static bool is_better(
	const struct card *one, const struct card *best, int (*rank)(const struct card *))
{
	if (best == NULL || rank(one) != rank(best))
		return best == NULL || rank(one) > rank(best);
	return one->gateway4.family != IP_NONE && best->gateway4.family != IP_NONE &&
	       one->metric4 < best->metric4;
}

static const struct card *find_best(
	const struct cards *cards, const struct card *but, int (*rank)(const struct card *))
{
	const struct card *best = NULL;

	for (unsigned i = 0; i < cards->n; i++)
		if (&cards->list[i] != but && !cards->list[i].is_elsewhere &&
			is_better(&cards->list[i], best, rank))
			best = &cards->list[i];
	return best;
}

int first_plan_choose(const struct cards *cards, struct first_plan *plan, struct error *err)
{
	const struct card *wan = plan->wan.card, *lan = plan->lan.card;

	if (wan == NULL)
		wan = find_best(cards, lan, wan_rank);
	if (lan == NULL)
		lan = find_best(cards, wan, lan_rank);
	if (wan == NULL || lan == NULL)
		return error_set(err,
			"a router between two networks wants two network cards, and there %s here "
			"(millrace doctor tells more)",
			wan == NULL ? "is none" : "is one");
	plan->wan.card = wan;
	plan->lan.card = lan;
	return 0;
}

const struct card *first_plan_find(const struct cards *cards, const char *label)
{
	for (unsigned i = 0; i < cards->n; i++)
		if (strcmp(card_label(&cards->list[i]), label) == 0 ||
			(label[0] != '\0' && strcmp(cards->list[i].pci, label) == 0))
			return &cards->list[i];
	return NULL;
}

// --- by what it is known again ---

static enum first_match match_of(const struct card *card, const struct cards *cards)
{
	unsigned n_same = 0;

	for (unsigned i = 0; i < cards->n; i++)
		n_same += cards->list[i].has_mac &&
			  memcmp(&cards->list[i].mac, &card->mac, sizeof(card->mac)) == 0;
	if (card->is_mac_lasting && n_same == 1)
		return FIRST_MATCH_MAC;
	return card->pci[0] != '\0' ? FIRST_MATCH_PCI : FIRST_MATCH_NAME;
}

// The kernel's end of an interface has its name: nobody else's may be the same. Our own, of a
// router that runs, is a TAP.
static void name_interface(const struct tree *tree, const char *wish, char out[IF_NAMESIZE])
{
	snprintf(out, IF_NAMESIZE, "%s", wish);
	for (unsigned i = 2; i < 100 && tree_has(tree, "sys/class/net/%s", out) &&
			     !tree_has(tree, "sys/class/net/%s/tun_flags", out);
		i++)
		snprintf(out, IF_NAMESIZE, "%s%u", wish, i);
}

// --- the LAN's addresses ---

// Whoever it is that has them; the LAN's card gives its own up.
static bool is_taken(const struct ip_prefix *network, const struct live *live,
	const struct kernel_routes *routes, const struct card *lan)
{
	for (unsigned i = 0; i < live->n_addresses; i++)
		if (strcmp(live->addresses[i].netdev, lan->name) != 0 &&
			ip_prefix_overlaps(network, &live->addresses[i].prefix))
			return true;
	for (unsigned i = 0; i < routes->n; i++)
		if (routes->list[i].to.len > 0 && strcmp(routes->list[i].netdev, lan->name) != 0 &&
			ip_prefix_overlaps(network, &routes->list[i].to))
			return true;
	return false;
}

// 192.168.10.1/24 and up, then 10.x.0.1/24: low ones are what providers' boxes hand out, and one
// may be plugged in before this router tomorrow.
static bool find_free(const struct live *live, const struct kernel_routes *routes,
	const struct card *lan, struct ip_prefix *out)
{
	enum { FIRST = 10, END = 255 };

	for (unsigned i = 0; i < 2 * (END - FIRST); i++) {
		uint8_t x = (uint8_t)(FIRST + i % (END - FIRST));

		*out = (struct ip_prefix){{.family = IP_V4, .v4 = {192, 168, x, 1}}, 24};
		if (i >= END - FIRST)
			memcpy(out->addr.v4, (const uint8_t[]){10, x, 0, 1}, 4);
		if (!is_taken(out, live, routes, lan))
			return true;
	}
	return false;
}

static void take_over(struct first_plan *plan)
{
	const struct card *card = plan->lan.card;

	for (unsigned i = 0; i < card->n_addresses; i++)
		if (card->addresses[i].is_lasting)
			plan->lan_addresses[plan->n_lan_addresses++] = card->addresses[i].prefix;
}

static int choose_lan_addresses(struct first_plan *plan, const struct tree *tree,
	const struct live *live, const struct ip_prefix *wanted, struct error *err)
{
	struct kernel_routes routes;
	char text[ADDR_STR_BYTES];
	int rc = 0;

	plan->n_lan_addresses = 0;
	kernel_routes_look(&routes, tree);
	if (wanted->addr.family != IP_NONE) {
		if (is_taken(wanted, live, &routes, plan->lan.card))
			rc = error_set(err, "%s is in a network that this machine has elsewhere",
				ip_prefix_str(wanted, text));
		plan->lan_addresses[plan->n_lan_addresses++] = *wanted;
	} else {
		take_over(plan);
		if (plan->n_lan_addresses == 0) {
			if (!find_free(live, &routes, plan->lan.card, &plan->lan_addresses[0]))
				rc = error_set(err,
					"no private network is free for the LAN: choose "
					"one with --lan-address");
			plan->n_lan_addresses = 1;
		}
	}
	kernel_routes_fini(&routes);
	return rc;
}

int first_plan_complete(struct first_plan *plan, const struct tree *tree, const struct live *live,
	const struct cards *cards, const struct ip_prefix *wanted, struct error *err)
{
	if (plan->wan.card == plan->lan.card)
		return error_set(err, "WAN and LAN cannot be one card");
	plan->wan.match = match_of(plan->wan.card, cards);
	plan->lan.match = match_of(plan->lan.card, cards);
	name_interface(tree, "wan", plan->wan.interface);
	name_interface(tree, "lan", plan->lan.interface);
	return choose_lan_addresses(plan, tree, live, wanted, err);
}
