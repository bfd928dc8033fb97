// SPDX-License-Identifier: BSD-3-Clause
// What a client that has subscribed still has to be told: notifications, a line each, held back
// while an answer is being written or the client does not read. Bounded: what does not fit is
// counted, and the count is told in its place. Control thread.
#pragma once

#include <stdint.h>

#include "control/api/rpc.h"

enum stream_topic {
	STREAM_LINKS = 0,
	STREAM_DROPS,
	STREAM_SETS,
	STREAM_NEIGHBOURS,
	STREAM_ALARMS,
	STREAM_CONFIG,
	STREAM_UPLINKS,
	STREAM_LEASES,
	STREAM_COMMANDS,
	STREAM_TOPICS,
};

#define STREAM_TOPIC_NAMES "links|drops|sets|neighbours|alarms|config|uplinks|leases|commands"

enum { STREAM_WAITING_MAX = 32 << 10 };

struct stream {
	uint32_t topics;	  // bits 1 << topic
	struct evbuffer *waiting; // NULL: nothing was
	uint64_t n_lost;	  // after those that wait
};

void stream_fini(struct stream *stream);

// Whether it is for this client.
bool stream_put(
	struct stream *stream, enum stream_topic topic, const char *line, size_t line_bytes);
// To be called between answers.
void stream_flush(struct stream *stream, struct evbuffer *out);

const char *stream_topic_name(enum stream_topic topic);

// Methods of a session whose owner is a struct stream.
json_t *stream_subscribe(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
json_t *stream_unsubscribe(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure);
