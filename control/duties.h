// SPDX-License-Identifier: BSD-3-Clause
// What the loop does beside answering netlink and clients: it serves the workers' events, and it
// looks after links, neighbours and the workers themselves at fixed intervals. Control thread.
#pragma once

#include "control/router.h"

struct duties *duties_new(struct router *router, struct error *err);
void duties_free(struct duties *duties);
