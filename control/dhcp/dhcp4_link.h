// SPDX-License-Identifier: BSD-3-Clause
// The server's sockets on one interface: its messages in and out, ARP, and a UDP socket that holds
// port 67, so that the kernel does not answer that nobody listens. Control thread.
#pragma once

#include <event2/event.h>

#include "control/dhcp/arp_probe.h"
#include "control/dhcp/packet_socket.h"

struct dhcp4_link_ops {
	void (*message)(
		void *ctx, const char *interface, const struct packet_socket_message *message);
	void (*heard)(void *ctx, uint32_t address, const struct mac_addr *mac);
};

struct dhcp4_link {
	char name[16];
	bool is_used; // has a name
	int ifindex;  // 0: the interface is not there
	struct packet_socket packets;
	struct arp_probe arp;
	int port_fd;
	struct event *packets_event, *arp_event;
	const struct dhcp4_link_ops *ops;
	void *ctx;
	bool is_failing; // and that was said
};

void dhcp4_link_init(
	struct dhcp4_link *link, const char *name, const struct dhcp4_link_ops *ops, void *ctx);
void dhcp4_link_close(struct dhcp4_link *link);
// Opens it when its interface has come, closes it when that has gone. Cheap when nothing changed.
void dhcp4_link_follow(struct dhcp4_link *link, struct event_base *base);
bool dhcp4_link_is_open(const struct dhcp4_link *link);
