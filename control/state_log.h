// SPDX-License-Identifier: BSD-3-Clause
// The write-ahead log of a database whose commits somebody waits for. Its room on the disk stays,
// filled with zeros once: a commit overwrites, and no length of a file is to be written with it.
// Nothing moves its pages into the database but who calls state_log_empty, when nobody waits. The
// thread that has the database.
#pragma once

#include <sqlite3.h>

#include "cfg/base/error.h"

// Room for so many bytes, which stays when the database is closed. From now on `n_pages`, borrowed,
// is how many the log has. 0, or -1 with the reason.
int state_log_reserve(sqlite3 *db, int bytes, int *n_pages, struct error *err);

// Moves the pages into the database: the next commit begins the log anew. Beginning it costs a
// barrier more, so that one is made here, of nothing. 0, or -1 with the reason.
int state_log_empty(sqlite3 *db, struct error *err);
