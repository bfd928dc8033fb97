// SPDX-License-Identifier: BSD-3-Clause
// The methods that are about the config: config.plan, config.apply, config.confirm,
// config.rollback, config.history, config.diff and show.running. A file is named by its path and
// read by the daemon: what it includes and names is where it says, errors are of the file that
// somebody edits, and a line of the socket need not hold 16 MiB. Who may write may name any file:
// configs name files anyway. Control thread.
#pragma once

#include "control/api/rpc.h"

// Refused or failed is a result too, with "done" false and all the reasons.
extern const struct rpc_task config_plan, config_apply, config_rollback;
// Refused or failed it is an error.
extern const struct rpc_task config_confirm;
// From one revision to another, or to what is in force.
extern const struct rpc_task config_compare;
json_t *config_history(void *ctx, const json_t *params, struct rpc_failure *failure);
// As one file, whatever it was read from.
extern const struct rpc_task show_running;

struct router;

// Which revision is in force, on trial for how long, and why it is not what the file says.
void config_put_state(json_t *to, const struct router *router);
