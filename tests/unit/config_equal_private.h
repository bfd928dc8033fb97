// SPDX-License-Identifier: BSD-3-Clause
// What the files of config_equal.h share.
#pragma once

#include <string.h>

#include "cfg/config.h"

static inline bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static inline bool same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_addr_equal(&a->addr, &b->addr);
}

static inline bool same_names(const struct cfg_names *a, const struct cfg_names *b)
{
	bool is_same = a->n == b->n;

	for (unsigned i = 0; i < a->n && is_same; i++)
		is_same = strcmp(a->names[i], b->names[i]) == 0;
	return is_same;
}

bool config_equal_dns(const struct cfg_dns *a, const struct cfg_dns *b);
