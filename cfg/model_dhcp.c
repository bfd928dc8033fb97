// SPDX-License-Identifier: BSD-3-Clause
// The section `dhcp-server` of the model.
#include "cfg/model.h"
#include "cfg/program_file.h"

#define OPTIONS(type_)                                                                             \
	{                                                                                          \
		.key = "options", .type = MODEL_NAMED,                                             \
		.help = "what clients are told, by name (`dns`, `ntp`, `mtu`) or number "          \
			"(`option-176`)",                                                          \
		.object = &option, MODEL_AT(type_, options.list), .n_max = CFG_DHCP_OPTIONS_MAX,   \
		.count_offset = offsetof(type_, options.n)                                         \
	}

#define RANGES(type_, help_)                                                                       \
	.type = MODEL_ELEMENT, .set_kind = CFG_SET_ADDRESSES, .help = help_,                       \
	.offset = offsetof(type_, ranges), .bytes = sizeof(struct cfg_element),                    \
	.n_max = CFG_DHCP_RANGES_MAX, .count_offset = offsetof(type_, n_ranges),                   \
	.is_pointer = true

#define MACS(list, n, help_)                                                                       \
	.type = MODEL_ELEMENT, .set_kind = CFG_SET_MACS, .help = help_,                            \
	.offset = offsetof(struct cfg_dhcp_subnet, list), .bytes = sizeof(struct cfg_element),     \
	.n_max = CFG_DHCP_MACS_MAX, .count_offset = offsetof(struct cfg_dhcp_subnet, n),           \
	.is_pointer = true

static const struct model_key option_keys[] = {
	{.key = "values",
		.type = MODEL_TEXT,
		.help = "as the option's type has it; of other numbers a text, 0x0a0b, or behind "
			"its type: `u16 1400`",
		.max = 255,
		.offset = offsetof(struct cfg_dhcp_option, values),
		.bytes = sizeof(const char *),
		.n_max = CFG_DHCP_VALUES_MAX,
		.count_offset = offsetof(struct cfg_dhcp_option, n_values),
		.is_pointer = true},
	{0},
};

static const struct model_object option = {
	.noun = "option",
	.keys = option_keys,
	.bytes = sizeof(struct cfg_dhcp_option),
	.name_offset = offsetof(struct cfg_dhcp_option, name),
	.place_offset = offsetof(struct cfg_dhcp_option, place),
	.name_max = CFG_WORD_MAX,
	.is_bare = true,
};

#define ID(member)                                                                                 \
	.type = MODEL_TEXT, .max = CFG_DHCP_ID_MAX,                                                \
	MODEL_AT(struct cfg_dhcp_reservation, member.text)

static const struct model_key reservation_keys[] = {
	{.key = "address",
		.type = MODEL_ADDRESS,
		.help = "what it gets, and nobody else",
		.is_required = true,
		MODEL_AT(struct cfg_dhcp_reservation, address)},
	{.key = "mac",
		.type = MODEL_MAC,
		.help = "its card",
		MODEL_AT(struct cfg_dhcp_reservation, mac),
		.has_offset = offsetof(struct cfg_dhcp_reservation, has_mac)},
	{.key = "client-id", ID(client_id), .help = "what it calls itself (option 61)"},
	{.key = "circuit-id", ID(circuit_id), .help = "the relay's port that it is on (option 82)"},
	{.key = "remote-id", ID(remote_id), .help = "the relay's name for it (option 82)"},
	OPTIONS(struct cfg_dhcp_reservation),
	{0},
};

static const struct model_object reservation = {
	.noun = "reservation",
	.keys = reservation_keys,
	.bytes = sizeof(struct cfg_dhcp_reservation),
	.name_offset = offsetof(struct cfg_dhcp_reservation, name),
	.place_offset = offsetof(struct cfg_dhcp_reservation, place),
	.said_offset = offsetof(struct cfg_dhcp_reservation, said),
	.name_max = CFG_WORD_MAX,
};

static const struct model_key class_keys[] = {
	{.key = "vendor",
		.type = MODEL_TEXT,
		.help = "what its vendor class begins with (option 60): `PXEClient`",
		.max = 255,
		MODEL_AT(struct cfg_dhcp_class, vendor)},
	{.key = "user",
		.type = MODEL_TEXT,
		.help = "what its user class begins with (option 77): `iPXE`",
		.max = 255,
		MODEL_AT(struct cfg_dhcp_class, user)},
	{.key = "architectures",
		.type = MODEL_WHOLE,
		.help = "of who boots (option 93): 0 is BIOS, 7 and 9 are UEFI of 64 bits",
		.max = UINT16_MAX,
		MODEL_AT(struct cfg_dhcp_class, architectures[0]),
		.n_max = CFG_DHCP_ARCHITECTURES_MAX,
		.count_offset = offsetof(struct cfg_dhcp_class, n_architectures)},
	OPTIONS(struct cfg_dhcp_class),
	{0},
};

static const struct model_object class = {
	.noun = "class",
	.keys = class_keys,
	.bytes = sizeof(struct cfg_dhcp_class),
	.name_offset = offsetof(struct cfg_dhcp_class, name),
	.place_offset = offsetof(struct cfg_dhcp_class, place),
	.said_offset = offsetof(struct cfg_dhcp_class, said),
	.name_max = CFG_WORD_MAX,
};

static const struct model_key pool_keys[] = {
	{.key = "range",
		RANGES(struct cfg_dhcp_pool, "the addresses, one range or several"),
		.is_required = true},
	{.key = "class",
		.type = MODEL_NAME,
		.help = "only for clients of this class",
		.max = CFG_WORD_MAX,
		MODEL_AT(struct cfg_dhcp_pool, class)},
	OPTIONS(struct cfg_dhcp_pool),
	{0},
};

static const struct model_object pool = {
	.noun = "pool",
	.keys = pool_keys,
	.bytes = sizeof(struct cfg_dhcp_pool),
	.name_offset = offsetof(struct cfg_dhcp_pool, name),
	.place_offset = offsetof(struct cfg_dhcp_pool, place),
	.said_offset = offsetof(struct cfg_dhcp_pool, said),
	.name_max = CFG_WORD_MAX,
};

#define TIME(member)                                                                               \
	.type = MODEL_SECONDS, .min = 60, .max = CFG_DURATION_MAX_SEC,                             \
	MODEL_AT(struct cfg_dhcp_subnet, member)
#define SWITCH(member) .type = MODEL_BOOL, MODEL_AT(struct cfg_dhcp_subnet, member)

static const struct model_key subnet_keys[] = {
	{.key = "pool",
		RANGES(struct cfg_dhcp_subnet,
			"addresses to give: 198.18.0.100-198.18.0.240, one range or several")},
	{.key = "interface",
		.type = MODEL_NAME,
		.help = "where its hosts are, or their relay's messages come in; absent: the one "
			"of its name",
		MODEL_AT(struct cfg_dhcp_subnet, interface)},
	{.key = "relayed",
		SWITCH(is_relayed),
		.help = "its hosts are behind a relay, none is on the interface itself",
		.default_text = "false"},
	{.key = "subnet",
		.type = MODEL_NETWORK,
		.help = "absent: the interface's first of IPv4",
		.family = IP_V4,
		MODEL_AT(struct cfg_dhcp_subnet, subnet)},
	{.key = "pools",
		.type = MODEL_NAMED,
		.help = "more addresses, with options of their own or for a class",
		.object = &pool,
		MODEL_AT(struct cfg_dhcp_subnet, pools),
		.n_max = CFG_DHCP_POOLS_MAX,
		.count_offset = offsetof(struct cfg_dhcp_subnet, n_pools)},
	{.key = "reservations",
		.type = MODEL_NAMED,
		.help = "hosts that always get the same address, by their names",
		.object = &reservation,
		MODEL_AT(struct cfg_dhcp_subnet, reservations),
		.n_max = CFG_DHCP_RESERVATIONS_MAX,
		.count_offset = offsetof(struct cfg_dhcp_subnet, n_reservations)},
	{.key = "classes",
		.type = MODEL_NAMED,
		.help = "kinds of clients",
		.object = &class,
		MODEL_AT(struct cfg_dhcp_subnet, classes),
		.n_max = CFG_DHCP_CLASSES_MAX,
		.count_offset = offsetof(struct cfg_dhcp_subnet, n_classes)},
	OPTIONS(struct cfg_dhcp_subnet),
	{.key = "lease-time",
		TIME(lease_sec),
		.help = "how long an address is given for",
		.default_text = "12h"},
	{.key = "renew",
		TIME(renew_sec),
		.help = "when its host asks for more; absent: after half of the time"},
	{.key = "rebind",
		TIME(rebind_sec),
		.help = "when it asks whichever server; absent: after seven eighths"},
	{.key = "authoritative",
		SWITCH(is_authoritative),
		.help = "no other server is here: who has a wrong address is told so at once",
		.default_text = "true"},
	{.key = "rapid-commit",
		SWITCH(has_rapid_commit),
		.help = "two messages in place of four for clients that ask for it (RFC 4039)",
		.default_text = "false"},
	{.key = "only-reserved",
		SWITCH(has_only_reserved),
		.help = "nobody gets an address who has no reservation",
		.default_text = "false"},
	{.key = "conflict-check",
		SWITCH(checks_conflicts),
		.help = "ask by ARP before an address goes to somebody new",
		.default_text = "true"},
	{.key = "allow", MACS(allowed, n_allowed, "only these cards are served")},
	{.key = "deny", MACS(denied, n_denied, "these are not")},
	{.key = "hook",
		.type = MODEL_PATH,
		.help = "a program to run when a lease is given, renewed or over",
		.max = PROGRAM_PATH_BYTES_MAX,
		MODEL_AT(struct cfg_dhcp_subnet, hook)},
	{.key = "per-host",
		.type = MODEL_WHOLE,
		.help = "the most addresses of one card, or of one circuit of a relay, whatever "
			"names it takes",
		.default_text = "16",
		.min = 1,
		.max = CFG_DHCP_ADDRESSES_MAX,
		MODEL_AT(struct cfg_dhcp_subnet, per_host)},
	{0},
};

const struct model_object model_dhcp_subnet = {
	.noun = "dhcp-server",
	.keys = subnet_keys,
	.bytes = sizeof(struct cfg_dhcp_subnet),
	.name_offset = offsetof(struct cfg_dhcp_subnet, name),
	.place_offset = offsetof(struct cfg_dhcp_subnet, place),
	.said_offset = offsetof(struct cfg_dhcp_subnet, said),
};
