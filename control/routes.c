// SPDX-License-Identifier: BSD-3-Clause
#include "control/routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

#include "cfg/base/log.h"

// --- reading a message; whatever is odd about it makes the answer "not for us" ---

static bool read_address(const struct nlattr *attr, uint8_t family, struct ip_addr *out)
{
	int bytes = family == AF_INET ? 4 : 16;

	memset(out, 0, sizeof(*out));
	if (attr == NULL)
		return true;
	if (nla_len(attr) != bytes)
		return false;
	out->family = family == AF_INET ? IP_V4 : IP_V6;
	memcpy(out->bytes, nla_data(attr), (size_t)bytes);
	return true;
}

// IPv4 routes may have IPv6 gateways (RFC 5549).
static bool read_via(const struct nlattr *attr, struct ip_addr *out)
{
	const struct rtvia *via = nla_data(attr);
	int bytes = nla_len(attr) - (int)sizeof(*via);

	memset(out, 0, sizeof(*out));
	if (bytes != 4 && bytes != 16)
		return false;
	out->family = bytes == 4 ? IP_V4 : IP_V6;
	memcpy(out->bytes, via->rtvia_addr, (size_t)bytes);
	return true;
}

static bool add_nexthop(const struct routes *routes, struct dp_route *to, uint8_t family,
	int ifindex, struct nlattr *const attrs[])
{
	const struct interface *interface = interfaces_by_ifindex(routes->interfaces, ifindex);
	struct dp_nexthop *nexthop = &to->nexthops[to->n_nexthops];

	if (ifindex <= 0 || to->n_nexthops >= DP_NEXTHOPS_MAX)
		return true;
	nexthop->interface = interface != NULL ? interface->id : rib_device(ifindex);
	if (attrs[RTA_VIA] != NULL) {
		if (!read_via(attrs[RTA_VIA], &nexthop->via))
			return false;
	} else if (!read_address(attrs[RTA_GATEWAY], family, &nexthop->via)) {
		return false;
	}
	to->n_nexthops++;
	return true;
}

static bool add_multipath(const struct routes *routes, struct dp_route *to, uint8_t family,
	struct nlattr *multipath, unsigned skipped_flags)
{
	struct rtnexthop *nh = nla_data(multipath);
	int left = nla_len(multipath);

	while (left >= (int)sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct nlattr *attrs[RTA_MAX + 1];
		int step = NLMSG_ALIGN(nh->rtnh_len);

		if (nla_parse(attrs, RTA_MAX, (struct nlattr *)RTNH_DATA(nh),
			    nh->rtnh_len - (int)sizeof(*nh), NULL) < 0)
			return false;
		// as often as it has shares of the flows
		for (unsigned share = 0;
			share <= nh->rtnh_hops && (nh->rtnh_flags & skipped_flags) == 0; share++)
			if (!add_nexthop(routes, to, family, nh->rtnh_ifindex, attrs))
				return false;
		nh = (struct rtnexthop *)((uint8_t *)nh + step);
		left -= step;
	}
	return true;
}

static bool read_nexthops(const struct routes *routes, struct dp_route *to,
	const struct rtmsg *info, struct nlattr *const attrs[], unsigned skipped_flags)
{
	int ifindex = attrs[RTA_OIF] == NULL ? 0 : (int)nla_get_u32(attrs[RTA_OIF]);

	if (attrs[RTA_MULTIPATH] != NULL)
		return add_multipath(
			routes, to, info->rtm_family, attrs[RTA_MULTIPATH], skipped_flags);
	if ((info->rtm_flags & skipped_flags) != 0)
		return true;
	return add_nexthop(routes, to, info->rtm_family, ifindex, attrs);
}

static bool read_kind(uint8_t type, enum dp_route_kind *kind)
{
	switch (type) {
	case RTN_UNICAST:
		*kind = DP_ROUTE_UNICAST;
		return true;
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
		*kind = DP_ROUTE_LOCAL;
		return true;
	case RTN_BLACKHOLE:
		*kind = DP_ROUTE_BLACKHOLE;
		return true;
	case RTN_UNREACHABLE:
		*kind = DP_ROUTE_UNREACHABLE;
		return true;
	case RTN_PROHIBIT:
		*kind = DP_ROUTE_PROHIBIT;
		return true;
	default:
		return false; // multicast, throw, nat, xresolve
	}
}

static bool is_loopback(const struct ip_addr *addr)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	return addr->family == IP_V4 ? addr->v4[0] == 127
				     : memcmp(addr->v6, loopback6, sizeof(loopback6)) == 0;
}

// What concerns one link only is not forwarded by, and fe80::/64 is on every link.
static bool is_for_routing(const struct rib_route *route)
{
	const struct ip_addr *to = &route->route.to.addr;

	if (is_loopback(to) || (route->route.to.len > 0 && ip_addr_is_multicast(to)))
		return false;
	return !(to->family == IP_V6 && ip_addr_is_link_local(to) &&
		 route->route.kind == DP_ROUTE_UNICAST);
}

// Any device that comes and goes has some of these; those of ours are at least shown.
static bool is_link_local_elsewhere(const struct dp_route *route)
{
	return route->to.addr.family == IP_V6 && ip_addr_is_link_local(&route->to.addr) &&
	       route->n_nexthops > 0 && route->nexthops[0].interface >= RIB_DEVICE_BASE;
}

// False: not of a kind, table or shape that the RIB keeps. A unicast or local route without a
// nexthop left is none of ours, but it may have taken the place of one.
static bool read_route(
	const struct routes *routes, const struct nlmsghdr *message, struct rib_route *out)
{
	const struct rtmsg *info = nlmsg_data(message);
	struct nlattr *attrs[RTA_MAX + 1];
	struct dp_route *to = &out->route;
	uint32_t table;

	memset(out, 0, sizeof(*out));
	if (!nlmsg_valid_hdr(message, sizeof(*info)))
		return false;
	if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6)
		return false;
	if ((info->rtm_flags & RTM_F_CLONED) != 0 || info->rtm_tos != 0 || info->rtm_src_len != 0)
		return false;
	if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*info), attrs, RTA_MAX, NULL) < 0)
		return false;
	table = attrs[RTA_TABLE] == NULL ? info->rtm_table : nla_get_u32(attrs[RTA_TABLE]);
	if (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL)
		return false;
	if (!read_kind(info->rtm_type, &to->kind))
		return false;
	if (!read_address(attrs[RTA_DST], info->rtm_family, &to->to.addr))
		return false;
	to->to.addr.family = info->rtm_family == AF_INET ? IP_V4 : IP_V6;
	if (info->rtm_dst_len > ip_family_bits(to->to.addr.family))
		return false;
	to->to.len = info->rtm_dst_len;
	to->to = ip_prefix_network(&to->to);
	out->metric = attrs[RTA_PRIORITY] == NULL ? 0 : nla_get_u32(attrs[RTA_PRIORITY]);
	out->is_local_table = table == RT_TABLE_LOCAL;
	out->protocol = info->rtm_protocol;
	if (!is_for_routing(out))
		return false;
	if (to->kind != DP_ROUTE_UNICAST && to->kind != DP_ROUTE_LOCAL)
		return true;
	// of what is deleted, also the dead nexthops are gone
	if (!read_nexthops(
		    routes, to, info, attrs, message->nlmsg_type == RTM_NEWROUTE ? RTNH_F_DEAD : 0))
		return false;
	return !is_link_local_elsewhere(to);
}

// --- the kernel's news ---

static enum rib_how how_of(const struct nlmsghdr *message)
{
	const struct rtmsg *info = nlmsg_data(message);

	if ((message->nlmsg_flags & NLM_F_MULTI) != 0)
		return RIB_APPEND; // of a dump, whose flags mean other things
	if ((message->nlmsg_flags & NLM_F_REPLACE) != 0)
		return RIB_REPLACE;
	if (info->rtm_family == AF_INET && (message->nlmsg_flags & NLM_F_APPEND) == 0)
		return RIB_PREPEND;
	return RIB_APPEND;
}

static bool is_whole(const struct dp_route *route)
{
	return route->n_nexthops > 0 ||
	       (route->kind != DP_ROUTE_UNICAST && route->kind != DP_ROUTE_LOCAL);
}

static void on_message(void *ctx, const struct nlmsghdr *message)
{
	struct routes *routes = ctx;
	struct rib_route route;
	int rc;

	if (!read_route(routes, message, &route))
		return;
	routes->is_default_heard |= route.route.to.len == 0;
	rib_batch_start(routes->rib);
	if (!is_whole(&route.route)) {
		if (message->nlmsg_type == RTM_NEWROUTE && how_of(message) == RIB_REPLACE)
			rib_displace(routes->rib, &route);
		return;
	}
	if (message->nlmsg_type == RTM_DELROUTE) {
		rib_remove(routes->rib, &route);
		return;
	}
	rc = rib_add(routes->rib, &route, how_of(message));
	if (rc != 0 && !routes->is_full_logged) {
		log_error("routes", "%s: more routes are not taken",
			rc == -ENOSPC ? "the table is full" : "no memory");
		routes->is_full_logged = true;
	}
}

static void on_sync_start(void *ctx)
{
	struct routes *routes = ctx;

	rib_sync_start(routes->rib);
}

static void on_sync_end(void *ctx)
{
	struct routes *routes = ctx;

	rib_sync_end(routes->rib);
}

static void commit(struct routes *routes)
{
	rib_batch_end(routes->rib);
	if (rib_take_changed(routes->rib))
		dataplane_routes_commit(routes->interfaces->dp);
}

static void on_batch_end(void *ctx)
{
	struct routes *routes = ctx;
	bool is_heard = routes->is_default_heard;

	commit(routes);
	routes->is_default_heard = false;
	if (is_heard && routes->heard_default != NULL)
		routes->heard_default(routes->heard_ctx);
}

struct netlink_handler routes_handler(struct routes *routes)
{
	return (struct netlink_handler){
		.message = on_message,
		.sync_start = on_sync_start,
		.sync_end = on_sync_end,
		.batch_end = on_batch_end,
		.ctx = routes,
	};
}

// --- what else changes the choice ---

void routes_interface_changed(
	struct routes *routes, const struct interface *interface, bool was_by_hand)
{
	rib_set_link(routes->rib, interface->id, interface->is_link_up && !interface->is_gone);
	commit(routes);
	// The kernel drops and revives IPv4 routes of a device set down or up without a word.
	if (was_by_hand || interface->is_gone)
		netlink_sync(routes->netlink, NETLINK_ROUTES);
}

void routes_interface_came(struct routes *routes, const struct interface *interface)
{
	rib_set_link(routes->rib, interface->id, interface->is_link_up);
}

void routes_interface_goes(struct routes *routes, const struct interface *interface)
{
	rib_forget_interface(routes->rib, interface->id);
	commit(routes);
}

void routes_device_went(struct routes *routes, int ifindex)
{
	// nor of those over any other device
	if (rib_uses_device(routes->rib, rib_device(ifindex)))
		netlink_sync(routes->netlink, NETLINK_ROUTES);
}

void routes_retry(struct routes *routes)
{
	struct rib_counts counts;

	rib_retry_refused(routes->rib);
	commit(routes);
	rib_counts(routes->rib, &counts);
	if (counts.refused > 0 && !routes->is_refused_logged)
		log_warning("routes",
			"%u routes do not fit into the workers' tables and are not used",
			counts.refused);
	routes->is_refused_logged = counts.refused > 0;
}

void routes_init(struct routes *routes, struct rib *rib, struct interfaces *interfaces,
	struct netlink *netlink)
{
	*routes = (struct routes){.rib = rib, .interfaces = interfaces, .netlink = netlink};
	for (unsigned i = 0; i < interfaces->n; i++)
		routes_interface_came(routes, &interfaces->list[i]);
}
