// SPDX-License-Identifier: BSD-3-Clause
#include "control/ban_load.h"

#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/bans.h"
#include "control/state_writer.h"

enum { MS_PER_SEC = 1000 };

static uint32_t left_until(int64_t ends_at, int64_t now)
{
	int64_t left = ends_at - now;

	if (left <= 0)
		return 0;
	return ends_at == BAN_FOREVER || left >= DP_FOREVER ? DP_FOREVER : (uint32_t)left;
}

void ban_load_want(struct ban_load *load, uint16_t timed, int64_t now)
{
	load->of[timed].is_wanted = true;
	load->now = now;
	load->now_ms = clock_now_ms();
}

void ban_load_want_none(struct ban_load *load)
{
	load->is_stale = load->is_under_way;
	load->is_begun = false;
	memset(load->of, 0, sizeof(load->of));
}

void ban_load_want_all(struct ban_load *load, int64_t now)
{
	ban_load_want_none(load);
	for (unsigned i = 0; i < load->bans->sets.n; i++)
		ban_load_want(load, (uint16_t)i, now);
}

// The set whose next part it is to be; false: all is there.
static bool choose(struct ban_load *load)
{
	const struct timed_sets *sets = &load->bans->sets;

	for (unsigned i = 0; !load->is_begun && i < sets->n; i++) {
		if (!load->of[i].is_wanted)
			continue;
		load->is_begun = true;
		load->timed = (uint16_t)i;
		load->of[i].n = load->of[i].n_refused = 0;
		load->cursor = (struct ban_cursor){0};
		memcpy(load->set, sets->list[i].name, sizeof(load->set));
	}
	return load->is_begun;
}

static void read_part(void *ctx)
{
	struct ban_load *load = ctx;

	load->rc = ban_store_read(load->bans->store, load->set, &load->cursor, load->rows,
		BAN_LOAD_ROWS, &load->n_rows, &load->err);
}

static void take_row(struct ban_load *load, const struct ban_row *row, int64_t now)
{
	struct bans *bans = load->bans;
	struct dp_timed_entry to = {
		.prefix = row->prefix, .left_sec = left_until(row->ends_at, now)};

	if (bans_is_under_way(bans, load->timed, &to.prefix))
		return; // later than the file
	if (to.left_sec == 0)
		dataplane_timed_delete(bans->dp, load->timed, &to.prefix);
	else if (dataplane_timed_add(bans->dp, load->timed, &to, true) == 0)
		load->of[load->timed].n++;
	else
		load->of[load->timed].n_refused++;
}

static void end_set(struct ban_load *load)
{
	const char *object = log_object("set", load->set).text;

	load->of[load->timed].is_wanted = load->is_begun = false;
	if (load->rc != 0)
		log_error(object, "%s", load->err.text);
	if (load->of[load->timed].n > 0)
		log_info(object, "%u entries from before", load->of[load->timed].n);
	if (load->of[load->timed].n_refused > 0)
		log_warning(object, "no room for %u entries from before",
			load->of[load->timed].n_refused);
}

static void take_part(struct ban_load *load)
{
	int64_t now = load->now + (int64_t)((clock_now_ms() - load->now_ms) / MS_PER_SEC);

	for (unsigned i = 0; i < load->n_rows; i++)
		take_row(load, &load->rows[i], now);
	if (load->rc != 0 || load->cursor.is_at_end)
		end_set(load);
}

void ban_load_at_once(struct ban_load *load)
{
	while (choose(load)) {
		read_part(load);
		take_part(load);
	}
}

static void on_part(void *ctx)
{
	struct ban_load *load = ctx;

	load->is_under_way = false;
	if (!load->is_stale)
		take_part(load);
	load->is_stale = false;
	ban_load_go_on(load);
}

void ban_load_go_on(struct ban_load *load)
{
	if (load->is_under_way || !choose(load))
		return;
	if (state_writer_post(load->bans->writer, read_part, on_part, load) == 0) {
		load->is_under_way = true;
		return;
	}
	load->rc = error_set(&load->err, "too much waits for the state file");
	load->n_rows = 0;
	end_set(load);
}
