// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/live.h"

#include <netinet/in.h> // in front: the kernel's headers then leave out what it has

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sockios.h>
#include <netlink/attr.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include "control/doctor/live_xdp.h"
#include "control/permissions.h"

// --- addresses ---

static void add_address(struct nl_object *object, void *ctx)
{
	struct rtnl_addr *addr = (struct rtnl_addr *)object;
	struct nl_addr *local = rtnl_addr_get_local(addr);
	struct live *live = ctx;
	struct live_address *one = &live->addresses[live->n_addresses];
	unsigned bytes;

	if (live->n_addresses == LIVE_ADDRESSES_MAX || local == NULL ||
		if_indextoname((unsigned)rtnl_addr_get_ifindex(addr), one->netdev) == NULL)
		return;
	bytes = nl_addr_get_len(local);
	if (bytes != 4 && bytes != 16)
		return;
	one->prefix = (struct ip_prefix){.len = (uint8_t)rtnl_addr_get_prefixlen(addr)};
	one->prefix.addr.family = bytes == 4 ? IP_V4 : IP_V6;
	memcpy(one->prefix.addr.bytes, nl_addr_get_binary_addr(local), bytes);
	one->is_lasting = (rtnl_addr_get_flags(addr) & IFA_F_PERMANENT) != 0;
	live->n_addresses++;
}

static void look_at_addresses(struct live *live)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_cache *cache = NULL;

	if (socket != NULL && nl_connect(socket, NETLINK_ROUTE) == 0 &&
		rtnl_addr_alloc_cache(socket, &cache) == 0)
		nl_cache_foreach(cache, add_address, live);
	nl_cache_free(cache);
	nl_socket_free(socket);
}

// --- cards ---

static bool ask_card(int fd, const char *netdev, void *question)
{
	struct ifreq ifr = {.ifr_data = question};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", netdev);
	return ioctl(fd, SIOCETHTOOL, &ifr) == 0;
}

static bool is_on(int fd, const char *netdev, uint32_t question)
{
	struct ethtool_value value = {.cmd = question};

	return ask_card(fd, netdev, &value) && value.data != 0;
}

static void look_at_card(int fd, const char *netdev, struct live_card *card)
{
	struct {
		uint32_t cmd;
		uint32_t size;
		uint8_t data[32];
	} mac = {.cmd = ETHTOOL_GPERMADDR, .size = sizeof(mac.data)};
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_rxfh rss = {.cmd = ETHTOOL_GRSSH};

	*card = (struct live_card){0};
	snprintf(card->netdev, sizeof(card->netdev), "%s", netdev);
	if (ask_card(fd, netdev, &mac) && mac.size == sizeof(card->mac.bytes)) {
		memcpy(card->mac.bytes, mac.data, sizeof(card->mac.bytes));
		card->has_mac = true;
	}
	if (ask_card(fd, netdev, &info))
		snprintf(card->driver, sizeof(card->driver), "%.31s", info.driver);
	if (ask_card(fd, netdev, &channels))
		card->queues_max =
			channels.max_combined > 0 ? channels.max_combined : channels.max_rx;
	if (ask_card(fd, netdev, &rss)) {
		card->rss_entries = rss.indir_size;
		card->rss_key_bytes = rss.key_size;
	}
	card->has_rx_checksum = is_on(fd, netdev, ETHTOOL_GRXCSUM);
	card->has_tx_checksum = is_on(fd, netdev, ETHTOOL_GTXCSUM);
	card->has_tso = is_on(fd, netdev, ETHTOOL_GTSO);
	card->has_gro = is_on(fd, netdev, ETHTOOL_GGRO);
}

static void look_at_cards(struct live *live)
{
	struct if_nameindex *all = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (struct if_nameindex *i = all; fd >= 0 && i != NULL && i->if_index != 0; i++)
		if (live->n_cards < LIVE_CARDS_MAX)
			look_at_card(fd, i->if_name, &live->cards[live->n_cards++]);
	if (fd >= 0)
		close(fd);
	if_freenameindex(all);
}

const struct live_card *live_card(const struct live *live, const char *netdev)
{
	for (unsigned i = 0; i < live->n_cards; i++)
		if (strcmp(live->cards[i].netdev, netdev) == 0)
			return &live->cards[i];
	return NULL;
}

// --- nftables ---

static int add_table(struct nl_msg *told, void *ctx)
{
	static const char *const families[] = {[NFPROTO_INET] = "inet",
		[NFPROTO_IPV4] = "ip",
		[NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev",
		[NFPROTO_BRIDGE] = "bridge",
		[NFPROTO_IPV6] = "ip6"};
	struct nlmsghdr *message = nlmsg_hdr(told);
	const struct nfgenmsg *head = nlmsg_data(message);
	const char *family = NULL;
	struct live *live = ctx;
	struct nlattr *name;

	if (!nlmsg_valid_hdr(message, sizeof(*head)))
		return NL_OK;
	name = nlmsg_find_attr(message, sizeof(*head), NFTA_TABLE_NAME);
	if (name == NULL)
		return NL_OK;
	if (head->nfgen_family < sizeof(families) / sizeof(families[0]))
		family = families[head->nfgen_family];
	if (live->n_tables == LIVE_TABLES_MAX)
		live->n_more_tables++;
	else
		snprintf(live->tables[live->n_tables++], LIVE_TEXT_BYTES, "%s %.*s",
			family != NULL ? family : "?", nla_len(name), (const char *)nla_data(name));
	return NL_OK;
}

static void look_at_tables(struct live *live)
{
	struct nfgenmsg request = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	struct nl_sock *socket = nl_socket_alloc();

	if (socket != NULL && nl_connect(socket, NETLINK_NETFILTER) == 0) {
		nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, add_table, live);
		if (nl_send_simple(socket, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE,
			    NLM_F_DUMP, &request, sizeof(request)) >= 0)
			live->sees_tables = nl_recvmsgs_default(socket) >= 0;
	}
	nl_socket_free(socket);
}

// --- the rest ---

static void look_at_clock(struct live *live)
{
	struct timex now = {0};
	int state = adjtimex(&now);

	live->sees_clock = state >= 0;
	live->is_clock_set = state >= 0 && state != TIME_ERROR && (now.status & STA_UNSYNC) == 0;
}

// The family is looked up before the permission is asked for.
static void look_at_xdp(struct live *live)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	live->sees_xdp = fd >= 0 || errno == EPERM || errno == EAFNOSUPPORT;
	live->has_xdp = fd >= 0 || errno == EPERM;
	if (fd >= 0)
		close(fd);
}

void live_look(struct live *live)
{
	*live = (struct live){.is_root = geteuid() == 0};
	live->may_run = permissions_check(&live->why_not) == 0;
	look_at_addresses(live);
	look_at_cards(live);
	live_xdp_look(live);
	look_at_tables(live);
	look_at_clock(live);
	look_at_xdp(live);
}
