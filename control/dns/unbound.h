// SPDX-License-Identifier: BSD-3-Clause
// A context of libunbound with the settings of a policy. Debian's library is built without TLS and
// asks one server at a time, so it does not talk to upstreams by itself: all its questions come to
// a socket on the loopback, and go on from there as any other (relay.h). DNS thread.
#pragma once

#include <unbound.h>

#include "control/dns/dns_policy.h"

// `relay_port`: on the loopback; 0: full recursion. It has read its files. NULL with the reason.
struct ub_ctx *unbound_new(const struct dns_policy *policy, uint16_t relay_port, struct error *err);
