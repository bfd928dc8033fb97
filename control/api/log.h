// SPDX-License-Identifier: BSD-3-Clause
// The methods about the daemon's own log: show.log and log.set. Control thread.
#pragma once

#include "control/api/rpc.h"

json_t *log_show(void *ctx, const json_t *params, struct rpc_failure *failure);
json_t *log_change(void *ctx, const json_t *params, struct rpc_failure *failure);
