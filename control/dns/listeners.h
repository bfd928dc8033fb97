// SPDX-License-Identifier: BSD-3-Clause
// Where questions come in: on each interface of the config, whatever addresses it has and will
// have, from the moment that it is there. DNS thread.
#pragma once

#include "control/dns/front.h"

struct listeners;

struct listeners *listeners_new(struct front *front, struct event_base *base,
	struct dns_stats *stats); // NULL: no memory
void listeners_free(struct listeners *listeners);

// What is on neither list ends, what is on both goes on. The names are copied.
void listeners_set(
	struct listeners *listeners, const char *const *names, unsigned n, uint16_t port);
// Every quarter of a second: devices come and go.
void listeners_look(struct listeners *listeners);

// The i-th: its name, and whether it is open. False behind the last one.
bool listeners_each(
	const struct listeners *listeners, unsigned i, const char **name, bool *is_open);
