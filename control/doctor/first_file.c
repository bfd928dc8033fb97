// SPDX-License-Identifier: BSD-3-Clause
// The text of a first router's file. Whoever reads it has read none before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/doctor/first_plan.h"

static void write_port(FILE *out, const struct first_port *port)
{
	const struct card *card = port->card;
	char mac[ADDR_STR_BYTES];

	fprintf(out, "  # %s: %s\n", card_label(card), card->model);
	fprintf(out, "  %s: { match: { ", port->interface);
	switch (port->match) {
	case FIRST_MATCH_MAC:
		fprintf(out, "mac: %s", mac_addr_str(&card->mac, mac));
		break;
	case FIRST_MATCH_PCI:
		fprintf(out, "pci: %s", card->pci);
		break;
	case FIRST_MATCH_NAME:
		fprintf(out, "name: %s", card->name);
		break;
	}
	fputs(" } }\n", out);
}

// What came for a time comes again: of IPv6 with an advertisement, of IPv4 from a DHCP server.
static bool is_taken_over(const struct live_address *address)
{
	return address->is_lasting;
}

static unsigned count_taken(const struct card *card, enum ip_family family)
{
	unsigned n = 0;

	for (unsigned i = 0; i < card->n_addresses; i++)
		n += is_taken_over(&card->addresses[i]) &&
		     card->addresses[i].prefix.addr.family == family;
	return n;
}

static void write_wan_addresses(FILE *out, const struct first_port *wan)
{
	const struct card *card = wan->card;
	const char *between = "";
	char text[ADDR_STR_BYTES];

	fprintf(out, "  %s:\n    port: %s\n", wan->interface, wan->interface);
	if (count_taken(card, IP_V4) == 0)
		fputs("    dhcp4: yes                  # the provider gives it an address, and the "
		      "way out. If\n"
		      "                                # yours told you one: addresses: "
		      "203.0.113.2/24, and its\n"
		      "                                # gateway at `routes`\n",
			out);
	if (count_taken(card, IP_V4) + count_taken(card, IP_V6) == 0)
		return;
	fputs("    addresses: [", out);
	for (unsigned i = 0; i < card->n_addresses; i++) {
		if (!is_taken_over(&card->addresses[i]))
			continue;
		fprintf(out, "%s%s", between, ip_prefix_str(&card->addresses[i].prefix, text));
		between = ", ";
	}
	fprintf(out, "]    # what %s had\n", card_label(card));
}

static void write_lan_addresses(FILE *out, const struct first_plan *plan)
{
	char text[ADDR_STR_BYTES];

	fprintf(out, "  %s:\n    port: %s\n    addresses: [", plan->lan.interface,
		plan->lan.interface);
	for (unsigned i = 0; i < plan->n_lan_addresses; i++)
		fprintf(out, "%s%s", i == 0 ? "" : ", ",
			ip_prefix_str(&plan->lan_addresses[i], text));
	fputs("]    # the hosts' gateway\n", out);
}

// Of a network as houses have it, the addresses from .100 on; of a smaller one, its upper half. The
// router's own is never given.
static void write_dhcp(FILE *out, const struct first_plan *plan)
{
	const struct ip_prefix *lan = NULL;
	struct ip_addr first, last;
	char first_text[ADDR_STR_BYTES], last_text[ADDR_STR_BYTES];
	uint8_t half;

	for (unsigned i = 0; i < plan->n_lan_addresses && lan == NULL; i++)
		if (plan->lan_addresses[i].addr.family == IP_V4)
			lan = &plan->lan_addresses[i];
	if (lan == NULL || lan->len > 29 || lan->len < 8)
		return;
	first = last = lan->addr;
	if (lan->len <= 24) {
		first.v4[3] = 100;
		last.v4[3] = 199;
	} else {
		half = (uint8_t)(1u << (31 - lan->len));
		first.v4[3] = (uint8_t)((first.v4[3] & ~(2 * half - 1)) + half);
		last.v4[3] = (uint8_t)(first.v4[3] + half - 2);
	}
	fprintf(out,
		"dhcp-server:                    # hosts get their addresses here; no other server "
		"beside it\n"
		"  %s: { pool: %s-%s }\n\n",
		plan->lan.interface, ip_addr_str(&first, first_text),
		ip_addr_str(&last, last_text));
}

static void write_dns(FILE *out, const struct first_plan *plan)
{
	fprintf(out,
		"dns:                            # answers the house's questions for names\n"
		"  listen: %s\n",
		plan->lan.interface);
	if (count_taken(plan->wan.card, IP_V4) == 0)
		fputs("  upstreams: learned            # by the servers that the provider tells "
		      "of\n\n",
			out);
	else
		fputs("  # upstreams: 203.0.113.53     # your provider's; it asks from the root "
		      "down "
		      "without\n\n",
			out);
}

// The router knows no gateway outside the networks of its addresses but a link-local one.
static bool is_usable(const struct card *card, const struct ip_addr *via)
{
	if (via->family == IP_NONE || count_taken(card, via->family) == 0)
		return false;
	if (ip_addr_is_link_local(via))
		return true;
	for (unsigned i = 0; i < card->n_addresses; i++)
		if (is_taken_over(&card->addresses[i]) &&
			ip_prefix_contains(&card->addresses[i].prefix, via))
			return true;
	return false;
}

static void write_route(
	FILE *out, const char *to, const struct ip_addr *via, const struct first_port *wan)
{
	char text[ADDR_STR_BYTES];

	fprintf(out, "  - to: %s\n    via: %s\n", to, ip_addr_str(via, text));
	if (ip_addr_is_link_local(via))
		fprintf(out, "    interface: %s\n", wan->interface);
}

static void write_routes(FILE *out, const struct first_port *wan)
{
	const struct card *card = wan->card;
	bool has4 = is_usable(card, &card->gateway4), has6 = is_usable(card, &card->gateway6);
	char text[ADDR_STR_BYTES];

	if (!has4 && !has6) {
		if (count_taken(card, IP_V4) == 0)
			return; // the DHCP server's
		if (card->gateway4.family != IP_NONE)
			fprintf(out,
				"# The gateway until now, %s, is in no network of the addresses "
				"above, and the\n"
				"# router cannot use it there: ask your provider for one that "
				"is.\n",
				ip_addr_str(&card->gateway4, text));
		fputs("# routes:                       # all else is behind the provider's router\n"
		      "#   - to: 0.0.0.0/0\n"
		      "#     via: 203.0.113.1\n\n",
			out);
		return;
	}
	fputs("routes:                         # all else is behind the provider's router\n", out);
	if (has4)
		write_route(out, "0.0.0.0/0", &card->gateway4, wan);
	if (has6)
		write_route(out, "::/0", &card->gateway6, wan);
	fputc('\n', out);
}

// Who works on the machine from outside is let in again: from that address alone.
static void write_session(FILE *out, const struct first_plan *plan, const struct session *session)
{
	char text[ADDR_STR_BYTES];

	if (!plan->wan.card->carries_session)
		return;
	fprintf(out,
		"    # where you came from by SSH when this was written\n"
		"    - { from: internet, source: %s, protocol: tcp, port: ssh, action: accept }\n",
		ip_addr_str(&session->peer, text));
}

static void write_policy(FILE *out, const struct first_plan *plan, const struct session *session)
{
	fprintf(out,
		"zones:                          # what the interfaces are to the rules\n"
		"  home: { interfaces: %s }\n"
		"  internet: { interfaces: %s }\n"
		"\n"
		"firewall:                       # who may begin to talk; answers always pass\n"
		"  input:                        # to the router itself\n"
		"    - { from: home, action: accept }\n"
		"    - { from: internet, icmp: echo-request, icmp6: echo-request, rate: 5/s, "
		"action: accept }\n",
		plan->lan.interface, plan->wan.interface);
	write_session(out, plan, session);
	fprintf(out,
		"  forward:                      # through it; what no rule accepts is dropped\n"
		"    - { from: home, action: accept }\n"
		"\n"
		"nat:\n"
		"  - { masquerade: %s }%*s# the house has one address outside\n",
		plan->wan.interface, (int)(14 - strlen(plan->wan.interface)), "");
}

char *first_file_text(const struct first_plan *plan, const struct session *session)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fputs("# A first router, written by `millrace init` from what this machine has. It is "
	      "yours "
	      "to change;\n"
	      "# `millrace check` says what is wrong with it, the README what else it may say.\n"
	      "\n"
	      "ports:                          # the cards: which one is which\n",
		out);
	write_port(out, &plan->wan);
	write_port(out, &plan->lan);
	fputs("\ninterfaces:                     # the router's own addresses, each on a port\n",
		out);
	write_wan_addresses(out, &plan->wan);
	write_lan_addresses(out, plan);
	fputc('\n', out);
	write_routes(out, &plan->wan);
	write_dhcp(out, plan);
	write_dns(out, plan);
	write_policy(out, plan, session);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
