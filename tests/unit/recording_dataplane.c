// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/recording_dataplane.h"

#include <errno.h>
#include <string.h>

#include "drivers/port.h"

struct recording recording;

static struct port_info port = {
	.name = "port",
	.driver = PORT_DRIVER_NULL,
	.n_rxq = 1,
	.n_txq = 1,
	.mac = {{0x02, 0, 0, 0, 0xaa, 0x01}},
};

struct dataplane *recording_reset(void)
{
	static char stands_for_it;

	memset(&recording, 0, sizeof(recording));
	recording.port_mtu = recording.port_mtu_max = 1500;
	recording.link = (struct port_link){true, 1000, true};
	return (struct dataplane *)&stands_for_it;
}

static unsigned find_route(const struct ip_prefix *to)
{
	unsigned i = 0;

	while (i < recording.n_routes &&
		(recording.routes[i].to.len != to->len ||
			!ip_addr_equal(&recording.routes[i].to.addr, &to->addr)))
		i++;
	return i;
}

const struct dp_route *recorded_route(const char *text)
{
	struct ip_prefix to;
	unsigned at;

	if (ip_prefix_parse(text, &to) != 0)
		return NULL;
	at = find_route(&to);
	return at < recording.n_routes ? &recording.routes[at] : NULL;
}

int dataplane_route_set(struct dataplane *dp, const struct dp_route *route)
{
	unsigned at;

	recording.n_route_sets++;
	if (recording.only_counts)
		return 0;
	at = find_route(&route->to);
	if (at == RECORDED_MAX || recording.is_refusing)
		return -ENOSPC;
	if (at == recording.n_routes && recording.route_capacity > 0 &&
		recording.n_routes >= recording.route_capacity)
		return -ENOSPC;
	recording.routes[at] = *route;
	if (at == recording.n_routes)
		recording.n_routes++;
	return 0;
}

int dataplane_route_delete(struct dataplane *dp, const struct ip_prefix *to)
{
	unsigned at = find_route(to);

	recording.n_route_deletes++;
	if (recording.only_counts)
		return 0;
	if (at == recording.n_routes)
		return -ENOENT;
	recording.routes[at] = recording.routes[--recording.n_routes];
	return 0;
}

void dataplane_routes_commit(struct dataplane *dp)
{
	recording.n_commits++;
}

static unsigned find_neighbour(int interface, const struct ip_addr *addr)
{
	unsigned i = 0;

	while (i < recording.n_neighbours &&
		(recording.neighbours[i].interface != interface ||
			!ip_addr_equal(&recording.neighbours[i].addr, addr)))
		i++;
	return i;
}

const struct recorded_neighbour *recorded_neighbour(int interface, const char *text)
{
	struct ip_addr addr;
	unsigned at;

	if (ip_addr_parse(text, &addr) != 0)
		return NULL;
	at = find_neighbour(interface, &addr);
	return at < recording.n_neighbours ? &recording.neighbours[at] : NULL;
}

int dataplane_neighbour_set(
	struct dataplane *dp, int interface, const struct ip_addr *addr, const struct mac_addr *mac)
{
	unsigned at = find_neighbour(interface, addr);

	if (at == RECORDED_MAX)
		return -ENOSPC;
	recording.neighbours[at] = (struct recorded_neighbour){interface, *addr, *mac};
	if (at == recording.n_neighbours)
		recording.n_neighbours++;
	return 0;
}

int dataplane_neighbour_delete(struct dataplane *dp, int interface, const struct ip_addr *addr)
{
	unsigned at = find_neighbour(interface, addr);

	recording.n_neighbour_deletes++;
	if (at == recording.n_neighbours)
		return -ENOENT;
	recording.neighbours[at] = recording.neighbours[--recording.n_neighbours];
	return 0;
}

void dataplane_neighbours_used(struct dataplane *dp, dp_neighbour_fn fn, void *ctx)
{
	for (unsigned i = 0; i < recording.n_used; i++)
		fn(ctx, recording.used[i].interface, &recording.used[i].addr);
	recording.n_used = 0;
}

int dataplane_interface_add(struct dataplane *dp, const struct dp_interface *told)
{
	for (int id = 0; id < DP_INTERFACES_MAX; id++) {
		if (recording.interfaces[id].is_used)
			continue;
		recording.interfaces[id] =
			(struct recorded_interface){.is_used = true, .told = *told};
		return id;
	}
	return -ENOSPC;
}

int dataplane_interface_remove(struct dataplane *dp, int id)
{
	recording.interfaces[id].is_used = false;
	return 0;
}

int dataplane_interface_set_link(struct dataplane *dp, int id, bool is_up)
{
	recording.interfaces[id].is_up = is_up;
	return 0;
}

int dataplane_interface_set_mtu(struct dataplane *dp, int id, uint16_t mtu)
{
	recording.interfaces[id].told.mtu = mtu;
	return 0;
}

int dataplane_interface_set_addresses(
	struct dataplane *dp, int id, const struct ip_prefix *addresses, unsigned n)
{
	recording.interfaces[id].n_addresses = n;
	memcpy(recording.interfaces[id].addresses, addresses, n * sizeof(*addresses));
	return 0;
}

struct port *port_open(const struct port_spec *spec, struct error *err)
{
	return (struct port *)&port;
}

void port_close(struct port *closed)
{
}

const struct port_info *port_info(const struct port *asked)
{
	port.mtu = recording.port_mtu;
	return &port;
}

void port_link(const struct port *asked, struct port_link *out)
{
	*out = recording.link;
}

int port_set_mtu(struct port *asked, uint16_t mtu, struct error *err)
{
	if (mtu > recording.port_mtu_max)
		return error_set(err, "too large");
	recording.port_mtu = mtu;
	return 0;
}

const char *port_driver_name(enum port_driver driver)
{
	return "null";
}
