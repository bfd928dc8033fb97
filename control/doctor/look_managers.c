// SPDX-License-Identifier: BSD-3-Clause
// Who else sets addresses on cards: what they took off, these put on again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/machine.h"
#include "control/doctor/processes.h"

enum { STATE_MAX = 16 << 10, INTERFACES_MAX = 256 << 10 };

// Whether some line of a file is, or begins with, that text.
static bool has_line(const char *text, const char *begin)
{
	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, begin, strlen(begin)) == 0)
			return true;
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return false;
}

static bool state_has(const struct tree *tree, const char *dir, int ifindex, const char *line)
{
	char *text = tree_text(tree, STATE_MAX, "%s/%d", dir, ifindex);
	bool is_found = has_line(text, line);

	free(text);
	return is_found;
}

static void look_at_network_manager(
	const struct tree *tree, const struct card *card, struct findings *out)
{
	struct finding *finding;

	if (!state_has(tree, "run/NetworkManager/devices", card->ifindex, "managed=true") ||
		process_find(tree, "NetworkManager") == 0)
		return;
	finding = finding_add(out, VERDICT_WARNING, "network-manager", card->name,
		"NetworkManager manages it, and puts its addresses on again: now, and after a "
		"boot.");
	finding_fix(finding, "nmcli device set %s managed no", card->name);
	finding_fix(finding,
		"printf '[keyfile]\\nunmanaged-devices+=interface-name:%s\\n' "
		">/etc/NetworkManager/conf.d/90-millrace-%s.conf",
		card->name, card->name);
}

static void look_at_networkd(const struct tree *tree, const struct card *card, struct findings *out)
{
	static const char dir[] = "run/systemd/netif/links";
	struct finding *finding;

	if ((!state_has(tree, dir, card->ifindex, "ADMIN_STATE=configured") &&
		    !state_has(tree, dir, card->ifindex, "ADMIN_STATE=configuring")) ||
		process_find(tree, "systemd-network") == 0)
		return;
	finding = finding_add(out, VERDICT_WARNING, "networkd", card->name,
		"systemd-networkd manages it, and puts its addresses on again.");
	finding_fix(finding,
		"printf '[Match]\\nName=%s\\n[Link]\\nUnmanaged=yes\\n' "
		">/etc/systemd/network/05-%s.network",
		card->name, card->name);
	finding_fix(finding, "networkctl reload");
}

static bool is_named_in(const struct tree *tree, const char *path, const char *name)
{
	char *text = tree_text(tree, INTERFACES_MAX, "%s", path);
	char line[64];
	bool is_found;

	snprintf(line, sizeof(line), "iface %s ", name);
	is_found = has_line(text, line);
	free(text);
	return is_found;
}

static void look_at_ifupdown(const struct tree *tree, const struct card *card, struct findings *out)
{
	char path[128] = "etc/network/interfaces";
	bool is_found = is_named_in(tree, path, card->name);
	struct tree_names names;

	tree_names(tree, &names, "etc/network/interfaces.d");
	for (unsigned i = 0; i < names.n && !is_found; i++) {
		snprintf(path, sizeof(path), "etc/network/interfaces.d/%s", names.list[i]);
		is_found = is_named_in(tree, path, card->name);
	}
	tree_names_free(&names);
	if (!is_found)
		return;
	finding_fix(finding_add(out, VERDICT_WARNING, "ifupdown", card->name,
			    "/%s sets it up at each boot: take its lines out there.", path),
		"sed -i 's/^\\(auto\\|allow-hotplug\\|iface\\) %s\\b/#&/' /%s", card->name, path);
}

static void look_at_dhcp_client(
	const struct tree *tree, const char *client, const struct card *card, struct findings *out)
{
	int pid = process_find_with(tree, client, card->name);

	if (pid != 0)
		finding_fix(
			finding_add(out, VERDICT_WARNING, "dhcp-client", card->name,
				"%s (process %d) sets its address, and will again.", client, pid),
			"kill %d", pid);
}

// Of the cards that a router would need: who keeps the machine's own is no concern of it.
static bool concerns(const struct cards *cards, const struct card *card)
{
	return card->name[0] != '\0' && !card_is_spare(cards, card);
}

void look_at_managers(const struct machine *machine, struct findings *out)
{
	static const char *const clients[] = {"dhclient", "dhcpcd", "udhcpc"};
	const struct tree *tree = &machine->tree;
	const struct cards *cards = &machine->cards;

	for (unsigned i = 0; i < cards->n; i++) {
		const struct card *card = &cards->list[i];

		if (!concerns(cards, card))
			continue;
		look_at_network_manager(tree, card, out);
		look_at_networkd(tree, card, out);
		look_at_ifupdown(tree, card, out);
	}
	for (size_t k = 0; k < sizeof(clients) / sizeof(clients[0]); k++) {
		if (process_find(tree, clients[k]) == 0)
			continue;
		for (unsigned i = 0; i < cards->n; i++)
			if (concerns(cards, &cards->list[i]))
				look_at_dhcp_client(tree, clients[k], &cards->list[i], out);
	}
}
