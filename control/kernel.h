// SPDX-License-Identifier: BSD-3-Clause
// The two ways between the router and the kernel, our host stack: what the config says goes in,
// and what the kernel then has, whoever put it there, comes out to the workers. Control thread.
#pragma once

#include "control/router.h"

// Installs the config's addresses and routes on the interfaces, which are open.
int kernel_install(struct router *router, struct error *err);
// Reads all there is, and follows the news from then on.
int kernel_follow(struct router *router, struct error *err);
// An interface that has been added, one that is about to be removed, and after that.
void kernel_interface_came(struct router *router, const struct interface *interface);
void kernel_interface_goes(struct router *router, const struct interface *interface);
void kernel_interface_went(struct router *router);
// Another config takes the place of the first: what the workers are told of routes from now on.
void kernel_follow_config(struct router *router, const struct config *config);
// Ends that and takes back what does not vanish with the interfaces. Safe without the above.
void kernel_leave(struct router *router);
