// SPDX-License-Identifier: BSD-3-Clause
// The DHCP server as a part of the router: made when the config first has one, told of each other
// config once that is in force, its events told on. Control thread.
#pragma once

#include "control/router.h"

// 0, or -1 with the reason.
int dhcp_open(struct router *router, struct error *err);
void dhcp_close(struct router *router);
// Another config is in force, and the old one about to end. What fails is logged.
void dhcp_follow(struct router *router, const struct config *config);
