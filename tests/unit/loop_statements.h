// SPDX-License-Identifier: BSD-3-Clause
// What a test's own thread does to a state file, which the loop must not, and how often anybody
// commits. Include it in one file of a test.
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

static pthread_t loop_thread;
static atomic_uint n_loop_statements, n_commits;

static inline int on_statement(unsigned what, void *ctx, void *statement, void *text)
{
	if (pthread_equal(pthread_self(), loop_thread))
		atomic_fetch_add(&n_loop_statements, 1);
	return 0;
}

static inline int on_commit(void *ctx)
{
	atomic_fetch_add(&n_commits, 1);
	return 0;
}

// From here; the caller is the loop.
static inline void watch_statements(sqlite3 *db)
{
	loop_thread = pthread_self();
	n_loop_statements = n_commits = 0;
	sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
	sqlite3_commit_hook(db, on_commit, NULL);
}
