// SPDX-License-Identifier: BSD-3-Clause
// The kernel's side of a router in a network namespace of its own, with recording workers: real
// TAPs, real netlink, no DPDK.
#pragma once

#include <stdbool.h>

#include "control/router.h"

extern struct router kernel_router;

// False: the process may not make a namespace, and the tests are to be skipped.
bool kernel_fixture_enter_namespace(void);
// Makes what a start makes of this config, as far as the kernel is concerned. -1 with the reason.
int kernel_fixture_start(const char *config_text, struct error *err);
void kernel_fixture_stop(void);

// Turns the loop until `is_so` or the time is over; whether it was so.
bool kernel_fixture_wait(bool (*is_so)(void), unsigned timeout_ms);
void kernel_fixture_run(unsigned ms);

// A shell command that must succeed; its output is kept until the next one.
const char *shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
