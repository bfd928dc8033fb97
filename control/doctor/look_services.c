// SPDX-License-Identifier: BSD-3-Clause
// Programs that a router meets: other firewalls, who has its ports, another router.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/listeners.h"
#include "control/doctor/machine.h"
#include "control/doctor/processes.h"

enum { PORT_DNS = 53, PORT_DHCP = 67, PORT_DHCP6 = 547, TEXT_MAX = 64 << 10, LIST_BYTES = 300 };

// --- firewalls: the workers do not ask them, but packets for the router itself pass both ---

static bool is_ufw_on(const struct tree *tree)
{
	char *text = tree_text(tree, TEXT_MAX, "etc/ufw/ufw.conf");
	bool is_on = text != NULL && strstr(text, "\nENABLED=yes") != NULL;

	free(text);
	return is_on;
}

#define BESIDE                                                                                     \
	"What passes through the router does not meet its rules, what is for the router itself "   \
	"does: SSH, DNS and DHCP from the LAN may be dropped there."

static void look_at_tables(const struct live *live, struct findings *out)
{
	char list[LIST_BYTES] = "";
	size_t len = 0;

	if (!live->sees_tables) {
		finding_add(out, VERDICT_UNSEEN, "firewall-unseen", "firewall",
			"nftables' tables are not shown to who is not root.");
		return;
	}
	for (unsigned i = 0; i < live->n_tables && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i == 0 ? "" : ", ",
			live->tables[i]);
	if (live->n_tables == 0)
		finding_add(out, VERDICT_FINE, "no-firewall", "firewall",
			"The kernel has no rules of nftables.");
	else
		finding_fix(finding_add(out, VERDICT_WARNING, "nftables", "firewall",
				    "The kernel has rules of nftables (%s). " BESIDE, list),
			"nft list ruleset");
}

static void look_at_firewalls(const struct machine *machine, struct findings *out)
{
	if (is_ufw_on(&machine->tree))
		finding_fix(finding_add(out, VERDICT_WARNING, "ufw", "firewall",
				    "ufw is switched on. " BESIDE),
			"ufw disable");
	else if (process_find(&machine->tree, "firewalld") != 0)
		finding_fix(finding_add(out, VERDICT_WARNING, "firewalld", "firewall",
				    "firewalld runs. " BESIDE),
			"systemctl disable --now firewalld");
	else
		look_at_tables(&machine->live, out);
}

// --- ports ---

static const char *who(const struct listener *one, char *out, size_t out_bytes)
{
	if (one->pid != 0)
		snprintf(out, out_bytes, "%s (process %d)", one->comm, one->pid);
	else
		snprintf(out, out_bytes, "A program");
	return out;
}

// Each program once for each port, and where it matters most.
static bool is_said(const struct listeners *listeners, unsigned i)
{
	const struct listener *one = &listeners->list[i];

	for (unsigned k = 0; k < listeners->n; k++) {
		const struct listener *other = &listeners->list[k];

		if (k == i || other->port != one->port || other->pid != one->pid ||
			(other->pid == 0 && one->pid == 0 && other->is_tcp != one->is_tcp))
			continue;
		if (listener_is_everywhere(other) > listener_is_everywhere(one) ||
			(listener_is_everywhere(other) == listener_is_everywhere(one) && k < i))
			return true;
	}
	return false;
}

static void say_listener(const struct listener *one, struct findings *out)
{
	char name[64], about[24], address[ADDR_STR_BYTES];
	struct finding *finding;

	snprintf(about, sizeof(about), "port %u", one->port);
	who(one, name, sizeof(name));
	if (listener_is_loopback(one)) {
		finding_add(out, VERDICT_FINE, "port-loopback", about,
			"%s listens on %s alone: in nobody's way.", name,
			ip_addr_str(&one->addr, address));
		return;
	}
	if (!listener_is_everywhere(one)) {
		finding_add(out, VERDICT_FINE, "port-address", about,
			"%s listens on %s. Nothing else can serve that address.", name,
			ip_addr_str(&one->addr, address));
		return;
	}
	finding = finding_add(out, VERDICT_WARNING, "port-taken", about,
		"%s %s on every address, so on those of the router too: it answers whoever the "
		"router's firewall lets ask, and nothing else can serve there.",
		name, one->port == PORT_DNS ? "answers DNS" : "serves DHCP");
	if (one->unit[0] != '\0')
		finding_fix(finding, "systemctl disable --now %s", one->unit);
	else if (one->pid != 0)
		finding_fix(finding, "kill %d", one->pid);
}

static void look_at_ports(const struct tree *tree, struct findings *out)
{
	static const uint16_t ports[] = {PORT_DNS, PORT_DHCP, PORT_DHCP6};
	struct listeners listeners;

	listeners_look(&listeners, tree, ports, sizeof(ports) / sizeof(ports[0]));
	for (unsigned i = 0; i < listeners.n; i++)
		if (!is_said(&listeners, i))
			say_listener(&listeners.list[i], out);
	if (listeners.n == 0)
		finding_add(out, VERDICT_FINE, "ports-free", "ports",
			"Nobody serves DNS (53) or DHCP (67, 547) here.");
}

static void look_at_routers(const struct tree *tree, struct findings *out)
{
	int pid = process_find(tree, "millraced");

	if (pid != 0)
		finding_fix(
			finding_add(out, VERDICT_WARNING, "runs-already", "millraced",
				"A router runs here already (process %d), and has what cards and "
				"routes its file names.",
				pid),
			"millrace show ports");
}

void look_at_services(const struct machine *machine, struct findings *out)
{
	look_at_firewalls(machine, out);
	look_at_ports(&machine->tree, out);
	look_at_routers(&machine->tree, out);
}
