// SPDX-License-Identifier: BSD-3-Clause
// The client comes for what there is, again and again: the daemon never waits for a reader, needs
// no second connection and no descriptor passed, and any language can do it.
//
//   capture.start {interfaces, kinds, program, snap, count, for_sec, thorough, text} -> {capture}
//     all optional: names; "rx", "tx", "drop"; the filter's steps as `tcpdump -y EN10MB -ddd`
//     prints them, [code, jump true, jump false, k]; bytes of a packet; the end after packets or
//     seconds; look at each packet whatever it costs; the filter as it was written, for the file
//   capture.read {capture} -> {pcapng, is_over, packets, lost, unseen}
//     the next bytes in base64, at least every 3 seconds; after is_over it is forgotten
//   capture.stop {capture} -> {}
//     what is there can still be read
#include <errno.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/show_parts.h"
#include "control/capture.h"

enum {
	READ_MAX = 192 << 10, // bytes of pcapng in one answer
};

static bool read_step(const json_t *from, struct dp_filter_step *step)
{
	int code, jump_true, jump_false;
	json_int_t k;

	if (json_unpack((json_t *)(uintptr_t)from, "[iiiI!]", &code, &jump_true, &jump_false, &k) !=
			0 ||
		code < 0 || code > UINT16_MAX || jump_true < 0 || jump_true > UINT8_MAX ||
		jump_false < 0 || jump_false > UINT8_MAX || k < 0 || k > UINT32_MAX)
		return false;
	*step = (struct dp_filter_step){
		(uint16_t)code, (uint8_t)jump_true, (uint8_t)jump_false, (uint32_t)k};
	return true;
}

static bool read_program(const json_t *program, struct dp_filter_step *steps, struct dp_capture *to,
	struct rpc_failure *failure)
{
	if (json_array_size(program) > DP_FILTER_STEPS_MAX) {
		rpc_fail(failure, RPC_INVALID_PARAMS, "the filter has %zu steps, %d are the most",
			json_array_size(program), DP_FILTER_STEPS_MAX);
		return false;
	}
	to->filter = steps;
	to->n_steps = (unsigned)json_array_size(program);
	for (unsigned i = 0; i < to->n_steps; i++) {
		if (read_step(json_array_get(program, i), &steps[i]))
			continue;
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"step %u of 'program' is no [code, jump true, jump false, k]", i);
		return false;
	}
	return true;
}

static bool read_kinds(const json_t *kinds, struct dp_capture *to, struct rpc_failure *failure)
{
	static const struct {
		const char *name;
		enum dp_capture_kind kind;
	} names[] = {{"rx", DP_CAPTURE_RX}, {"tx", DP_CAPTURE_TX}, {"drop", DP_CAPTURE_DROP}};

	if (json_array_size(kinds) == 0)
		to->kinds = DP_CAPTURE_ALL;
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const char *word = json_string_value(json_array_get(kinds, i));
		uint8_t before = to->kinds;

		for (size_t k = 0; word != NULL && k < 3; k++)
			if (strcmp(word, names[k].name) == 0)
				to->kinds |= names[k].kind;
		if (to->kinds != before)
			continue;
		rpc_fail(failure, RPC_INVALID_PARAMS, "'kinds' are rx, tx and drop, each once");
		return false;
	}
	return true;
}

static bool read_interfaces(const struct router *router, const json_t *names, struct dp_capture *to,
	struct rpc_failure *failure)
{
	if (json_array_size(names) == 0)
		to->interfaces = UINT64_MAX;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		const struct interface *interface =
			name == NULL ? NULL : interfaces_by_name(&router->interfaces, name);

		if (interface == NULL) {
			rpc_fail(failure, RPC_INVALID_PARAMS, "there is no interface '%.64s'",
				name == NULL ? "" : name);
			return false;
		}
		to->interfaces |= UINT64_C(1) << interface->id;
	}
	return true;
}

static bool is_list(const json_t *value)
{
	return value == NULL || json_is_array(value);
}

json_t *capture_start(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct router *router = ctx;
	struct dp_filter_step steps[DP_FILTER_STEPS_MAX];
	json_t *interfaces = NULL, *kinds = NULL, *program = NULL;
	json_int_t snap = DP_CAPTURE_SNAP_MAX, count = 0, for_sec = 0;
	struct capture_request request = {0};
	int is_thorough = 0, number;
	json_error_t why;
	struct error err;

	if (params != NULL &&
		json_unpack_ex((json_t *)(uintptr_t)params, &why, 0,
			"{s?o, s?o, s?o, s?I, s?I, s?I, s?b, s?s !}", "interfaces", &interfaces,
			"kinds", &kinds, "program", &program, "snap", &snap, "count", &count,
			"for_sec", &for_sec, "thorough", &is_thorough, "text", &request.text) != 0)
		return rpc_fail(failure, RPC_INVALID_PARAMS, "%s", why.text);
	if (!is_list(interfaces) || !is_list(kinds) || !is_list(program))
		return rpc_fail(failure, RPC_INVALID_PARAMS,
			"'interfaces', 'kinds' and 'program' are lists");
	if (snap < 14 || snap > DP_CAPTURE_SNAP_MAX || count < 0 || for_sec < 0 ||
		for_sec > UINT32_MAX)
		return rpc_fail(failure, RPC_INVALID_PARAMS,
			"'snap' is 14 to %d bytes, 'count' and 'for_sec' are not negative",
			DP_CAPTURE_SNAP_MAX);
	if (!read_interfaces(router, interfaces, &request.what, failure) ||
		!read_kinds(kinds, &request.what, failure) ||
		!read_program(program, steps, &request.what, failure))
		return NULL;
	request.what.snap_bytes = (uint16_t)snap;
	request.what.is_thorough = is_thorough;
	request.packets_max = (uint64_t)count;
	request.for_sec = (uint32_t)for_sec;
	number = capture_begin(router, &request, &err);
	if (number < 0)
		return rpc_fail(failure,
			number == -EINVAL ? RPC_INVALID_PARAMS : RPC_INTERNAL_ERROR, "%s",
			err.text);
	return json_pack("{s:i}", "capture", number);
}

static bool read_number(const json_t *params, int *number, struct rpc_failure *failure)
{
	if (params != NULL &&
		json_unpack((json_t *)(uintptr_t)params, "{s:i !}", "capture", number) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'capture' is the number that capture.start gave");
	return false;
}

static json_t *no_such(int number, struct rpc_failure *failure)
{
	return rpc_fail(failure, RPC_INVALID_PARAMS, "there is no capture %d (any more)", number);
}

static json_t *base64_json(struct evbuffer *from)
{
	size_t n = evbuffer_get_length(from), text_bytes = BASE64_ENCODE_RAW_LENGTH(n);
	const uint8_t *bytes = n == 0 ? (const uint8_t *)"" : evbuffer_pullup(from, -1);
	char *text = malloc(text_bytes + 1);
	json_t *to = NULL;

	if (text != NULL && bytes != NULL) {
		base64_encode_raw(text, n, bytes);
		to = json_stringn(text, text_bytes);
	}
	free(text);
	return to;
}

json_t *capture_read(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	struct evbuffer *got;
	struct capture_state state = {0};
	json_t *to = NULL;
	int number;

	if (!read_number(params, &number, failure))
		return NULL;
	got = evbuffer_new();
	if (got == NULL)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "no memory");
	if (capture_take(ctx, number, got, READ_MAX, &state)) {
		to = json_object();
		json_object_set_new(to, "pcapng", base64_json(got));
		show_put_bool(to, "is_over", state.is_over);
		show_put_number(to, "packets", state.packets);
		show_put_number(to, "lost", state.counts.lost);
		show_put_number(to, "unseen", state.counts.unseen);
	} else {
		no_such(number, failure);
	}
	evbuffer_free(got);
	return to;
}

json_t *capture_stop(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	int number;

	if (!read_number(params, &number, failure))
		return NULL;
	if (!capture_end(ctx, number))
		return no_such(number, failure);
	return json_object();
}
