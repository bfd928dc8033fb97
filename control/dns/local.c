// SPDX-License-Identifier: BSD-3-Clause
// From the config to what is answered by it.
#include "control/dns/local.h"

#include <stdlib.h>

#include "control/dns/local_internal.h"
#include "control/dns/special.h"

enum { TXT_PART_BYTES = 255 }; // RFC 1035, section 3.3.14

// --- records ---

static int add_addresses(struct dns_zones *zones, const struct dns_name *name, uint32_t ttl_sec,
	const struct ip_addr *addresses, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (dns_zones_add_address(zones, name, ttl_sec, &addresses[i]) != 0)
			return -1;
	return 0;
}

static int add_target(struct dns_zones *zones, const struct dns_name *name, uint16_t type,
	uint32_t ttl_sec, const uint16_t *numbers, unsigned n_numbers, const char *text)
{
	uint8_t data[3 * sizeof(uint16_t)];
	struct cursor_out out = cursor_out_of(data, sizeof(data));
	struct dns_name target;

	for (unsigned i = 0; i < n_numbers; i++)
		cursor_put_u16(&out, numbers[i]);
	if (text == NULL || dns_name_parse(text, &target) != 0)
		return 0; // not there; the check of the config has refused what is no name
	return dns_zones_add_record(zones, name, type, ttl_sec, data, out.n, &target);
}

static int add_txt(
	struct dns_zones *zones, const struct dns_name *name, uint32_t ttl_sec, const char *text)
{
	uint8_t data[CFG_DNS_TXT_MAX + CFG_DNS_TXT_MAX / TXT_PART_BYTES + 1];
	struct cursor_out out = cursor_out_of(data, sizeof(data));
	size_t left = strlen(text);

	do {
		size_t part = left < TXT_PART_BYTES ? left : TXT_PART_BYTES;

		cursor_put_u8(&out, (uint8_t)part);
		cursor_put(&out, text, part);
		text += part;
		left -= part;
	} while (left > 0);
	return dns_zones_add_record(zones, name, DNS_TXT, ttl_sec, data, out.n, NULL);
}

static int add_record(struct dns_zones *zones, const struct cfg_dns_record *record)
{
	uint32_t ttl_sec = record->ttl_sec;
	struct dns_name name;
	int rc;

	if (dns_name_parse(record->name, &name) != 0)
		return 0;
	rc = add_addresses(zones, &name, ttl_sec, record->addresses, record->n_addresses);
	rc |= add_target(zones, &name, DNS_CNAME, ttl_sec, NULL, 0, record->cname);
	rc |= add_target(zones, &name, DNS_PTR, ttl_sec, NULL, 0, record->ptr);
	for (unsigned i = 0; i < record->n_mx; i++) {
		struct cfg_dns_mx mx;

		if (cfg_dns_mx_parse(record->mx[i], &mx))
			rc |= add_target(
				zones, &name, DNS_MX, ttl_sec, &mx.preference, 1, mx.target);
	}
	for (unsigned i = 0; i < record->n_srv; i++) {
		struct cfg_dns_srv srv;

		if (cfg_dns_srv_parse(record->srv[i], &srv)) {
			uint16_t numbers[] = {srv.priority, srv.weight, srv.port};

			rc |= add_target(zones, &name, DNS_SRV, ttl_sec, numbers, 3, srv.target);
		}
	}
	for (unsigned i = 0; i < record->n_txt; i++)
		rc |= add_txt(zones, &name, ttl_sec, record->txt[i]);
	return rc;
}

// --- zones ---

static int add_zone(struct dns_zones *zones, const struct cfg_dns_zone *zone)
{
	struct dns_name name;

	if (dns_name_parse(zone->name, &name) != 0)
		return 0;
	if (dns_zones_add(zones, &name, zone->n_addresses > 0 ? DNS_ZONE_WILD : DNS_ZONE_STATIC,
		    zone->ttl_sec, NULL) != 0)
		return -1;
	return add_addresses(zones, &name, zone->ttl_sec, zone->addresses, zone->n_addresses);
}

static int add_forwarded(struct dns_zones *zones, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct dns_name name;

		// the root stands for all names, and is no domain of anybody
		if (dns_name_parse(names[i], &name) == 0 && name.n_labels > 0 &&
			dns_zones_add(zones, &name, DNS_ZONE_FORWARD, 0, NULL) != 0)
			return -1;
	}
	return 0;
}

// What is said first stays: the config, then who else is asked, then what is special.
static int fill(struct dns_local *local, const struct cfg_dns *config)
{
	const struct cfg_dns_local *of = &config->local;
	int rc = 0;

	for (unsigned i = 0; i < of->n_zones && rc == 0; i++)
		rc = add_zone(local->zones, &of->zones[i]);
	for (unsigned i = 0; i < of->n_records && rc == 0; i++)
		rc = add_record(local->zones, &of->records[i]);
	for (unsigned i = 0; i < config->n_domains && rc == 0; i++) {
		rc = add_forwarded(
			local->zones, config->domains[i].names, config->domains[i].n_names);
		// a domain has upstreams of its own for the sake of its own addresses
		rc |= add_forwarded(
			local->exempt, config->domains[i].names, config->domains[i].n_names);
	}
	if (rc == 0)
		rc = add_forwarded(local->exempt, of->rebind_exempt.names, of->rebind_exempt.n);
	if (rc == 0 && of->is_canary)
		rc = dns_special_add_canary(local->zones);
	if (rc == 0 && local->has_links) {
		static const char *const local_name = "local";

		rc = dns_special_add_link(local->zones);
		rc |= add_forwarded(local->exempt, &local_name, 1);
	}
	if (rc == 0)
		rc = dns_special_add(local->zones);
	return rc == 0 ? dns_zones_end(local->zones) : rc;
}

struct dns_local *dns_local_new(
	const struct cfg_dns *config, struct dns_names *names, struct error *err)
{
	struct dns_local *local = calloc(1, sizeof(*local));

	if (local == NULL)
		goto fail;
	local->zones = dns_zones_new();
	local->exempt = dns_zones_new();
	local->blocking = dns_blocking_new(&config->local, names);
	local->names = names;
	local->has_links = config->n_mdns > 0;
	local->is_rebind_allowed = config->local.is_rebind_allowed;
	if (config->local.domain != NULL)
		dns_name_parse(config->local.domain, &local->domain);
	if (local->zones != NULL && local->exempt != NULL && local->blocking != NULL &&
		fill(local, config) == 0)
		return local;
fail:
	dns_local_free(local);
	error_set(err, "no memory for the names of the config");
	return NULL;
}

void dns_local_free(struct dns_local *local)
{
	if (local == NULL)
		return;
	dns_zones_free(local->zones);
	dns_zones_free(local->exempt);
	dns_blocking_free(local->blocking);
	free(local);
}

void dns_local_use_blocks(struct dns_local *local, const struct block_store *blocks)
{
	dns_blocking_use(local->blocking, blocks);
}

void dns_local_use_nets(struct dns_local *local, const struct mdns_nets *nets)
{
	local->nets = nets;
}

struct dns_blocking_view dns_local_view(
	const struct dns_local *local, const struct ip_addr *client, uint32_t now_sec)
{
	return dns_blocking_view(local->blocking, client, now_sec);
}

bool dns_local_may_wait(
	const struct dns_local *local, const struct ip_addr *client, uint32_t now_sec)
{
	return local->names != NULL &&
	       dns_hosts_may_wait(dns_names_hosts(local->names), client, now_sec);
}

const char *dns_local_stage_name(enum dns_local_stage stage)
{
	static const char *const names[DNS_STAGES] = {
		[DNS_STAGE_NONE] = "upstream",
		[DNS_STAGE_RECORDS] = "records",
		[DNS_STAGE_ZONE] = "zone",
		[DNS_STAGE_NAMES] = "lease",
		[DNS_STAGE_SPECIAL] = "special",
		[DNS_STAGE_BLOCKING] = "blocking",
		[DNS_STAGE_LINK] = "mdns",
	};

	return names[stage];
}
