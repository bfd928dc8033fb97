// SPDX-License-Identifier: BSD-3-Clause
// Names in the log the workers that stall, and those that turn again. A thread of its own: control
// may be waiting for the very worker that stalls. Control thread makes and ends it.
#pragma once

#include "cfg/base/error.h"
#include "dataplane/dataplane.h"

struct watch;

// `dp` runs already, and until watch_free. NULL with the reason.
struct watch *watch_new(struct dataplane *dp, struct error *err);
unsigned watch_stalls(const struct watch *watch); // so far; NULL is fine
void watch_free(struct watch *watch);		  // NULL is fine
