// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "control/api/config_parts.h"
#include "control/api/show.h"
#include "control/api/show_parts.h"
#include "control/apply/apply.h"
#include "control/apply/dns_probe.h"

enum { PROGRESS_MS = 1000 };

// --- parameters ---

static bool read_number(const char *key, const json_t *value, int64_t max, int64_t *out,
	struct rpc_failure *failure)
{
	*out = json_integer_value(value);
	if (json_is_integer(value) && *out >= 1 && *out <= max)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be from 1 to %lld", key, (long long)max);
	return false;
}

static bool read_text(const char *key, const json_t *value, size_t max, const char **out,
	struct rpc_failure *failure)
{
	*out = json_string_value(value);
	if (*out == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be a string", key);
	else if (strlen(*out) > max)
		rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' is longer than %zu bytes", key, max);
	else
		return true;
	return false;
}

static bool read_truth(const char *key, const json_t *value, bool *out, struct rpc_failure *failure)
{
	*out = json_is_true(value);
	if (!json_is_boolean(value))
		rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' must be true or false", key);
	return json_is_boolean(value);
}

bool config_read_params(const json_t *params, const char *const *keys, struct config_params *out,
	struct rpc_failure *failure)
{
	const char *key;
	json_t *value;

	*out = (struct config_params){.message = "", .confirm_name = ""};
	json_object_foreach((json_t *)params, key, value)
	{
		const char *const *known = keys;
		bool is_good;

		while (*known != NULL && strcmp(*known, key) != 0)
			known++;
		if (*known == NULL) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "there is no parameter '%.64s'", key);
			return false;
		}
		if (strcmp(key, "progress") == 0)
			is_good = read_truth(key, value, &out->progress, failure);
		else if (strcmp(key, "no_confirm") == 0)
			is_good = read_truth(key, value, &out->no_confirm, failure);
		else if (strcmp(key, "file") == 0)
			is_good = read_text(key, value, PATH_MAX - 1, &out->file, failure);
		else if (strcmp(key, "message") == 0)
			is_good = read_text(key, value, HISTORY_WHY_MAX, &out->message, failure);
		else if (strcmp(key, "confirm") == 0)
			is_good = read_number(
				key, value, APPLY_CONFIRM_SEC_MAX, &out->confirm, failure);
		else if (strcmp(key, "confirm_when") == 0)
			is_good = read_text(
				key, value, CONFIG_PROBES_TEXT_MAX, &out->confirm_when, failure);
		else if (strcmp(key, "confirm_name") == 0)
			is_good = read_text(
				key, value, DNS_PROBE_NAME_MAX, &out->confirm_name, failure);
		else if (strcmp(key, "flows") == 0)
			is_good = read_number(key, value, INT64_MAX, &out->flows, failure);
		else if (strcmp(key, "from") == 0)
			is_good = read_number(key, value, INT64_MAX, &out->from, failure);
		else if (strcmp(key, "to") == 0)
			is_good = read_number(key, value, INT64_MAX, &out->to, failure);
		else
			is_good = read_number(key, value, INT64_MAX, &out->revision, failure);
		if (!is_good)
			return false;
	}
	return true;
}

bool config_read_file(const struct config_params *params, struct rpc_failure *failure)
{
	if (params->file != NULL && params->file[0] == '/')
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'file' must be a path from the root");
	return false;
}

bool config_is_time_to_tell(uint64_t *told_ms)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - *told_ms < PROGRESS_MS)
		return false;
	*told_ms = now_ms;
	return true;
}

// --- what became of it ---

static json_t *error_json(const struct error *err)
{
	char text[1024];

	return json_string(error_str(err, text, sizeof(text)));
}

static void put_errors(json_t *to, const char *key, const struct error *list, unsigned n)
{
	json_t *errors = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(errors, error_json(&list[i]));
	json_object_set_new(to, key, errors);
}

static void put_restarts(json_t *to, const struct plan *plan)
{
	json_t *restarts = json_array();

	for (unsigned i = 0; plan != NULL && i < plan->n_restarts; i++)
		json_array_append_new(restarts, json_string(plan->restarts[i]));
	json_object_set_new(to, "restarts", restarts);
}

void config_put_changes(json_t *to, const struct cfg_changes *changes)
{
	static const char *const kinds[] = {
		[CFG_ADDED] = "added", [CFG_REMOVED] = "removed", [CFG_CHANGED] = "changed"};
	json_t *list = json_array();

	for (unsigned i = 0; i < changes->n && i < SHOW_LIMIT_DEFAULT; i++) {
		const struct cfg_change *change = &changes->list[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s?, s:s?}", "kind", kinds[change->kind], "path",
				change->path, "before", change->before, "after", change->after));
	}
	json_object_set_new(to, "changes", list);
	show_put_number(to, "total", changes->n);
}

json_t *config_outcome_json(const struct apply_outcome *outcome, bool is_done)
{
	const struct cfg_errors *errors = &outcome->errors;
	json_t *to = json_object();

	show_put_bool(to, "done", is_done);
	show_put_text(to, "file", outcome->file);
	show_put_bool(to, "is_unchanged", outcome->is_unchanged);
	show_put_number(to, "revision", (uint64_t)outcome->revision);
	put_errors(to, "errors", errors->list, errors->n);
	show_put_number(to, "more_errors", errors->n_more);
	put_errors(to, "warnings", errors->warnings, errors->n_warnings);
	put_restarts(to, outcome->plan);
	json_object_set_new(to, "failed_step",
		outcome->failed_step == NULL ? json_null() : json_string(outcome->failed_step));
	json_object_set_new(to, "error",
		outcome->err.text[0] == '\0' ? json_null() : error_json(&outcome->err));
	json_object_set_new(to, "unkept",
		outcome->unkept.text[0] == '\0' ? json_null() : error_json(&outcome->unkept));
	return to;
}
