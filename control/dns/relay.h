// SPDX-License-Identifier: BSD-3-Clause
// A socket on the loopback by which libunbound reaches the upstreams of a policy: what comes in is
// asked as any other question, raced and by TLS where the config says so. DNS thread.
#pragma once

#include "control/dns/dns_policy.h"

struct relay;

// `on_back`: after an outage somebody has answered; it may not free the relay. NULL with the
// reason.
struct relay *relay_new(
	struct dns_policy *policy, void (*on_back)(void *ctx), void *ctx, struct error *err);
void relay_free(struct relay *relay);		// NULL is fine
uint16_t relay_port(const struct relay *relay); // of 127.0.0.1
// Whether a question has had no answer from anybody since relay_forget_cut.
bool relay_was_cut(const struct relay *relay);
void relay_forget_cut(struct relay *relay);

enum { RELAY_BYTES = 32768 }; // the largest answer that fits into one datagram there
