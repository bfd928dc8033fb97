// SPDX-License-Identifier: BSD-3-Clause
// A netdev that shows all frames of its wire, for VLANs that its card would keep from us; those for
// other hosts are dropped here as the card did before, uncounted like there. Control thread; the
// callbacks run on workers.
#pragma once

#include "cfg/base/error.h"

struct port;

// Of a port on a netdev, while workers poll it; again is fine. The kernel ends it with the process.
int promiscuous_begin(struct port *port, struct error *err);
void promiscuous_end(struct port *port); // one that did not begin is fine
// Before the DPDK port closes, no worker uses it any more: ends it and takes the callbacks away.
void promiscuous_remove(struct port *port);
