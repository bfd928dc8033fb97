// SPDX-License-Identifier: BSD-3-Clause
// A full routing table of one family: made up, with the internet's mix of prefix lengths and the
// same in every run, or read from a file. It knows the longest match by itself, so that what the
// router answers can be proven.
#pragma once

#include <stdint.h>

#include "cfg/base/addr.h"
#include "cfg/base/error.h"

enum { BENCH_TABLE_NONE = UINT32_MAX };

struct bench_table {
	struct ip_prefix *prefixes; // networks, each once
	uint32_t n, max;
	uint32_t *slots; // a hash table of them
	uint32_t mask;
	uint64_t lengths[3]; // bits: those that occur
};

// `n` prefixes. 0, or -1 with the reason and nothing to free.
int bench_table_make(struct bench_table *table, uint8_t family, uint32_t n, struct error *err);
// The prefixes of one family in a file of text: the first field of each line that is one, between
// commas, bars or blanks: CSV, `bgpdump -m`, `ip route`. At most `max`; the same twice counts once.
int bench_table_read(struct bench_table *table, uint8_t family, const char *path, uint32_t max,
	struct error *err);
void bench_table_free(struct bench_table *table); // zeroed is fine

// The index of the longest prefix that holds the address, or BENCH_TABLE_NONE.
uint32_t bench_table_find(const struct bench_table *table, const struct ip_addr *addr);
// Some host within a prefix.
struct ip_addr bench_table_host(const struct ip_prefix *prefix, uint64_t *seed);
