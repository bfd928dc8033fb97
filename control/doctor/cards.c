// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/cards.h"

#include <stdio.h>
#include <string.h>

#include "control/doctor/card_openings.h"
#include "control/doctor/kernel_routes.h"

#define NET "sys/class/net"
#define PCI "sys/bus/pci/devices"

enum { CLASS_ETHERNET = 0x0200, TYPE_ETHERNET = 1, TEXT_BYTES = 64, ROUTER_CARDS = 2 };

const char *card_label(const struct card *card)
{
	return card->name[0] != '\0' ? card->name : card->pci;
}

bool card_is_spare(const struct cards *cards, const struct card *card)
{
	unsigned n_free = 0;

	for (unsigned i = 0; i < cards->n; i++)
		n_free += cards->list[i].opens_by[0] != '\0';
	return card->opens_by[0] == '\0' && card->gateway4.family == IP_NONE &&
	       card->gateway6.family == IP_NONE && n_free >= ROUTER_CARDS;
}

// --- which there are ---

// No file tells it from other virtual devices: its other end's number may be its own.
static bool is_wire(const struct live *live, const char *netdev)
{
	const struct live_card *card = live_card(live, netdev);

	return card != NULL && strcmp(card->driver, "veth") == 0;
}

static bool is_card(const struct tree *tree, const struct live *live, const char *netdev)
{
	if (tree_number(tree, 0, NET "/%s/type", netdev) != TYPE_ETHERNET ||
		tree_has(tree, NET "/%s/wireless", netdev) ||
		tree_has(tree, NET "/%s/phy80211", netdev) ||
		tree_has(tree, NET "/%s/bridge", netdev) ||
		tree_has(tree, NET "/%s/bonding", netdev) ||
		tree_has(tree, NET "/%s/tun_flags", netdev))
		return false;
	return tree_has(tree, NET "/%s/device", netdev) || is_wire(live, netdev);
}

// Names go into commands for people to copy, and into the file: the kernel allows more than these.
static bool is_plain(const char *netdev)
{
	return netdev[strspn(netdev,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		       "._-@")] == '\0' &&
	       netdev[0] != '-' && netdev[0] != '@';
}

static bool is_pci_address(const char *text)
{
	unsigned domain, bus, device, function;
	int used = 0;

	return sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &used) == 4 &&
	       text[used] == '\0' && strlen(text) < sizeof(((struct card *)0)->pci);
}

// The card's PCI address is the last part of where `device` points, or of where that one's parent
// is (virtio); of a USB card it is nothing that could be taken.
static void find_pci(const struct tree *tree, struct card *card)
{
	char text[TEXT_BYTES];
	struct tree_names names;

	card->pci[0] = '\0';
	if (!tree_link(tree, text, sizeof(text), NET "/%s/device", card->name))
		return;
	if (is_pci_address(text)) {
		snprintf(card->pci, sizeof(card->pci), "%.15s", text);
		return;
	}
	if (strncmp(text, "virtio", 6) != 0)
		return;
	tree_names(tree, &names, PCI);
	for (unsigned i = 0; i < names.n && card->pci[0] == '\0'; i++)
		if (is_pci_address(names.list[i]) &&
			tree_has(tree, PCI "/%s/%s/net/%s", names.list[i], text, card->name))
			snprintf(card->pci, sizeof(card->pci), "%.15s", names.list[i]);
	tree_names_free(&names);
}

static bool has_pci(const struct cards *cards, const char *address)
{
	for (unsigned i = 0; i < cards->n; i++)
		if (strcmp(cards->list[i].pci, address) == 0)
			return true;
	return false;
}

// --- what each is ---

static void look_at_pci(const struct tree *tree, const struct pmd_info *pmds,
	struct device_names *names, struct card *card)
{
	uint16_t ids[4] = {0};
	static const char *const keys[] = {
		"vendor", "device", "subsystem_vendor", "subsystem_device"};
	const char *pmd;

	if (card->pci[0] == '\0')
		return;
	for (unsigned i = 0; i < 4; i++)
		ids[i] = (uint16_t)tree_number(tree, 0, PCI "/%s/%s", card->pci, keys[i]);
	device_name(names, ids[0], ids[1], card->model, sizeof(card->model));
	pmd = pmd_info_find(pmds, ids[0], ids[1], ids[2], ids[3]);
	snprintf(card->pmd, sizeof(card->pmd), "%s", pmd != NULL ? pmd : "");
	card->numa = (int)tree_number(tree, -1, PCI "/%s/numa_node", card->pci);
	tree_link(tree, card->driver, sizeof(card->driver), PCI "/%s/driver", card->pci);
}

// The locally administered bit (IEEE 802-2014 8.2) is set where nobody's maker gave it.
static void look_at_mac(const struct tree *tree, const struct live_card *live, struct card *card)
{
	char text[TEXT_BYTES];

	if (live != NULL && live->has_mac) {
		card->mac = live->mac;
		card->has_mac = true;
	} else {
		tree_line(tree, text, sizeof(text), NET "/%s/address", card->name);
		card->has_mac = mac_addr_parse(text, &card->mac) == 0;
	}
	card->is_mac_lasting = card->has_mac && (card->mac.bytes[0] & 3) == 0 &&
			       tree_number(tree, -1, NET "/%s/addr_assign_type", card->name) == 0;
}

static unsigned count_queues(const struct tree *tree, const char *netdev)
{
	struct tree_names names;
	unsigned n = 0;

	tree_names(tree, &names, NET "/%s/queues", netdev);
	for (unsigned i = 0; i < names.n; i++)
		n += strncmp(names.list[i], "rx-", 3) == 0;
	tree_names_free(&names);
	return n;
}

static void look_at_addresses(const struct live *live, struct card *card)
{
	for (unsigned i = 0; i < live->n_addresses; i++) {
		const struct live_address *one = &live->addresses[i];

		if (strcmp(one->netdev, card->name) != 0 ||
			(one->prefix.addr.family == IP_V6 &&
				ip_addr_is_link_local(&one->prefix.addr)))
			continue;
		if (card->n_addresses < CARD_ADDRESSES_MAX)
			card->addresses[card->n_addresses++] = *one;
	}
}

// By the card itself, or by what is stacked on it: a bridge, a bond, a VLAN.
static bool carries(const struct tree *tree, const struct live *live, const struct session *session,
	const struct card *card)
{
	for (unsigned i = 0; i < live->n_addresses && session->own.family != IP_NONE; i++) {
		const struct live_address *one = &live->addresses[i];

		if (ip_addr_equal(&one->prefix.addr, &session->own) &&
			(strcmp(one->netdev, card->name) == 0 ||
				tree_has(tree, NET "/%s/upper_%s", card->name, one->netdev)))
			return true;
	}
	return false;
}

static void look_at_netdev(const struct tree *tree, const struct live *live, struct card *card)
{
	const struct live_card *asked = live_card(live, card->name);
	int64_t speed = tree_number(tree, 0, NET "/%s/speed", card->name);
	char text[TEXT_BYTES];

	card->ifindex = (int)tree_number(tree, 0, NET "/%s/ifindex", card->name);
	card->mtu = (uint32_t)tree_number(tree, 0, NET "/%s/mtu", card->name);
	card->speed_mbps = speed > 0 ? (uint32_t)speed : 0;
	card->is_up = (tree_number(tree, 0, NET "/%s/flags", card->name) & IFF_UP) != 0;
	card->has_carrier = tree_number(tree, 0, NET "/%s/carrier", card->name) == 1;
	card->is_wire = !tree_has(tree, NET "/%s/device", card->name);
	card->n_queues = count_queues(tree, card->name);
	tree_link(tree, text, sizeof(text), NET "/%s/master", card->name);
	snprintf(card->master, sizeof(card->master), "%.15s", text);
	if (card->driver[0] == '\0')
		tree_link(tree, card->driver, sizeof(card->driver), NET "/%s/device/driver",
			card->name);
	look_at_mac(tree, asked, card);
	look_at_addresses(live, card);
	if (card->model[0] == '\0')
		snprintf(card->model, sizeof(card->model), "%s",
			card->is_wire ? "a wire of the kernel's (veth)" : "not on PCI");
}

static void take_gateway(struct card *card, const struct kernel_route *route)
{
	if (route->to.addr.family == IP_V6) {
		if (card->gateway6.family == IP_NONE)
			card->gateway6 = route->via;
	} else if (card->gateway4.family == IP_NONE || route->metric < card->metric4) {
		card->gateway4 = route->via;
		card->metric4 = route->metric;
	}
}

static void look_at_gateways(struct cards *cards, const struct tree *tree)
{
	struct kernel_routes routes;

	kernel_routes_look(&routes, tree);
	for (unsigned i = 0; i < routes.n; i++) {
		const struct kernel_route *route = &routes.list[i];

		if (route->to.len != 0 || route->via.family == IP_NONE)
			continue;
		for (unsigned k = 0; k < cards->n; k++)
			if (strcmp(cards->list[k].name, route->netdev) == 0)
				take_gateway(&cards->list[k], route);
	}
	kernel_routes_fini(&routes);
}

// --- all of them ---

static struct card *add_card(struct cards *cards)
{
	if (cards->n == CARDS_MAX) {
		cards->n_more++;
		return NULL;
	}
	cards->list[cards->n] = (struct card){.numa = -1, .opens_by = ""};
	return &cards->list[cards->n++];
}

static void add_netdevs(struct cards *cards, const struct tree *tree, const struct live *live)
{
	struct tree_names names;

	tree_names(tree, &names, NET);
	for (unsigned i = 0; i < names.n; i++) {
		struct card *card;

		if (strlen(names.list[i]) >= IF_NAMESIZE || !is_card(tree, live, names.list[i]))
			continue;
		if (!is_plain(names.list[i])) {
			cards->n_odd++;
			continue;
		}
		card = add_card(cards);
		if (card == NULL)
			continue;
		snprintf(card->name, sizeof(card->name), "%.15s", names.list[i]);
		find_pci(tree, card);
	}
	tree_names_free(&names);
}

// Those that are not in the kernel's hands, or whose netdev is in another network namespace.
static void add_pci_rest(struct cards *cards, const struct tree *tree)
{
	struct tree_names names;

	tree_names(tree, &names, PCI);
	for (unsigned i = 0; i < names.n; i++) {
		const char *address = names.list[i];
		struct card *card;

		if (!is_pci_address(address) || has_pci(cards, address) ||
			tree_number(tree, 0, PCI "/%s/class", address) >> 8 != CLASS_ETHERNET)
			continue;
		card = add_card(cards);
		if (card != NULL)
			snprintf(card->pci, sizeof(card->pci), "%.15s", address);
	}
	tree_names_free(&names);
}

void cards_look(struct cards *cards, const struct tree *tree, const struct live *live,
	const struct pmd_info *pmds, struct device_names *names)
{
	*cards = (struct cards){0};
	session_look(tree, &cards->session);
	add_netdevs(cards, tree, live);
	add_pci_rest(cards, tree);
	for (unsigned i = 0; i < cards->n; i++) {
		struct card *card = &cards->list[i];

		look_at_pci(tree, pmds, names, card);
		if (card->name[0] != '\0')
			look_at_netdev(tree, live, card);
		card->carries_session = carries(tree, live, &cards->session, card);
	}
	look_at_gateways(cards, tree);
	for (unsigned i = 0; i < cards->n; i++)
		card_openings_look(&cards->list[i], tree, live);
}
