// SPDX-License-Identifier: BSD-3-Clause
// The file that keeps what must survive a restart and a power cut: one SQLite database with a
// write-ahead log, each commit on the disk before it returns. One process has it at a time, and in
// it one connection, which those who keep something share; each has its own tables. Any thread, one
// at a time: who does several things that belong together has sqlite3_db_mutex meanwhile.
#pragma once

#include <sqlite3.h>

#include "cfg/base/error.h"

// Makes the file and its folder where they are missing. NULL with the reason.
sqlite3 *state_db_open(const char *path, struct error *err);
void state_db_close(sqlite3 *db); // NULL is fine; every statement is finalized before

// Statements without a result. 0, or -1 with the reason.
int state_db_run(sqlite3 *db, const char *sql, struct error *err);
// A commit that changes nothing. 0, or -1 with the reason.
int state_db_mark(sqlite3 *db, struct error *err);
