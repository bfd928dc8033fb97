// SPDX-License-Identifier: BSD-3-Clause
// Interfaces that come and go while the router runs, with the ports that they are on: the first and
// the last step from one config to another (steps.h). The others' packets do not wait for it.
// Control thread.
#pragma once

#include "control/apply/steps.h"

// Before the policy is compiled: which ids those that come will have. 0, or -1 with the reason.
int attach_foresee(struct steps_ctx *ctx, struct error *err);
// Takes down what goes first, and makes what is new or made anew, without addresses. The policy in
// force is bound to it. 0, or -1 with the reason, and all is as before but for the flows of what
// had to go first.
int attach_interfaces(struct steps_ctx *ctx, struct error *err);
void attach_undo(struct steps_ctx *ctx); // says itself what it cannot
// The routes of `config` that lead over what has come: the kernel lost them with the one before.
int attach_routes(struct steps_ctx *ctx, const struct config *config, struct error *err);
// All is done: takes down what goes last.
void attach_finish(struct steps_ctx *ctx);
