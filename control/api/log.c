// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/log.h"

#include <string.h>

#include "cfg/base/log.h"
#include "cfg/base/log_text.h"
#include "control/api/show.h"
#include "control/api/show_parts.h"

// --- parameters ---

// Each leaves *out alone when the parameter is absent.
static bool read_part(const json_t *params, int *out, struct rpc_failure *failure)
{
	const char *name = json_string_value(json_object_get(params, "part"));

	if (name == NULL)
		return true;
	*out = log_part_find(name);
	if (*out < 0)
		rpc_fail(failure, RPC_INVALID_PARAMS, "the log has no part '%.64s'", name);
	return *out >= 0;
}

static bool read_level(const json_t *params, int *out, struct rpc_failure *failure)
{
	const char *name = json_string_value(json_object_get(params, "level"));

	if (name == NULL)
		return true;
	*out = log_level_find(name);
	if (*out < 0)
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"'%.64s' is no level: expected error, warning, info or debug", name);
	return *out >= 0;
}

static bool is_param(const json_t *params, const char *key, const char *value)
{
	const char *said = json_string_value(json_object_get(params, key));

	return said != NULL && strcmp(said, value) == 0;
}

// --- answers ---

static json_t *part_json(enum log_part part)
{
	struct log_part_state state;
	json_t *to = json_object();

	log_part_state(part, &state);
	show_put_text(to, "part", log_part_name(part));
	show_put_text(to, "level", log_level_name(state.level));
	show_put_bool(to, "is_by_hand", state.is_by_hand);
	show_put_number(to, "lines", state.n_lines);
	show_put_number(to, "left_out", state.n_left_out);
	return to;
}

static void add_line(void *ctx, const struct log_line *line)
{
	json_t *list = ctx, *to = json_object();
	char time[LOG_TIME_BYTES];

	show_put_text(to, "time", log_time_str(line->time_us, time));
	show_put_text(to, "level", log_level_name(line->level));
	show_put_text(to, "part", log_part_name(line->part));
	show_put_text(to, "object", line->object);
	show_put_text(to, "text", line->text);
	json_array_append_new(list, to);
}

json_t *log_show(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"part", "level", "limit", NULL};
	int part = -1, level = LOG_LEVEL_DEBUG;
	struct log_query query = {0};
	json_t *parts, *lines;
	unsigned limit, total;

	if (!show_check_keys(params, keys, failure) || !show_limit_of(params, &limit, failure) ||
		!read_part(params, &part, failure) || !read_level(params, &level, failure))
		return NULL;
	query.level = (enum log_level)level;
	query.has_part = part >= 0;
	if (query.has_part)
		query.part = (enum log_part)part;
	parts = json_array();
	for (unsigned i = 0; i < LOG_PARTS; i++)
		if (!query.has_part || i == query.part)
			json_array_append_new(parts, part_json((enum log_part)i));
	lines = json_array();
	total = log_recent(&query, limit, add_line, lines);
	return json_pack(
		"{s:o, s:o, s:I}", "parts", parts, "lines", lines, "total", (json_int_t)total);
}

json_t *log_change(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	static const char *const keys[] = {"part", "level", NULL};
	bool is_all = is_param(params, "part", "all"), ends = is_param(params, "level", "default");
	int part = -1, level = -1;
	json_t *parts;

	if (!show_check_keys(params, keys, failure))
		return NULL;
	if (json_object_size(params) != 2)
		return rpc_fail(
			failure, RPC_INVALID_PARAMS, "'part' and 'level' must both be there");
	if ((!is_all && !read_part(params, &part, failure)) ||
		(!ends && !read_level(params, &level, failure)))
		return NULL;
	parts = json_array();
	for (int i = 0; i < LOG_PARTS; i++) {
		if (!is_all && i != part)
			continue;
		if (ends)
			log_clear_by_hand((enum log_part)i);
		else
			log_set_by_hand((enum log_part)i, (enum log_level)level);
		json_array_append_new(parts, part_json((enum log_part)i));
	}
	return json_pack("{s:o}", "parts", parts);
}
