// SPDX-License-Identifier: BSD-3-Clause
// What is asked of the forwarder's thread for a client of the control socket, while the loop goes
// on. Control thread.
#pragma once

#include "control/api/rpc.h"
#include "control/dns/dns.h"
#include "control/router.h"

struct dns_task;

// Takes `ctx`, from malloc (NULL: there was no memory), for that wish. NULL with *failure filled.
struct dns_task *dns_task_new(
	const struct router *router, dns_wish_fn fn, void *ctx, struct rpc_failure *failure);
void dns_task_free(void *task);
// DONE: `*ctx` is filled, and stays the task's; or it is NULL and *failure filled.
enum rpc_task_state dns_task_go_on(struct dns_task *task, void **ctx, struct rpc_failure *failure);
