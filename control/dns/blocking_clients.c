// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/blocking_clients.h"

#include <stdio.h>
#include <strings.h>

void blocking_client_init(struct blocking_client *client, const char *text)
{
	snprintf(client->text, sizeof(client->text), "%s", text);
	if (cfg_dns_client_parse(client->text, &client->is) &&
		client->is.kind == CFG_DNS_CLIENT_HOST)
		dns_name_parse(client->text, &client->name);
}

static void look_up(struct blocking_who *who)
{
	struct dns_hosts *hosts = who->names != NULL ? dns_names_hosts(who->names) : NULL;
	enum dns_hosts_card card;

	if (who->is_looked_up)
		return;
	who->is_looked_up = true;
	who->addresses[0] = *who->addr;
	who->n_addresses = 1;
	card = hosts != NULL ? dns_hosts_card(hosts, who->addr, &who->card) : DNS_HOSTS_NONE;
	who->has_card = card == DNS_HOSTS_KNOWN;
	who->is_unsure = card == DNS_HOSTS_NOT_YET;
	if (who->has_card)
		who->n_addresses += dns_hosts_addresses(hosts, &who->card, who->addresses + 1);
}

// "tv" is tv.home.arpa, and the tv of another domain.
static bool is_called(const struct dns_name *name, const struct dns_name *called)
{
	if (called->n_labels != 1)
		return dns_name_equal(name, called);
	return name->n_labels > 0 && name->bytes[0] == called->bytes[0] &&
	       strncasecmp((const char *)name->bytes + 1, (const char *)called->bytes + 1,
		       called->bytes[0]) == 0;
}

static bool has_name(struct blocking_who *who, const struct dns_name *called)
{
	struct dns_known_name found[DNS_NAMES_OF_ONE_MAX];

	for (unsigned i = 0; who->names != NULL && i < who->n_addresses; i++) {
		unsigned n =
			dns_names_find_address(who->names, &who->addresses[i], who->now_sec, found);

		for (unsigned k = 0; k < n; k++)
			if (is_called(&found[k].name, called))
				return true;
	}
	return false;
}

bool blocking_client_is(const struct blocking_client *client, struct blocking_who *who)
{
	switch (client->is.kind) {
	case CFG_DNS_CLIENT_PREFIX:
		return ip_prefix_contains(&client->is.prefix, who->addr);
	case CFG_DNS_CLIENT_CARD:
		look_up(who);
		return who->has_card &&
		       memcmp(&who->card, &client->is.card, sizeof(who->card)) == 0;
	case CFG_DNS_CLIENT_HOST:
		look_up(who);
		return has_name(who, &client->name);
	}
	return false;
}
