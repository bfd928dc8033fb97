// SPDX-License-Identifier: BSD-3-Clause
// What the parts of the method `explain` share. Control thread.
#pragma once

#include "control/api/show_parts.h"
#include "dataplane/explain.h"

json_t *explain_packet(void *ctx, const json_t *params, struct rpc_failure *failure);

// In explain_read.c: the frame that the parameters describe, and where it comes from.
enum { EXPLAIN_BYTES_MAX = 1600 };
bool explain_read(const struct router *router, const json_t *params, struct dp_explain *packet,
	uint8_t frame[EXPLAIN_BYTES_MAX], struct rpc_failure *failure);

// In explain_steps.c: from the frame's arrival to its end.
json_t *explain_steps(const struct router *router, const struct dp_explain *packet,
	const struct dp_explanation *why);
// {list, file, line, rule, comment} of a rule of the policy in force; null below 0.
json_t *explain_rule_json(const struct router *router, int64_t rule);

// In explain_left.c: {source, destination, ...} of a frame as it would leave, as far as it is one.
json_t *explain_left_json(const uint8_t *frame, size_t n_bytes);
