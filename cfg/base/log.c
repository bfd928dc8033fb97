// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cfg/base/clock.h"
#include "cfg/base/log_limit.h"
#include "cfg/base/log_ring.h"
#include "cfg/base/log_text.h"

enum { NOT_BY_HAND = -1, LINE_BYTES = LOG_TEXT_BYTES + LOG_OBJECT_BYTES + LOG_TIME_BYTES + 16 };

static struct {
	atomic_int levels[LOG_PARTS]; // in force
	atomic_uint_least64_t n_lines[LOG_PARTS], n_left_out[LOG_PARTS];
	log_sink_fn sink;
	atomic_uint_least64_t n_lost; // there was no room for them, and that was not said yet
	pthread_mutex_t out_lock;     // of stderr: who looked for room has it

	pthread_mutex_t lock; // of what follows
	int by_hand[LOG_PARTS], configured[LOG_PARTS];
	uint64_t seq;
	struct log_limit limit;
	struct log_ring ring;
} state = {
	.levels = {[0 ... LOG_PARTS - 1] = LOG_LEVEL_INFO},
	.out_lock = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.by_hand = {[0 ... LOG_PARTS - 1] = NOT_BY_HAND},
	.configured = {[0 ... LOG_PARTS - 1] = LOG_LEVEL_INFO},
};

// --- where lines go ---

// One write(2) a line, so that lines of several threads never mix. Who reads nothing must not hold
// anybody up: a pipe, a terminal or a socket that has room takes a line whole, and one that has
// none gets it never.
static bool write_line(const char *line, int len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	bool has_room;

	pthread_mutex_lock(&state.out_lock);
	has_room = poll(&out, 1, 0) > 0;
	if (has_room && len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		errno = 0; // nowhere left to say so
	pthread_mutex_unlock(&state.out_lock);
	return has_room;
}

static bool put(const struct log_line *line)
{
	char text[LINE_BYTES], time[LOG_TIME_BYTES];
	int len;

	if (state.sink != NULL && state.sink(line))
		return true;
	if (state.sink != NULL)
		len = snprintf(text, sizeof(text), "<%d>%s: %s\n", log_syslog_level(line->level),
			line->object, line->text);
	else
		len = snprintf(text, sizeof(text), "%s %-7s %s: %s\n",
			log_time_str(line->time_us, time), log_level_name(line->level),
			line->object, line->text);
	return write_line(text, len);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// In their place, when there is room again. False: there is none.
static bool tell_lost(void)
{
	uint64_t n = atomic_exchange(&state.n_lost, 0);
	char text[120];
	struct log_line line = {.time_us = now_us(),
		.level = LOG_LEVEL_WARNING,
		.part = LOG_PART_CONTROL,
		.object = "control",
		.text = text};

	if (n == 0)
		return true;
	snprintf(text, sizeof(text),
		"%" PRIu64 " line%s lost: nobody took them; 'show log' has the last of them", n,
		n == 1 ? " was" : "s were");
	if (put(&line))
		return true;
	atomic_fetch_add(&state.n_lost, n);
	return false;
}

static void put_out(const struct log_line *line)
{
	if (!tell_lost() || !put(line))
		atomic_fetch_add(&state.n_lost, 1);
}

// `object` and `text` as they came.
static void emit(enum log_level level, enum log_part part, const char *object, const char *text)
{
	char clean_object[LOG_OBJECT_BYTES], clean_text[LOG_TEXT_BYTES];
	struct log_line line = {.time_us = now_us(),
		.level = level,
		.part = part,
		.object = clean_object,
		.text = clean_text};

	log_text_clean(clean_object, sizeof(clean_object), object);
	log_text_clean(clean_text, sizeof(clean_text), text);
	atomic_fetch_add_explicit(&state.n_lines[part], 1, memory_order_relaxed);
	pthread_mutex_lock(&state.lock);
	line.seq = ++state.seq;
	log_ring_add(&state.ring, &line);
	pthread_mutex_unlock(&state.lock);
	put_out(&line);
}

// --- what is said, and what is left out ---

static bool is_heard(enum log_level level, enum log_part part)
{
	return (int)level <= atomic_load_explicit(&state.levels[part], memory_order_relaxed);
}

// Whether the place may speak. If not, `is_first` tells whether it is the first time.
static bool take(uintptr_t key, enum log_level level, enum log_part part, bool *is_first)
{
	uint64_t now_ms = clock_now_ms();
	struct log_place *place;
	bool is_taken;

	pthread_mutex_lock(&state.lock);
	place = log_limit_place(&state.limit, key, level, part, now_ms);
	is_taken = log_limit_take(place, now_ms);
	*is_first = !is_taken && place->n_left_out == 1;
	pthread_mutex_unlock(&state.lock);
	return is_taken;
}

static void keep_sample(uintptr_t key, enum log_level level, enum log_part part, const char *object,
	const char *text)
{
	struct log_place *place;

	pthread_mutex_lock(&state.lock);
	place = log_limit_place(&state.limit, key, level, part, clock_now_ms());
	log_text_clean(place->object, sizeof(place->object), object);
	log_text_clean(place->sample, sizeof(place->sample), text);
	pthread_mutex_unlock(&state.lock);
}

static __attribute__((format(printf, 4, 0), nonnull(4))) void say(
	enum log_level level, const char *object, uintptr_t caller, const char *fmt, va_list ap)
{
	enum log_part part = log_part_of(object);
	// Places that share a format, "%s" above all, differ in where they are called from.
	uintptr_t key = (caller * 31 + (uintptr_t)fmt) | 1;
	bool is_first = false, is_taken;
	char text[LOG_TEXT_BYTES * 2];
	int saved = errno;

	if (!is_heard(level, part))
		return;
	is_taken = take(key, level, part, &is_first);
	if (!is_taken)
		atomic_fetch_add_explicit(&state.n_left_out[part], 1, memory_order_relaxed);
	if (is_taken || is_first)
		vsnprintf(text, sizeof(text), fmt, ap);
	if (is_taken)
		emit(level, part, object, text);
	else if (is_first)
		keep_sample(key, level, part, object, text);
	errno = saved;
}

// Not inlined: the address to return to tells one place from another.
#define LOG_FUNCTION(name, level)                                                                  \
	__attribute__((noinline)) void name(const char *object, const char *fmt, ...)              \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		say(level, object, (uintptr_t)__builtin_return_address(0), fmt, ap);               \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void log_packet(const char *object, const char *text)
{
	int saved = errno;

	if (is_heard(LOG_LEVEL_INFO, LOG_PART_PACKETS))
		emit(LOG_LEVEL_INFO, LOG_PART_PACKETS, object, text);
	errno = saved;
}

// A person at a terminal sees what any program says of its end.
void log_last_words(const char *fmt, ...)
{
	char text[LOG_TEXT_BYTES * 2], clean[LOG_TEXT_BYTES], out[LINE_BYTES];
	struct log_line line = {.time_us = now_us(),
		.level = LOG_LEVEL_ERROR,
		.part = LOG_PART_CONTROL,
		.object = program_invocation_short_name,
		.text = clean};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_text_clean(clean, sizeof(clean), text);
	if (state.sink != NULL && state.sink(&line))
		return;
	write_line(out, snprintf(out, sizeof(out), "%s%.32s: %s\n", state.sink != NULL ? "<3>" : "",
				program_invocation_short_name, clean));
}

void log_tell_left_out(bool is_all)
{
	uint64_t now_ms = clock_now_ms(), n = 0;
	struct log_place copy, *place;
	char text[LOG_TEXT_BYTES];

	tell_lost();
	for (unsigned i = 0;; i++) {
		pthread_mutex_lock(&state.lock);
		place = log_limit_due(&state.limit, &i, is_all, now_ms);
		if (place != NULL) {
			n = place->n_left_out;
			copy = *place;
			log_limit_told(place, now_ms);
		}
		pthread_mutex_unlock(&state.lock);
		if (place == NULL)
			return;
		snprintf(text, sizeof(text), "%" PRIu64 " similar line%s left out, the first: %s",
			n, n == 1 ? " was" : "s were", copy.sample);
		emit(copy.level, copy.part, copy.object, text);
	}
}

// --- levels ---

static void put_in_force(enum log_part part)
{
	int level =
		state.by_hand[part] != NOT_BY_HAND ? state.by_hand[part] : state.configured[part];

	atomic_store_explicit(&state.levels[part], level, memory_order_relaxed);
}

static void set_levels(int *levels, enum log_part part, int level)
{
	pthread_mutex_lock(&state.lock);
	levels[part] = level;
	put_in_force(part);
	pthread_mutex_unlock(&state.lock);
}

void log_set_by_hand(enum log_part part, enum log_level level)
{
	set_levels(state.by_hand, part, (int)level);
}

void log_clear_by_hand(enum log_part part)
{
	set_levels(state.by_hand, part, NOT_BY_HAND);
}

void log_set_configured(enum log_part part, enum log_level level)
{
	set_levels(state.configured, part, (int)level);
}

void log_set_level(enum log_level level)
{
	for (unsigned i = 0; i < LOG_PARTS; i++)
		log_set_by_hand((enum log_part)i, level);
}

void log_part_state(enum log_part part, struct log_part_state *out)
{
	pthread_mutex_lock(&state.lock);
	*out = (struct log_part_state){
		.level = (enum log_level)atomic_load(&state.levels[part]),
		.is_by_hand = state.by_hand[part] != NOT_BY_HAND,
		.n_lines = atomic_load(&state.n_lines[part]),
		.n_left_out = atomic_load(&state.n_left_out[part]),
	};
	pthread_mutex_unlock(&state.lock);
}

unsigned log_recent(const struct log_query *query, unsigned limit, log_line_fn fn, void *ctx)
{
	unsigned n;

	pthread_mutex_lock(&state.lock);
	n = log_ring_walk(&state.ring, query, limit, fn, ctx);
	pthread_mutex_unlock(&state.lock);
	return n;
}

void log_set_sink(log_sink_fn sink)
{
	state.sink = sink;
}
