// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/pcapng.h"
#include "control/router.h"
#include "control/rule_text.h"

enum {
	EMPTY_MS = 10,
	PACKETS_PER_TURN = 4096, // then the rest of the loop has its turn
	BUFFER_MAX = 4 << 20,
	PATIENCE_MS = 3000, // a client that does not come for so long has gone
	COMMENT_BYTES = 1024,
	NO_INTERFACE = DP_INTERFACES_MAX, // the place of what has none
};

struct capture_session {
	int number;
	struct event *timer;
	struct evbuffer *buffer;
	uint32_t snap_bytes;
	uint64_t packets, packets_max;
	uint64_t end_ms;  // 0: none
	uint64_t seen_ms; // the client
	bool is_ended, is_empty;
	// pcapng's numbers of the workers' interfaces, and as what they were written
	struct {
		char name[16]; // "": not yet
		uint32_t number;
	} interfaces[DP_INTERFACES_MAX + 1];
	uint32_t n_interfaces;
};

// --- what is written ---

static uint32_t interface_number(const struct router *router, int id)
{
	struct capture_session *session = router->capture;
	const struct interface *interface =
		id < 0 ? NULL : interfaces_by_id(&router->interfaces, id);
	const char *name = interface == NULL ? "router" : interface->config->name;
	unsigned place = id < 0 || id >= DP_INTERFACES_MAX ? NO_INTERFACE : (unsigned)id;

	if (strcmp(session->interfaces[place].name, name) == 0)
		return session->interfaces[place].number;
	if (pcapng_interface(session->buffer, name, session->snap_bytes) != 0)
		return UINT32_MAX;
	snprintf(session->interfaces[place].name, sizeof(session->interfaces[place].name), "%s",
		name);
	session->interfaces[place].number = session->n_interfaces++;
	return session->interfaces[place].number;
}

static void write_rule(FILE *to, const struct router *router, int64_t rule)
{
	const struct policy *policy = router->firewall.policy;
	const struct cfg_rule *its;

	if (rule < 0) {
		fputs("; by no rule but the default", to);
		return;
	}
	// one of a policy that has been replaced since may mean none any more
	if (policy == NULL || rule >= policy->dp.n_rules)
		return;
	its = policy->rules[rule];
	fprintf(to, "; rule %s:%d: ", config_file_of(router->config, its->place), its->place.line);
	rule_text_write(to, its);
	if (its->comment != NULL)
		fprintf(to, " (%s)", its->comment);
}

// "drop_rule: dropped by a firewall rule, or by default; rule FILE:LINE: from: lan, action: drop".
static const char *comment_of(
	const struct router *router, const struct dp_captured *packet, char text[COMMENT_BYTES])
{
	FILE *to = packet->reason == NULL ? NULL : fmemopen(text, COMMENT_BYTES, "w");

	if (to == NULL)
		return NULL;
	fprintf(to, "%s: %s", packet->reason, packet->help);
	if (packet->is_by_firewall)
		write_rule(to, router, packet->rule);
	fclose(to);
	text[COMMENT_BYTES - 1] = '\0';
	return text;
}

static bool write_packet(const struct router *router, const struct dp_captured *from)
{
	struct capture_session *session = router->capture;
	char text[COMMENT_BYTES];
	struct pcapng_packet packet = {
		.interface = interface_number(router, from->interface),
		.direction = from->kind == DP_CAPTURE_TX   ? PCAPNG_OUTBOUND
			     : from->kind == DP_CAPTURE_RX ? PCAPNG_INBOUND
							   : PCAPNG_UNKNOWN,
		.time_ns = from->time_ns,
		.bytes = from->bytes,
		.captured_bytes = from->captured_bytes,
		.data = from->data,
		.comment = comment_of(router, from, text),
	};

	return packet.interface != UINT32_MAX && pcapng_packet(session->buffer, &packet) == 0;
}

// --- its life ---

static void end(const struct router *router)
{
	struct capture_session *session = router->capture;

	dataplane_capture_stop(router->dp);
	session->is_ended = true;
}

// As much as a turn of the loop, the buffer and the request have room for.
static void empty_rings(const struct router *router)
{
	struct capture_session *session = router->capture;
	struct dp_captured packet;

	for (unsigned i = 0; i < PACKETS_PER_TURN; i++) {
		if (session->packets_max > 0 && session->packets >= session->packets_max) {
			end(router);
			session->is_empty = true; // what else is there was not asked for
		}
		if (session->is_empty || evbuffer_get_length(session->buffer) >= BUFFER_MAX)
			return;
		if (!dataplane_capture_next(router->dp, &packet)) {
			session->is_empty = session->is_ended;
			return;
		}
		session->packets += write_packet(router, &packet);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct router *router = ctx;
	struct capture_session *session = router->capture;
	uint64_t now_ms = clock_now_ms();

	if (now_ms - session->seen_ms > PATIENCE_MS) {
		log_info("control", "a capture ended: its client has gone");
		capture_forget(router);
		return;
	}
	if (!session->is_ended && session->end_ms != 0 && now_ms >= session->end_ms)
		end(router);
	empty_rings(router);
}

void capture_forget(struct router *router)
{
	struct capture_session *session = router->capture;

	if (session == NULL)
		return;
	dataplane_capture_free(router->dp);
	if (session->timer != NULL)
		event_free(session->timer);
	if (session->buffer != NULL)
		evbuffer_free(session->buffer);
	free(session);
	router->capture = NULL;
}

// The section's header and the interfaces: a file without any is none to tcpdump, and nothing may
// come.
static bool write_head(const struct router *router, const struct capture_request *request)
{
	const struct interfaces *interfaces = &router->interfaces;

	if (pcapng_section(router->capture->buffer, "millrace " MILLRACE_VERSION, request->text) !=
		0)
		return false;
	for (unsigned i = 0; i < interfaces->n; i++)
		if ((request->what.interfaces >> interfaces->list[i].id & 1) != 0 &&
			interface_number(router, interfaces->list[i].id) == UINT32_MAX)
			return false;
	return true;
}

static bool start_timer(struct router *router)
{
	static const struct timeval interval = {.tv_usec = EMPTY_MS * 1000};
	struct capture_session *session = router->capture;

	session->timer = event_new(router->base, -1, EV_PERSIST, on_timer, router);
	return session->timer != NULL && event_add(session->timer, &interval) == 0;
}

int capture_begin(struct router *router, const struct capture_request *request, struct error *err)
{
	static int last_number;
	struct capture_session *session;
	int error = -ENOMEM;

	if (router->capture != NULL) {
		error_set(err, "another capture is under way, there can be one at a time");
		return -EBUSY;
	}
	session = router->capture = calloc(1, sizeof(*session));
	if (session == NULL)
		goto no_memory;
	session->number = last_number = last_number == INT32_MAX ? 1 : last_number + 1;
	session->snap_bytes = request->what.snap_bytes;
	session->packets_max = request->packets_max;
	session->seen_ms = clock_now_ms();
	if (request->for_sec > 0)
		session->end_ms = session->seen_ms + request->for_sec * UINT64_C(1000);
	session->buffer = evbuffer_new();
	if (session->buffer == NULL || !start_timer(router) || !write_head(router, request))
		goto no_memory;
	error = dataplane_capture_start(router->dp, &request->what, err);
	if (error == 0)
		return session->number;
	capture_forget(router);
	return error;
no_memory:
	error_set(err, "no memory for a capture");
	capture_forget(router);
	return error;
}

bool capture_take(struct router *router, int number, struct evbuffer *out, size_t max,
	struct capture_state *state)
{
	struct capture_session *session = router->capture;

	if (session == NULL || session->number != number)
		return false;
	session->seen_ms = clock_now_ms();
	empty_rings(router);
	evbuffer_remove_buffer(session->buffer, out, max);
	*state = (struct capture_state){
		.packets = session->packets,
		.is_over = session->is_empty && evbuffer_get_length(session->buffer) == 0,
	};
	dataplane_capture_counts(router->dp, &state->counts);
	if (state->is_over)
		capture_forget(router);
	return true;
}

bool capture_end(struct router *router, int number)
{
	if (router->capture == NULL || router->capture->number != number)
		return false;
	end(router);
	return true;
}
