// SPDX-License-Identifier: BSD-3-Clause
//   explain {in, protocol, source, destination, ...} or {in, frame} -> {frame, fate, reason, ...,
//     steps: [{step, decision, because, place, passed_over}]}
#include "control/api/explain.h"

#include <assert.h>

#include "control/explain_frame.h"

static_assert((int)EXPLAIN_BYTES_MAX >= (int)EXPLAIN_FRAME_MAX, "room for any that is made");

static const char *fate_text(enum dp_fate fate)
{
	switch (fate) {
	case DP_FATE_SENT:
		return "sent";
	case DP_FATE_DROPPED:
		return "dropped";
	case DP_FATE_TO_ROUTER:
		return "to-router";
	case DP_FATE_HELD_NEIGHBOUR:
		return "waits-for-neighbour";
	case DP_FATE_HELD_FRAGMENTS:
		return "waits-for-fragments";
	}
	return "?";
}

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * EXPLAIN_BYTES_MAX];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_stringn(text, 2 * n);
}

static json_t *answer_json(const struct dp_explanation *why)
{
	if (why->answer == NULL)
		return json_null();
	if (strcmp(why->answer, "icmp") != 0)
		return json_string(why->answer);
	return json_sprintf("ICMP type %u code %u", why->answer_type, why->answer_code);
}

static void put_text_or_null(json_t *to, const char *key, const char *text)
{
	json_object_set_new(to, key, text == NULL ? json_null() : json_string(text));
}

static void put_left(json_t *to, const struct dp_explanation *why)
{
	size_t n = why->left_bytes < DP_EXPLAIN_LEFT_MAX ? why->left_bytes : DP_EXPLAIN_LEFT_MAX;

	json_object_set_new(to, "left", n == 0 ? json_null() : explain_left_json(why->left, n));
	show_put_number(to, "pieces", why->n_pieces);
}

json_t *explain_packet(void *ctx, const json_t *params, struct rpc_failure *failure)
{
	const struct router *router = ctx;
	uint8_t frame[EXPLAIN_BYTES_MAX];
	struct dp_explain packet = {0};
	struct dp_explanation why;
	struct error err;
	json_t *to;

	if (!explain_read(router, params, &packet, frame, failure))
		return NULL;
	if (dataplane_explain(router->dp, &packet, &why, &err) != 0)
		return rpc_fail(failure, RPC_INTERNAL_ERROR, "%s", err.text);
	to = json_object();
	show_put_text(to, "fate", fate_text(why.fate));
	put_text_or_null(to, "reason", why.reason);
	put_text_or_null(to, "help", why.help);
	json_object_set_new(to, "answer", answer_json(&why));
	json_object_set_new(
		to, "rule", explain_rule_json(router, why.rules.is_asked ? why.rules.rule : -1));
	show_put_interface(to, "interface", router, why.out_interface);
	put_left(to, &why);
	json_object_set_new(to, "worker", why.worker < 0 ? json_null() : json_integer(why.worker));
	json_object_set_new(to, "steps", explain_steps(router, &packet, &why));
	json_object_set_new(to, "frame", hex_json(packet.frame, packet.bytes));
	return to;
}
