// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/stream.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[] = {
	[STREAM_LINKS] = "links",
	[STREAM_DROPS] = "drops",
	[STREAM_SETS] = "sets",
	[STREAM_NEIGHBOURS] = "neighbours",
	[STREAM_ALARMS] = "alarms",
	[STREAM_CONFIG] = "config",
	[STREAM_UPLINKS] = "uplinks",
	[STREAM_LEASES] = "leases",
	[STREAM_COMMANDS] = "commands",
};

const char *stream_topic_name(enum stream_topic topic)
{
	return names[topic];
}

void stream_fini(struct stream *stream)
{
	if (stream->waiting != NULL)
		evbuffer_free(stream->waiting);
	*stream = (struct stream){0};
}

bool stream_put(struct stream *stream, enum stream_topic topic, const char *line, size_t line_bytes)
{
	if ((stream->topics & (1u << topic)) == 0)
		return false;
	if (stream->waiting == NULL)
		stream->waiting = evbuffer_new();
	// what comes after a gap stays behind it
	if (stream->waiting == NULL || stream->n_lost > 0 ||
		evbuffer_get_length(stream->waiting) + line_bytes > STREAM_WAITING_MAX ||
		evbuffer_add(stream->waiting, line, line_bytes) != 0)
		stream->n_lost++;
	return true;
}

void stream_flush(struct stream *stream, struct evbuffer *out)
{
	if (stream->waiting != NULL)
		evbuffer_add_buffer(out, stream->waiting);
	if (stream->n_lost > 0)
		evbuffer_add_printf(out,
			"{\"jsonrpc\":\"2.0\",\"method\":\"lost\",\"params\":{\"events\":%" PRIu64
			"}}\n",
			stream->n_lost);
	stream->n_lost = 0;
}

// --- methods ---

static json_t *topics_json(const struct stream *stream)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < STREAM_TOPICS; i++)
		if ((stream->topics & (1u << i)) != 0)
			json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:o}", "topics", list);
}

// Bits; 0 with *failure filled. Without "topics": all of them.
static uint32_t read_topics(const json_t *params, struct rpc_failure *failure)
{
	const json_t *list = json_object_get(params, "topics"), *one;
	uint32_t topics = 0;
	size_t k;

	if (json_object_size(params) > (list == NULL ? 0 : 1) ||
		(list != NULL && (!json_is_array(list) || json_array_size(list) == 0))) {
		rpc_fail(failure, RPC_INVALID_PARAMS,
			"the only parameter is 'topics', a list of some of " STREAM_TOPIC_NAMES);
		return 0;
	}
	json_array_foreach(list, k, one)
	{
		uint32_t bit = 0;

		for (unsigned i = 0; i < STREAM_TOPICS; i++)
			if (json_is_string(one) && strcmp(names[i], json_string_value(one)) == 0)
				bit = 1u << i;
		if (bit == 0) {
			rpc_fail(failure, RPC_INVALID_PARAMS,
				"a topic must be one of " STREAM_TOPIC_NAMES);
			return 0;
		}
		topics |= bit;
	}
	return list == NULL ? (1u << STREAM_TOPICS) - 1 : topics;
}

json_t *stream_subscribe(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	struct stream *stream = session->owner;
	uint32_t topics = read_topics(params, failure);

	stream->topics |= topics;
	return topics == 0 ? NULL : topics_json(stream);
}

json_t *stream_unsubscribe(
	struct rpc_session *session, const json_t *params, struct rpc_failure *failure)
{
	struct stream *stream = session->owner;
	uint32_t topics = read_topics(params, failure);

	stream->topics &= ~topics;
	return topics == 0 ? NULL : topics_json(stream);
}
