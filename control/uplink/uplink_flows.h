// SPDX-License-Identifier: BSD-3-Clause
// Flows that left by an uplink which is not used any more: what was translated to its address, and
// what the router itself sent from it, cannot go on by another. They are ended, and both ends of
// TCP are told where they can be, so that who waits for an answer connects anew at once. Some at a
// time: nothing else on the loop waits. Control thread.
#pragma once

#include <stdint.h>

struct router;
struct uplink_flows;

struct uplink_flows *uplink_flows_new(struct router *router); // NULL: no memory
void uplink_flows_free(struct uplink_flows *flows);	      // NULL is fine

// `gone`: bits 1 << interface, of IPv4 and of IPv6; beside those that are being ended already.
void uplink_flows_end(struct uplink_flows *flows, const uint64_t gone[2]);
uint64_t uplink_flows_ended(const struct uplink_flows *flows); // since the start
