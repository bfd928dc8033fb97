// SPDX-License-Identifier: BSD-3-Clause
// What a first router on this machine would be: which card is the WAN and which the LAN, by what
// they are known again, which addresses they have. Pure over what the doctor saw. Control thread.
#pragma once

#include "control/doctor/cards.h"
#include "control/doctor/kernel_routes.h"

enum first_match {
	FIRST_MATCH_MAC, // burnt in and nobody else's: the card, wherever it is plugged
	FIRST_MATCH_PCI, // the slot, where its MAC is made up at each boot or by a host
	FIRST_MATCH_NAME,
};

struct first_port {
	const struct card *card;
	enum first_match match;
	char interface[IF_NAMESIZE]; // "wan"; "wan2" where the machine has a device called wan
};

struct first_plan {
	struct first_port wan, lan;
	struct ip_prefix lan_addresses[CARD_ADDRESSES_MAX];
	unsigned n_lan_addresses;
};

// The cards by default: the WAN has the default route, or a link; the LAN is another. -1 with the
// reason when there are not two.
int first_plan_choose(const struct cards *cards, struct first_plan *plan, struct error *err);
const struct card *first_plan_find(const struct cards *cards, const char *label); // or NULL

// Completes the plan once both cards are chosen: names, matches, and the LAN's addresses, which are
// `wanted` (family IP_NONE: what its card has, else the first network 192.168.x.0/24 that nobody on
// this machine knows).
int first_plan_complete(struct first_plan *plan, const struct tree *tree, const struct live *live,
	const struct cards *cards, const struct ip_prefix *wanted, struct error *err);

// The file, commented for people; to be freed. NULL: no memory.
char *first_file_text(const struct first_plan *plan, const struct session *session);
