// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show_parts.h"

#include <string.h>

#include "control/api/show.h"

void show_put_number(json_t *to, const char *key, uint64_t value)
{
	json_object_set_new(to, key, json_integer((json_int_t)value));
}

void show_put_text(json_t *to, const char *key, const char *value)
{
	json_object_set_new(to, key, json_string(value));
}

void show_put_bool(json_t *to, const char *key, bool value)
{
	json_object_set_new(to, key, json_boolean(value));
}

void show_put_addr(json_t *to, const char *key, const struct ip_addr *addr)
{
	char text[ADDR_STR_BYTES];

	json_object_set_new(to, key,
		addr->family == IP_NONE ? json_null() : json_string(ip_addr_str(addr, text)));
}

void show_put_mac(json_t *to, const char *key, const struct mac_addr *mac)
{
	char text[ADDR_STR_BYTES];

	show_put_text(to, key, mac_addr_str(mac, text));
}

void show_put_interface(json_t *to, const char *key, const struct router *router, int id)
{
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&router->interfaces, id);

	json_object_set_new(
		to, key, interface == NULL ? json_null() : json_string(interface->config->name));
}

bool show_read_limit(const json_t *params, unsigned *limit, struct rpc_failure *failure)
{
	const char *key;
	json_t *value;

	*limit = SHOW_LIMIT_DEFAULT;
	json_object_foreach((json_t *)params, key, value)
	{
		if (strcmp(key, "limit") != 0) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "there is no parameter '%.64s'", key);
			return false;
		}
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
			json_integer_value(value) > SHOW_LIMIT_MAX) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "'limit' must be from 1 to %d",
				SHOW_LIMIT_MAX);
			return false;
		}
		*limit = (unsigned)json_integer_value(value);
	}
	return true;
}

bool show_read_nothing(const json_t *params, struct rpc_failure *failure)
{
	if (json_object_size(params) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "this method takes no parameters");
	return false;
}
