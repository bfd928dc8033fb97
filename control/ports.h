// SPDX-License-Identifier: BSD-3-Clause
// The ports that the config names, opened as it says. Control thread.
#pragma once

#include "cfg/config.h"
#include "drivers/port.h"

struct ports {
	struct {
		const struct cfg_port *config; // borrowed
		struct port *port;
	} list[CFG_PORTS_MAX];
	unsigned n;
};

// Opens every port that interfaces use: 0, or -1 with the first failure and its place in the
// file. ports_close is due either way.
int ports_open(
	struct ports *ports, const struct config *config, unsigned n_workers, struct error *err);
void ports_close(struct ports *ports);
// The same of one, which interfaces of the config use; also while the router runs. One that is open
// is fine. On failure there is nothing of it.
int ports_add(struct ports *ports, const struct config *config, const struct cfg_port *from,
	unsigned n_workers, struct error *err);
// No interface uses it any more. One that is not open is fine.
void ports_remove(struct ports *ports, const char *name);

struct port *ports_find(const struct ports *ports, const char *name); // NULL: not open
