// SPDX-License-Identifier: BSD-3-Clause
// The daemon's log. Each line names its object, "port wan", "set banned", whose first word tells
// the part of the router; each part has a level. A place in the code that says too much is left out
// for a while, and counted. Text is made harmless (log_text.h). Any thread but workers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_part {
	LOG_PART_CONFIG = 0,
	LOG_PART_CONTROL,
	LOG_PART_DATAPLANE,
	LOG_PART_DHCP,
	LOG_PART_DNS,
	LOG_PART_DPDK,
	LOG_PART_DRIVERS,
	LOG_PART_FIREWALL,
	LOG_PART_INTERFACES,
	LOG_PART_NAT,
	LOG_PART_PACKETS,
	LOG_PART_ROUTES,
};

enum {
	LOG_LEVELS = LOG_LEVEL_DEBUG + 1,
	LOG_PARTS = LOG_PART_ROUTES + 1,
	LOG_OBJECT_BYTES = 64,
	LOG_TEXT_BYTES = 1024,
};

void log_error(const char *object, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *object, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *object, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *object, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The object "set banned", where it stands: log_info(log_object("set", name).text, ...).
struct log_object {
	char text[LOG_OBJECT_BYTES];
};
struct log_object log_object(const char *kind, const char *name);
// What a rule says of a packet. The caller limits it.
void log_packet(const char *object, const char *text);
// Why the process ends: never left out, whatever the levels.
void log_last_words(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// Says how many lines were left out, where it is time; `is_all`: time or not, at the end. And how
// many were lost because nobody took them, where somebody does again.
void log_tell_left_out(bool is_all);

// --- levels; what is set by hand goes before what the config says, until it is cleared ---

void log_set_level(enum log_level level); // of all parts, by hand
void log_set_by_hand(enum log_part part, enum log_level level);
void log_clear_by_hand(enum log_part part);
void log_set_configured(enum log_part part, enum log_level level); // default: info

struct log_part_state {
	enum log_level level;
	bool is_by_hand;
	uint64_t n_lines, n_left_out; // since the start
};
void log_part_state(enum log_part part, struct log_part_state *out);

const char *log_level_name(enum log_level level); // "warning"
const char *log_part_name(enum log_part part);	  // "drivers"
// The index of that name, -1: none has it.
int log_level_find(const char *name);
int log_part_find(const char *name);
// The part that the first word of an object belongs to; control, where no other claims it.
enum log_part log_part_of(const char *object);

// --- lines ---

struct log_line {
	uint64_t seq; // from 1
	int64_t time_us;
	enum log_level level;
	enum log_part part;
	const char *object, *text;
};
typedef void (*log_line_fn)(void *ctx, const struct log_line *line);

struct log_query {
	enum log_level level; // and worse
	bool has_part;
	enum log_part part;
};
// The last lines, see log_ring.h. `fn` does not log.
unsigned log_recent(const struct log_query *query, unsigned limit, log_line_fn fn, void *ctx);

// Takes each line in place of stderr, at once; false: could not, it goes to stderr with the level
// in front, as sd-daemon(3) has it. Set before there are other threads; NULL: stderr alone.
typedef bool (*log_sink_fn)(const struct log_line *line);
void log_set_sink(log_sink_fn sink);
int log_syslog_level(enum log_level level); // 3 for errors
