// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/plan_interfaces.h"

#include <stdlib.h>
#include <string.h>

#include "control/egress.h"

// --- ports ---

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_mac(bool has_a, const struct mac_addr *a, bool has_b, const struct mac_addr *b)
{
	return has_a == has_b && (!has_a || memcmp(a, b, sizeof(*a)) == 0);
}

static bool is_same_card(const struct cfg_port *a, const struct cfg_port *b)
{
	return is_same_text(a->match_name, b->match_name) &&
	       is_same_text(a->match_pci, b->match_pci) &&
	       is_same_mac(a->has_match_mac, &a->match_mac, b->has_match_mac, &b->match_mac);
}

static bool is_same_virtual(const struct cfg_port *a, const struct cfg_port *b)
{
	return is_same_text(a->memif_socket, b->memif_socket) &&
	       a->memif_is_server == b->memif_is_server && is_same_text(a->tap_name, b->tap_name) &&
	       is_same_text(a->pcap_rx, b->pcap_rx) && is_same_text(a->pcap_tx, b->pcap_tx) &&
	       a->pcap_repeat == b->pcap_repeat;
}

// Nobody has noted what MTU a card had, so one that is no longer said takes the port anew.
static bool is_same_port(const struct cfg_port *a, const struct cfg_port *b)
{
	return is_same_card(a, b) && is_same_virtual(a, b) && a->driver == b->driver &&
	       is_same_mac(a->has_mac, &a->mac, b->has_mac, &b->mac) && a->queues == b->queues &&
	       a->allow_no_iommu == b->allow_no_iommu && (a->mtu == b->mtu || b->mtu != 0);
}

// By what is said alone: a name and a MAC may mean one card.
static bool are_two_cards(const struct cfg_port *a, const struct cfg_port *b)
{
	if (a->match_name != NULL && b->match_name != NULL)
		return strcmp(a->match_name, b->match_name) != 0;
	if (a->match_pci != NULL && b->match_pci != NULL)
		return strcmp(a->match_pci, b->match_pci) != 0;
	if (a->has_match_mac && b->has_match_mac)
		return memcmp(&a->match_mac, &b->match_mac, sizeof(a->match_mac)) != 0;
	return false;
}

static const struct cfg_port *find_port(const struct config *config, const char *name)
{
	unsigned i = 0;

	while (strcmp(config->ports[i].name, name) != 0) // cfg/check_ports.c has seen to it
		i++;
	return &config->ports[i];
}

// --- interfaces ---

const struct cfg_interface *plan_find_interface(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (strcmp(config->interfaces[i].name, name) == 0)
			return &config->interfaces[i];
	return NULL;
}

bool plan_is_kept(const struct plan *plan, const char *interface)
{
	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		const struct plan_interface *one = &plan->interfaces[i];

		if (strcmp((one->before != NULL ? one->before : one->after)->name, interface) == 0)
			return false;
	}
	return true;
}

// To what leads outside, the workers and the card's RSS are set up when it is made.
static bool can_stay(const struct config *before, const struct cfg_interface *a,
	const struct config *after, const struct cfg_interface *b)
{
	return strcmp(a->port, b->port) == 0 && a->has_vlan == b->has_vlan && a->vlan == b->vlan &&
	       a->priority == b->priority &&
	       egress_is_outside(before, a->name) == egress_is_outside(after, b->name) &&
	       is_same_port(find_port(before, a->port), find_port(after, b->port));
}

static void compare(struct plan *plan, const struct config *before, const struct config *after)
{
	for (unsigned i = 0; i < before->n_interfaces; i++) {
		const struct cfg_interface *a = &before->interfaces[i];
		const struct cfg_interface *b = plan_find_interface(after, a->name);
		uint16_t mtu;

		if (b == NULL || !can_stay(before, a, after, b)) {
			plan->interfaces[plan->n_interfaces++] = (struct plan_interface){a, b};
			continue;
		}
		mtu = find_port(after, b->port)->mtu;
		if (find_port(before, a->port)->mtu != mtu)
			plan->mtus[plan->n_mtus++] = (struct plan_mtu){a->name, mtu};
	}
	for (unsigned i = 0; i < after->n_interfaces; i++)
		if (plan_find_interface(before, after->interfaces[i].name) == NULL)
			plan->interfaces[plan->n_interfaces++] =
				(struct plan_interface){NULL, &after->interfaces[i]};
}

// One that is made anew goes before it comes. One that only goes stays until all is done, so that
// whatever fails costs it nothing, unless one that comes may be in its place.
static bool stands_in_the_way(const struct config *before, const struct plan_interface *goes,
	const struct config *after, const struct plan_interface *comes)
{
	const struct cfg_port *a, *b;

	if (comes->after == NULL)
		return false;
	a = find_port(before, goes->before->port);
	b = find_port(after, comes->after->port);
	if (strcmp(a->name, b->name) == 0 && is_same_port(a, b)) // it stays open for both
		return goes->before->vlan == comes->after->vlan;
	return strcmp(a->name, b->name) == 0 || !are_two_cards(a, b);
}

static void order(struct plan *plan, const struct config *before, const struct config *after)
{
	unsigned n_most = before->n_interfaces;

	for (unsigned i = 0; i < plan->n_interfaces; i++)
		n_most += plan->interfaces[i].before == NULL;
	for (unsigned i = 0; i < plan->n_interfaces; i++) {
		struct plan_interface *one = &plan->interfaces[i];

		one->goes_first =
			one->before != NULL && (one->after != NULL || n_most > CFG_INTERFACES_MAX);
		for (unsigned k = 0; one->before != NULL && k < plan->n_interfaces; k++)
			one->goes_first |=
				stands_in_the_way(before, one, after, &plan->interfaces[k]);
	}
}

int plan_interfaces(struct plan *plan, const struct config *before, const struct config *after)
{
	plan->interfaces = calloc((size_t)before->n_interfaces + after->n_interfaces + 1,
		sizeof(plan->interfaces[0]));
	plan->mtus = calloc((size_t)before->n_interfaces + 1, sizeof(plan->mtus[0]));
	if (plan->interfaces == NULL || plan->mtus == NULL)
		return -1;
	compare(plan, before, after);
	order(plan, before, after);
	return 0;
}
