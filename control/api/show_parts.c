// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/show_parts.h"

#include <string.h>

#include "cfg/base/clock.h"
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

void show_put_cleared(json_t *to, const struct router *router, enum baseline_kind kind)
{
	uint64_t at_ms = router->baselines.cleared_ms[kind];

	json_object_set_new(to, "cleared_sec",
		at_ms == 0 ? json_null()
			   : json_integer((json_int_t)((clock_now_ms() - at_ms) / 1000)));
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

void show_put_left(json_t *to, const char *key, uint32_t sec)
{
	json_object_set_new(to, key, sec == DP_FOREVER ? json_null() : json_integer(sec));
}

bool show_check_names(const json_t *params, const char *const *keys, struct rpc_failure *failure)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)params, key, value)
	{
		const char *const *known = keys;

		while (*known != NULL && strcmp(*known, key) != 0)
			known++;
		if (*known == NULL) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "there is no parameter '%.64s'", key);
			return false;
		}
	}
	return true;
}

bool show_check_keys(const json_t *params, const char *const *keys, struct rpc_failure *failure)
{
	const char *key;
	json_t *value;

	if (!show_check_names(params, keys, failure))
		return false;
	json_object_foreach((json_t *)params, key, value)
	{
		if (strcmp(key, "limit") != 0 && !json_is_string(value)) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be a string", key);
			return false;
		}
	}
	return true;
}

// The limit among parameters that are known.
bool show_limit_of(const json_t *params, unsigned *limit, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, "limit");

	*limit = SHOW_LIMIT_DEFAULT;
	if (value == NULL)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
		json_integer_value(value) > SHOW_LIMIT_MAX) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "'limit' must be from 1 to %d",
			SHOW_LIMIT_MAX);
		return false;
	}
	*limit = (unsigned)json_integer_value(value);
	return true;
}

bool show_read_limit(const json_t *params, unsigned *limit, struct rpc_failure *failure)
{
	static const char *const keys[] = {"limit", NULL};

	return show_check_keys(params, keys, failure) && show_limit_of(params, limit, failure);
}

bool show_read_nothing(const json_t *params, struct rpc_failure *failure)
{
	if (json_object_size(params) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "this method takes no parameters");
	return false;
}
