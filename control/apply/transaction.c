// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/transaction.h"

#include <stddef.h>

void transaction_undo(const struct transaction_step *steps, unsigned n, void *ctx)
{
	while (n-- > 0)
		if (steps[n].undo != NULL)
			steps[n].undo(ctx);
}

int transaction_go_on(const struct transaction_step *steps, unsigned from, unsigned to, void *ctx,
	const char **failed, struct error *err)
{
	for (unsigned i = from; i < to; i++) {
		struct error why = {0};

		if (steps[i].run(ctx, &why) == 0)
			continue;
		*failed = steps[i].name;
		transaction_undo(steps, i, ctx);
		*err = why;
		return -1;
	}
	return 0;
}
