// SPDX-License-Identifier: BSD-3-Clause
// The sections `zones`, `sets` and `firewall` of the model.
#include "cfg/model.h"

// An array allocated for it, in two members of the struct.
#define ARRAY(type, elements, n)                                                                   \
	.offset = offsetof(type, elements), .bytes = sizeof(*((type *)0)->elements),               \
	.count_offset = offsetof(type, n), .is_pointer = true

#define MATCH(kind, member)                                                                        \
	.type = MODEL_MATCH, .set_kind = CFG_SET_##kind, .n_max = MODEL_N_ANY,                     \
	ARRAY(struct cfg_rule, member.elements, member.n)

// --- zones ---

static const struct model_key zone_keys[] = {
	{.key = "interfaces",
		.type = MODEL_NAME,
		.help = "the interfaces in it; each is in one zone at most",
		.is_required = true,
		.n_max = CFG_INTERFACES_MAX,
		ARRAY(struct cfg_zone, interfaces.names, interfaces.n)},
	{0},
};

static const char *const zone_reserved[] = {CFG_ZONE_ROUTER, CFG_ZONE_NONE, "any", NULL};

const struct model_object model_zone = {
	.noun = "zone",
	.keys = zone_keys,
	.bytes = sizeof(struct cfg_zone),
	.name_offset = offsetof(struct cfg_zone, name),
	.place_offset = offsetof(struct cfg_zone, place),
	.said_offset = offsetof(struct cfg_zone, said),
	.name_max = CFG_WORD_MAX,
	.reserved_names = zone_reserved,
	.reserved_because =
		"in rules `router` is the router itself, `any` every zone and `none` the "
		"interfaces that are in no zone",
};

// --- sets: each kind is a key, check_sets.c takes the one that is there ---

#define ELEMENTS(kind)                                                                             \
	.type = MODEL_ELEMENT, .set_kind = CFG_SET_##kind, .n_max = MODEL_N_ANY,                   \
	.may_be_empty = true, ARRAY(struct cfg_set, elements, n_elements)

static const struct model_key set_keys[] = {
	{.key = "addresses",
		.help = "addresses, networks and ranges, of IPv4, IPv6 or both",
		ELEMENTS(ADDRESSES)},
	{.key = "ports", .help = "ports and ranges of them, or names of services", ELEMENTS(PORTS)},
	{.key = "macs", .help = "MAC addresses", ELEMENTS(MACS)},
	{.key = "icmp-types", .help = "types of ICMP: names, type or type/code", ELEMENTS(ICMP)},
	{.key = "icmp6-types", .help = "the same of ICMPv6", ELEMENTS(ICMP6)},
	{.key = "interfaces", .help = "interfaces", ELEMENTS(INTERFACES)},
	{.key = "protocols", .help = "protocols: names or numbers", ELEMENTS(PROTOCOLS)},
	{.key = "file",
		.type = MODEL_PATH,
		.help = "a file with more elements, one a line",
		.max = 4095,
		MODEL_AT(struct cfg_set, file)},
	{.key = "names",
		.type = MODEL_TEXT,
		.help = "addresses in the router's own answers to these names are added, as long "
			"as the answer lasts: example.com, or names below: *.example.com",
		.max = CFG_DNS_NAME_BYTES_MAX + 3,
		.n_max = CFG_SET_NAMES_MAX,
		ARRAY(struct cfg_set, names.names, names.n)},
	{.key = "least",
		.type = MODEL_SECONDS,
		.help = "an address that a name added stays that long at least",
		.default_text = "5m",
		.max = CFG_DURATION_MAX_SEC,
		MODEL_AT(struct cfg_set, least_sec)},
	{.key = "timeout",
		.type = MODEL_SECONDS,
		.help = "rules and commands may add addresses, each for so long",
		.min = 1,
		.max = CFG_DURATION_MAX_SEC,
		MODEL_AT(struct cfg_set, timeout_sec)},
	{.key = "capacity",
		.type = MODEL_WHOLE,
		.help = "the most that may be added at a time, beside a timeout; what is more is "
			"refused",
		.default_text = "65536",
		.min = 1,
		.max = CFG_TIMED_CAPACITY_MAX,
		MODEL_AT(struct cfg_set, capacity)},
	{0},
};

static const char *const set_reserved[] = {"any", "not", NULL};

const struct model_object model_set = {
	.noun = "set",
	.keys = set_keys,
	.bytes = sizeof(struct cfg_set),
	.name_offset = offsetof(struct cfg_set, name),
	.place_offset = offsetof(struct cfg_set, place),
	.said_offset = offsetof(struct cfg_set, said),
	.name_max = CFG_WORD_MAX,
	.reserved_names = set_reserved,
	.reserved_because = "it means something else in rules",
};

// --- rules ---

static const struct model_choice families[] = {
	{"ipv4", IP_V4, "IPv4 alone"},
	{"ipv6", IP_V6, "IPv6 alone"},
	{0},
};

static const struct model_choice states[] = {
	{"new", CFG_STATE_NEW, "begins a flow"},
	{"established", CFG_STATE_ESTABLISHED, "belongs to a flow that was answered"},
	{"related", CFG_STATE_RELATED, "an ICMP error about a flow"},
	{"invalid", CFG_STATE_INVALID, "belongs to no flow and can begin none"},
	{0},
};

static const struct model_choice actions[] = {
	{"accept", CFG_ACCEPT, "let it pass"},
	{"drop", CFG_DROP, "drop it in silence"},
	{"reject", CFG_REJECT, "drop it and tell the sender"},
	{"return", CFG_RETURN,
		"back to where the jump was; in input, forward and output: the default"},
	{"continue", CFG_CONTINUE, "the next rule decides"},
	{0},
};

static const struct model_choice rejects[] = {
	{"auto", CFG_REJECT_AUTO, "TCP: a reset; else port unreachable"},
	{"tcp-reset", CFG_REJECT_RST, "TCP: a reset; else administratively prohibited"},
	{"port-unreachable", CFG_REJECT_PORT, "port unreachable"},
	{"host-unreachable", CFG_REJECT_HOST, "host unreachable"},
	{"net-unreachable", CFG_REJECT_NET, "network unreachable (IPv6: no route)"},
	{"admin-prohibited", CFG_REJECT_PROHIBITED, "administratively prohibited"},
	{0},
};

static const struct model_choice ends[] = {
	{"source", false, "who sent the packet"},
	{"destination", true, "whom it is for"},
	{0},
};

static const struct model_key add_keys[] = {
	{.key = "set",
		.type = MODEL_NAME,
		.help = "a set with a timeout",
		.is_required = true,
		.max = CFG_WORD_MAX,
		MODEL_AT(struct cfg_rule, add_set)},
	{.key = "address",
		.type = MODEL_CHOICE,
		.help = "which address of the packet",
		.default_text = "source",
		.choices = ends,
		MODEL_AT(struct cfg_rule, add_destination)},
	{.key = "timeout",
		.type = MODEL_SECONDS,
		.help = "for how long; absent: as the set says",
		.min = 1,
		.max = CFG_DURATION_MAX_SEC,
		MODEL_AT(struct cfg_rule, add_sec)},
	{.key = "ipv6-prefix",
		.type = MODEL_WHOLE,
		.help = "of an IPv6 address, add its network of this length; absent: 64 of a "
			"source, 128 (itself) of a destination",
		.min = 32,
		.max = 128,
		MODEL_AT(struct cfg_rule, add_ip6_len)},
	{0},
};

static const struct model_object add = {
	.noun = "add-to", .keys = add_keys, .said_offset = offsetof(struct cfg_rule, add_said)};

static const struct model_key rule_keys[] = {
	{.key = "from",
		.type = MODEL_NAME,
		.help = "zones it comes from",
		.max = CFG_WORD_MAX,
		.n_max = CFG_ZONES_MAX + 2,
		ARRAY(struct cfg_rule, from.names, from.n)},
	{.key = "to",
		.type = MODEL_NAME,
		.help = "zones it goes to",
		.max = CFG_WORD_MAX,
		.n_max = CFG_ZONES_MAX + 2,
		ARRAY(struct cfg_rule, to.names, to.n)},
	{.key = "in-interface",
		.help = "interfaces it comes in by",
		MATCH(INTERFACES, in_interface)},
	{.key = "out-interface",
		.help = "interfaces it leaves by",
		MATCH(INTERFACES, out_interface)},
	{.key = "family",
		.type = MODEL_CHOICE,
		.help = "one family alone",
		.choices = families,
		MODEL_AT(struct cfg_rule, family)},
	{.key = "source", .help = "addresses it comes from", MATCH(ADDRESSES, source)},
	{.key = "destination", .help = "addresses it goes to", MATCH(ADDRESSES, destination)},
	{.key = "protocol", .help = "protocols", MATCH(PROTOCOLS, protocol)},
	{.key = "port",
		.help = "ports it goes to; of tcp and udp where no protocol is said",
		MATCH(PORTS, port)},
	{.key = "source-port", .help = "ports it comes from", MATCH(PORTS, source_port)},
	{.key = "icmp", .help = "ICMP types", MATCH(ICMP, icmp)},
	{.key = "icmp6", .help = "ICMPv6 types", MATCH(ICMP6, icmp6)},
	{.key = "tcp-flags",
		.type = MODEL_TCP_FLAG,
		.help = "TCP flags that are there, or after `not` are not",
		MODEL_AT(struct cfg_rule, tcp_flags),
		.is_merged = true},
	{.key = "dscp",
		.type = MODEL_DSCP,
		.help = "any of these DSCPs",
		MODEL_AT(struct cfg_rule, dscps),
		.is_merged = true},
	{.key = "mac", .help = "MAC addresses of senders on the same link", MATCH(MACS, mac)},
	{.key = "state",
		.type = MODEL_BITS,
		.help = "what it is to the flows",
		.choices = states,
		MODEL_AT(struct cfg_rule, states),
		.is_merged = true},
	{.key = "dnat",
		.type = MODEL_BOOL,
		.help = "true: only what `forward` or `one-to-one` sent elsewhere; false: only the "
			"rest",
		MODEL_AT(struct cfg_rule, is_dnat),
		.has_offset = offsetof(struct cfg_rule, has_dnat)},
	{.key = "mark",
		.type = MODEL_MARK,
		.help = "mark that an earlier rule has set",
		MODEL_AT(struct cfg_rule, mark)},
	{.key = "time",
		.type = MODEL_TIME,
		.help = "days and hours, in local time",
		MODEL_AT(struct cfg_rule, times[0]),
		.n_max = CFG_TIMES_MAX,
		.count_offset = offsetof(struct cfg_rule, n_times)},
	{.key = "rate",
		.type = MODEL_RATE,
		.help = "only as often; with `over`: only what is more",
		MODEL_AT(struct cfg_rule, rate)},
	{.key = "action",
		.type = MODEL_CHOICE,
		.help = "what happens to the packet",
		.choices = actions,
		MODEL_AT(struct cfg_rule, action)},
	{.key = "jump",
		.type = MODEL_NAME,
		.help = "the rules of this list decide, then the next rule",
		.max = CFG_WORD_MAX,
		MODEL_AT(struct cfg_rule, jump)},
	{.key = "reject-with",
		.type = MODEL_CHOICE,
		.help = "what the sender is told",
		.default_text = "auto",
		.choices = rejects,
		MODEL_AT(struct cfg_rule, reject)},
	{.key = "count",
		.type = MODEL_NAME,
		.help = "counter to count in, beside the rule's own",
		.max = CFG_WORD_MAX,
		MODEL_AT(struct cfg_rule, counter)},
	{.key = "log",
		.type = MODEL_TEXT,
		.help = "log a line that begins with this",
		.max = CFG_LOG_PREFIX_MAX,
		MODEL_AT(struct cfg_rule, log)},
	{.key = "log-rate",
		.type = MODEL_RATE,
		.help = "lines beyond it are counted, not written",
		.default_text = "10/s",
		MODEL_AT(struct cfg_rule, log_rate)},
	{.key = "set-mark",
		.type = MODEL_MARK,
		.help = "mark the packet and its flow",
		MODEL_AT(struct cfg_rule, set_mark)},
	{.key = "add-to",
		.type = MODEL_GROUP,
		.help = "add an address of the packet to a set",
		.object = &add},
	{.key = "comment",
		.type = MODEL_TEXT,
		.help = "why the rule is there; shown with it",
		.max = CFG_COMMENT_MAX,
		MODEL_AT(struct cfg_rule, comment)},
	{0},
};

static const struct model_object rule = {
	.noun = "rule",
	.keys = rule_keys,
	.bytes = sizeof(struct cfg_rule),
	.place_offset = offsetof(struct cfg_rule, place),
	.said_offset = offsetof(struct cfg_rule, said),
};

static const struct model_key list_keys[] = {
	{.key = "rules",
		.type = MODEL_LIST,
		.help = "rules in their order",
		.object = &rule,
		MODEL_AT(struct cfg_list, rules),
		.n_max = MODEL_N_ANY,
		.count_offset = offsetof(struct cfg_list, n_rules)},
	{0},
};

static const struct model_object list = {
	.noun = "list",
	.keys = list_keys,
	.bytes = sizeof(struct cfg_list),
	.name_offset = offsetof(struct cfg_list, name),
	.place_offset = offsetof(struct cfg_list, place),
	.name_max = CFG_WORD_MAX,
	.is_bare = true,
};

// --- hygiene ---

static const struct model_choice reverse_paths[] = {
	{"off", CFG_REVERSE_PATH_OFF, "from anywhere"},
	{"strict", CFG_REVERSE_PATH_STRICT, "only by the interface that leads back to the sender"},
	{"feasible", CFG_REVERSE_PATH_FEASIBLE, "by any interface that could lead back"},
	{"loose", CFG_REVERSE_PATH_LOOSE, "by any, as long as something leads back"},
	{0},
};

#define SWITCH(check)                                                                              \
	.type = MODEL_SWITCH, .bit = CFG_HYGIENE_##check, MODEL_AT(struct cfg_hygiene, checks)

static const struct model_object interface_hygiene;

// Those of one interface, and in front of them the one that only all together have.
static const struct model_key hygiene_keys[] = {
	{.key = "interfaces",
		.type = MODEL_NAMED,
		.help = "what is different on single interfaces",
		.object = &interface_hygiene,
		MODEL_AT(struct cfg_hygiene, interfaces),
		.n_max = CFG_INTERFACES_MAX,
		.count_offset = offsetof(struct cfg_hygiene, n_interfaces)},
	{.key = "tcp-flags",
		.help = "drop TCP with SYN and FIN, SYN and RST, all flags or none",
		SWITCH(TCP_FLAGS)},
	{.key = "tcp-mss",
		.help = "drop a TCP SYN that wants segments below 500 bytes",
		SWITCH(TCP_MSS)},
	{.key = "tcp-new", .help = "drop TCP that begins without SYN", SWITCH(TCP_NEW)},
	{.key = "own-source",
		.help = "drop what claims to come from the router itself",
		SWITCH(OWN_SOURCE)},
	{.key = "martians",
		.help = "drop addresses that cannot be on a wire (RFC 6890)",
		SWITCH(MARTIAN)},
	{.key = "land", .help = "drop what is from and to the same address", SWITCH(LAND)},
	{.key = "broadcast-source",
		.help = "drop what claims to come from a broadcast address",
		SWITCH(BROADCAST_SOURCE)},
	{.key = "routing-header",
		.help = "drop IPv6 routing headers of type 0 (RFC 5095)",
		SWITCH(ROUTING_HEADER)},
	{.key = "private-out",
		.help = "reject private destinations towards the internet",
		SWITCH(PRIVATE_OUT)},
	{.key = "reverse-path",
		.type = MODEL_CHOICE,
		.help = "drop what comes from where no way leads back; absent: strict",
		.choices = reverse_paths,
		MODEL_AT(struct cfg_hygiene, reverse_path)},
	{0},
};

static const struct model_object interface_hygiene = {
	.noun = "interface",
	.keys = hygiene_keys + 1,
	.bytes = sizeof(struct cfg_hygiene),
	.name_offset = offsetof(struct cfg_hygiene, interface),
	.place_offset = offsetof(struct cfg_hygiene, place),
	.said_offset = offsetof(struct cfg_hygiene, said),
};

static const struct model_object hygiene = {
	.noun = "hygiene", .keys = hygiene_keys, .said_offset = offsetof(struct cfg_hygiene, said)};

// --- all of it ---

static const struct model_choice verdicts[] = {
	{"accept", CFG_ACCEPT, "let it pass"},
	{"drop", CFG_DROP, "drop it in silence"},
	{"reject", CFG_REJECT, "drop it and tell the sender"},
	{0},
};

static const struct model_key defaults_keys[] = {
	{.key = "input",
		.type = MODEL_CHOICE,
		.help = "what comes for the router itself",
		.default_text = "drop",
		.choices = verdicts,
		MODEL_AT(struct cfg_firewall, defaults[CFG_HOOK_INPUT])},
	{.key = "forward",
		.type = MODEL_CHOICE,
		.help = "what passes through from one zone to another; within one: accept",
		.default_text = "drop",
		.choices = verdicts,
		MODEL_AT(struct cfg_firewall, defaults[CFG_HOOK_FORWARD])},
	{.key = "output",
		.type = MODEL_CHOICE,
		.help = "what the router itself sends",
		.default_text = "accept",
		.choices = verdicts,
		MODEL_AT(struct cfg_firewall, defaults[CFG_HOOK_OUTPUT])},
	{0},
};

static const struct model_object defaults = {.noun = "defaults",
	.keys = defaults_keys,
	.said_offset = offsetof(struct cfg_firewall, defaults_said)};

#define HOOK(hook)                                                                                 \
	.type = MODEL_LIST, .object = &rule, .n_max = MODEL_N_ANY,                                 \
	MODEL_AT(struct cfg_firewall, hooks[CFG_HOOK_##hook].rules),                               \
	.count_offset = offsetof(struct cfg_firewall, hooks[CFG_HOOK_##hook].n_rules)

static const struct model_key firewall_keys[] = {
	{.key = "defaults",
		.type = MODEL_GROUP,
		.help = "what happens when no rule decides",
		.object = &defaults},
	{.key = "input", .help = "rules for what comes for the router itself", HOOK(INPUT)},
	{.key = "forward", .help = "rules for what passes through", HOOK(FORWARD)},
	{.key = "output", .help = "rules for what the router itself sends", HOOK(OUTPUT)},
	{.key = "lists",
		.type = MODEL_NAMED,
		.help = "rules under a name, for `jump`",
		.object = &list,
		MODEL_AT(struct cfg_firewall, lists),
		.n_max = CFG_LISTS_MAX,
		.count_offset = offsetof(struct cfg_firewall, n_lists)},
	{.key = "hygiene",
		.type = MODEL_GROUP,
		.help = "what is dropped before any rule; all of it is on",
		.object = &hygiene,
		MODEL_AT(struct cfg_firewall, hygiene)},
	{0},
};

const struct model_object model_firewall = {.noun = "firewall",
	.keys = firewall_keys,
	.said_offset = offsetof(struct cfg_firewall, said)};
