// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/reading.h"

#include <stdlib.h>
#include <string.h>

#include "control/errand.h"

TAILQ_HEAD(reading_list, reading);

enum { GARBAGE_MAX = 16 };

struct readings {
	struct config *const *present;
	struct errand *errand;
	struct reading_list list;	     // all, in the order they were asked
	struct reading *running;	     // NULL: none
	struct config *looked_at;	     // by that one
	struct config *owned;		     // the same, when nobody else has it any more
	struct config *garbage[GARBAGE_MAX]; // nobody's, for the thread to free
	unsigned n_garbage;
	struct config *freeing[GARBAGE_MAX]; // being freed
	unsigned n_freeing;
	unsigned n_held; // done, and asked for
	bool is_out;	 // the thread
};

struct readings *readings_new(struct event_base *base, struct config *const *present)
{
	struct readings *readings = calloc(1, sizeof(*readings));

	if (readings == NULL)
		return NULL;
	readings->present = present;
	TAILQ_INIT(&readings->list);
	readings->errand = errand_new(base);
	if (readings->errand != NULL)
		return readings;
	free(readings);
	return NULL;
}

// --- one at a time ---

static void forget(struct reading *reading)
{
	struct readings *readings = reading->readings;

	if (readings != NULL)
		TAILQ_REMOVE(&readings->list, reading, place);
	reading->kind->free(reading);
}

static void run(void *ctx)
{
	struct readings *readings = ctx;

	readings->running->kind->run(readings->running, readings->looked_at);
}

static void run_free(void *ctx)
{
	struct readings *readings = ctx;

	while (readings->n_freeing > 0)
		config_free(readings->freeing[--readings->n_freeing]);
}

static void go_on(struct readings *readings);

static void on_freed(void *ctx)
{
	struct readings *readings = ctx;

	readings->is_out = false;
	go_on(readings);
}

static void conclude(struct readings *readings, struct reading *reading)
{
	reading->state = READING_DONE;
	readings->n_held++;
	if (reading->is_left) {
		readings->n_held--;
		forget(reading);
	}
}

static void discard(struct readings *readings, struct config *config)
{
	if (config == NULL)
		return;
	if (readings->n_garbage < GARBAGE_MAX)
		readings->garbage[readings->n_garbage++] = config;
	else
		config_free(config);
}

static void on_done(void *ctx)
{
	struct readings *readings = ctx;
	struct reading *reading = readings->running;

	readings->is_out = false;
	readings->running = NULL;
	readings->looked_at = NULL;
	discard(readings, readings->owned);
	readings->owned = NULL;
	conclude(readings, reading);
	go_on(readings);
}

// Without a thread, here and now.
static void go_out(struct readings *readings, void (*what)(void *ctx), void (*done)(void *ctx))
{
	readings->is_out = true;
	if (errand_begin(readings->errand, what, done, readings) == 0)
		return;
	what(readings);
	done(readings);
}

static struct reading *next_in_turn(const struct readings *readings)
{
	struct reading *reading = TAILQ_FIRST(&readings->list);

	while (reading != NULL && reading->state != READING_WAITS)
		reading = TAILQ_NEXT(reading, place);
	return reading;
}

static void go_on(struct readings *readings)
{
	struct reading *reading;

	if (readings->is_out)
		return;
	if (readings->n_garbage > 0) {
		memcpy(readings->freeing, readings->garbage, sizeof(readings->garbage));
		readings->n_freeing = readings->n_garbage;
		readings->n_garbage = 0;
		go_out(readings, run_free, on_freed);
		return;
	}
	while (readings->n_held < READINGS_HELD_MAX && (reading = next_in_turn(readings)) != NULL) {
		if (!reading->kind->begin(reading)) {
			conclude(readings, reading);
			continue;
		}
		reading->state = READING_RUNS;
		readings->running = reading;
		readings->looked_at = *readings->present;
		go_out(readings, run, on_done);
		return;
	}
}

// --- what is asked for ---

void reading_begin(
	struct readings *readings, const struct reading_kind *kind, struct reading *reading)
{
	*reading = (struct reading){.kind = kind, .readings = readings};
	TAILQ_INSERT_TAIL(&readings->list, reading, place);
	go_on(readings);
}

bool reading_is_done(const struct reading *reading)
{
	return reading->state == READING_DONE;
}

void reading_leave(struct reading *reading)
{
	struct readings *readings;

	if (reading == NULL)
		return;
	readings = reading->readings;
	reading->is_left = true;
	if (reading->state == READING_RUNS)
		return;
	if (readings != NULL && reading->state == READING_DONE)
		readings->n_held--;
	forget(reading);
	if (readings != NULL)
		go_on(readings);
}

void readings_discard(struct readings *readings, struct config *config)
{
	discard(readings, config);
	go_on(readings);
}

struct config *readings_release(struct readings *readings, struct config *config)
{
	if (config == NULL || readings->looked_at != config)
		return config;
	readings->owned = config;
	return NULL;
}

void readings_free(struct readings *readings)
{
	struct reading *reading;

	if (readings == NULL)
		return;
	errand_free(readings->errand); // waits for what it does
	while ((reading = TAILQ_FIRST(&readings->list)) != NULL) {
		TAILQ_REMOVE(&readings->list, reading, place);
		reading->readings = NULL;
		reading->state = READING_DONE;
		if (reading->is_left)
			reading->kind->free(reading);
	}
	config_free(readings->owned);
	while (readings->n_garbage > 0)
		config_free(readings->garbage[--readings->n_garbage]);
	free(readings);
}
