// SPDX-License-Identifier: BSD-3-Clause
// A disk for SQLite in memory, whose power can be cut: what was written since a file's last sync is
// then there or not, sector by sector, as it falls. What a name leads to counts at once. Any
// thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Takes the place of SQLite's own files until the process ends. Empty.
void cut_disk_use(void);
void cut_disk_clear(void); // nothing is on it any more

// The power fails in the midst of the n-th write or sync from here: from then on all fails.
void cut_disk_fail_after(unsigned n);
bool cut_disk_is_off(void);
// The power is back; what was not synced has been drawn from `seed`.
void cut_disk_on(uint64_t seed);

struct cut_disk_counts {
	unsigned writes, syncs;
	unsigned log_growths;	 // writes beyond the end of a "-wal"
	unsigned database_syncs; // of files that are no log
};
struct cut_disk_counts cut_disk_counts(void);
