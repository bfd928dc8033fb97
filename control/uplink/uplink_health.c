// SPDX-License-Identifier: BSD-3-Clause
#include "control/uplink/uplink_health.h"

#include <string.h>

enum { RTT_WEIGHT = 8 }; // of what was known against what is new, as RFC 6298 2.3 has it

static bool is_used(enum uplink_state state)
{
	return state == UPLINK_UP || state == UPLINK_DEGRADED;
}

static void enter(struct uplink_health *health, enum uplink_state state, uint64_t now_ms)
{
	enum uplink_state before = health->state;

	if (state == before)
		return;
	health->state = state;
	health->since_ms = now_ms;
	health->n_changes += is_used(before) != is_used(state);
	health->ops->changed(health->ctx, before);
}

// --- what the targets say ---

static bool are_all_lost(const struct uplink_health *health)
{
	for (unsigned i = 0; i < health->n_targets; i++)
		if (health->targets[i].n_lost < health->config.lost)
			return false;
	return health->n_targets > 0;
}

static bool does_answer(const struct uplink_health *health)
{
	for (unsigned i = 0; i < health->n_targets; i++)
		if (health->targets[i].n_answered >= health->config.answered)
			return true;
	return health->n_targets == 0; // nobody to ask: its link says it all
}

static unsigned loss_of(const struct uplink_target *target)
{
	return 100 * (unsigned)__builtin_popcount(target->history) / target->n_history;
}

bool uplink_health_loss(const struct uplink_health *health, unsigned *percent)
{
	bool is_known = false;

	*percent = 100;
	for (unsigned i = 0; i < health->n_targets; i++) {
		const struct uplink_target *target = &health->targets[i];

		if (target->n_history < UPLINK_LOSS_LEAST)
			continue;
		if (loss_of(target) < *percent)
			*percent = loss_of(target);
		is_known = true;
	}
	return is_known;
}

uint32_t uplink_health_rtt_us(const struct uplink_health *health)
{
	uint32_t best = 0;

	for (unsigned i = 0; i < health->n_targets; i++) {
		uint32_t rtt = health->targets[i].rtt_us;

		if (rtt != 0 && health->targets[i].n_lost == 0 && (best == 0 || rtt < best))
			best = rtt;
	}
	return best;
}

static void note(struct uplink_target *target, bool is_lost)
{
	target->history = (target->history << 1 | is_lost) & ((1u << UPLINK_WINDOW) - 1);
	if (target->n_history < UPLINK_WINDOW)
		target->n_history++;
	target->n_lost = is_lost ? target->n_lost + 1 : 0;
	target->n_answered = is_lost ? 0 : target->n_answered + 1;
	target->is_waiting = false;
}

// --- what that means ---

// Each time within UPLINK_FLAP_MS that it fails, or loses much, its next hold is twice as long.
static void note_failure(struct uplink_health *health, uint64_t now_ms)
{
	bool is_again = health->failed_ms != 0 && now_ms - health->failed_ms < UPLINK_FLAP_MS;

	if (!is_again)
		health->n_flaps = 0;
	else if (health->n_flaps < UPLINK_FLAPS_MAX)
		health->n_flaps++;
	health->failed_ms = now_ms;
}

static void fall(struct uplink_health *health, uint64_t now_ms)
{
	if (health->state == UPLINK_UP)
		note_failure(health, now_ms);
	enter(health, UPLINK_DOWN, now_ms);
}

static void recover(struct uplink_health *health, uint64_t now_ms)
{
	if (health->state == UPLINK_DOWN) // what it lost is why it was down
		for (unsigned i = 0; i < health->n_targets; i++)
			health->targets[i].history = health->targets[i].n_history = 0;
	health->hold_until_ms = now_ms + ((uint64_t)health->config.hold_ms << health->n_flaps);
	enter(health, UPLINK_RECOVERING, now_ms);
}

static void judge(struct uplink_health *health, uint64_t now_ms)
{
	const uint32_t much = health->config.loss_percent;
	bool loses_much, loses_little;
	unsigned loss;

	if (!health->is_link_up || are_all_lost(health)) {
		fall(health, now_ms);
		return;
	}
	loses_much = much < 100 && uplink_health_loss(health, &loss) && loss >= much;
	// half of it, so that it does not go to and fro
	loses_little = much >= 100 || (uplink_health_loss(health, &loss) && loss <= much / 2);
	if (health->state == UPLINK_DOWN && does_answer(health))
		recover(health, now_ms);
	if (health->state == UPLINK_UP && loses_much) {
		note_failure(health, now_ms);
		enter(health, UPLINK_DEGRADED, now_ms);
	} else if (health->state == UPLINK_DEGRADED && loses_little) {
		recover(health, now_ms);
	}
	if (health->state == UPLINK_RECOVERING && now_ms >= health->hold_until_ms)
		enter(health, loses_much ? UPLINK_DEGRADED : UPLINK_UP, now_ms);
}

// --- what happens ---

void uplink_health_link(struct uplink_health *health, bool is_up, uint64_t now_ms)
{
	if (is_up == health->is_link_up)
		return;
	health->is_link_up = is_up;
	for (unsigned i = 0; i < health->n_targets; i++)
		health->targets[i] = (struct uplink_target){
			.sequence = health->targets[i].sequence, .next_ms = now_ms};
	if (is_up && !health->has_been_up) {
		health->has_been_up = true;
		enter(health, UPLINK_UP, now_ms);
	}
	judge(health, now_ms);
}

void uplink_health_rx(struct uplink_health *health, unsigned index, uint16_t sequence,
	uint32_t rtt_us, uint64_t now_ms)
{
	struct uplink_target *target;

	if (index >= health->n_targets)
		return;
	target = &health->targets[index];
	if (!target->is_waiting || target->sequence != sequence)
		return;
	target->rtt_us = target->rtt_us == 0
				 ? rtt_us
				 : (target->rtt_us * (RTT_WEIGHT - 1) + rtt_us) / RTT_WEIGHT;
	health->n_answered++;
	note(target, false);
	judge(health, now_ms);
}

static uint64_t wait_ms(const struct uplink_health *health)
{
	return health->config.interval_ms < UPLINK_WAIT_MS ? health->config.interval_ms
							   : UPLINK_WAIT_MS;
}

// When it is due next.
static uint64_t turn(struct uplink_health *health, unsigned index, uint64_t now_ms)
{
	struct uplink_target *target = &health->targets[index];

	if (target->is_waiting && now_ms >= target->asked_ms + wait_ms(health))
		note(target, true);
	if (!target->is_waiting && now_ms >= target->next_ms) {
		target->sequence++;
		target->is_waiting = true;
		target->asked_ms = now_ms;
		target->next_ms = now_ms + health->config.interval_ms;
		health->n_asked++;
		health->ops->ask(health->ctx, index, target->sequence);
	}
	return target->is_waiting ? target->asked_ms + wait_ms(health) : target->next_ms;
}

uint64_t uplink_health_tick(struct uplink_health *health, uint64_t now_ms)
{
	uint64_t next_ms = now_ms + health->config.interval_ms;

	for (unsigned i = 0; i < health->n_targets && health->is_link_up; i++) {
		uint64_t due_ms = turn(health, i, now_ms);

		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	judge(health, now_ms);
	if (health->state == UPLINK_RECOVERING && health->hold_until_ms < next_ms)
		next_ms = health->hold_until_ms;
	return next_ms;
}

// --- beginning, and other rules ---

void uplink_health_configure(struct uplink_health *health,
	const struct uplink_health_config *config, unsigned n_targets, uint64_t now_ms)
{
	health->config = *config;
	health->n_targets = n_targets;
	for (unsigned i = 0; i < n_targets; i++)
		health->targets[i] = (struct uplink_target){
			.sequence = health->targets[i].sequence, .next_ms = now_ms};
	judge(health, now_ms);
}

void uplink_health_init(struct uplink_health *health, const struct uplink_health_config *config,
	unsigned n_targets, const struct uplink_health_ops *ops, void *ctx, uint64_t now_ms)
{
	*health = (struct uplink_health){.config = *config,
		.ops = ops,
		.ctx = ctx,
		.n_targets = n_targets,
		.since_ms = now_ms};
	for (unsigned i = 0; i < n_targets; i++)
		health->targets[i].next_ms = now_ms;
}

const char *uplink_state_name(enum uplink_state state)
{
	static const char *const names[] = {
		[UPLINK_DOWN] = "down",
		[UPLINK_RECOVERING] = "recovering",
		[UPLINK_DEGRADED] = "degraded",
		[UPLINK_UP] = "up",
	};

	return names[state];
}
