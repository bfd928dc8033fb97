// SPDX-License-Identifier: BSD-3-Clause
// The kernel's routes, read once and on the spot, by a socket of its own: for questions at start
// and stop. Who follows them is routes.c. Control thread.
#pragma once

#include <stdint.h>

#include <netlink/msg.h>

// Calls `fn` with each whole RTM_NEWROUTE of the family in table main. `protocol` 0: of any. An
// old kernel tells more than was asked for. A dump that fails tells less.
typedef void (*route_dump_fn)(void *ctx, struct nlmsghdr *message);
void route_dump(unsigned char family, uint8_t protocol, route_dump_fn fn, void *ctx);
