// SPDX-License-Identifier: BSD-3-Clause
#include "control/host_names.h"

#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/dhcp/dhcp4_server.h"
#include "control/dhcp/lease_names.h"
#include "control/dns/names.h"
#include "control/router.h"

static uint32_t now_sec(void)
{
	return (uint32_t)(clock_now_ms() / 1000);
}

// A host is who has the address: all its names are one owner's.
static uint64_t owner_of(const struct ip_addr *address)
{
	uint64_t halves[2];

	memcpy(halves, address->bytes, sizeof(halves));
	return halves[0] ^ halves[1] << 1 ^ address->family;
}

static bool name_of(
	const char *label, const char *domain, const struct config *config, struct dns_name *out)
{
	struct dns_name zone;

	if (domain[0] == '\0')
		domain = config->dns.local.domain != NULL ? config->dns.local.domain : "home.arpa";
	return dns_name_parse(domain, &zone) == 0 &&
	       dns_name_prepend((const uint8_t *)label, strlen(label), &zone, out) == 0;
}

static void enter(struct router *router, const struct config *config, const char *label,
	const char *domain, const struct ip_addr *address, enum dns_name_source source)
{
	struct dns_known_name known = {
		.addr = *address,
		.source = source,
		.owner = owner_of(address),
		.ends_at_sec = DNS_NAMES_FOREVER, // DHCP says when it is over
	};
	int error;

	if (!name_of(label, domain, config, &known.name)) {
		log_warning("dns", "'%s' in '%s' is no name", label, domain);
		return;
	}
	error = dns_names_add(router->dns_names, &known, now_sec());
	if (error != 0)
		log_info("dns", "host %s does not get its name: %s", label,
			error == -EEXIST ? "another host has it" : "there is no room");
}

// --- leases ---

// But for `but`, or NULL. A reservation's name stays.
static void remove_leased(
	struct router *router, const struct ip_addr *address, const struct dns_name *but)
{
	struct dns_known_name known[DNS_NAMES_OF_ONE_MAX];
	unsigned n = dns_names_find_address(router->dns_names, address, now_sec(), known);

	for (unsigned i = 0; i < n; i++)
		if (known[i].source == DNS_SOURCE_LEASE &&
			(but == NULL || !dns_name_equal(&known[i].name, but)))
			dns_names_remove(router->dns_names, &known[i].name, address);
}

static void on_added(void *ctx, const struct lease_name *said)
{
	struct router *router = ctx;
	struct dns_name name;

	if (name_of(said->label, said->domain, router->config, &name))
		remove_leased(router, &said->address, &name); // of another domain
	enter(router, router->config, said->label, said->domain, &said->address, DNS_SOURCE_LEASE);
}

static void on_removed(void *ctx, const char *label, const struct ip_addr *address)
{
	remove_leased(ctx, address, NULL);
}

static const struct lease_names_ops lease_ops = {on_added, on_removed};

void host_names_listen(struct router *router)
{
	lease_names_listen(router->lease_names, &lease_ops, router);
}

// --- reservations ---

typedef void (*reserved_fn)(struct router *router, const struct config *config, const char *label,
	const char *domain, const struct ip_addr *address);

static void each_reserved(struct router *router, const struct config *config, reserved_fn fn)
{
	for (unsigned i = 0; i < config->dhcp.n_subnets; i++) {
		const struct cfg_dhcp_subnet *subnet = &config->dhcp.subnets[i];

		for (unsigned k = 0; k < subnet->n_reservations; k++) {
			const struct cfg_dhcp_reservation *host = &subnet->reservations[k];
			char label[LEASE_NAME_BYTES];

			if (lease_names_label(host->name, label))
				fn(router, config, label, dhcp4_scope_domain(&subnet->options),
					&host->address);
		}
	}
}

static void enter_reserved(struct router *router, const struct config *config, const char *label,
	const char *domain, const struct ip_addr *address)
{
	enter(router, config, label, domain, address, DNS_SOURCE_RESERVATION);
}

static void remove_reserved(struct router *router, const struct config *config, const char *label,
	const char *domain, const struct ip_addr *address)
{
	struct dns_name name;

	if (name_of(label, domain, config, &name))
		dns_names_remove(router->dns_names, &name, address);
}

void host_names_follow(
	struct router *router, const struct config *before, const struct config *after)
{
	if (before != NULL)
		each_reserved(router, before, remove_reserved);
	each_reserved(router, after, enter_reserved);
}
