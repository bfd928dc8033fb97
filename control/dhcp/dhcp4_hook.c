// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_hook.h"

#include <inttypes.h>
#include <stdio.h>

#include "control/dhcp/lease_names.h"

static const char *action_of(enum dhcp4_event event)
{
	switch (event) {
	case DHCP4_GIVEN:
		return "add";
	case DHCP4_RENEWED:
		return "old";
	case DHCP4_RELEASED:
	case DHCP4_EXPIRED:
	case DHCP4_WAS_DECLINED:
	case DHCP4_POOL_FULL:
		break;
	}
	return "del";
}

// A host says what it likes: a script is given what can be a name in DNS, or nothing.
static const char *name_of(const struct dhcp4_lease *lease, char out[LEASE_NAME_BYTES])
{
	return lease_names_label(lease->host_name, out) ? out : "";
}

void dhcp4_hook_call_server(struct hook_call *call, enum dhcp4_event event,
	const struct dhcp4_scope *scope, const struct dhcp4_lease *lease, uint32_t left_sec)
{
	char address[ADDR_STR_BYTES], mac[ADDR_STR_BYTES], name[LEASE_NAME_BYTES];
	char client[DHCP4_CLIENT_STR_BYTES];
	struct ip_addr addr = ip4_addr(lease->address);

	ip_addr_str(&addr, address);
	mac_addr_str(&lease->mac, mac);
	hook_call_begin(call, scope->config->hook);
	hook_call_argument(call, action_of(event));
	hook_call_argument(call, mac);
	hook_call_argument(call, address);
	hook_call_argument(call, name_of(lease, name));
	hook_call_set(call, "MILLRACE_EVENT", "%s", dhcp4_event_name(event));
	hook_call_set(call, "MILLRACE_SUBNET", "%s", scope->config->name);
	hook_call_set(call, "MILLRACE_INTERFACE", "%s", scope->config->interface);
	hook_call_set(call, "MILLRACE_ADDRESS", "%s", address);
	hook_call_set(call, "MILLRACE_MAC", "%s", mac);
	hook_call_set(call, "MILLRACE_CLIENT_ID", "%s", dhcp4_client_str(&lease->client, client));
	hook_call_set(call, "MILLRACE_NAME", "%s", name_of(lease, name));
	hook_call_set(call, "MILLRACE_DOMAIN", "%s", dhcp4_scope_domain(&scope->config->options));
	hook_call_set(call, "MILLRACE_LEFT_SEC", "%" PRIu32, left_sec);
	hook_call_set(call, "MILLRACE_SINCE", "%" PRId64, lease->since);
}

// "198.51.100.1 198.51.100.2"
static void set_addresses(
	struct hook_call *call, const char *name, const struct ip_addr *list, unsigned n)
{
	char all[DHCP4_GRANT_DNS_MAX * (ADDR_STR_BYTES + 1)] = "", one[ADDR_STR_BYTES];
	size_t len = 0;

	for (unsigned i = 0; i < n && i < DHCP4_GRANT_DNS_MAX; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i == 0 ? "" : " ",
			ip_addr_str(&list[i], one));
	hook_call_set(call, name, "%s", all);
}

void dhcp4_hook_call_uplink(struct hook_call *call, const char *program, const char *what,
	const char *interface, const struct dhcp4_grant *grant)
{
	struct ip_addr gateways[DHCP4_GRANT_GATEWAYS_MAX];
	char address[ADDR_STR_BYTES], server[ADDR_STR_BYTES];
	unsigned n_gateways = 0;

	for (unsigned i = 0; i < grant->n_routes && n_gateways < DHCP4_GRANT_GATEWAYS_MAX; i++)
		if (grant->routes[i].to.len == 0 && grant->routes[i].via.family != IP_NONE)
			gateways[n_gateways++] = grant->routes[i].via;
	ip_prefix_str(&grant->addr, address);
	hook_call_begin(call, program);
	hook_call_argument(call, what);
	hook_call_argument(call, interface);
	hook_call_argument(call, address);
	hook_call_set(call, "MILLRACE_EVENT", "%s", what);
	hook_call_set(call, "MILLRACE_INTERFACE", "%s", interface);
	hook_call_set(call, "MILLRACE_ADDRESS", "%s", address);
	hook_call_set(call, "MILLRACE_SERVER", "%s", ip_addr_str(&grant->server, server));
	hook_call_set(call, "MILLRACE_LEASE_SEC", "%" PRIu32, grant->sec);
	set_addresses(call, "MILLRACE_GATEWAYS", gateways, n_gateways);
	set_addresses(call, "MILLRACE_DNS", grant->dns, grant->n_dns);
}
