// SPDX-License-Identifier: BSD-3-Clause
#include "control/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/addresses.h"

enum {
	// RFC 5227 1.1; RFC 4861 10 allows one more and a second less
	ANNOUNCE_NUM = 2,
	ANNOUNCE_INTERVAL_MS = 2000,
};

void announce(struct interface *interface)
{
	interface->announcements_left = ANNOUNCE_NUM;
	interface->next_announcement_ms = 0;
}

// RFC 5227 3: a request, whose sender and target are both the address announced.
static int send_arp(int fd, const struct interface *interface, const struct mac_addr *mac,
	const uint8_t addr[4])
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_ARP),
		.sll_ifindex = interface->tap.ifindex,
		.sll_halen = ETH_ALEN,
	};
	struct ether_arp arp = {
		.ea_hdr.ar_hrd = htons(ARPHRD_ETHER),
		.ea_hdr.ar_pro = htons(ETHERTYPE_IP),
		.ea_hdr.ar_hln = ETH_ALEN,
		.ea_hdr.ar_pln = 4,
		.ea_hdr.ar_op = htons(ARPOP_REQUEST),
	};

	memset(to.sll_addr, 0xff, ETH_ALEN);
	memcpy(arp.arp_sha, mac->bytes, ETH_ALEN);
	memcpy(arp.arp_spa, addr, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, addr, sizeof(arp.arp_tpa));
	return sendto(fd, &arp, sizeof(arp), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0
		       ? -errno
		       : 0;
}

// RFC 4861 7.2.6: unsolicited, to all nodes, with the Override flag. The kernel adds the checksum.
static int send_advertisement(int fd, const struct interface *interface, const struct mac_addr *mac,
	const uint8_t addr[16])
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = all_nodes};
	struct {
		struct nd_neighbor_advert head;
		struct nd_opt_hdr option;
		uint8_t mac[ETH_ALEN];
	} body = {
		.head.nd_na_type = ND_NEIGHBOR_ADVERT,
		.head.nd_na_flags_reserved = ND_NA_FLAG_ROUTER | ND_NA_FLAG_OVERRIDE,
		.option = {ND_OPT_TARGET_LINKADDR, 1},
	};
	struct in6_pktinfo from = {.ipi6_ifindex = (unsigned)interface->tap.ifindex};
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {.bytes = {0}};
	struct iovec iov = {&body, sizeof(body)};
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	memcpy(&body.head.nd_na_target, addr, sizeof(body.head.nd_na_target));
	memcpy(body.mac, mac->bytes, sizeof(body.mac));
	memcpy(&from.ipi6_addr, addr, sizeof(from.ipi6_addr));
	cmsg->cmsg_level = IPPROTO_IPV6;
	cmsg->cmsg_type = IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(cmsg), &from, sizeof(from));
	return sendmsg(fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

// Protocol 0: the socket for ARP receives nothing. The other one is told to want nothing.
static int open_socket(uint8_t family)
{
	struct icmp6_filter nothing;
	int hops = 255; // RFC 4861 7.1.2: receivers silently discard anything less
	int fd;

	if (family == IP_V4)
		return socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (fd < 0)
		return -1;
	ICMP6_FILTER_SETBLOCKALL(&nothing);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof(nothing)) == 0 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void send_family(const struct interface *interface, uint8_t family)
{
	const struct port_info *port = port_info(interface->port);
	int fd = open_socket(family);
	int rc = fd < 0 ? -errno : 0;

	for (unsigned i = 0; fd >= 0 && i < interface->n_addresses; i++) {
		const struct interface_address *address = &interface->addresses[i];
		const struct ip_addr *addr = &address->prefix.addr;

		if (addr->family != family || !addresses_is_usable(address))
			continue;
		rc = family == IP_V4 ? send_arp(fd, interface, &port->mac, addr->v4)
				     : send_advertisement(fd, interface, &port->mac, addr->v6);
	}
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		log_debug(log_object("interface", interface->config->name).text,
			"cannot announce an address: %s", strerror(-rc));
}

void announce_run(struct interfaces *interfaces, uint64_t now_ms)
{
	for (unsigned i = 0; i < interfaces->n; i++) {
		struct interface *interface = &interfaces->list[i];

		if (interface->announcements_left == 0 ||
			now_ms < interface->next_announcement_ms || !interface_is_up(interface))
			continue;
		send_family(interface, IP_V4);
		send_family(interface, IP_V6);
		interface->announcements_left--;
		interface->next_announcement_ms = now_ms + ANNOUNCE_INTERVAL_MS;
	}
}
