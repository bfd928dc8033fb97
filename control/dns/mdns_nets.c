// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/mdns_nets.h"

#include <ifaddrs.h>

#include "control/dns/sock_addr.h"

bool mdns_nets_have(const struct mdns_nets *nets, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < nets->n; i++)
		if (ip_prefix_contains(&nets->list[i], addr))
			return true;
	return false;
}

static uint8_t length_of_mask(const struct sockaddr *mask, uint8_t family)
{
	struct sockaddr_storage whole = {.ss_family = mask->sa_family};
	struct ip_addr bits;
	uint8_t len = 0;

	memcpy(&whole, mask,
		family == IP_V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	whole.ss_family = family == IP_V4 ? AF_INET : AF_INET6; // of a mask it may be unset
	sock_addr_get(&whole, &bits);
	while (len < ip_family_bits(family) && (bits.bytes[len / 8] >> (7 - len % 8) & 1) != 0)
		len++;
	return len;
}

static void add_net(struct mdns_nets *nets, const struct ifaddrs *at)
{
	struct ip_prefix *net = &nets->list[nets->n];
	struct sockaddr_storage whole = {.ss_family = at->ifa_addr->sa_family};

	if (nets->n == MDNS_NETS_MAX ||
		(whole.ss_family != AF_INET && whole.ss_family != AF_INET6) ||
		at->ifa_netmask == NULL)
		return;
	memcpy(&whole, at->ifa_addr,
		whole.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6));
	sock_addr_get(&whole, &net->addr);
	net->len = length_of_mask(at->ifa_netmask, net->addr.family);
	*net = ip_prefix_network(net);
	nets->n++;
}

void mdns_nets_read(struct mdns_nets *nets, mdns_nets_is_fn is_one, const void *ctx)
{
	static const struct ip_prefix link_local[] = {
		{.addr = {.family = IP_V4, .v4 = {169, 254}}, .len = 16},
		{.addr = {.family = IP_V6, .v6 = {0xfe, 0x80}}, .len = 10},
	};
	struct ifaddrs *all, *at;

	nets->n = 0;
	if (getifaddrs(&all) != 0)
		return;
	for (unsigned i = 0; i < sizeof(link_local) / sizeof(link_local[0]); i++)
		nets->list[nets->n++] = link_local[i];
	for (at = all; at != NULL; at = at->ifa_next)
		if (at->ifa_addr != NULL && is_one(ctx, at->ifa_name))
			add_net(nets, at);
	freeifaddrs(all);
}
