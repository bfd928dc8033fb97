// SPDX-License-Identifier: BSD-3-Clause
// The methods of the daemon. Those that begin with "show." tell what the router is doing and change
// nothing; lists that can be long take "limit" and say "total". The others do something to sets.
#pragma once

#include "control/api/rpc.h"

enum {
	SHOW_LIMIT_DEFAULT = 1000,
	SHOW_LIMIT_MAX = 10000, // one answer stays below a few MiB
};

// Their ctx is a struct router. The list ends with one without a name.
extern const struct rpc_method show_methods[];
