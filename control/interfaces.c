// SPDX-License-Identifier: BSD-3-Clause
#include "control/interfaces.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/egress.h"

// How a log line names it.
static const char *part_of(const struct interface *interface, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "interface %s", interface->config->name);
	return out;
}

struct interface *interfaces_by_ifindex(struct interfaces *interfaces, int ifindex)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (interfaces->list[i].tap.ifindex == ifindex)
			return &interfaces->list[i];
	return NULL;
}

const struct interface *interfaces_by_id(const struct interfaces *interfaces, int id)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (interfaces->list[i].id == id)
			return &interfaces->list[i];
	return NULL;
}

const struct interface *interfaces_by_name(const struct interfaces *interfaces, const char *name)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (strcmp(interfaces->list[i].config->name, name) == 0)
			return &interfaces->list[i];
	return NULL;
}

bool interfaces_use_port(const struct interfaces *interfaces, const struct port *port)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		if (interfaces->list[i].port == port)
			return true;
	return false;
}

bool interface_is_up(const struct interface *interface)
{
	return interface->is_link_up && interface->is_admin_up && !interface->is_gone;
}

// Tells workers and listeners once the interface as a whole went up or down, or its hand did.
static void tell(struct interfaces *interfaces, struct interface *interface, bool was_by_hand)
{
	dataplane_interface_set_link(interfaces->dp, interface->id, interface_is_up(interface));
	if (interfaces->changed != NULL)
		interfaces->changed(interfaces->changed_ctx, interface, was_by_hand);
}

static void log_link(const struct interface *interface, const struct port_link *link)
{
	char part[32];

	part_of(interface, part, sizeof(part));
	if (!link->is_up)
		log_info(part, "link down");
	else if (link->speed_mbps == 0)
		log_info(part, "link up");
	else
		log_info(part, "link up, %u Mbit/s, %s duplex", link->speed_mbps,
			link->is_full_duplex ? "full" : "half");
}

static void poll_link(struct interfaces *interfaces, struct interface *interface)
{
	struct port_link link = {0};
	char part[32];
	int rc;

	port_link(interface->port, &link);
	if (link.is_up == interface->is_link_up || interface->is_gone)
		return;
	interface->is_link_up = link.is_up;
	log_link(interface, &link);
	rc = tap_set_carrier(&interface->tap, link.is_up);
	if (rc != 0)
		log_warning(part_of(interface, part, sizeof(part)),
			"cannot pass the link's state on to the kernel: %s", strerror(-rc));
	tell(interfaces, interface, false);
}

void interfaces_poll_links(struct interfaces *interfaces)
{
	for (unsigned i = 0; i < interfaces->n; i++)
		poll_link(interfaces, &interfaces->list[i]);
}

// --- what others do to the TAP ---

static void follow_mtu(struct interfaces *interfaces, struct interface *interface, uint32_t mtu)
{
	const struct port_info *port = port_info(interface->port);
	struct error err = {0};
	char part[32];

	if (mtu == interface->mtu)
		return;
	part_of(interface, part, sizeof(part));
	if (mtu > PORT_MTU_MAX)
		error_set(&err, "the most is %d", PORT_MTU_MAX);
	else if (mtu <= port->mtu || port_set_mtu(interface->port, (uint16_t)mtu, &err) == 0) {
		log_info(part, "MTU %u (was %u)", mtu, interface->mtu);
		interface->mtu = (uint16_t)mtu;
		dataplane_interface_set_mtu(interfaces->dp, interface->id, interface->mtu);
		return;
	}
	log_warning(part, "MTU %u cannot be, it stays at %u: %s", mtu, interface->mtu, err.text);
	if (tap_set_mtu(&interface->tap, interfaces->netlink, interface->mtu) != 0)
		log_warning(part, "cannot set the MTU of the kernel's device back to %u",
			interface->mtu);
}

static void removed(struct interfaces *interfaces, struct interface *interface)
{
	char part[32];

	if (interface->is_gone)
		return;
	log_error(part_of(interface, part, sizeof(part)),
		"somebody removed the kernel's device: the interface is down until millraced is "
		"started again");
	interface->is_gone = true;
	tell(interfaces, interface, false);
}

static void follow_other(const struct interfaces *interfaces, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = nlmsg_data(message);
	bool went = message->nlmsg_type == RTM_DELLINK ||
		    ((info->ifi_change & IFF_UP) != 0 && (info->ifi_flags & IFF_UP) == 0);

	if (went && interfaces->other_went != NULL)
		interfaces->other_went(interfaces->changed_ctx, info->ifi_index);
}

static void on_message(void *ctx, const struct nlmsghdr *message)
{
	struct interfaces *interfaces = ctx;
	const struct ifinfomsg *info = nlmsg_data(message);
	struct interface *interface;
	struct nlattr *mtu;
	char part[32];
	bool is_admin_up;

	if (!nlmsg_valid_hdr(message, sizeof(*info)))
		return;
	// bridges speak of their ports in messages of the same type
	if (info->ifi_family != AF_UNSPEC)
		return;
	interface = interfaces_by_ifindex(interfaces, info->ifi_index);
	if (interface == NULL) {
		follow_other(interfaces, message);
		return;
	}
	if (message->nlmsg_type == RTM_DELLINK) {
		removed(interfaces, interface);
		return;
	}
	mtu = nlmsg_find_attr((struct nlmsghdr *)message, sizeof(*info), IFLA_MTU);
	if (mtu != NULL && nla_len(mtu) >= (int)sizeof(uint32_t))
		follow_mtu(interfaces, interface, nla_get_u32(mtu));
	is_admin_up = (info->ifi_flags & IFF_UP) != 0;
	if (is_admin_up == interface->is_admin_up)
		return;
	interface->is_admin_up = is_admin_up;
	log_info(part_of(interface, part, sizeof(part)), "set %s by hand",
		is_admin_up ? "up" : "down");
	tell(interfaces, interface, true);
}

struct netlink_handler interfaces_handler(struct interfaces *interfaces)
{
	return (struct netlink_handler){.message = on_message, .ctx = interfaces};
}

// --- making and ending ---

static int add(
	struct interfaces *interfaces, struct interface *interface, uint64_t ids, struct error *err)
{
	const struct port_info *port = port_info(interface->port);
	struct dp_interface to = {
		.port = interface->port, .mac = port->mac, .mtu = port->mtu, .ids = ids};
	struct port_link link = {0};

	if (tap_open(&interface->tap, interface->config->name, err) != 0)
		return -1;
	if (tap_configure(&interface->tap, interfaces->netlink, interface->config->name, &port->mac,
		    port->mtu, err) != 0)
		return -1;
	snprintf(to.name, sizeof(to.name), "%s", interface->config->name);
	to.tap_fd = interface->tap.fd;
	to.is_outside = interface->is_outside;
	to.is_tagged = interface->config->has_vlan;
	to.vlan = interface->config->vlan;
	to.priority = interface->config->priority;
	interface->mtu = port->mtu;
	interface->id = dataplane_interface_add(interfaces->dp, &to);
	if (interface->id < 0)
		return error_set(
			err, "the workers do not take the interface: %s", strerror(-interface->id));
	if (to.is_tagged && port_vlan_add(interface->port, to.vlan, err) != 0)
		return -1;
	port_link(interface->port, &link);
	interface->is_link_up = link.is_up;
	log_link(interface, &link);
	// The carrier first, so that the kernel's duplicate address detection starts at once.
	if (link.is_up && tap_set_carrier(&interface->tap, true) != 0)
		return error_set(err, "cannot pass the link's state on to the kernel");
	if (tap_set_up(&interface->tap, interfaces->netlink, err) != 0)
		return -1;
	interface->is_admin_up = true;
	dataplane_interface_set_link(interfaces->dp, interface->id, link.is_up);
	return 0;
}

static void undo(struct interfaces *interfaces, struct interface *interface)
{
	if (interface->id >= 0) {
		if (interface->config->has_vlan)
			port_vlan_remove(interface->port, interface->config->vlan);
		dataplane_interface_remove(interfaces->dp, interface->id);
	}
	tap_close(&interface->tap);
}

int interfaces_add(struct interfaces *interfaces, const struct config *config,
	const struct cfg_interface *from, const struct ports *ports, uint64_t ids,
	struct error *err)
{
	struct interface *interface = &interfaces->list[interfaces->n];
	int rc = -1;

	*interface = (struct interface){
		.config = from,
		.port = ports_find(ports, from->port),
		.tap = {.fd = -1, .groups_fd = -1},
		.id = -1,
		.is_outside = egress_is_outside(config, from->name),
	};
	if (interface->port == NULL)
		error_set(err, "port '%s' is not open", from->port);
	else
		rc = add(interfaces, interface, ids, err);
	if (rc == 0) {
		// What was told of the device while it was being made is history: it was down.
		netlink_catch_up(interfaces->netlink);
		interfaces->n++;
		return 0;
	}
	undo(interfaces, interface);
	config_locate(config, from->place, err);
	return -1;
}

void interfaces_remove(struct interfaces *interfaces, const char *name)
{
	for (unsigned i = 0; i < interfaces->n; i++) {
		if (strcmp(interfaces->list[i].config->name, name) != 0)
			continue;
		undo(interfaces, &interfaces->list[i]);
		interfaces->n--;
		memmove(&interfaces->list[i], &interfaces->list[i + 1],
			(interfaces->n - i) * sizeof(interfaces->list[0]));
		return;
	}
}

int interfaces_open(struct interfaces *interfaces, const struct config *config,
	const struct ports *ports, struct dataplane *dp, struct netlink *netlink, struct error *err)
{
	*interfaces = (struct interfaces){.dp = dp, .netlink = netlink};
	for (unsigned i = 0; i < config->n_interfaces; i++)
		if (interfaces_add(interfaces, config, &config->interfaces[i], ports, 0, err) != 0)
			return -1;
	return 0;
}

void interfaces_close(struct interfaces *interfaces)
{
	while (interfaces->n > 0)
		undo(interfaces, &interfaces->list[--interfaces->n]);
}
