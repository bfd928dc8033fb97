// SPDX-License-Identifier: BSD-3-Clause
// The section `log` of the model.
#include "cfg/model.h"

#include <assert.h>

static const struct model_choice level_choices[] = {
	{"error", LOG_LEVEL_ERROR, "what does not work"},
	{"warning", LOG_LEVEL_WARNING, "and what will not for long"},
	{"info", LOG_LEVEL_INFO, "and what has changed"},
	{"debug", LOG_LEVEL_DEBUG, "and how it came to that"},
	{0},
};

#define LEVEL(member)                                                                              \
	.type = MODEL_CHOICE, .choices = level_choices, MODEL_AT(struct config, log.member)
#define LEVEL_OF(part)                                                                             \
	LEVEL(parts[LOG_PART_##part].level),                                                       \
		.has_offset = offsetof(struct config, log.parts[LOG_PART_##part].is_there)

static const struct model_key parts_keys[] = {
	{.key = "config", LEVEL_OF(CONFIG), .help = "changes of the config"},
	{.key = "control", LEVEL_OF(CONTROL), .help = "start, stop, the socket, the clock"},
	{.key = "dataplane", LEVEL_OF(DATAPLANE), .help = "workers and their flow tables"},
	{.key = "dhcp", LEVEL_OF(DHCP), .help = "leases, given and taken, each message at debug"},
	{.key = "dns", LEVEL_OF(DNS), .help = "the DNS forwarder and its upstreams"},
	{.key = "dpdk", LEVEL_OF(DPDK), .help = "what DPDK says itself"},
	{.key = "drivers", LEVEL_OF(DRIVERS), .help = "ports and their cards"},
	{.key = "firewall", LEVEL_OF(FIREWALL), .help = "sets, their files, bans"},
	{.key = "interfaces", LEVEL_OF(INTERFACES), .help = "links, addresses, MTU"},
	{.key = "nat", LEVEL_OF(NAT), .help = "translations, helpers"},
	{.key = "packets", LEVEL_OF(PACKETS), .help = "the lines of rules with `log`, at info"},
	{.key = "routes", LEVEL_OF(ROUTES), .help = "routes, neighbours, what the kernel says"},
	{0},
};
static_assert(sizeof(parts_keys) / sizeof(parts_keys[0]) == LOG_PARTS + 1, "each part has a key");

static const struct model_object parts = {.noun = "parts",
	.keys = parts_keys,
	.said_offset = offsetof(struct config, log.parts_said)};

static const struct model_key log_keys[] = {
	{.key = "level",
		LEVEL(level),
		.help = "how much each part of the router tells",
		.default_text = "info"},
	{.key = "parts",
		.type = MODEL_GROUP,
		.help = "levels of single parts; as `level` when absent",
		.object = &parts},
	{0},
};

const struct model_object model_log = {
	.noun = "log", .keys = log_keys, .said_offset = offsetof(struct config, log.said)};
