// SPDX-License-Identifier: BSD-3-Clause
// The methods that tell what the router is doing: show.version, show.interfaces and so on. They
// change nothing. Lists that can be long take "limit" and say "total".
#pragma once

#include "control/api/rpc.h"

enum {
	SHOW_LIMIT_DEFAULT = 1000,
	SHOW_LIMIT_MAX = 10000, // one answer stays below a few MiB
};

// Their ctx is a struct router. The list ends with one without a name.
extern const struct rpc_method show_methods[];
