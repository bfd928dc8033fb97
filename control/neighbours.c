// SPDX-License-Identifier: BSD-3-Clause
#include "control/neighbours.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"

enum {
	NUD_HAS_MAC = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP,
	PROBES_PER_ROUND = 512,
};

// --- requests ---

static struct nl_msg *request_new(const struct neighbours *neighbours, int type, int flags,
	int interface, const struct ip_addr *addr, uint8_t neighbour_flags)
{
	const struct interface *on = interfaces_by_id(neighbours->interfaces, interface);
	struct ndmsg body = {.ndm_flags = neighbour_flags};
	struct nl_msg *msg;

	if (on == NULL || on->is_gone)
		return NULL;
	body.ndm_family = addr->family == IP_V4 ? AF_INET : AF_INET6;
	body.ndm_ifindex = on->tap.ifindex;
	msg = nlmsg_alloc_size(128);
	if (msg == NULL)
		return NULL;
	if (nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, NLM_F_REQUEST | flags) == NULL ||
		nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) < 0 ||
		nla_put(msg, NDA_DST, (int)ip_family_bits(addr->family) / 8, addr->bytes) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int send_state(const struct neighbours *neighbours, int type, int flags, int interface,
	const struct ip_addr *addr, uint8_t neighbour_flags, uint16_t state)
{
	struct nl_msg *msg = request_new(neighbours, type, flags, interface, addr, neighbour_flags);
	int rc;

	if (msg == NULL)
		return -1;
	((struct ndmsg *)nlmsg_data(nlmsg_hdr(msg)))->ndm_state = state;
	rc = netlink_send(neighbours->netlink, msg);
	nlmsg_free(msg);
	return rc;
}

static int send_request(const struct neighbours *neighbours, int type, int flags, int interface,
	const struct ip_addr *addr, uint8_t neighbour_flags)
{
	return send_state(neighbours, type, flags, interface, addr, neighbour_flags, 0);
}

// NTF_USE makes the kernel do what it does when it wants to send there itself: resolve what is
// new, confirm what is stale.
static int use(const struct neighbours *neighbours, int interface, const struct ip_addr *addr)
{
	return send_request(neighbours, RTM_NEWNEIGH, NLM_F_CREATE, interface, addr, NTF_USE);
}

static void failed(struct neighbours *neighbours, int interface, const struct ip_addr *addr)
{
	struct neighbour_loss loss =
		neighbour_table_fail(neighbours->table, interface, addr, clock_now_ms());

	if (loss.tell_workers)
		dataplane_neighbour_delete(neighbours->interfaces->dp, interface, addr);
	// Else the failures of a scan stay in the kernel's table until its next clean-up.
	if (loss.was_our_quest)
		send_request(neighbours, RTM_DELNEIGH, 0, interface, addr, 0);
}

// --- the workers' wishes ---

void neighbours_want(
	struct neighbours *neighbours, int interface, const struct ip_addr *addr, uint64_t now_ms)
{
	const struct neighbour *known;

	switch (neighbour_table_want(neighbours->table, interface, addr, now_ms)) {
	case NEIGHBOUR_ASK:
		if (use(neighbours, interface, addr) != 0)
			failed(neighbours, interface, addr);
		return;
	case NEIGHBOUR_KNOWN:
		known = neighbour_table_find(neighbours->table, interface, addr);
		if (known != NULL)
			dataplane_neighbour_set(
				neighbours->interfaces->dp, interface, addr, &known->mac);
		return;
	case NEIGHBOUR_FAILED_LATELY:
		dataplane_neighbour_delete(neighbours->interfaces->dp, interface, addr);
		return;
	case NEIGHBOUR_WAIT:
	case NEIGHBOUR_REFUSED:
		return;
	}
}

static void unanswered(void *ctx, const struct neighbour *neighbour)
{
	struct neighbours *neighbours = ctx;

	dataplane_neighbour_delete(
		neighbours->interfaces->dp, neighbour->interface, &neighbour->addr);
}

void neighbours_expire(struct neighbours *neighbours, uint64_t now_ms)
{
	neighbour_table_expire(neighbours->table, now_ms, unanswered, neighbours);
}

// In the state PROBE the kernel asks at once whether it is still there (RFC 4861 7.3.3), and
// packets go on meanwhile.
void neighbours_probe(struct neighbours *neighbours, int interface, const struct ip_addr *addr)
{
	const struct neighbour *n = neighbour_table_find(neighbours->table, interface, addr);

	if (neighbour_has_mac(n))
		send_state(neighbours, RTM_NEWNEIGH, NLM_F_REPLACE, interface, addr, 0, NUD_PROBE);
	else
		neighbours_want(neighbours, interface, addr, clock_now_ms());
}

static void probe_if_stale(void *ctx, int interface, const struct ip_addr *addr)
{
	struct neighbours *neighbours = ctx;
	const struct neighbour *n = neighbour_table_find(neighbours->table, interface, addr);

	// The rest has its turn in 5 s: no burst of probes on the network.
	if (n == NULL || n->state != NEIGHBOUR_STALE || neighbours->n_probed >= PROBES_PER_ROUND)
		return;
	neighbours->n_probed++;
	use(neighbours, interface, addr);
}

void neighbours_keep_fresh(struct neighbours *neighbours)
{
	neighbours->n_probed = 0;
	dataplane_neighbours_used(neighbours->interfaces->dp, probe_if_stale, neighbours);
}

int neighbours_forget(
	const struct neighbours *neighbours, int interface, const struct ip_addr *addr)
{
	return send_request(neighbours, RTM_DELNEIGH, 0, interface, addr, 0) == 0 ? 0 : -1;
}

// --- the kernel's news ---

struct news {
	int interface;
	struct ip_addr addr;
	uint16_t state; // NUD_*
	bool has_mac;
	struct mac_addr mac;
};

// False: not about one of our interfaces, or not whole.
static bool read_news(
	const struct neighbours *neighbours, const struct nlmsghdr *message, struct news *out)
{
	const struct ndmsg *info = nlmsg_data(message);
	const struct interface *interface;
	struct nlattr *attrs[NDA_MAX + 1];
	int bytes;

	memset(out, 0, sizeof(*out));
	if (!nlmsg_valid_hdr(message, sizeof(*info)) || (info->ndm_flags & NTF_PROXY) != 0)
		return false;
	if (info->ndm_family != AF_INET && info->ndm_family != AF_INET6)
		return false;
	interface = interfaces_by_ifindex(neighbours->interfaces, info->ndm_ifindex);
	if (interface == NULL ||
		nlmsg_parse((struct nlmsghdr *)message, sizeof(*info), attrs, NDA_MAX, NULL) < 0)
		return false;
	bytes = info->ndm_family == AF_INET ? 4 : 16;
	if (attrs[NDA_DST] == NULL || nla_len(attrs[NDA_DST]) != bytes)
		return false;
	out->interface = interface->id;
	out->addr.family = info->ndm_family == AF_INET ? IP_V4 : IP_V6;
	memcpy(out->addr.bytes, nla_data(attrs[NDA_DST]), (size_t)bytes);
	out->state = info->ndm_state;
	if (attrs[NDA_LLADDR] != NULL && nla_len(attrs[NDA_LLADDR]) == sizeof(out->mac)) {
		out->has_mac = true;
		memcpy(out->mac.bytes, nla_data(attrs[NDA_LLADDR]), sizeof(out->mac));
	}
	return !ip_addr_is_multicast(&out->addr);
}

static void tell(const struct neighbours *neighbours, const struct news *news, bool is_there)
{
	if (neighbours->changed != NULL)
		neighbours->changed(neighbours->changed_ctx, news->interface, &news->addr,
			is_there ? &news->mac : NULL);
}

static void on_message(void *ctx, const struct nlmsghdr *message)
{
	struct neighbours *neighbours = ctx;
	struct dataplane *dp = neighbours->interfaces->dp;
	struct news news;

	if (!read_news(neighbours, message, &news))
		return;
	if (message->nlmsg_type == RTM_DELNEIGH) {
		if (neighbour_table_forget(neighbours->table, news.interface, &news.addr)) {
			dataplane_neighbour_delete(dp, news.interface, &news.addr);
			tell(neighbours, &news, false);
		}
	} else if ((news.state & NUD_HAS_MAC) != 0 && news.has_mac) {
		if (neighbour_table_learn(neighbours->table, news.interface, &news.addr, &news.mac,
			    news.state == NUD_STALE)) {
			dataplane_neighbour_set(dp, news.interface, &news.addr, &news.mac);
			tell(neighbours, &news, true);
		}
		neighbour_table_mark(neighbours->table, news.interface, &news.addr,
			(news.state & NUD_PERMANENT) != 0);
		if (news.state == NUD_REACHABLE)
			neighbour_table_confirm(
				neighbours->table, news.interface, &news.addr, clock_now_ms());
	} else if ((news.state & NUD_FAILED) != 0) {
		failed(neighbours, news.interface, &news.addr);
		tell(neighbours, &news, false);
	} else if (neighbour_has_mac(
			   neighbour_table_find(neighbours->table, news.interface, &news.addr))) {
		// It had a MAC and is being asked for anew. One that never had any is just that:
		// being asked for, with packets held.
		neighbour_table_forget(neighbours->table, news.interface, &news.addr);
		dataplane_neighbour_delete(dp, news.interface, &news.addr);
	}
}

// The kernel has no room (ENOBUFS), or the interface is down.
static void on_refused(void *ctx, const struct nlmsghdr *request, int error)
{
	struct neighbours *neighbours = ctx;
	struct news news;

	if (request->nlmsg_type == RTM_NEWNEIGH && read_news(neighbours, request, &news))
		failed(neighbours, news.interface, &news.addr);
}

static void on_sync_start(void *ctx)
{
	struct neighbours *neighbours = ctx;

	neighbour_table_sync_start(neighbours->table);
}

static void on_sync_end(void *ctx)
{
	struct neighbours *neighbours = ctx;

	neighbour_table_sync_end(neighbours->table, unanswered, neighbours);
}

struct netlink_handler neighbours_handler(struct neighbours *neighbours)
{
	return (struct netlink_handler){
		.message = on_message,
		.refused = on_refused,
		.sync_start = on_sync_start,
		.sync_end = on_sync_end,
		.ctx = neighbours,
	};
}

// --- making and ending ---

int neighbours_init(struct neighbours *neighbours, struct interfaces *interfaces,
	struct netlink *netlink, const struct neighbour_limits *limits, struct error *err)
{
	*neighbours = (struct neighbours){.interfaces = interfaces, .netlink = netlink};
	neighbours->table = neighbour_table_new(limits->ip4.max, limits->ip6.max);
	if (neighbours->table == NULL)
		return error_set(err, "no memory for the table of neighbours");
	return 0;
}

void neighbours_fini(struct neighbours *neighbours)
{
	neighbour_table_free(neighbours->table);
	neighbours->table = NULL;
}
