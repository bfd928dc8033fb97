// SPDX-License-Identifier: BSD-3-Clause
// Which routers live in this network namespace: each holds a name as long as its process lives.
// Control thread.
#pragma once

#include <stdbool.h>

// A descriptor that shows this one to the others until it is closed, or -1.
int instances_claim(void);
// Whether there is any besides the one that holds `claim` (-1: any at all).
bool instances_has_other(int claim);
