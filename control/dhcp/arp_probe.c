// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/arp_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/cursor.h"

enum {
	ARP_BYTES = 28, // RFC 826, of Ethernet and IPv4
	HARDWARE_ETHERNET = 1,
	REQUEST = 1,
	ANSWER = 2,
};

// Answers alone: a link may have many questions that are none of ours.
static int attach_filter(int fd)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ANSWER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ARP_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static struct sockaddr_ll link_address(int ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = ifindex,
		.sll_halen = ETH_ALEN,
	};

	memset(address.sll_addr, 0xff, ETH_ALEN);
	return address;
}

// Who says that the address is theirs, under another MAC.
static int attach_watch(int fd, uint32_t address, const struct mac_addr *mac)
{
	uint32_t high = (uint32_t)mac->bytes[0] << 24 | (uint32_t)mac->bytes[1] << 16 |
			(uint32_t)mac->bytes[2] << 8 | mac->bytes[3];
	uint32_t low = (uint32_t)mac->bytes[4] << 8 | mac->bytes[5];
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14), // its sender's address
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, address, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), // and its MAC
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, ARP_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

// Bound when its filter is there, so that nothing else comes in before.
static int open_socket(struct arp_probe *probe, const char *interface, int ifindex)
{
	struct ifreq request = {0};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*probe = (struct arp_probe){.fd = fd, .ifindex = ifindex};
	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return -1;
	memcpy(probe->mac.bytes, request.ifr_hwaddr.sa_data, sizeof(probe->mac.bytes));
	return 0;
}

static int bind_socket(struct arp_probe *probe)
{
	struct sockaddr_ll address = link_address(probe->ifindex);

	return bind(probe->fd, (struct sockaddr *)&address, sizeof(address));
}

static int fail(struct arp_probe *probe, struct error *err)
{
	error_set(err, "cannot listen for ARP: %s", strerror(errno));
	arp_probe_close(probe);
	return -1;
}

int arp_probe_open(struct arp_probe *probe, const char *interface, int ifindex,
	bool hears_questions, struct error *err)
{
	if (open_socket(probe, interface, ifindex) != 0 ||
		(!hears_questions && attach_filter(probe->fd) != 0) || bind_socket(probe) != 0)
		return fail(probe, err);
	return 0;
}

int arp_probe_watch(struct arp_probe *probe, const char *interface, int ifindex, uint32_t address,
	struct error *err)
{
	if (open_socket(probe, interface, ifindex) != 0 ||
		attach_watch(probe->fd, address, &probe->mac) != 0 || bind_socket(probe) != 0)
		return fail(probe, err);
	return 0;
}

void arp_probe_close(struct arp_probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}

static int send_question(struct arp_probe *probe, uint32_t sender, uint32_t target)
{
	struct sockaddr_ll to = link_address(probe->ifindex);
	uint8_t bytes[ARP_BYTES];
	struct cursor_out c = cursor_out_of(bytes, sizeof(bytes));

	cursor_put_u16(&c, HARDWARE_ETHERNET);
	cursor_put_u16(&c, ETH_P_IP);
	cursor_put_u8(&c, ETH_ALEN);
	cursor_put_u8(&c, sizeof(target));
	cursor_put_u16(&c, REQUEST);
	cursor_put(&c, probe->mac.bytes, sizeof(probe->mac.bytes));
	cursor_put_u32(&c, sender);
	cursor_put_zeroes(&c, ETH_ALEN);
	cursor_put_u32(&c, target);
	if (sendto(probe->fd, bytes, c.n, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

// A question without an address of its own, so that nobody learns one.
int arp_probe_ask(struct arp_probe *probe, uint32_t address)
{
	return send_question(probe, 0, address);
}

int arp_probe_announce(struct arp_probe *probe, uint32_t address)
{
	return send_question(probe, address, address);
}

// RFC 5227 2.1.1: the sender of an ARP packet of either kind has the address. A question without
// one of its own is a probe: its sender is about to have what it asks for.
bool arp_probe_read(const uint8_t *packet, size_t n, uint32_t *address, struct mac_addr *mac)
{
	struct cursor c = cursor_of(packet, n);
	bool is_known = cursor_u16(&c) == HARDWARE_ETHERNET && cursor_u16(&c) == ETH_P_IP &&
			cursor_u8(&c) == ETH_ALEN && cursor_u8(&c) == sizeof(*address);
	uint16_t kind = cursor_u16(&c);
	uint32_t target;

	cursor_copy(&c, mac->bytes, sizeof(mac->bytes));
	*address = cursor_u32(&c);
	cursor_bytes(&c, ETH_ALEN);
	target = cursor_u32(&c);
	if (*address == 0 && kind == REQUEST)
		*address = target;
	return is_known && !c.is_short && (kind == REQUEST || kind == ANSWER);
}

int arp_probe_hear(struct arp_probe *probe, uint32_t *address, struct mac_addr *mac)
{
	uint8_t bytes[ARP_BYTES];
	ssize_t n;

	while ((n = recv(probe->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
		if (arp_probe_read(bytes, (size_t)n, address, mac))
			return 1;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}
