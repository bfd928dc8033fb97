// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/arp_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/cursor.h"

enum {
	ARP_BYTES = 28, // RFC 826, of Ethernet and IPv4
	PACKET_BYTES_MAX = 128,
	READS_MAX = 64, // then the rest of the loop has its turn
};

int arp_probe_open(struct arp_probe *probe, int ifindex, const struct mac_addr *mac,
	const struct ip_addr *addr)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = ifindex};
	int rc;

	*probe = (struct arp_probe){.ifindex = ifindex, .mac = *mac, .addr = *addr};
	// of no protocol until it is bound: else it would hear other links' for a moment
	probe->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd < 0)
		return -errno;
	if (bind(probe->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	rc = -errno;
	arp_probe_close(probe);
	return rc;
}

void arp_probe_close(struct arp_probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}

// RFC 5227 2.1.1: "the sender IP address field MUST be set to all zeroes".
int arp_probe_send(struct arp_probe *probe)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = probe->ifindex,
		.sll_halen = ETH_ALEN,
		.sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	uint8_t packet[ARP_BYTES];
	struct cursor_out c = cursor_out_of(packet, sizeof(packet));

	cursor_put_u16(&c, ARPHRD_ETHER);
	cursor_put_u16(&c, ETHERTYPE_IP);
	cursor_put_u8(&c, ETH_ALEN);
	cursor_put_u8(&c, 4);
	cursor_put_u16(&c, ARPOP_REQUEST);
	cursor_put(&c, probe->mac.bytes, ETH_ALEN);
	cursor_put_zeroes(&c, 4);
	cursor_put_zeroes(&c, ETH_ALEN);
	cursor_put(&c, probe->addr.v4, 4);
	return sendto(probe->fd, packet, c.n, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno
											 : 0;
}

// RFC 5227 2.1.1: an ARP packet of either kind whose sender address is the one being probed; or a
// probe for it from another hardware address.
bool arp_probe_is_conflict(const struct arp_probe *probe, const uint8_t *packet, size_t n)
{
	static const uint8_t unspecified[4];
	struct cursor c = cursor_of(packet, n);
	uint16_t hardware = cursor_u16(&c), protocol = cursor_u16(&c);
	uint8_t hardware_bytes = cursor_u8(&c), protocol_bytes = cursor_u8(&c);
	uint16_t op = cursor_u16(&c);
	uint8_t mac[ETH_ALEN], sender[4], target[4];

	cursor_copy(&c, mac, sizeof(mac));
	cursor_copy(&c, sender, sizeof(sender));
	cursor_bytes(&c, ETH_ALEN);
	cursor_copy(&c, target, sizeof(target));
	if (c.is_short || hardware != ARPHRD_ETHER || protocol != ETHERTYPE_IP ||
		hardware_bytes != ETH_ALEN || protocol_bytes != 4 ||
		memcmp(mac, probe->mac.bytes, sizeof(mac)) == 0)
		return false;
	if (memcmp(sender, probe->addr.v4, sizeof(sender)) == 0)
		return op == ARPOP_REQUEST || op == ARPOP_REPLY;
	return op == ARPOP_REQUEST && memcmp(sender, unspecified, sizeof(sender)) == 0 &&
	       memcmp(target, probe->addr.v4, sizeof(target)) == 0;
}

bool arp_probe_heard(struct arp_probe *probe)
{
	uint8_t packet[PACKET_BYTES_MAX];
	bool is_taken = false;

	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(probe->fd, packet, sizeof(packet), 0);

		if (n < 0)
			break;
		is_taken |= arp_probe_is_conflict(probe, packet, (size_t)n);
	}
	return is_taken;
}
