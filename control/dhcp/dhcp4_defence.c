// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_defence.h"

#include <errno.h>

enum { READS_PER_TURN = 32 };

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct dhcp4_defence *defence = ctx;
	struct mac_addr mac;
	uint32_t address;
	unsigned n = 0;

	while (n < READS_PER_TURN && arp_probe_hear(&defence->arp, &address, &mac) == 1)
		n += address == defence->address;
	if (n > 0)
		defence->contested(defence->ctx);
}

int dhcp4_defence_open(struct dhcp4_defence *defence, struct event_base *base,
	const char *interface, int ifindex, uint32_t address, struct error *err)
{
	dhcp4_defence_close(defence);
	if (arp_probe_watch(&defence->arp, interface, ifindex, address, err) != 0)
		return -1;
	defence->address = address;
	defence->readable =
		event_new(base, defence->arp.fd, EV_READ | EV_PERSIST, on_readable, defence);
	if (defence->readable != NULL && event_add(defence->readable, NULL) == 0)
		return 0;
	if (defence->readable == NULL)
		arp_probe_close(&defence->arp);
	dhcp4_defence_close(defence);
	return error_set(err, "no memory for hearing who has the address");
}

void dhcp4_defence_close(struct dhcp4_defence *defence)
{
	if (defence->readable == NULL)
		return;
	event_free(defence->readable);
	defence->readable = NULL;
	arp_probe_close(&defence->arp);
}

int dhcp4_defence_announce(struct dhcp4_defence *defence)
{
	return defence->readable == NULL ? -ENOTCONN
					 : arp_probe_announce(&defence->arp, defence->address);
}
