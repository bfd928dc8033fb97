// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_routes.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sys/socket.h>

#include "control/uplink/uplink_metric.h"

enum {
	TABLE_FIRST = 7800, // + number of the uplink
	RULE_CLOSE = 7800,  // preference: what is nearer than the internet
	RULE_FAR = 7801,
	RULES_MAX = 1024, // left behind
};

static int family_of(uint8_t family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

static struct nl_addr *nl_addr_of(const struct ip_addr *addr)
{
	return nl_addr_build(
		family_of(addr->family), addr->bytes, ip_family_bits(addr->family) / 8);
}

// --- routes ---

static int add_nexthop(struct rtnl_route *route, const struct uplink_way *way)
{
	struct rtnl_nexthop *nexthop = rtnl_route_nh_alloc();
	struct nl_addr *via;

	if (nexthop == NULL)
		return -NLE_NOMEM;
	rtnl_route_nh_set_ifindex(nexthop, way->ifindex);
	rtnl_route_nh_set_weight(nexthop, (uint8_t)(way->shares > 0 ? way->shares - 1 : 0));
	if (way->via.family != IP_NONE) {
		via = nl_addr_of(&way->via);
		if (via == NULL) {
			rtnl_route_nh_free(nexthop);
			return -NLE_NOMEM;
		}
		rtnl_route_nh_set_gateway(nexthop, via);
		nl_addr_put(via);
		// its interface is known: which subnet it is in does not matter
		if (!ip_addr_is_link_local(&way->via))
			rtnl_route_nh_set_flags(nexthop, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(route, nexthop);
	return 0;
}

static struct rtnl_route *build(
	uint8_t family, uint32_t table, uint32_t metric, const struct uplink_way *ways, unsigned n)
{
	static const struct ip_addr zeroes;
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *to =
		nl_addr_build(family_of(family), zeroes.bytes, ip_family_bits(family) / 8);
	int rc = -NLE_NOMEM;

	if (route != NULL && to != NULL) {
		nl_addr_set_prefixlen(to, 0);
		rtnl_route_set_table(route, table);
		rtnl_route_set_protocol(route, UPLINK_ROUTES_PROTOCOL);
		rtnl_route_set_type(route, RTN_UNICAST);
		rtnl_route_set_priority(route, metric);
		rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
		rc = rtnl_route_set_dst(route, to);
		for (unsigned i = 0; i < n && rc == 0; i++)
			rc = add_nexthop(route, &ways[i]);
	}
	nl_addr_put(to);
	if (rc == 0)
		return route;
	rtnl_route_put(route);
	return NULL;
}

static int set(struct netlink *netlink, uint8_t family, uint32_t table, uint32_t metric,
	const struct uplink_way *ways, unsigned n)
{
	struct rtnl_route *route = build(family, table, metric, ways, n);
	int rc = -NLE_NOMEM;

	if (route != NULL && n > 0)
		rc = rtnl_route_add(netlink_requests(netlink), route, NLM_F_CREATE | NLM_F_REPLACE);
	else if (route != NULL)
		rc = rtnl_route_delete(netlink_requests(netlink), route, 0);
	rtnl_route_put(route);
	// it may have gone with its device
	return n == 0 && (rc == -NLE_OBJ_NOTFOUND || rc == -NLE_NODEV) ? 0 : rc;
}

int uplink_routes_use(
	struct netlink *netlink, uint8_t family, const struct uplink_way *ways, unsigned n)
{
	return set(netlink, family, RT_TABLE_MAIN, UPLINK_METRIC, ways, n);
}

int uplink_routes_own(struct netlink *netlink, uint8_t family, unsigned number,
	const struct uplink_way *way, bool is_spare)
{
	unsigned n = way != NULL;
	int rc = set(netlink, family, TABLE_FIRST + number, UPLINK_METRIC, way, n);
	int spare_rc = set(netlink, family, RT_TABLE_MAIN, UPLINK_METRIC_SPARE + number, way,
		is_spare ? n : 0);

	return rc < 0 ? rc : spare_rc;
}

// --- rules; libnl's have no suppress_prefixlength ---

static int send_rule(struct netlink *netlink, const struct ip_addr *from, uint32_t preference,
	uint32_t table, int suppressed_len, bool is_wanted)
{
	int bits = (int)ip_family_bits(from->family);
	struct fib_rule_hdr header = {.family = (uint8_t)family_of(from->family),
		.src_len = (uint8_t)bits,
		.action = FR_ACT_TO_TBL};
	struct nl_msg *msg = nlmsg_alloc_simple(
		is_wanted ? RTM_NEWRULE : RTM_DELRULE, is_wanted ? NLM_F_CREATE | NLM_F_EXCL : 0);
	int rc;

	if (msg == NULL)
		return -NLE_NOMEM;
	if (nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
		nla_put(msg, FRA_SRC, bits / 8, from->bytes) < 0 ||
		nla_put_u32(msg, FRA_PRIORITY, preference) < 0 ||
		nla_put_u32(msg, FRA_TABLE, table) < 0 ||
		nla_put_u8(msg, FRA_PROTOCOL, UPLINK_ROUTES_PROTOCOL) < 0 ||
		(suppressed_len >= 0 &&
			nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, (uint32_t)suppressed_len) < 0)) {
		nlmsg_free(msg);
		return -NLE_NOMEM;
	}
	rc = nl_send_sync(netlink_requests(netlink), msg); // frees it
	if (rc == -NLE_EXIST || (!is_wanted && rc == -NLE_OBJ_NOTFOUND))
		return 0;
	return rc;
}

int uplink_routes_rule(
	struct netlink *netlink, unsigned number, const struct ip_addr *from, bool is_wanted)
{
	int close_rc = send_rule(netlink, from, RULE_CLOSE, RT_TABLE_MAIN, 0, is_wanted);
	int far_rc = send_rule(netlink, from, RULE_FAR, TABLE_FIRST + number, -1, is_wanted);

	return close_rc < 0 ? close_rc : far_rc;
}

// --- what was left behind ---

struct leftovers {
	struct nl_msg *list[RULES_MAX];
	unsigned n;
};

static int on_rule(struct nl_msg *told, void *ctx)
{
	struct leftovers *leftovers = ctx;
	struct nlmsghdr *message = nlmsg_hdr(told);
	struct nlattr *attrs[FRA_MAX + 1];
	struct nl_msg *request;

	if (message->nlmsg_type != RTM_NEWRULE || leftovers->n == RULES_MAX ||
		nlmsg_parse(message, sizeof(struct fib_rule_hdr), attrs, FRA_MAX, NULL) < 0 ||
		attrs[FRA_PROTOCOL] == NULL ||
		nla_get_u8(attrs[FRA_PROTOCOL]) != UPLINK_ROUTES_PROTOCOL)
		return NL_OK;
	request = nlmsg_convert(message);
	if (request == NULL)
		return NL_OK;
	nlmsg_hdr(request)->nlmsg_type = RTM_DELRULE;
	nlmsg_hdr(request)->nlmsg_flags = NLM_F_REQUEST;
	nlmsg_hdr(request)->nlmsg_seq = NL_AUTO_SEQ;
	nlmsg_hdr(request)->nlmsg_pid = NL_AUTO_PORT;
	leftovers->list[leftovers->n++] = request;
	return NL_OK;
}

void uplink_routes_remove_leftovers(struct netlink *netlink)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct leftovers leftovers = {.n = 0};
	struct nl_sock *socket = nl_socket_alloc();

	if (socket == NULL || nl_connect(socket, NETLINK_ROUTE) < 0) {
		nl_socket_free(socket);
		return;
	}
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_rule, &leftovers);
	for (unsigned i = 0; i < 2; i++) {
		struct fib_rule_hdr filter = {.family = (uint8_t)families[i]};

		if (nl_send_simple(socket, RTM_GETRULE, NLM_F_DUMP, &filter, sizeof(filter)) >= 0)
			nl_recvmsgs_default(socket);
	}
	nl_socket_free(socket);
	for (unsigned i = 0; i < leftovers.n; i++)
		nl_send_sync(netlink_requests(netlink), leftovers.list[i]); // frees it
}
