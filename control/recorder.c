// SPDX-License-Identifier: BSD-3-Clause
#include "control/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cfg/base/clock.h"
#include "cfg/base/log.h"
#include "control/capture.h"
#include "control/capture_writer.h"
#include "control/router.h"

enum {
	TURN_MS = 10,
	PACKETS_PER_TURN = 4096, // then the rest of the loop has its turn
	REST_MS = 10000,	 // after a file, for the next event to tell more
	TEXT_BYTES = 128,
	MS_NS = 1000000,
};

struct recorder {
	struct router *router;
	bool has_link[DP_INTERFACES_MAX];
	// drops, each second
	uint64_t drops_before, drops_ms;
	bool is_dropping;
	unsigned n_stalls;
	// the event that waits for a copy of the rings: "" none
	char waiting[TEXT_BYTES];
	const char *waiting_cause;
	// the file that is written, if there is a recording
	struct dp_recording *recording;
	struct recorder_file file;
	struct capture_writer writer;
	struct event *timer;
	uint64_t n_bytes, n_packets;
	uint64_t rest_until_ms;
	struct recorder_state state;
};

static const struct cfg_recorder *config_of(const struct recorder *recorder)
{
	return &recorder->router->config->recorder;
}

struct recorder_files recorder_files_of(const struct router *router)
{
	const struct cfg_recorder *config = &router->config->recorder;

	return (struct recorder_files){.directory = config->directory,
		.n_max = config->files,
		.bytes_max = (uint64_t)config->space_mib << 20};
}

// --- a file ---

static void end_file(struct recorder *recorder)
{
	dataplane_recording_free(recorder->recording);
	recorder->recording = NULL;
	recorder_files_drop(&recorder->file);
	if (recorder->writer.to != NULL)
		evbuffer_free(recorder->writer.to);
	recorder->writer.to = NULL;
	event_del(recorder->timer);
}

static void give_up(struct recorder *recorder, const char *why)
{
	log_error("control", "the recorder's file is not written: %s", why);
	end_file(recorder);
}

static void finish(struct recorder *recorder)
{
	struct error err = {0};

	if (recorder_files_finish(&recorder->file, &err) != 0) {
		give_up(recorder, err.text);
		return;
	}
	recorder->state.n_written++;
	log_info("control", "recorded: %s/%s, %" PRIu64 " packets", config_of(recorder)->directory,
		recorder->file.name, recorder->n_packets);
	end_file(recorder);
}

// What a turn of the loop has time for. False: that was all, or there is no more room.
static bool fill(struct recorder *recorder, uint64_t bytes_max)
{
	struct dp_captured packet;

	for (unsigned i = 0; i < PACKETS_PER_TURN; i++) {
		if (recorder->n_bytes + evbuffer_get_length(recorder->writer.to) >= bytes_max) {
			log_warning("control", "the recorder's file is cut: it is as large as "
					       "`space` lets it be");
			return false;
		}
		if (!dataplane_recording_next(recorder->recording, &packet))
			return false;
		recorder->n_packets += capture_writer_put(&recorder->writer, &packet);
	}
	return true;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct recorder *recorder = ctx;
	struct recorder_files files = recorder_files_of(recorder->router);
	bool has_more = fill(recorder, files.bytes_max - files.bytes_max / 16);

	recorder->n_bytes += evbuffer_get_length(recorder->writer.to);
	recorder_files_make_room(&files, 1, recorder->n_bytes);
	while (evbuffer_get_length(recorder->writer.to) > 0)
		if (evbuffer_write(recorder->writer.to, recorder->file.fd) < 0) {
			give_up(recorder, strerror(errno));
			return;
		}
	if (!has_more)
		finish(recorder);
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / MS_NS;
}

// Takes the recording.
static int begin_file_of(struct recorder *recorder, struct dp_recording *recording,
	const char *cause, int64_t now_ms, struct error *err)
{
	static const struct timeval interval = {.tv_usec = TURN_MS * 1000};
	struct recorder_files files = recorder_files_of(recorder->router);

	recorder->recording = recording;
	if (recorder_files_begin(&files, err) != 0 ||
		recorder_files_open(&files, cause, now_ms, &recorder->file, err) != 0)
		return -1;
	recorder->writer = (struct capture_writer){.router = recorder->router,
		.to = evbuffer_new(),
		.snap_bytes = config_of(recorder)->packet_bytes};
	recorder->n_bytes = recorder->n_packets = 0;
	if (recorder->writer.to == NULL ||
		!capture_writer_begin(&recorder->writer, UINT64_MAX, recorder->waiting) ||
		event_add(recorder->timer, &interval) != 0)
		return error_set(err, "no memory");
	return 0;
}

static int begin_file(struct recorder *recorder, const char *cause, struct error *err)
{
	int64_t now_ms = wall_ms();
	int64_t since_ms = now_ms - (int64_t)config_of(recorder)->last_sec * 1000;
	// first: while the rest is made ready, the rings go on
	struct dp_recording *recording = dataplane_recording_new(
		recorder->router->dp, since_ms > 0 ? (uint64_t)since_ms * MS_NS : 0, err);

	return recording == NULL ? -1 : begin_file_of(recorder, recording, cause, now_ms, err);
}

bool recorder_is_writing(const struct recorder *recorder)
{
	return recorder != NULL && recorder->recording != NULL;
}

// --- events ---

// There is memory for one copy of the rings: who is second waits.
static void begin_waiting(struct recorder *recorder)
{
	struct error err = {0};

	if (recorder->waiting[0] == '\0' || recorder_is_writing(recorder) ||
		capture_has_recording(recorder->router))
		return;
	log_info("control", "recording: %s", recorder->waiting);
	if (begin_file(recorder, recorder->waiting_cause, &err) != 0)
		give_up(recorder, err.text);
	memcpy(recorder->state.last, recorder->waiting, sizeof(recorder->waiting));
	recorder->waiting[0] = '\0';
	recorder->rest_until_ms = clock_now_ms() + REST_MS;
}

static void __attribute__((format(printf, 4, 5))) happened(struct recorder *recorder,
	enum cfg_recorder_cause cause, const char *name, const char *fmt, ...)
{
	uint8_t causes = config_of(recorder)->causes;
	va_list ap;

	if (((causes != 0 ? causes : CFG_RECORDER_CAUSES_DEFAULT) & cause) == 0)
		return;
	if (recorder->waiting[0] != '\0' || clock_now_ms() < recorder->rest_until_ms) {
		recorder->state.n_passed_over++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(recorder->waiting, sizeof(recorder->waiting), fmt, ap);
	va_end(ap);
	recorder->waiting_cause = name;
	begin_waiting(recorder);
}

void recorder_link(struct recorder *recorder, const struct interface *interface)
{
	bool has_link = interface->is_link_up, had_link;

	if (recorder == NULL || interface->id < 0 || interface->id >= DP_INTERFACES_MAX)
		return;
	had_link = recorder->has_link[interface->id];
	recorder->has_link[interface->id] = has_link;
	if (had_link && !has_link)
		happened(recorder, CFG_RECORDER_LINK_DOWN, "link-down",
			"interface %s lost its link", interface->config->name);
	else if (has_link && !had_link)
		happened(recorder, CFG_RECORDER_LINK_UP, "link-up", "interface %s got its link",
			interface->config->name);
}

static uint64_t count_drops(const struct recorder *recorder)
{
	struct dp_counter counter;
	uint64_t sum = 0;

	for (unsigned i = 0; dataplane_counter(recorder->router->dp, i, &counter); i++)
		if (strncmp(counter.name, "drop_", strlen("drop_")) == 0)
			sum += counter.packets;
	return sum;
}

// A flood is one event, however long it lasts.
static void look_at_drops(struct recorder *recorder)
{
	uint64_t now_ms = clock_now_ms(), drops = count_drops(recorder);
	uint64_t elapsed_ms = now_ms - recorder->drops_ms, per_sec;
	bool was_dropping = recorder->is_dropping;

	if (elapsed_ms < 1000) // a turn that is late, and the next one: a few would look like many
		elapsed_ms = 1000;
	per_sec = (drops - recorder->drops_before) * 1000 / elapsed_ms;
	recorder->is_dropping = per_sec >= config_of(recorder)->drops_per_sec;
	recorder->drops_before = drops;
	recorder->drops_ms = now_ms;
	if (recorder->is_dropping && !was_dropping)
		happened(recorder, CFG_RECORDER_DROPS, "drops", "%" PRIu64 " drops a second",
			per_sec);
}

void recorder_turn(struct recorder *recorder, unsigned n_stalls)
{
	if (recorder == NULL)
		return;
	begin_waiting(recorder);
	look_at_drops(recorder);
	if (n_stalls != recorder->n_stalls)
		happened(recorder, CFG_RECORDER_STALL, "stall", "a worker has stalled");
	recorder->n_stalls = n_stalls;
}

// --- the router before this one ---

static void begin_leftover(struct recorder *recorder, struct leftover *leftover)
{
	struct dp_recording *recording = leftover->recording;
	struct error err = {0};

	if (recording == NULL)
		return;
	leftover->recording = NULL;
	snprintf(recorder->waiting, sizeof(recorder->waiting),
		"the router before this one, process %u, ended without a word",
		leftover->origin.pid);
	log_error("control", "%s: what it recorded last is being written", recorder->waiting);
	if (begin_file_of(recorder, recording, "crash", wall_ms(), &err) != 0)
		give_up(recorder, err.text);
	memcpy(recorder->state.last, recorder->waiting, sizeof(recorder->waiting));
	recorder->waiting[0] = '\0';
}

// --- its life ---

struct recorder *recorder_start(struct router *router)
{
	struct recorder *recorder;
	struct error err = {0};

	if (!router->config->recorder.is_there)
		return NULL;
	recorder = calloc(1, sizeof(*recorder));
	if (recorder != NULL)
		recorder->timer = event_new(router->base, -1, EV_PERSIST, on_timer, recorder);
	if (recorder == NULL || recorder->timer == NULL) {
		log_error("control", "no memory for what the recorder writes by itself");
		free(recorder);
		return NULL;
	}
	recorder->router = router;
	recorder->file = (struct recorder_file){.fd = -1, .directory_fd = -1};
	recorder->drops_ms = clock_now_ms();
	recorder->drops_before = count_drops(recorder);
	for (unsigned i = 0; i < router->interfaces.n; i++) {
		const struct interface *interface = &router->interfaces.list[i];

		if (interface->id >= 0 && interface->id < DP_INTERFACES_MAX)
			recorder->has_link[interface->id] = interface->is_link_up;
	}
	if (!dataplane_recorder_outlives(router->dp, &err))
		log_warning("control", "what is recorded ends with this process: %s", err.text);
	begin_leftover(recorder, &router->leftover);
	return recorder;
}

void recorder_stop(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	end_file(recorder);
	event_free(recorder->timer);
	free(recorder);
}

void recorder_state(const struct recorder *recorder, struct recorder_state *out)
{
	*out = (struct recorder_state){0};
	if (recorder == NULL)
		return;
	*out = recorder->state;
	out->is_writing = recorder_is_writing(recorder);
}
