// SPDX-License-Identifier: BSD-3-Clause
// What two sequences of texts have in common, in the order of both, found in n log n steps however
// much they differ. Of texts that are there once it is as much as there can be; of texts that are
// there several times the k-th of one is compared with the k-th of the other. Any thread.
#pragma once

#include <stdint.h>

enum { SEQUENCE_NONE = UINT32_MAX >> 1 };

// For each of `before` its index in `after`, or SEQUENCE_NONE: what was there keeps its order.
// 0 or -ENOMEM.
int sequence_match(const char *const *before, unsigned n_before, const char *const *after,
	unsigned n_after, unsigned *match);
