// SPDX-License-Identifier: BSD-3-Clause
// What the router answers to questions for names by itself, as the section `dns` of a config says
// it: records and zones, what is blocked for whom, which upstreams' answers are not believed. Plain
// data in the config's arena; names are checked, as text. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/firewall.h"
#include "cfg/place.h"

enum {
	CFG_DNS_RECORDS_MAX = 65536,
	CFG_DNS_ZONES_MAX = 4096,
	CFG_DNS_DATA_MAX = 16,	     // values of one kind of one record
	CFG_DNS_DATA_TEXT_MAX = 280, // "0 5 5060 sip.example.com"
	CFG_DNS_TXT_MAX = 1023,
	CFG_DNS_LISTS_MAX = 32,
	CFG_DNS_BLOCKING_MAX = 64,
	CFG_DNS_CLIENTS_MAX = 64, // of one entry of `blocking`
	CFG_DNS_EXEMPT_MAX = 1024,
};

struct cfg_dns_record {
	struct cfg_place place;
	uint64_t said;
	const char *name;
	struct ip_addr addresses[CFG_DNS_DATA_MAX];
	unsigned n_addresses;
	const char *cname, *ptr; // names, or NULL
	const char *mx[CFG_DNS_DATA_MAX], *srv[CFG_DNS_DATA_MAX], *txt[CFG_DNS_DATA_MAX];
	unsigned n_mx, n_srv, n_txt;
	uint32_t ttl_sec;
};

// A domain that is ours: what no record has is not there; with addresses every name has them.
struct cfg_dns_zone {
	struct cfg_place place;
	uint64_t said;
	const char *name;
	struct ip_addr addresses[CFG_DNS_DATA_MAX];
	unsigned n_addresses;
	uint32_t ttl_sec;
};

struct cfg_dns_list {
	const char *name;
	struct cfg_place place;
	uint64_t said;
	const char *file;
};

enum cfg_dns_block_answer {
	CFG_DNS_BLOCK_NXDOMAIN = 0,
	CFG_DNS_BLOCK_ZERO, // 0.0.0.0 and ::
	CFG_DNS_BLOCK_REFUSED,
};

// Who asks for names: addresses, a card, or a host by the name that DHCP knows it by.
enum cfg_dns_client_kind {
	CFG_DNS_CLIENT_PREFIX = 0,
	CFG_DNS_CLIENT_CARD,
	CFG_DNS_CLIENT_HOST,
};

struct cfg_dns_client {
	enum cfg_dns_client_kind kind;
	struct ip_prefix prefix;
	struct mac_addr card;
	const char *host; // the text itself
};

// The first whose clients have who asks decides.
struct cfg_dns_blocking {
	struct cfg_place place;
	uint64_t said;
	const char *clients[CFG_DNS_CLIENTS_MAX]; // none: everybody
	unsigned n_clients;
	const char *lists[CFG_DNS_LISTS_MAX]; // none: nothing is blocked but `names`
	unsigned n_lists;
	struct cfg_names allow, names; // domains, with what is below them
	enum cfg_dns_block_answer answer;
};

struct cfg_dns_local {
	struct cfg_dns_record *records;
	unsigned n_records;
	struct cfg_dns_zone *zones;
	unsigned n_zones;
	const char *domain; // of the names of leases
	struct cfg_dns_list *lists;
	unsigned n_lists;
	struct cfg_dns_blocking *blocking;
	unsigned n_blocking;
	bool is_rebind_allowed;
	struct cfg_names rebind_exempt; // domains
	bool is_canary;
	uint64_t rebind_said;
};

struct cfg_dns_mx {
	uint16_t preference;
	const char *target; // within the text
};

struct cfg_dns_srv {
	uint16_t priority, weight, port;
	const char *target;
};

// "198.18.0.0/24", "02:00:5e:00:53:01", "tv". False: it is none of these.
bool cfg_dns_client_parse(const char *text, struct cfg_dns_client *out);
// "10 mail.example.com"; "0 5 5060 sip.example.com". False: it is none.
bool cfg_dns_mx_parse(const char *text, struct cfg_dns_mx *out);
bool cfg_dns_srv_parse(const char *text, struct cfg_dns_srv *out);
