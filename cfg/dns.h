// SPDX-License-Identifier: BSD-3-Clause
// What the router's DNS forwarder is to do, as the section `dns` of a config says it. Plain data;
// dns_upstream_parse in any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"
#include "cfg/dns_local.h"
#include "cfg/place.h"

enum {
	CFG_DNS_LISTEN_MAX = 64,
	CFG_DNS_ACCESS_MAX = 256,
	CFG_DNS_MDNS_MAX = 16,
	CFG_DNS_UPSTREAMS_MAX = 16, // of one group
	CFG_DNS_DOMAINS_MAX = 256,
	CFG_DNS_DOMAIN_NAMES_MAX = 64, // of one entry
	CFG_DNS_NAME_BYTES_MAX = 253,  // RFC 1035 section 2.3.4, as text without the last dot
	CFG_DNS_UPSTREAM_TEXT_MAX = 340,
};

enum cfg_dns_port {
	CFG_DNS_PORT = 53,
	CFG_DNS_TLS_PORT = 853, // RFC 7858 section 3.1
};

struct cfg_dns_upstream {
	struct ip_addr address;
	uint16_t port;
	char tls_name[CFG_DNS_NAME_BYTES_MAX + 1]; // that its certificate has; "": no TLS
};

// As the file has them: "203.0.113.53", "203.0.113.53 tls dns.example.net port 853".
struct cfg_dns_upstreams {
	const char *texts[CFG_DNS_UPSTREAMS_MAX];
	unsigned n;
};

// Names below these domains are asked elsewhere.
struct cfg_dns_domain {
	struct cfg_place place;
	uint64_t said;
	const char *names[CFG_DNS_DOMAIN_NAMES_MAX];
	unsigned n_names;
	struct cfg_dns_upstreams upstreams;
};

struct cfg_dns {
	bool is_there;
	uint64_t said;
	const char *listen[CFG_DNS_LISTEN_MAX]; // interfaces, or lo
	unsigned n_listen;
	uint16_t port;
	struct ip_prefix access[CFG_DNS_ACCESS_MAX]; // none: everybody on those interfaces
	unsigned n_access;
	struct cfg_dns_upstreams upstreams; // none: full recursion from the root
	const char *tls_certificates;	    // file of those that are trusted; NULL: the machine's
	struct cfg_dns_domain *domains;
	unsigned n_domains;
	const char *mdns[CFG_DNS_MDNS_MAX]; // interfaces on which .local names are asked for
	unsigned n_mdns;
	bool validates;		  // DNSSEC
	const char *trust_anchor; // file; NULL: the root's built-in keys
	const char *root_hints;	  // file; NULL: the built-in servers of the root
	uint32_t rate;		  // UDP answers a second to one client; 0: no limit
	uint32_t cache_mib;
	uint32_t ttl_min_sec, ttl_max_sec;
	uint32_t stale_sec; // that an answer may be used after its end; 0: never
	struct cfg_dns_local local;
};

// 0, or -1 with what is wrong and what is expected.
int cfg_dns_upstream_parse(const char *text, struct cfg_dns_upstream *out, struct error *err);
// Whether the text stands for the servers that uplinks are told of.
bool cfg_dns_upstream_is_learned(const char *text);
bool cfg_dns_wants_learned(const struct cfg_dns *dns);
// Whether it is a domain name as text: labels of 1 to 63 bytes, a dot at the end is fine.
bool cfg_dns_is_name(const char *text);
