// SPDX-License-Identifier: BSD-3-Clause
// The section `dns` of the model.
#include "cfg/model.h"

enum {
	PATH_BYTES_MAX = 4095,
	RATE_MAX = 1000000,
	CACHE_MIB_MAX = 65536,
	TTL_SEC_MAX = 7 * 86400,
	STALE_SEC_MAX = 7 * 86400,
};

#define UPSTREAMS(type_, member)                                                                   \
	.type = MODEL_TEXT, .max = CFG_DNS_UPSTREAM_TEXT_MAX, .n_max = CFG_DNS_UPSTREAMS_MAX,      \
	.count_offset = offsetof(type_, member.n), MODEL_AT(type_, member.texts[0])

static const struct model_key domain_keys[] = {
	{.key = "names",
		.type = MODEL_TEXT,
		.help = "domains: they and all names below; the longest that fits decides",
		.is_required = true,
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		.n_max = CFG_DNS_DOMAIN_NAMES_MAX,
		.count_offset = offsetof(struct cfg_dns_domain, n_names),
		MODEL_AT(struct cfg_dns_domain, names[0])},
	{.key = "upstreams",
		UPSTREAMS(struct cfg_dns_domain, upstreams),
		.help = "who is asked for them, written as those for all names",
		.is_required = true},
	{0},
};

static const struct model_object domain = {
	.noun = "domain",
	.keys = domain_keys,
	.bytes = sizeof(struct cfg_dns_domain),
	.place_offset = offsetof(struct cfg_dns_domain, place),
	.said_offset = offsetof(struct cfg_dns_domain, said),
};

static const struct model_key dns_keys[] = {
	{.key = "listen",
		.type = MODEL_NAME,
		.help = "interfaces on which it answers; lo is the router's own loopback",
		.is_required = true,
		.n_max = CFG_DNS_LISTEN_MAX,
		.count_offset = offsetof(struct config, dns.n_listen),
		MODEL_AT(struct config, dns.listen[0])},
	{.key = "port",
		.type = MODEL_WHOLE,
		.help = "UDP and TCP port on which it answers",
		.default_text = "53",
		.min = 1,
		.max = UINT16_MAX,
		MODEL_AT(struct config, dns.port)},
	{.key = "access",
		.type = MODEL_PREFIX,
		.help = "who is answered, all others are refused; absent: everybody on those "
			"interfaces",
		.n_max = CFG_DNS_ACCESS_MAX,
		.count_offset = offsetof(struct config, dns.n_access),
		MODEL_AT(struct config, dns.access[0])},
	{.key = "upstreams",
		UPSTREAMS(struct config, dns.upstreams),
		.help = "who is asked: 203.0.113.53, or 203.0.113.53 tls dns.example.net, which "
			"is never asked without TLS; absent: the servers of each zone, from the "
			"root"},
	{.key = "tls-certificates",
		.type = MODEL_PATH,
		.help = "file of the certificates that upstreams are checked against; absent: the "
			"machine's",
		.max = PATH_BYTES_MAX,
		MODEL_AT(struct config, dns.tls_certificates)},
	{.key = "domains",
		.type = MODEL_LIST,
		.help = "domains that have upstreams of their own",
		.object = &domain,
		MODEL_AT(struct config, dns.domains),
		.n_max = CFG_DNS_DOMAINS_MAX,
		.count_offset = offsetof(struct config, dns.n_domains)},
	{.key = "dnssec",
		.type = MODEL_BOOL,
		.help = "answers are validated, forged ones withheld; not for `domains`",
		.default_text = "false",
		MODEL_AT(struct config, dns.validates)},
	{.key = "trust-anchor",
		.type = MODEL_PATH,
		.help = "file of DS or DNSKEY records to begin with; absent: the root's keys",
		.max = PATH_BYTES_MAX,
		MODEL_AT(struct config, dns.trust_anchor)},
	{.key = "rate",
		.type = MODEL_WHOLE,
		.help = "UDP answers a second to one address (IPv6: /56); of those beyond, every "
			"second is cut, to be asked for by TCP; 0: no limit",
		.default_text = "0",
		.max = RATE_MAX,
		MODEL_AT(struct config, dns.rate)},
	{.key = "cache",
		.type = MODEL_WHOLE,
		.help = "MiB of answers that are kept; 0: none",
		.default_text = "8",
		.max = CACHE_MIB_MAX,
		MODEL_AT(struct config, dns.cache_mib)},
	{.key = "ttl-min",
		.type = MODEL_SECONDS,
		.help = "an answer is kept that long at least",
		.default_text = "0s",
		.max = TTL_SEC_MAX,
		MODEL_AT(struct config, dns.ttl_min_sec)},
	{.key = "ttl-max",
		.type = MODEL_SECONDS,
		.help = "and that long at most",
		.default_text = "1d",
		.min = 1,
		.max = TTL_SEC_MAX,
		MODEL_AT(struct config, dns.ttl_max_sec)},
	{.key = "stale",
		.type = MODEL_SECONDS,
		.help = "how long after its end an answer may be given when no upstream does "
			"(RFC 8767); 0s: never",
		.default_text = "1d",
		.max = STALE_SEC_MAX,
		MODEL_AT(struct config, dns.stale_sec)},
	{0},
};

const struct model_object model_dns = {
	.noun = "dns", .keys = dns_keys, .said_offset = offsetof(struct config, dns.said)};
