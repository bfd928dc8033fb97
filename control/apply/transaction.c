// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/transaction.h"

#include <stddef.h>

int transaction_run(const struct transaction_step *steps, unsigned n, void *ctx,
	const char **failed, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		struct error why = {0};

		if (steps[i].run(ctx, &why) == 0)
			continue;
		*failed = steps[i].name;
		while (i-- > 0)
			if (steps[i].undo != NULL)
				steps[i].undo(ctx);
		*err = why;
		return -1;
	}
	return 0;
}
