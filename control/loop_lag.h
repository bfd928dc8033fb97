// SPDX-License-Identifier: BSD-3-Clause
// How late the loop comes to what is due: nothing that it does may hold up the rest. Control
// thread.
#pragma once

#include <event2/event.h>

struct loop_lag;

struct loop_lag *loop_lag_new(struct event_base *base); // NULL: no memory
void loop_lag_free(struct loop_lag *lag);

// The worst of the last minute, or of up to two; a timer takes one of them to be late by itself.
unsigned loop_lag_worst_us(const struct loop_lag *lag);
