// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_message.h"

enum { MESSAGES_A_TURN = 64 };

void dhcp4_link_init(
	struct dhcp4_link *link, const char *name, const struct dhcp4_link_ops *ops, void *ctx)
{
	*link = (struct dhcp4_link){
		.is_used = true,
		.packets.fd = -1,
		.arp.fd = -1,
		.port_fd = -1,
		.ops = ops,
		.ctx = ctx,
	};
	snprintf(link->name, sizeof(link->name), "%s", name);
}

static void free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void close_sockets(struct dhcp4_link *link)
{
	free_event(&link->packets_event);
	free_event(&link->arp_event);
	packet_socket_close(&link->packets);
	arp_probe_close(&link->arp);
	if (link->port_fd >= 0)
		close(link->port_fd);
	link->port_fd = -1;
	link->ifindex = 0;
}

void dhcp4_link_close(struct dhcp4_link *link)
{
	close_sockets(link);
	link->is_used = false;
}

bool dhcp4_link_is_open(const struct dhcp4_link *link)
{
	return link->packets.fd >= 0;
}

static void on_packets(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t frame[PACKET_SOCKET_FRAME_MAX];
	struct dhcp4_link *link = ctx;

	for (unsigned i = 0; i < MESSAGES_A_TURN && dhcp4_link_is_open(link); i++) {
		struct packet_socket_message message;
		int rc = packet_socket_receive(&link->packets, frame, &message);

		if (rc == 1)
			link->ops->message(link->ctx, link->name, &message);
		else if (rc != -EBADMSG)
			return; // nothing is left, or the interface is down: it comes again
	}
}

static void on_arp(evutil_socket_t fd, short what, void *ctx)
{
	struct dhcp4_link *link = ctx;
	struct mac_addr mac;
	uint32_t address;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		if (arp_probe_hear(&link->arp, &address, &mac) != 1)
			return;
		link->ops->heard(link->ctx, address, &mac);
	}
}

// Takes nothing: the packet socket has it all.
static int hold_port(struct dhcp4_link *link, struct error *err)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog program = {1, nothing};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(DHCP4_SERVER_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	link->port_fd = fd;
	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name, strlen(link->name)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return error_set(err, "cannot have UDP port %d: %s", DHCP4_SERVER_PORT,
			errno == EADDRINUSE ? "another program has it, perhaps another DHCP server"
					    : strerror(errno));
	return 0;
}

static int open_sockets(struct dhcp4_link *link, struct event_base *base, struct error *err)
{
	if (hold_port(link, err) != 0 ||
		packet_socket_open(&link->packets, link->ifindex, DHCP4_SERVER_PORT, err) != 0 ||
		arp_probe_open(&link->arp, link->name, link->ifindex, false, err) != 0)
		return -1;
	link->packets_event =
		event_new(base, link->packets.fd, EV_READ | EV_PERSIST, on_packets, link);
	link->arp_event = event_new(base, link->arp.fd, EV_READ | EV_PERSIST, on_arp, link);
	if (link->packets_event == NULL || link->arp_event == NULL ||
		event_add(link->packets_event, NULL) != 0 || event_add(link->arp_event, NULL) != 0)
		return error_set(err, "no memory for its events");
	return 0;
}

void dhcp4_link_follow(struct dhcp4_link *link, struct event_base *base)
{
	int ifindex = (int)if_nametoindex(link->name);
	struct error err;

	if (ifindex == link->ifindex)
		return;
	close_sockets(link);
	link->ifindex = ifindex;
	if (ifindex == 0) {
		log_info(log_object("dhcp", link->name).text,
			"the interface is gone; served again when it comes back");
		return;
	}
	if (open_sockets(link, base, &err) == 0) {
		link->is_failing = false;
		log_info(log_object("dhcp", link->name).text, "serving");
		return;
	}
	close_sockets(link); // the next turn tries again
	if (!link->is_failing)
		log_warning(log_object("dhcp", link->name).text, "%s", err.text);
	link->is_failing = true;
}
