// SPDX-License-Identifier: BSD-3-Clause
// Which cards run XDP by themselves, as kernels from 6.3 on tell it (generic netlink, family
// "netdev"). Control thread.
#pragma once

#include "control/doctor/live.h"

// Completes the cards that are there; leaves them alone where the kernel does not tell.
void live_xdp_look(struct live *live);
