// SPDX-License-Identifier: BSD-3-Clause
// Whom an entry of `blocking` is for: addresses, cards, or hosts by the name that DHCP knows them
// by and whatever other addresses their card has. One thread.
#pragma once

#include "cfg/dns.h"
#include "control/dns/names.h"

// Who asks, looked up when somebody wants to know, and once.
struct blocking_who {
	const struct ip_addr *addr;
	struct dns_names *names; // or NULL
	uint32_t now_sec;
	bool is_looked_up, has_card;
	bool is_unsure; // its card is not known yet
	struct mac_addr card;
	struct ip_addr addresses[DNS_HOSTS_OF_ONE_MAX + 1];
	unsigned n_addresses;
};

struct blocking_client {
	struct cfg_dns_client is; // its name in `text`
	struct dns_name name;	  // of a host; one label: of whatever domain
	char text[CFG_DNS_NAME_BYTES_MAX + 2];
};

// A text that the check of the config has taken.
void blocking_client_init(struct blocking_client *client, const char *text);
bool blocking_client_is(const struct blocking_client *client, struct blocking_who *who);
