// SPDX-License-Identifier: BSD-3-Clause
// What the methods about the config share: their parameters, and changes as JSON. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/diff.h"
#include "control/api/rpc.h"
#include "control/apply/apply.h"

enum { CONFIG_PROBES_TEXT_MAX = 63 };

struct config_params {
	const char *file, *message, *confirm_when, *confirm_name;
	int64_t confirm, flows, revision, from, to; // 0: not said
	bool progress, no_confirm;
};

// `keys` are those that the method takes, up to NULL. False with *failure filled.
bool config_read_params(const json_t *params, const char *const *keys, struct config_params *out,
	struct rpc_failure *failure);

// Its `file` is there, and from the root.
bool config_read_file(const struct config_params *params, struct rpc_failure *failure);

// Whether somebody who waits, and was told at *told_ms that it goes on, is to be told again: now.
bool config_is_time_to_tell(uint64_t *told_ms);

// What all methods say that are about a file or revision.
json_t *config_outcome_json(const struct apply_outcome *outcome, bool is_done);

// "changes" and "total".
void config_put_changes(json_t *to, const struct cfg_changes *changes);

// Of a plan that the router has not changed since: its changes, the interfaces that it touches, and
// what that ends.
struct router;
void config_put_plan(json_t *to, const struct router *router, const struct apply_outcome *outcome);
