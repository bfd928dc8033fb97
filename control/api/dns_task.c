// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/dns_task.h"

#include <stdlib.h>

#include "cfg/base/clock.h"

enum { PATIENCE_MS = 10000 };

struct dns_task {
	struct dns_wish *wish;
	void *ctx; // its
	uint64_t ends_ms;
};

struct dns_task *dns_task_new(
	const struct router *router, dns_wish_fn fn, void *ctx, struct rpc_failure *failure)
{
	struct dns_task *task = calloc(1, sizeof(*task));

	if (task != NULL && ctx != NULL && router->dns != NULL)
		task->wish = dns_wish_new(fn, ctx, free);
	if (task != NULL && task->wish != NULL) {
		task->ctx = ctx;
		task->ends_ms = clock_now_ms() + PATIENCE_MS;
		dns_put(router->dns, task->wish);
		return task;
	}
	if (router->dns == NULL)
		rpc_fail(failure, RPC_INTERNAL_ERROR,
			"there is no `dns` in the config: the router answers no questions");
	free(task);
	free(ctx);
	return NULL;
}

void dns_task_free(void *ctx)
{
	struct dns_task *task = ctx;

	dns_wish_leave(task->wish);
	free(task);
}

enum rpc_task_state dns_task_go_on(struct dns_task *task, void **ctx, struct rpc_failure *failure)
{
	bool is_over = dns_wish_is_over(task->wish);

	*ctx = NULL;
	if (!is_over && clock_now_ms() < task->ends_ms)
		return RPC_TASK_WAITS;
	if (is_over && dns_wish_was_done(task->wish))
		*ctx = task->ctx;
	else
		rpc_fail(failure, RPC_INTERNAL_ERROR, "the DNS forwarder does not answer");
	return RPC_TASK_DONE;
}
