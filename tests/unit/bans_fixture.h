// SPDX-License-Identifier: BSD-3-Clause
// Bans of three sets, with a state file in a folder of the test's own. Include it in one file of a
// test.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/bans.h"
#include "control/state_db.h"
#include "control/state_writer.h"
#include "tests/unit/recording_dataplane.h"
#include "tests/unit/text_addr.h"

// On a disk, not in memory: /tmp may be a tmpfs.
#define FOLDER "/var/tmp/bans_test.XXXXXX"

enum { NOW = 1700000000, DAY = 86400 };

static const char sets[] = "sets: {banned: {addresses: [], timeout: 1d},"
			   " plain: {addresses: []}, slow: {addresses: [], timeout: 10s}}\n";

static char folder[] = FOLDER, file[64];
static struct dataplane *dp;
static struct config *config;
static struct bans bans;
static sqlite3 *state_db;
static struct event_base *base;
static struct state_writer *writer;

static inline struct config *parse(const char *text)
{
	struct cfg_errors errors = {0};
	struct config *parsed = config_parse("test.yaml", text, strlen(text), &errors);

	if (parsed == NULL)
		fail_msg("%s", errors.list[0].text);
	cfg_errors_free(&errors);
	parsed->state_file = file;
	return parsed;
}

static inline void open_bans(const char *text, int64_t now)
{
	struct error err = {0};

	dp = recording_reset();
	config = parse(text);
	state_db = state_db_open(file, &err);
	base = event_base_new();
	writer = state_writer_new(base);
	assert_non_null(writer);
	if (bans_open(&bans, config, state_db, writer, dp, now, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void close_bans(int64_t now)
{
	bans_close(&bans, now);
	state_writer_free(writer);
	event_base_free(base);
	state_db_close(state_db);
	config_free(config);
	config = NULL;
}

// Ends it and begins it anew, with nothing in the workers.
static inline void restart(int64_t now)
{
	close_bans(now);
	open_bans(sets, now);
}

static inline int setup(void **state)
{
	memcpy(folder, FOLDER, sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/made/state.db", folder);
	open_bans(sets, NOW);
	return 0;
}

static inline int teardown(void **state)
{
	char command[96];

	if (config != NULL)
		close_bans(NOW);
	recording_reset();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

// Waits for what was asked for: bans_outcome's, or -1 where it was refused at once.
static inline int wait_for(struct ban_asked *asked, struct error *unkept, struct error *err)
{
	int rc;

	if (asked == NULL)
		return -1;
	state_writer_wait(writer);
	rc = bans_outcome(&bans, asked, unkept, err);
	bans_leave(asked);
	return rc;
}

static inline int try_ban(uint16_t timed, const char *text, uint32_t for_sec, int64_t now,
	struct error *unkept, struct error *err)
{
	struct ip_prefix address = prefix(text);

	return wait_for(bans_add(&bans, timed, &address, for_sec, now, err), unkept, err);
}

static inline void ban(uint16_t timed, const char *text, uint32_t for_sec, int64_t now)
{
	struct error err = {0}, unkept;

	if (try_ban(timed, text, for_sec, now, &unkept, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(unkept.text, "");
}

static inline int try_unban(
	uint16_t timed, const char *text, struct error *unkept, struct error *err)
{
	struct ip_prefix address = prefix(text);

	return wait_for(bans_remove(&bans, timed, &address, err), unkept, err);
}

// bans_turn, and what it has had written is.
static inline bool turn(int64_t now)
{
	bool had_some = bans_turn(&bans, now);

	state_writer_wait(writer);
	return had_some;
}

static inline void note(uint16_t timed, const char *text, uint32_t for_sec, int64_t now)
{
	struct ip_prefix noted = prefix(text);

	bans_note(&bans, timed, &noted, for_sec, now);
}

// -1: not there.
static inline int64_t left(unsigned timed, const char *text)
{
	const struct dp_timed_entry *entry = recorded_timed(timed, text);

	return entry == NULL ? -1 : (int64_t)entry->left_sec;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
