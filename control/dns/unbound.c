// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/unbound.h"

#include <stdio.h>
#include <unbound-event.h>

#include "control/dns/relay.h"

// The relay always answers, after EXCHANGE_MS_MAX at the latest: it is never taken for a server
// that is down, which would be left in peace for minutes.
enum { RELAY_PATIENCE_MS = EXCHANGE_MS_MAX + 1000 };

// IANA's root keys (RFC 8509 names the first, the second is of 2024), as DS records.
static const char *const root_keys[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

static int set(struct ub_ctx *ctx, const char *option, const char *value, struct error *err)
{
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "%s:", option);
	rc = ub_ctx_set_option(ctx, name, value);
	return rc == 0 ? 0
		       : error_set(err, "dns: libunbound does not take %s: %s", option,
				 ub_strerror(rc));
}

static int set_number(
	struct ub_ctx *ctx, const char *option, unsigned long number, struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", number);
	return set(ctx, option, text, err);
}

static int set_anchors(struct ub_ctx *ctx, const char *file, struct error *err)
{
	int rc = 0;

	if (file != NULL) {
		rc = ub_ctx_add_ta_file(ctx, file);
		return rc == 0 ? 0
			       : error_set(err, "dns: cannot take the trust anchors of %s: %s",
					 file, ub_strerror(rc));
	}
	for (size_t i = 0; i < sizeof(root_keys) / sizeof(root_keys[0]) && rc == 0; i++)
		rc = ub_ctx_add_ta(ctx, root_keys[i]);
	return rc == 0 ? 0 : error_set(err, "dns: trust anchors: %s", ub_strerror(rc));
}

static int set_ways(
	struct ub_ctx *ctx, const struct cfg_dns *config, uint16_t relay_port, struct error *err)
{
	char address[32];
	int rc;

	if (relay_port == 0)
		return set_number(ctx, "edns-buffer-size", EXCHANGE_UDP_BYTES, err) != 0 ||
				       (config->root_hints != NULL &&
					       set(ctx, "root-hints", config->root_hints, err) != 0)
			       ? -1
			       : 0;
	if (set_number(ctx, "edns-buffer-size", RELAY_BYTES, err) != 0 ||
		set_number(ctx, "infra-cache-min-rtt", RELAY_PATIENCE_MS, err) != 0 ||
		set_number(ctx, "outbound-msg-retry", 1, err) != 0)
		return -1;
	snprintf(address, sizeof(address), "127.0.0.1@%u", relay_port);
	rc = ub_ctx_set_fwd(ctx, address);
	return rc == 0 ? 0 : error_set(err, "dns: upstreams: %s", ub_strerror(rc));
}

static int configure(
	struct ub_ctx *ctx, const struct cfg_dns *config, uint16_t relay_port, struct error *err)
{
	// What it may keep is beside our own cache: NSEC records above all, RFC 8198. There are two
	// of it, so that both together have as much again.
	unsigned long cache_bytes = (unsigned long)config->cache_mib << 18;

	if (set(ctx, "do-not-query-localhost", "no", err) != 0 ||
		set(ctx, "qname-minimisation", "yes", err) != 0 ||
		set(ctx, "aggressive-nsec", "yes", err) != 0 ||
		set(ctx, "harden-dnssec-stripped", "yes", err) != 0 ||
		set(ctx, "use-syslog", "no", err) != 0 || set(ctx, "verbosity", "0", err) != 0 ||
		set(ctx, "target-fetch-policy", "2 1 0 0 0", err) != 0 ||
		set_number(ctx, "cache-max-ttl", config->ttl_max_sec, err) != 0 ||
		set_number(ctx, "msg-cache-size", cache_bytes, err) != 0 ||
		set_number(ctx, "rrset-cache-size", cache_bytes, err) != 0)
		return -1;
	if (config->validates && set_anchors(ctx, config->trust_anchor, err) != 0)
		return -1;
	return set_ways(ctx, config, relay_port, err);
}

static void on_nothing(void *ctx, int rcode, void *packet, int bytes, int verdict, char *why_bogus,
	int was_limited)
{
}

// It reads its files with the first question: with one that it answers by itself, what is wrong
// with them is told before anybody depends on it.
static int read_files(struct ub_ctx *ctx, const struct cfg_dns *config, struct error *err)
{
	int number;
	int rc =
		ub_resolve_event(ctx, "localhost.", DNS_A, DNS_CLASS_IN, NULL, on_nothing, &number);

	if (rc == 0)
		return 0;
	return error_set(err, "dns: libunbound cannot start%s%s%s%s: %s",
		config->trust_anchor != NULL ? ", see " : "",
		config->trust_anchor != NULL ? config->trust_anchor : "",
		config->root_hints != NULL ? ", see " : "",
		config->root_hints != NULL ? config->root_hints : "", ub_strerror(rc));
}

struct ub_ctx *unbound_new(const struct dns_policy *policy, uint16_t relay_port, struct error *err)
{
	struct ub_ctx *ctx = ub_ctx_create_event(policy->base);

	if (ctx == NULL) {
		error_set(err, "dns: libunbound cannot start");
		return NULL;
	}
	ub_ctx_debugout(ctx, NULL);
	if (configure(ctx, &policy->config, relay_port, err) == 0 &&
		read_files(ctx, &policy->config, err) == 0)
		return ctx;
	ub_ctx_delete(ctx);
	return NULL;
}
