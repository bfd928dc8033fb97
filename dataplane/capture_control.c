// SPDX-License-Identifier: BSD-3-Clause
// Control's side of a capture: made, read, freed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "dataplane/capture_ring.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/memory.h"
#include "dataplane/rules.h"

static void capture_free(struct capture *capture)
{
	if (capture == NULL)
		return;
	for (unsigned i = 0; i < capture->n_workers; i++)
		memory_unmap(capture->workers[i].ring, CAPTURE_RING_BYTES);
	free(capture);
}

static struct capture *capture_new(const struct dataplane *dp, const struct dp_capture *from)
{
	size_t bytes =
		sizeof(struct capture) + sizeof(struct capture_worker) * dp->options.n_workers;
	struct capture *capture = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(bytes, (size_t)RTE_CACHE_LINE_SIZE));

	if (capture == NULL)
		return NULL;
	memset(capture, 0, bytes);
	capture->interfaces = from->interfaces;
	capture->kinds = from->kinds;
	capture->snap_bytes = from->snap_bytes;
	capture->is_thorough = from->is_thorough;
	capture->n_workers = dp->options.n_workers;
	for (unsigned i = 0; i < capture->n_workers; i++) {
		struct capture_worker *part = &capture->workers[i];

		part->ring = memory_map(CAPTURE_RING_BYTES);
		if (part->ring == NULL) {
			capture_free(capture);
			return NULL;
		}
		memset(part->ring, 0, CAPTURE_RING_BYTES); // no worker is to wait for a page
	}
	return capture;
}

static int free_place(const struct dataplane *dp)
{
	for (int i = 0; i < DP_CAPTURES_MAX; i++)
		if (dp->captures[i] == NULL)
			return i;
	return -EBUSY;
}

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	int number = free_place(dp), error;

	if (number < 0) {
		error_set(err, "%d captures are under way, which is the most", DP_CAPTURES_MAX);
		return number;
	}
	if (capture->kinds == 0 || (capture->kinds & ~DP_CAPTURE_ALL) != 0 ||
		capture->snap_bytes == 0) {
		error_set(err, "a capture of nothing");
		return -EINVAL;
	}
	dp->captures[number] = capture_new(dp, capture);
	if (dp->captures[number] == NULL) {
		error_set(err, "no memory for a capture");
		return -ENOMEM;
	}
	error = filter_make(&dp->captures[number]->filter, capture->filter, capture->n_steps, err);
	if (error != 0) {
		dataplane_capture_free(dp, number);
		return error;
	}
	dp->captures[number]->is_running = true;
	observers_publish(dp);
	return number;
}

// The oldest record of a worker, or NULL.
static const struct capture_record *peek(struct capture_worker *part)
{
	uint64_t head = atomic_load_explicit(&part->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&part->tail, memory_order_relaxed);
	const struct capture_record *record;

	if (part->taken_bytes > 0) {
		tail += part->taken_bytes;
		part->taken_bytes = 0;
		atomic_store_explicit(&part->tail, tail, memory_order_release);
	}
	if (head == tail)
		return NULL;
	record = (const struct capture_record *)(part->ring + tail % CAPTURE_RING_BYTES);
	if (record->record_bytes != 0)
		return record;
	tail += CAPTURE_RING_BYTES - tail % CAPTURE_RING_BYTES;
	atomic_store_explicit(&part->tail, tail, memory_order_release);
	return (const struct capture_record *)part->ring;
}

struct capture_clock capture_clock_now(void)
{
	struct timespec now;
	uint64_t tsc = rte_rdtsc();

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct capture_clock){
		tsc, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec};
}

uint64_t capture_clock_wall_ns(const struct capture_clock *clock, uint64_t tsc)
{
	double since_sec = (double)(int64_t)(tsc - clock->tsc) / (double)rte_get_tsc_hz();

	return clock->wall_ns + (uint64_t)(int64_t)(since_sec * 1e9);
}

void capture_describe(const struct capture_clock *clock, const struct capture_record *record,
	const uint8_t *data, struct dp_captured *out)
{
	struct dp_counter counter = {0};

	*out = (struct dp_captured){
		.kind = (enum dp_capture_kind)record->kind,
		.interface = record->iface == INTERFACE_NONE ? -1 : record->iface,
		.time_ns = capture_clock_wall_ns(clock, record->tsc),
		.bytes = record->packet_bytes,
		.captured_bytes = record->captured_bytes,
		.data = data,
		.rule = RULE_DEFAULT,
	};
	if (record->reason == CAPTURE_NO_REASON)
		return;
	stats_describe(record->reason, &counter);
	out->reason = counter.name;
	out->help = counter.help;
	out->is_by_firewall =
		record->reason == COUNTER_DROP_RULE || record->reason == COUNTER_DROP_REJECTED;
	if (out->is_by_firewall)
		out->rule = record->rule;
}

static struct capture *find(const struct dataplane *dp, int number)
{
	return number < 0 || number >= DP_CAPTURES_MAX ? NULL : dp->captures[number];
}

bool dataplane_capture_next(struct dataplane *dp, int number, struct dp_captured *out)
{
	struct capture *capture = find(dp, number);
	const struct capture_record *oldest = NULL;
	struct capture_clock clock;
	unsigned from = 0;

	for (unsigned i = 0; capture != NULL && i < capture->n_workers; i++) {
		const struct capture_record *record = peek(&capture->workers[i]);

		if (record == NULL || (oldest != NULL && oldest->tsc <= record->tsc))
			continue;
		oldest = record;
		from = i;
	}
	if (oldest == NULL)
		return false;
	capture->workers[from].taken_bytes = oldest->record_bytes;
	clock = capture_clock_now();
	capture_describe(&clock, oldest, (const uint8_t *)(oldest + 1), out);
	return true;
}

void dataplane_capture_counts(const struct dataplane *dp, int number, struct dp_capture_counts *out)
{
	const struct capture *capture = find(dp, number);

	*out = (struct dp_capture_counts){0};
	for (unsigned i = 0; capture != NULL && i < capture->n_workers; i++) {
		const struct capture_worker *part = &capture->workers[i];

		out->lost += atomic_load_explicit(&part->lost, memory_order_relaxed);
		out->unseen += atomic_load_explicit(&part->unseen, memory_order_relaxed);
	}
}

void dataplane_capture_stop(struct dataplane *dp, int number)
{
	struct capture *capture = find(dp, number);

	if (capture == NULL || !capture->is_running)
		return;
	capture->is_running = false;
	observers_publish(dp);
}

void dataplane_capture_free(struct dataplane *dp, int number)
{
	dataplane_capture_stop(dp, number);
	capture_free(find(dp, number));
	if (number >= 0 && number < DP_CAPTURES_MAX)
		dp->captures[number] = NULL;
}
