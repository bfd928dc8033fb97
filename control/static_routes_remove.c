// SPDX-License-Identifier: BSD-3-Clause
// Taking out what does not vanish with a TAP: routes of type blackhole, unreachable and prohibit.
#include "control/static_routes.h"

#include <linux/rtnetlink.h>
#include <netlink/route/route.h>
#include <sys/socket.h>

#include "cfg/base/log.h"
#include "control/occupant.h"
#include "control/route_dump.h"
#include "control/static_route.h"

struct removal {
	struct netlink *netlink;
	const struct config *config; // only what it says; NULL: all
	unsigned n;
};

static bool is_of(const struct config *config, struct nlmsghdr *message, uint8_t type)
{
	struct rtnl_route *route = NULL;
	bool found = false;

	if (rtnl_route_parse(message, &route) < 0)
		return false;
	for (unsigned i = 0; i < config->n_routes && !found; i++) {
		struct ip_prefix to = ip_prefix_network(&config->routes[i].to);

		found = static_route_type(config->routes[i].kind) == type &&
			occupant_is_to(route, &to) &&
			rtnl_route_get_family(route) ==
				(to.addr.family == IP_V4 ? AF_INET : AF_INET6);
	}
	rtnl_route_put(route);
	return found;
}

// A dumped route is deleted by sending it back as the description of what to delete.
static void remove_one(void *ctx, struct nlmsghdr *message)
{
	const struct rtmsg *route = nlmsg_data(message);
	struct removal *removal = ctx;
	struct nl_msg *request;

	if (route->rtm_protocol != STATIC_ROUTES_PROTOCOL || route->rtm_type == RTN_UNICAST ||
		(removal->config != NULL && !is_of(removal->config, message, route->rtm_type)))
		return;
	request = nlmsg_convert(message);
	if (request == NULL)
		return;
	nlmsg_hdr(request)->nlmsg_type = RTM_DELROUTE;
	nlmsg_hdr(request)->nlmsg_flags = NLM_F_REQUEST;
	nlmsg_hdr(request)->nlmsg_seq = NL_AUTO_SEQ;
	nlmsg_hdr(request)->nlmsg_pid = NL_AUTO_PORT;
	if (nl_send_sync(netlink_requests(removal->netlink), request) == 0) // frees the request
		removal->n++;
}

static void remove_without_device(struct removal *removal)
{
	route_dump(AF_INET, STATIC_ROUTES_PROTOCOL, remove_one, removal);
	route_dump(AF_INET6, STATIC_ROUTES_PROTOCOL, remove_one, removal);
}

void static_routes_remove(const struct config *config, struct netlink *netlink)
{
	struct removal ours = {.netlink = netlink, .config = config};

	remove_without_device(&ours);
}

void static_routes_remove_leftovers(struct netlink *netlink)
{
	struct removal all = {.netlink = netlink};

	remove_without_device(&all);
	if (all.n > 0)
		log_info("routes", "removed %u route%s that an earlier instance left behind", all.n,
			all.n == 1 ? "" : "s");
}
