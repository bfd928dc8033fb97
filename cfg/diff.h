// SPDX-License-Identifier: BSD-3-Clause
// What is different between two configs, as changes of the model and not of the text: keys by their
// path, things with a name by it, whatever their order; rules and the like as sequences, so that a
// rule put between others is one change. Control thread.
#pragma once

#include "cfg/base/arena.h"
#include "cfg/config.h"

enum cfg_change_kind {
	CFG_ADDED = 0,
	CFG_REMOVED,
	CFG_CHANGED,
};

struct cfg_change {
	enum cfg_change_kind kind;
	// "interfaces.lan.addresses", "firewall.forward[3]": rules count from 1, in the config that
	// has them; of what has changed, in the one after
	const char *path;
	const char *before, *after; // YAML on one line; NULL where there is none
};

// In the order of the model.
struct cfg_changes {
	struct cfg_change *list;
	unsigned n;
	struct arena *arena; // owns what `list` points to
};

// `out` keeps nothing of either config. 0 or -ENOMEM; cfg_changes_free is due either way.
int config_diff(const struct config *before, const struct config *after, struct cfg_changes *out);
void cfg_changes_free(struct cfg_changes *changes);
