// SPDX-License-Identifier: BSD-3-Clause
// What the methods about the config share: their parameters, and changes as JSON. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/diff.h"
#include "control/api/rpc.h"

struct config_params {
	const char *file, *message;
	int64_t confirm, revision, from, to; // 0: not said
	bool progress;
};

// `keys` are those that the method takes, up to NULL. False with *failure filled.
bool config_read_params(const json_t *params, const char *const *keys, struct config_params *out,
	struct rpc_failure *failure);

// "changes" and "total".
void config_put_changes(json_t *to, const struct cfg_changes *changes);
