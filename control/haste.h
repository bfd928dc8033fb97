// SPDX-License-Identifier: BSD-3-Clause
// While many devices are opened: the kernel's RCU grace periods are made short, for the few tenths
// of a second that it takes. Control thread.
#pragma once

#include <stdbool.h>

struct haste {
	bool is_ours;
};

// Without the right to it, and where somebody has it so already, nothing happens.
void haste_begin(struct haste *haste);
void haste_end(struct haste *haste); // as it was; also without haste_begin, and twice
