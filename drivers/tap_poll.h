// SPDX-License-Identifier: BSD-3-Clause
// DPDK's TAP driver as a poll-mode one. It reads a TAP only after a signal that the kernel sends
// the process for what arrives, which interrupts any of its threads. Control thread; what it
// installs runs on workers.
#pragma once

#include "cfg/base/error.h"

struct port;

// After the DPDK port was started, whose stop undoes it: no more signals, each receive asks the
// TAP itself.
int tap_poll_install(struct port *port, struct error *err);
