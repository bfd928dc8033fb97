// SPDX-License-Identifier: BSD-3-Clause
// The sections `flows` and `nat` of the model.
#include "cfg/model.h"

// One value or a list of them, in the struct cfg_match `member`.
#define MATCH(kind, member)                                                                        \
	.set_kind = CFG_SET_##kind, .offset = offsetof(struct cfg_nat, member.elements),           \
	.bytes = sizeof(struct cfg_element), .n_max = MODEL_N_ANY,                                 \
	.count_offset = offsetof(struct cfg_nat, member.n), .is_pointer = true

// Names of interfaces, one or several.
#define INTERFACES                                                                                 \
	.type = MODEL_NAME, .offset = offsetof(struct cfg_nat, interfaces.names),                  \
	.bytes = sizeof(const char *), .n_max = CFG_INTERFACES_MAX,                                \
	.count_offset = offsetof(struct cfg_nat, interfaces.n), .is_pointer = true

#define TIMEOUT(member)                                                                            \
	.type = MODEL_SECONDS, .min = 1, .max = CFG_DURATION_MAX_SEC,                              \
	MODEL_AT(struct cfg_timeouts, member)

// --- flows ---

static const struct model_key timeouts_keys[] = {
	{.key = "tcp-unreplied",
		.help = "a TCP connection that is not set up yet (4m)",
		TIMEOUT(tcp_unreplied)},
	{.key = "tcp-established", .help = "one that is set up (2h4m)", TIMEOUT(tcp_established)},
	{.key = "tcp-closing", .help = "one that a side has closed (4m)", TIMEOUT(tcp_closing)},
	{.key = "tcp-closed", .help = "one that is over (10s)", TIMEOUT(tcp_closed)},
	{.key = "udp-unreplied", .help = "UDP without an answer (2m)", TIMEOUT(udp_unreplied)},
	{.key = "udp-assured", .help = "UDP both ways (5m)", TIMEOUT(udp_assured)},
	{.key = "icmp", .help = "ICMP queries (1m)", TIMEOUT(icmp)},
	{.key = "other", .help = "other protocols (10m)", TIMEOUT(other)},
	{0},
};

static const struct model_object timeouts = {.noun = "timeouts",
	.keys = timeouts_keys,
	.said_offset = offsetof(struct cfg_timeouts, said)};

#define HELPER(member)                                                                             \
	.type = MODEL_WHOLE, .min = 1, .max = UINT16_MAX, .n_max = CFG_HELPER_PORTS_MAX,           \
	.count_offset = offsetof(struct cfg_helpers, n_##member),                                  \
	MODEL_AT(struct cfg_helpers, member[0])

static const struct model_key helpers_keys[] = {
	{.key = "ftp",
		.help = "ports of FTP servers, most often 21: data connections of both modes",
		HELPER(ftp)},
	{.key = "tftp",
		.help = "ports of TFTP servers, most often 69: answers from another port",
		HELPER(tftp)},
	{0},
};

static const struct model_object helpers = {
	.noun = "helpers", .keys = helpers_keys, .said_offset = offsetof(struct cfg_helpers, said)};

static const struct model_key flows_keys[] = {
	{.key = "capacity",
		.type = MODEL_WHOLE,
		.help = "flows the router can hold at a time; absent: 262144, fewer on a machine "
			"with little memory",
		.min = 1024,
		.max = 100000000,
		MODEL_AT(struct config, flow_capacity)},
	{.key = "per-host",
		.type = MODEL_WHOLE,
		.help = "the most of one host inside; of several workers each keeps its part of "
			"that, "
			"rounded up; absent: its share when they run out",
		.min = 1,
		.max = 100000000,
		MODEL_AT(struct config, host_flows_max)},
	{.key = "timeouts",
		.type = MODEL_GROUP,
		.help = "how long a flow is kept without a packet",
		.object = &timeouts,
		MODEL_AT(struct config, timeouts)},
	{.key = "helpers",
		.type = MODEL_GROUP,
		.help = "protocols that announce another connection in their data; absent: none is "
			"read",
		.object = &helpers,
		MODEL_AT(struct config, helpers)},
	{.key = "pick-up",
		.type = MODEL_BOOL,
		.help = "take TCP connections that began before the router did; absent: without "
			"firewall",
		MODEL_AT(struct config, picks_up),
		.has_offset = offsetof(struct config, has_pick_up)},
	{0},
};

const struct model_object model_flows = {
	.noun = "flows", .keys = flows_keys, .said_offset = offsetof(struct config, flows_said)};

// --- nat: each kind is a key, check_nat.c knows which go together ---

// A rule is of one kind.
#define KIND_SAID .said_offset = offsetof(struct cfg_nat, kind_said)

static const struct model_key pair_keys[] = {
	{.key = "inside",
		.type = MODEL_PREFIX,
		.help = "address or network inside",
		.is_required = true,
		MODEL_AT(struct cfg_nat, inside)},
	{.key = "outside",
		.type = MODEL_PREFIX,
		.help = "what it is seen as, of the same size",
		.is_required = true,
		MODEL_AT(struct cfg_nat, outside)},
	{0},
};

static const struct model_object one_to_one = {.noun = "one-to-one", .keys = pair_keys, KIND_SAID};
static const struct model_object prefix = {.noun = "prefix", .keys = pair_keys, KIND_SAID};

// Those of a redirect, and in front of them what only a forward has.
static const struct model_key forward_keys[] = {
	{.key = "to",
		.type = MODEL_PREFIX,
		.help = "address of the host inside",
		.is_required = true,
		MODEL_AT(struct cfg_nat, inside)},
	{.key = "protocol",
		.type = MODEL_MATCH,
		.help = "absent: tcp and udp where there are ports, everything where there are "
			"none",
		MATCH(PROTOCOLS, protocol)},
	{.key = "ports",
		.type = MODEL_ELEMENT,
		.help = "as packets come; absent: every one",
		MATCH(PORTS, ports)},
	{.key = "to-port",
		.type = MODEL_WHOLE,
		.help = "what the first of the ports becomes, the others follow; absent: unchanged",
		.min = 1,
		.max = UINT16_MAX,
		MODEL_AT(struct cfg_nat, inside_port)},
	{0},
};

static const struct model_object forward = {.noun = "forward", .keys = forward_keys, KIND_SAID};
static const struct model_object redirect = {
	.noun = "redirect", .keys = forward_keys + 1, KIND_SAID};

static const struct model_choice families[] = {
	{"ipv4", IP_V4, "IPv4 alone"},
	{"ipv6", IP_V6, "IPv6 alone"},
	{"both", IP_NONE, "IPv4 and IPv6"},
	{0},
};

static const struct model_key nat_keys[] = {
	{.key = "masquerade",
		.help = "what leaves by this interface gets its address",
		.none_text = "any",
		INTERFACES},
	{.key = "source",
		.type = MODEL_PREFIX,
		.help = "what leaves gets this address, or one of this network",
		MODEL_AT(struct cfg_nat, outside)},
	{.key = "one-to-one",
		.type = MODEL_GROUP,
		.help = "an address outside for each inside, both ways",
		.object = &one_to_one},
	{.key = "forward",
		.type = MODEL_GROUP,
		.help = "what comes for these ports goes to a host inside",
		.object = &forward},
	{.key = "redirect",
		.type = MODEL_GROUP,
		.help = "what comes for these ports goes to the router itself",
		.object = &redirect},
	{.key = "prefix",
		.type = MODEL_GROUP,
		.help = "one IPv6 prefix for another, both ways (NPTv6)",
		.object = &prefix},
	{.key = "exempt",
		.help = "what leaves by this interface stays as it is",
		.none_text = "any",
		INTERFACES},
	{.key = "interface",
		.help = "where it leaves (source), or comes in (the others); absent: anywhere",
		INTERFACES},
	{.key = "address",
		.type = MODEL_PREFIX,
		.help = "where packets to forward or redirect are sent to; absent: the interface's "
			"address, whichever it is",
		MODEL_AT(struct cfg_nat, outside)},
	{.key = "from",
		.type = MODEL_MATCH,
		.help = "only for these sources; absent: all",
		MATCH(ADDRESSES, from)},
	{.key = "to",
		.type = MODEL_MATCH,
		.help = "only for these destinations; absent: all",
		MATCH(ADDRESSES, to)},
	{.key = "protocol",
		.type = MODEL_MATCH,
		.help = "only these protocols; absent: all",
		MATCH(PROTOCOLS, protocol)},
	{.key = "family",
		.type = MODEL_CHOICE,
		.help = "where no address tells; absent: ipv4 for masquerade, both for the others",
		.choices = families,
		MODEL_AT(struct cfg_nat, family)},
	{.key = "random-ports",
		.type = MODEL_BOOL,
		.help = "ports at random even where the host's own is free",
		.default_text = "false",
		MODEL_AT(struct cfg_nat, is_random)},
	{.key = "keep-parity",
		.type = MODEL_BOOL,
		.help = "an even port for an even one, an odd one for an odd one",
		.default_text = "false",
		MODEL_AT(struct cfg_nat, keeps_parity)},
	{.key = "full-cone",
		.type = MODEL_BOOL,
		.help = "anybody may answer to a port in use, not just who was asked",
		.default_text = "false",
		MODEL_AT(struct cfg_nat, is_full_cone)},
	{0},
};

const struct model_object model_nat = {
	.noun = "nat rule",
	.keys = nat_keys,
	.bytes = sizeof(struct cfg_nat),
	.place_offset = offsetof(struct cfg_nat, place),
	.said_offset = offsetof(struct cfg_nat, said),
};
