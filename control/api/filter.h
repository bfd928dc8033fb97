// SPDX-License-Identifier: BSD-3-Clause
// What a list is asked for: parameters that narrow it, each of which may be absent. Control thread.
#pragma once

#include "control/api/show_parts.h"

// Each false with *failure filled when the parameter `key` is there and wrong.
bool filter_read_prefix(const json_t *params, const char *key, struct ip_prefix *out,
	struct rpc_failure *failure); // absent: family IP_NONE
bool filter_read_port(
	const json_t *params, const char *key, int *out, struct rpc_failure *failure);	// -1
bool filter_read_protocol(const json_t *params, int *out, struct rpc_failure *failure); // -1
bool filter_read_interface(const struct router *router, const json_t *params, int *out,
	struct rpc_failure *failure); // its id; -1
// One of `choices`, "bytes|packets": which, -1.
bool filter_read_choice(const json_t *params, const char *key, const char *choices, int *out,
	struct rpc_failure *failure);

// An absent prefix contains all.
bool filter_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);

// Lists that take memory of their own, of which there are a few at a time only. False with *failure
// filled.
bool filter_begin_large(struct rpc_failure *failure);
void filter_end_large(void);
