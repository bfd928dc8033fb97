// SPDX-License-Identifier: BSD-3-Clause
// The names of levels and parts, and which words belong to which part.
#include <stdio.h>
#include <string.h>

#include "cfg/base/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const level_names[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const int syslog_levels[LOG_LEVELS] = {3, 4, 6, 7};

static const char *const part_names[LOG_PARTS] = {
	[LOG_PART_CONFIG] = "config",
	[LOG_PART_CONTROL] = "control",
	[LOG_PART_DATAPLANE] = "dataplane",
	[LOG_PART_DHCP] = "dhcp",
	[LOG_PART_DNS] = "dns",
	[LOG_PART_DPDK] = "dpdk",
	[LOG_PART_DRIVERS] = "drivers",
	[LOG_PART_FIREWALL] = "firewall",
	[LOG_PART_INTERFACES] = "interfaces",
	[LOG_PART_NAT] = "nat",
	[LOG_PART_PACKETS] = "packets",
	[LOG_PART_ROUTES] = "routes",
};

// Beside the parts' own names.
static const struct {
	const char *word;
	enum log_part part;
} words[] = {
	{"card", LOG_PART_DRIVERS},
	{"flows", LOG_PART_DATAPLANE},
	{"interface", LOG_PART_INTERFACES},
	{"neighbours", LOG_PART_ROUTES},

	{"netlink", LOG_PART_ROUTES},
	{"port", LOG_PART_DRIVERS},
	{"route", LOG_PART_ROUTES},
	{"rule", LOG_PART_FIREWALL},
	{"set", LOG_PART_FIREWALL},
	{"worker", LOG_PART_DATAPLANE},
	{"workers", LOG_PART_DATAPLANE},
};

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

const char *log_part_name(enum log_part part)
{
	return part_names[part];
}

int log_syslog_level(enum log_level level)
{
	return syslog_levels[level];
}

static int find(const char *const *names, int n, const char *name, size_t len)
{
	for (int i = 0; i < n; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return -1;
}

int log_level_find(const char *name)
{
	return find(level_names, LOG_LEVELS, name, strlen(name));
}

int log_part_find(const char *name)
{
	return find(part_names, LOG_PARTS, name, strlen(name));
}

struct log_object log_object(const char *kind, const char *name)
{
	struct log_object object;

	snprintf(object.text, sizeof(object.text), "%s %s", kind, name);
	return object;
}

enum log_part log_part_of(const char *object)
{
	size_t len = strcspn(object, " ");
	int part = find(part_names, LOG_PARTS, object, len);

	if (part >= 0)
		return (enum log_part)part;
	for (size_t i = 0; i < COUNT(words); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, object, len) == 0)
			return words[i].part;
	return LOG_PART_CONTROL;
}
