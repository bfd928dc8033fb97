// SPDX-License-Identifier: BSD-3-Clause
// What has to happen to a running router so that it is what another config says, and what of that
// cannot happen while it runs. Pure: compares two configs, asks nobody, changes nothing. Control
// thread.
#pragma once

#include <stdbool.h>

#include "cfg/config.h"
#include "control/cores.h"

enum { PLAN_RESTARTS_MAX = 32, PLAN_PATH_MAX = 63 };

struct plan_address {
	const char *interface;
	struct ip_prefix prefix;
};

// Comes, goes, or comes in place of one of the same prefix and metric: packets lack neither.
struct plan_route {
	const struct cfg_route *before, *after; // one of them may be NULL
};

// Comes, goes, or is made anew, with its port: what its cables carried is over.
struct plan_interface {
	const struct cfg_interface *before, *after; // one of them may be NULL
	bool goes_first; // before those that come: it may have the card or the name of one of them
};

// Of its port, which has others' too.
struct plan_mtu {
	const char *interface;
	uint16_t after;
};

// The workers go on on other cores.
struct plan_workers {
	bool move;
	struct cores after;
};

struct plan {
	char restarts[PLAN_RESTARTS_MAX][PLAN_PATH_MAX + 1]; // paths of the config
	unsigned n_restarts, n_more_restarts;
	struct plan_address *added, *removed;
	unsigned n_added, n_removed;
	struct plan_route *routes;
	unsigned n_routes;
	struct plan_interface *interfaces;
	unsigned n_interfaces;
	struct plan_mtu *mtus;
	unsigned n_mtus;
	struct plan_workers workers; // of plan_cores
};

// What it tells of is the configs', which must outlive it. NULL: no memory.
struct plan *plan_new(const struct config *before, const struct config *after);
void plan_free(struct plan *plan); // NULL is fine

// What becomes of the workers, who run as `now` says, on a machine where the router may use the
// cores `allowed`. 0, or -1 where the config wants some that are not there.
int plan_cores(struct plan *plan, const struct config *before, const struct config *after,
	const struct cores *now, const cpu_set_t *allowed, struct error *err);
