// SPDX-License-Identifier: BSD-3-Clause
// What the section `dns` says about names that are answered without asking anybody.
#include "cfg/model.h"

enum { PATH_BYTES_MAX = 4095, TTL_SEC_MAX = 7 * 86400 };

#define TTL(type_)                                                                                 \
	{                                                                                          \
		.key = "ttl", .type = MODEL_SECONDS, .help = "how long who asked may remember it", \
		.default_text = "5m", .max = TTL_SEC_MAX, MODEL_AT(type_, ttl_sec)                 \
	}

#define LIST_OF(type_, member, n, max_)                                                            \
	.n_max = (max_), .count_offset = offsetof(type_, n), MODEL_AT(type_, member[0])

#define NAMES(type_, member)                                                                       \
	.type = MODEL_TEXT, .max = CFG_DNS_NAME_BYTES_MAX + 1, .n_max = CFG_DNS_EXEMPT_MAX,        \
	.offset = offsetof(type_, member.names), .bytes = sizeof(const char *),                    \
	.count_offset = offsetof(type_, member.n), .is_pointer = true

static const struct model_key record_keys[] = {
	{.key = "name",
		.type = MODEL_TEXT,
		.help = "the whole name",
		.is_required = true,
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		MODEL_AT(struct cfg_dns_record, name)},
	{.key = "addresses",
		.type = MODEL_ADDRESS,
		.help = "its addresses; each has the name in the reverse tree too, the first that "
			"says so",
		LIST_OF(struct cfg_dns_record, addresses, n_addresses, CFG_DNS_DATA_MAX)},
	{.key = "cname",
		.type = MODEL_TEXT,
		.help = "the name that it stands for, then nothing else",
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		MODEL_AT(struct cfg_dns_record, cname)},
	{.key = "ptr",
		.type = MODEL_TEXT,
		.help = "the name that it leads to, in the reverse tree",
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		MODEL_AT(struct cfg_dns_record, ptr)},
	{.key = "mx",
		.type = MODEL_TEXT,
		.help = "who takes its mail: 10 mail.example.com",
		.max = CFG_DNS_DATA_TEXT_MAX,
		LIST_OF(struct cfg_dns_record, mx, n_mx, CFG_DNS_DATA_MAX)},
	{.key = "srv",
		.type = MODEL_TEXT,
		.help = "who serves: priority, weight, port and name, 0 0 5060 sip.example.com",
		.max = CFG_DNS_DATA_TEXT_MAX,
		LIST_OF(struct cfg_dns_record, srv, n_srv, CFG_DNS_DATA_MAX)},
	{.key = "txt",
		.type = MODEL_TEXT,
		.help = "texts",
		.max = CFG_DNS_TXT_MAX,
		LIST_OF(struct cfg_dns_record, txt, n_txt, CFG_DNS_DATA_MAX)},
	TTL(struct cfg_dns_record),
	{0},
};

const struct model_object model_dns_record = {
	.noun = "record",
	.keys = record_keys,
	.bytes = sizeof(struct cfg_dns_record),
	.place_offset = offsetof(struct cfg_dns_record, place),
	.said_offset = offsetof(struct cfg_dns_record, said),
};

static const struct model_key zone_keys[] = {
	{.key = "name",
		.type = MODEL_TEXT,
		.help = "the domain; what no record or lease has is not there",
		.is_required = true,
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		MODEL_AT(struct cfg_dns_zone, name)},
	{.key = "addresses",
		.type = MODEL_ADDRESS,
		.help = "every name in it has these, but for what records say",
		LIST_OF(struct cfg_dns_zone, addresses, n_addresses, CFG_DNS_DATA_MAX)},
	TTL(struct cfg_dns_zone),
	{0},
};

const struct model_object model_dns_zone = {
	.noun = "zone",
	.keys = zone_keys,
	.bytes = sizeof(struct cfg_dns_zone),
	.place_offset = offsetof(struct cfg_dns_zone, place),
	.said_offset = offsetof(struct cfg_dns_zone, said),
};

static const struct model_key list_keys[] = {
	{.key = "file",
		.type = MODEL_PATH,
		.help = "its lines: 0.0.0.0 name as in a file of hosts, a name with all below it, "
			"or ||name^ and @@||name^ as blockers of browsers have them",
		.is_required = true,
		.max = PATH_BYTES_MAX,
		MODEL_AT(struct cfg_dns_list, file)},
	{0},
};

const struct model_object model_dns_list = {
	.noun = "list",
	.keys = list_keys,
	.bytes = sizeof(struct cfg_dns_list),
	.name_offset = offsetof(struct cfg_dns_list, name),
	.place_offset = offsetof(struct cfg_dns_list, place),
	.said_offset = offsetof(struct cfg_dns_list, said),
	.name_max = CFG_WORD_MAX,
};

static const struct model_choice answers[] = {
	{"nxdomain", CFG_DNS_BLOCK_NXDOMAIN, "the name is not there"},
	{"zero", CFG_DNS_BLOCK_ZERO, "its addresses are 0.0.0.0 and ::"},
	{"refused", CFG_DNS_BLOCK_REFUSED, "the question is refused"},
	{0},
};

static const struct model_key blocking_keys[] = {
	{.key = "clients",
		.type = MODEL_TEXT,
		.help = "who asks: addresses, networks, MAC addresses of cards, hosts by the name "
			"that DHCP knows them by; absent: everybody",
		.max = CFG_DNS_NAME_BYTES_MAX + 1,
		LIST_OF(struct cfg_dns_blocking, clients, n_clients, CFG_DNS_CLIENTS_MAX)},
	{.key = "lists",
		.type = MODEL_NAME,
		.help = "block lists that count for them",
		.max = CFG_WORD_MAX,
		LIST_OF(struct cfg_dns_blocking, lists, n_lists, CFG_DNS_LISTS_MAX)},
	{.key = "names",
		NAMES(struct cfg_dns_blocking, names),
		.help = "domains that are blocked too, whatever the lists say"},
	{.key = "allow",
		NAMES(struct cfg_dns_blocking, allow),
		.help = "domains that are not, whatever the lists and `names` say"},
	{.key = "answer",
		.type = MODEL_CHOICE,
		.help = "what is said of a blocked name",
		.default_text = "nxdomain",
		.choices = answers,
		MODEL_AT(struct cfg_dns_blocking, answer)},
	{0},
};

const struct model_object model_dns_blocking = {
	.noun = "blocking",
	.keys = blocking_keys,
	.bytes = sizeof(struct cfg_dns_blocking),
	.place_offset = offsetof(struct cfg_dns_blocking, place),
	.said_offset = offsetof(struct cfg_dns_blocking, said),
};

static const struct model_key rebind_keys[] = {
	{.key = "allow",
		.type = MODEL_BOOL,
		.help = "they are believed",
		.default_text = "false",
		MODEL_AT(struct config, dns.local.is_rebind_allowed)},
	{.key = "domains",
		NAMES(struct config, dns.local.rebind_exempt),
		.help = "they are believed of these domains; of `domains` that have upstreams of "
			"their own they always are"},
	{0},
};

const struct model_object model_dns_rebind = {.noun = "rebind",
	.keys = rebind_keys,
	.said_offset = offsetof(struct config, dns.local.rebind_said)};
