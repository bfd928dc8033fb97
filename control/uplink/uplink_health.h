// SPDX-License-Identifier: BSD-3-Clause
// Whether an uplink works: probes of several targets, each of them one question at a time, and what
// their answers and silences mean. No I/O: the time comes in, questions go out through an op, so it
// is tested on a clock of its own. Times in ms, round trips in us. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	UPLINK_TARGETS_MAX = 8,
	UPLINK_WINDOW = 20,	 // probes of each target that loss is told of
	UPLINK_LOSS_LEAST = 10,	 // fewer say nothing about loss
	UPLINK_FLAP_MS = 600000, // who fails again within is held for twice as long
	UPLINK_FLAPS_MAX = 5,	 // doublings
	UPLINK_WAIT_MS = 1000,	 // an answer that comes later is none
};

//   state       | loses all of all targets | answers in a row | much loss | little loss | hold over
//   ------------+--------------------------+------------------+-----------+-------------+----------
//   DOWN        | -                        | RECOVERING       | -         | -           | -
//   RECOVERING  | DOWN                     | -                | -         | -           | UP, or
//               |                          |                  |           |             | DEGRADED
//   UP          | DOWN                     | -                | DEGRADED  | -           | -
//   DEGRADED    | DOWN                     | -                | -         | RECOVERING  | -
//
// A link that goes down is DOWN at once. The first time that a link is up it is UP: a router that
// starts must not wait for proof.
enum uplink_state {
	UPLINK_DOWN = 0,
	UPLINK_RECOVERING, // answers again; used if nothing better is there
	UPLINK_DEGRADED,   // loses much; used if nothing better is there
	UPLINK_UP,
};

struct uplink_health_config {
	uint32_t interval_ms, hold_ms;
	uint32_t lost, answered; // in a row
	uint32_t loss_percent;	 // 100: never degraded
};

struct uplink_target {
	uint16_t sequence; // of the last question
	bool is_waiting;   // for its answer
	uint64_t asked_ms;
	uint64_t next_ms;
	uint32_t n_lost, n_answered; // in a row
	uint32_t history;	     // the last ones, a bit each: set for lost
	unsigned n_history;
	uint32_t rtt_us; // smoothed; 0: not known
};

struct uplink_health;

struct uplink_health_ops {
	// Asks target `index`. What cannot be sent is lost in its time.
	void (*ask)(void *ctx, unsigned index, uint16_t sequence);
	// After the change.
	void (*changed)(void *ctx, enum uplink_state before);
};

struct uplink_health {
	struct uplink_health_config config;
	const struct uplink_health_ops *ops;
	void *ctx;
	enum uplink_state state;
	bool is_link_up, has_been_up;
	uint64_t since_ms;	// of the state
	uint64_t failed_ms;	// when it ceased to be UP last; 0: never
	uint64_t hold_until_ms; // of RECOVERING
	unsigned n_flaps;
	uint32_t n_changes; // between used and not, since the start
	struct uplink_target targets[UPLINK_TARGETS_MAX];
	unsigned n_targets;
	uint64_t n_asked, n_answered; // by all of them
};

// DOWN, until the link is up.
void uplink_health_init(struct uplink_health *health, const struct uplink_health_config *config,
	unsigned n_targets, const struct uplink_health_ops *ops, void *ctx, uint64_t now_ms);
// Other thresholds, or other targets: those are asked anew, the state stays.
void uplink_health_configure(struct uplink_health *health,
	const struct uplink_health_config *config, unsigned n_targets, uint64_t now_ms);

void uplink_health_link(struct uplink_health *health, bool is_up, uint64_t now_ms);
// An answer of target `index` to the question of that number.
void uplink_health_rx(struct uplink_health *health, unsigned index, uint16_t sequence,
	uint32_t rtt_us, uint64_t now_ms);
// Does what is due; gives when it is to be called again.
uint64_t uplink_health_tick(struct uplink_health *health, uint64_t now_ms);

// Of the target that does best; false where too little is known.
bool uplink_health_loss(const struct uplink_health *health, unsigned *percent);
uint32_t uplink_health_rtt_us(const struct uplink_health *health); // 0: not known

const char *uplink_state_name(enum uplink_state state); // "up"
