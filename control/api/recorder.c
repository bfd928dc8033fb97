// SPDX-License-Identifier: BSD-3-Clause
// The flight recorder:
//
//   recorder.write {last_sec, text} -> {capture}
//     what the workers have kept, of the last seconds alone if they are said; it is read by
//     capture.read as any capture, and has an end
//   show.recorder {} -> {is_on, ...}
#include <errno.h>
#include <time.h>

#include "control/api/show_parts.h"
#include "control/capture.h"
#include "control/recorder.h"

enum { SEC_NS = 1000000000, MS_NS = 1000000 };

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SEC_NS + (uint64_t)now.tv_nsec;
}

json_t *recorder_write(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct router *router = ctx;
	struct capture_request request = {.what = {.interfaces = UINT64_MAX}};
	uint64_t now_ns = wall_ns();
	json_int_t last_sec = 0;
	json_error_t why;
	struct error err;
	int number;

	if (params != NULL && json_unpack_ex((json_t *)(uintptr_t)params, &why, 0, "{s?I, s?s !}",
				      "last_sec", &last_sec, "text", &request.text) != 0)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "%s", why.text);
	if (last_sec < 0 || last_sec > UINT32_MAX)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "'last_sec' is not negative");
	if (recorder_is_writing(router->recorder) || capture_has_recording(router))
		return rpc_fail(failure, RPC_INTERNAL_ERROR,
			"what is recorded is being written already: again in a moment");
	request.what.snap_bytes = router->config->recorder.packet_bytes;
	number = capture_begin_recorded(
		router, &request, last_sec == 0 ? 0 : now_ns - (uint64_t)last_sec * SEC_NS, &err);
	if (number < 0)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	return json_pack("{s:i}", "capture", number);
}

static json_t *workers_json(const struct router *router)
{
	struct dp_recorder_state state;
	uint64_t now_ns = wall_ns();
	json_t *list = json_array();

	for (unsigned i = 0; dataplane_recorder_state(router->dp, i, &state); i++) {
		json_t *to = json_object();

		show_put_number(to, "worker", i);
		show_put_number(to, "recorded", state.recorded);
		show_put_number(to, "held", state.held);
		show_put_number(to, "held_max", state.held_max);
		show_put_number(to, "span_ms",
			state.oldest_ns == 0 || state.oldest_ns > now_ns
				? 0
				: (now_ns - state.oldest_ns) / MS_NS);
		json_array_append_new(list, to);
	}
	return list;
}

static json_t *files_json(const struct router *router)
{
	static struct recorder_entry entries[RECORDER_FILES_MAX]; // the control thread's alone
	const struct recorder_files files = recorder_files_of(router);
	unsigned n = recorder_files_list(&files, entries, RECORDER_FILES_MAX);
	json_t *list = json_array();

	for (unsigned i = 0; i < n && i < RECORDER_FILES_MAX; i++) {
		json_t *to = json_object();

		show_put_text(to, "name", entries[i].name);
		show_put_number(to, "bytes", entries[i].bytes);
		json_array_append_new(list, to);
	}
	return list;
}

json_t *recorder_show(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	const struct cfg_recorder *config = &router->config->recorder;
	struct recorder_state state;
	json_t *to;

	if (!show_read_nothing(params, failure))
		return NULL;
	recorder_state(router->recorder, &state);
	to = json_object();
	show_put_bool(to, "is_on", config->is_there);
	if (!config->is_there)
		return to;
	show_put_number(to, "memory_mib", config->memory_mib);
	show_put_number(to, "packet_bytes", config->packet_bytes);
	show_put_text(to, "directory", config->directory);
	show_put_bool(to, "is_writing", state.is_writing);
	show_put_number(to, "written", state.n_written);
	show_put_number(to, "passed_over", state.n_passed_over);
	show_put_text(to, "last_event", state.last[0] == '\0' ? NULL : state.last);
	json_object_set_new(to, "workers", workers_json(router));
	json_object_set_new(to, "files", files_json(router));
	return to;
}
