// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/filter.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_MAX = 16 };

static unsigned n_large;

bool filter_begin_large(struct rpc_failure *failure)
{
	if (n_large == LARGE_MAX) {
		rpc_fail(failure, RPC_INTERNAL_ERROR,
			"%d such lists are being made already: ask again in a moment", LARGE_MAX);
		return false;
	}
	n_large++;
	return true;
}

void filter_end_large(void)
{
	n_large--;
}

static bool wrong(const char *key, const char *expected, struct rpc_failure *failure)
{
	rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be %s", key, expected);
	return false;
}

bool filter_read_prefix(
	const json_t *params, const char *key, struct ip_prefix *out, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);
	const char *text = json_string_value(value);

	memset(out, 0, sizeof(*out));
	if (value == NULL)
		return true;
	if (text != NULL && ip_addr_parse(text, &out->addr) == 0) {
		out->len = (uint8_t)ip_family_bits(out->addr.family);
		return true;
	}
	if (text != NULL && ip_prefix_parse(text, out) == 0) {
		*out = ip_prefix_network(out);
		return true;
	}
	return wrong(key, "an address or network", failure);
}

bool filter_read_port(const json_t *params, const char *key, int *out, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);

	*out = -1;
	if (value == NULL)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > UINT16_MAX)
		return wrong(key, "a number from 0 to 65535", failure);
	*out = (int)json_integer_value(value);
	return true;
}

bool filter_read_protocol(const json_t *params, int *out, struct rpc_failure *failure)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP},
		{"icmp6", IPPROTO_ICMPV6}};
	const json_t *value = json_object_get(params, "protocol");
	const char *text = json_string_value(value);
	char *end;

	*out = -1;
	if (value == NULL)
		return true;
	for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, text) == 0)
			*out = names[i].number;
	if (text != NULL && *out < 0 && text[0] >= '0' && text[0] <= '9' && strlen(text) <= 3) {
		*out = (int)strtol(text, &end, 10);
		if (*end != '\0' || *out > UINT8_MAX)
			*out = -1;
	}
	return *out >= 0 || wrong("protocol", "tcp, udp, icmp, icmp6 or \"0\" to \"255\"", failure);
}

bool filter_read_interface(
	const struct router *router, const json_t *params, int *out, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, "interface");
	const char *name = json_string_value(value);
	const struct interface *interface;

	*out = -1;
	if (value == NULL)
		return true;
	if (name == NULL)
		return wrong("interface", "a name", failure);
	interface = interfaces_by_name(&router->interfaces, name);
	if (interface == NULL) {
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"there is no interface '%.64s'; 'show interfaces' has them all", name);
		return false;
	}
	*out = interface->id;
	return true;
}

bool filter_read_choice(const json_t *params, const char *key, const char *choices, int *out,
	struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);
	const char *text = json_string_value(value), *at = choices;

	*out = -1;
	if (value == NULL)
		return true;
	for (int i = 0; text != NULL && at != NULL && *out < 0; i++) {
		size_t n = strcspn(at, "|");

		if (n == strlen(text) && memcmp(at, text, n) == 0)
			*out = i;
		at = at[n] == '\0' ? NULL : at + n + 1;
	}
	return *out >= 0 || wrong(key, choices, failure);
}

bool filter_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	return prefix->addr.family == IP_NONE || ip_prefix_contains(prefix, addr);
}
