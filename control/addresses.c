// SPDX-License-Identifier: BSD-3-Clause
#include "control/addresses.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/route/addr.h>
#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/announce.h"

// the kernel makes no broadcast address by itself (RFC 919)
static int set_broadcast(struct rtnl_addr *addr, const struct ip_prefix *prefix)
{
	struct nl_addr *broadcast;
	uint8_t bytes[4];
	int rc = 0;

	memcpy(bytes, prefix->addr.v4, sizeof(bytes));
	for (unsigned bit = prefix->len; bit < 32; bit++)
		bytes[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
	broadcast = nl_addr_build(AF_INET, bytes, sizeof(bytes));
	if (broadcast != NULL)
		rc = rtnl_addr_set_broadcast(addr, broadcast);
	nl_addr_put(broadcast);
	return rc;
}

// The kernel's form of it, or NULL.
static struct rtnl_addr *build(const struct interface *interface, const struct ip_prefix *prefix)
{
	int family = prefix->addr.family == IP_V4 ? AF_INET : AF_INET6;
	size_t bytes = ip_family_bits(prefix->addr.family) / 8;
	struct nl_addr *local = nl_addr_build(family, prefix->addr.bytes, bytes);
	struct rtnl_addr *addr = rtnl_addr_alloc();
	int rc = -NLE_NOMEM;

	if (local != NULL && addr != NULL) {
		nl_addr_set_prefixlen(local, prefix->len);
		rtnl_addr_set_ifindex(addr, interface->tap.ifindex);
		rc = rtnl_addr_set_local(addr, local);
		if (rc == 0 && family == AF_INET && prefix->len < 31)
			rc = set_broadcast(addr, prefix);
	}
	nl_addr_put(local);
	if (rc == 0)
		return addr;
	rtnl_addr_put(addr);
	return NULL;
}

int addresses_add(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, struct error *err)
{
	struct rtnl_addr *addr = build(interface, prefix);
	int rc = addr == NULL ? -NLE_NOMEM : rtnl_addr_add(netlink_requests(netlink), addr, 0);
	char text[ADDR_STR_BYTES];

	rtnl_addr_put(addr);
	if (rc >= 0 || rc == -NLE_EXIST)
		return 0;
	return error_set(err, "the kernel does not take the address %s of '%s': %s",
		ip_prefix_str(prefix, text), interface->config->name, nl_geterror(rc));
}

int addresses_add_for(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, uint32_t for_sec, struct error *err)
{
	struct rtnl_addr *addr = build(interface, prefix);
	char text[ADDR_STR_BYTES];
	int rc = -NLE_NOMEM;

	if (addr != NULL) {
		rtnl_addr_set_valid_lifetime(addr, for_sec);
		rtnl_addr_set_preferred_lifetime(addr, for_sec);
		rc = rtnl_addr_add(netlink_requests(netlink), addr, NLM_F_CREATE | NLM_F_REPLACE);
	}
	rtnl_addr_put(addr);
	if (rc >= 0)
		return 0;
	return error_set(err, "the kernel does not take the address %s of '%s': %s",
		ip_prefix_str(prefix, text), interface->config->name, nl_geterror(rc));
}

int addresses_remove(const struct interface *interface, struct netlink *netlink,
	const struct ip_prefix *prefix, struct error *err)
{
	struct rtnl_addr *addr = build(interface, prefix);
	int rc = addr == NULL ? -NLE_NOMEM : rtnl_addr_delete(netlink_requests(netlink), addr, 0);
	char text[ADDR_STR_BYTES];

	rtnl_addr_put(addr);
	if (rc >= 0 || rc == -NLE_NOADDR || rc == -NLE_OBJ_NOTFOUND || rc == -NLE_NODEV)
		return 0;
	return error_set(err, "the kernel does not take the address %s from '%s': %s",
		ip_prefix_str(prefix, text), interface->config->name, nl_geterror(rc));
}

int addresses_install(const struct interface *interface, struct netlink *netlink, struct error *err)
{
	for (unsigned i = 0; i < interface->config->n_addresses; i++)
		if (addresses_add(interface, netlink, &interface->config->addresses[i], err) != 0)
			return -1;
	return 0;
}

// --- from the kernel to the workers ---

// RFC 4862 5.4: "an address that is being tested is not assigned to an interface": no source.
bool addresses_is_usable(const struct interface_address *address)
{
	if ((address->flags & IFA_F_DADFAILED) != 0)
		return false;
	return (address->flags & IFA_F_TENTATIVE) == 0 || (address->flags & IFA_F_OPTIMISTIC) != 0;
}

// Lower is better as the primary of its family.
static unsigned rank(const struct interface_address *address)
{
	unsigned rank = 0;

	if (ip_addr_is_link_local(&address->prefix.addr))
		rank += 4;
	if ((address->flags & IFA_F_DEPRECATED) != 0)
		rank += 2;
	// for IPv6 the same bit means "temporary", which is no better as a router's address
	if ((address->flags & IFA_F_SECONDARY) != 0)
		rank += 1;
	return rank;
}

static void give_to_workers(struct interfaces *interfaces, struct interface *interface)
{
	struct ip_prefix sorted[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n = 0;

	for (unsigned wanted = 0; wanted < 8; wanted++)
		for (unsigned i = 0; i < interface->n_addresses; i++)
			if (addresses_is_usable(&interface->addresses[i]) &&
				rank(&interface->addresses[i]) == wanted)
				sorted[n++] = interface->addresses[i].prefix;
	dataplane_interface_set_addresses(interfaces->dp, interface->id, sorted, n);
	// a masquerade's flows must look again
	dataplane_routes_commit(interfaces->dp);
	interface->are_addresses_changed = false;
}

static struct interface_address *find(struct interface *interface, const struct ip_prefix *prefix)
{
	for (unsigned i = 0; i < interface->n_addresses; i++)
		if (interface->addresses[i].prefix.len == prefix->len &&
			ip_addr_equal(&interface->addresses[i].prefix.addr, &prefix->addr))
			return &interface->addresses[i];
	return NULL;
}

static void learn(struct interface *interface, const struct ip_prefix *prefix, uint32_t flags)
{
	struct interface_address *address = find(interface, prefix);
	char text[ADDR_STR_BYTES], part[32];

	snprintf(part, sizeof(part), "interface %s", interface->config->name);
	if (address != NULL && address->flags == flags) {
		address->generation = interface->address_generation;
		return;
	}
	if ((flags & IFA_F_DADFAILED) != 0)
		log_error(part, "address %s is in use by someone else on the link",
			ip_prefix_str(prefix, text));
	if (address == NULL) {
		if (interface->n_addresses >= DP_INTERFACE_ADDRESSES_MAX) {
			log_warning(part, "address %s is one too many and not used",
				ip_prefix_str(prefix, text));
			return;
		}
		address = &interface->addresses[interface->n_addresses++];
		log_debug(part, "address %s", ip_prefix_str(prefix, text));
	}
	*address = (struct interface_address){
		.prefix = *prefix, .flags = flags, .generation = interface->address_generation};
	interface->are_addresses_changed = true;
	announce(interface); // it is new, or has stood its test
}

static void forget(struct interface *interface, struct interface_address *address)
{
	size_t at = (size_t)(address - interface->addresses);

	interface->n_addresses--;
	memmove(address, address + 1, (interface->n_addresses - at) * sizeof(*address));
	interface->are_addresses_changed = true;
}

// False when the message is not whole.
static bool parse(const struct nlmsghdr *message, struct ip_prefix *prefix, uint32_t *flags)
{
	const struct ifaddrmsg *info = nlmsg_data(message);
	struct nlattr *attrs[IFA_MAX + 1];
	struct nlattr *addr;
	int bytes;

	if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return false;
	// on a point-to-point link IFA_ADDRESS is the other end
	addr = attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	bytes = info->ifa_family == AF_INET ? 4 : 16;
	if (addr == NULL || nla_len(addr) != bytes || info->ifa_prefixlen > bytes * 8)
		return false;
	memset(prefix, 0, sizeof(*prefix));
	prefix->addr.family = info->ifa_family == AF_INET ? IP_V4 : IP_V6;
	memcpy(prefix->addr.bytes, nla_data(addr), (size_t)bytes);
	prefix->len = info->ifa_prefixlen;
	*flags = info->ifa_flags;
	if (attrs[IFA_FLAGS] != NULL && nla_len(attrs[IFA_FLAGS]) >= (int)sizeof(uint32_t))
		*flags = nla_get_u32(attrs[IFA_FLAGS]);
	return true;
}

static void on_message(void *ctx, const struct nlmsghdr *message)
{
	struct interfaces *interfaces = ctx;
	const struct ifaddrmsg *info = nlmsg_data(message);
	struct interface_address *address;
	struct interface *interface;
	struct ip_prefix prefix;
	uint32_t flags;

	if (!nlmsg_valid_hdr(message, sizeof(*info)))
		return;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return;
	// The kernel drops IPv4 routes that had this address as their source without a word.
	if (message->nlmsg_type == RTM_DELADDR && info->ifa_family == AF_INET)
		netlink_sync(interfaces->netlink, NETLINK_ROUTES);
	interface = interfaces_by_ifindex(interfaces, (int)info->ifa_index);
	if (interface == NULL || !parse(message, &prefix, &flags))
		return;
	if (message->nlmsg_type == RTM_NEWADDR) {
		learn(interface, &prefix, flags);
		return;
	}
	address = find(interface, &prefix);
	if (address != NULL)
		forget(interface, address);
}

static void on_sync_start(void *ctx)
{
	struct interfaces *interfaces = ctx;

	for (unsigned i = 0; i < interfaces->n; i++)
		interfaces->list[i].address_generation++;
}

static void on_sync_end(void *ctx)
{
	struct interfaces *interfaces = ctx;

	for (unsigned i = 0; i < interfaces->n; i++) {
		struct interface *interface = &interfaces->list[i];

		for (unsigned k = interface->n_addresses; k > 0; k--)
			if (interface->addresses[k - 1].generation != interface->address_generation)
				forget(interface, &interface->addresses[k - 1]);
	}
}

static void on_batch_end(void *ctx)
{
	struct interfaces *interfaces = ctx;

	for (unsigned i = 0; i < interfaces->n; i++)
		if (interfaces->list[i].are_addresses_changed)
			give_to_workers(interfaces, &interfaces->list[i]);
}

struct netlink_handler addresses_handler(struct interfaces *interfaces)
{
	return (struct netlink_handler){
		.message = on_message,
		.sync_start = on_sync_start,
		.sync_end = on_sync_end,
		.batch_end = on_batch_end,
		.ctx = interfaces,
	};
}
