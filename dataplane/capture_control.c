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
		part->iface = INTERFACE_NONE;
		part->credit_tsc = rte_rdtsc();
		if (part->ring == NULL) {
			capture_free(capture);
			return NULL;
		}
		memset(part->ring, 0, CAPTURE_RING_BYTES); // no worker is to wait for a page
	}
	return capture;
}

int dataplane_capture_start(
	struct dataplane *dp, const struct dp_capture *capture, struct error *err)
{
	int error = -EBUSY;

	if (dp->captured != NULL) {
		error_set(err, "another capture is under way");
		return error;
	}
	if (capture->kinds == 0 || (capture->kinds & ~DP_CAPTURE_ALL) != 0 ||
		capture->snap_bytes == 0) {
		error_set(err, "a capture of nothing");
		return -EINVAL;
	}
	dp->captured = capture_new(dp, capture);
	if (dp->captured == NULL) {
		error_set(err, "no memory for a capture");
		return -ENOMEM;
	}
	error = filter_make(&dp->captured->filter, capture->filter, capture->n_steps, err);
	if (error != 0) {
		dataplane_capture_free(dp);
		return error;
	}
	atomic_store_explicit(&dp->capture, dp->captured, memory_order_release);
	return 0;
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

static uint64_t wall_ns(uint64_t tsc)
{
	struct timespec now;
	double ago_sec = (double)(rte_rdtsc() - tsc) / (double)rte_get_tsc_hz();

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
	       (uint64_t)(ago_sec * 1e9);
}

static void describe(const struct capture_record *record, struct dp_captured *out)
{
	struct dp_counter counter = {0};

	*out = (struct dp_captured){
		.kind = (enum dp_capture_kind)record->kind,
		.interface = record->iface == INTERFACE_NONE ? -1 : record->iface,
		.time_ns = wall_ns(record->tsc),
		.bytes = record->packet_bytes,
		.captured_bytes = record->captured_bytes,
		.data = (const uint8_t *)(record + 1),
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

bool dataplane_capture_next(struct dataplane *dp, struct dp_captured *out)
{
	const struct capture_record *oldest = NULL;
	unsigned from = 0;

	for (unsigned i = 0; dp->captured != NULL && i < dp->captured->n_workers; i++) {
		const struct capture_record *record = peek(&dp->captured->workers[i]);

		if (record == NULL || (oldest != NULL && oldest->tsc <= record->tsc))
			continue;
		oldest = record;
		from = i;
	}
	if (oldest == NULL)
		return false;
	dp->captured->workers[from].taken_bytes = oldest->record_bytes;
	describe(oldest, out);
	return true;
}

void dataplane_capture_counts(const struct dataplane *dp, struct dp_capture_counts *out)
{
	*out = (struct dp_capture_counts){0};
	for (unsigned i = 0; dp->captured != NULL && i < dp->captured->n_workers; i++) {
		const struct capture_worker *part = &dp->captured->workers[i];

		out->lost += atomic_load_explicit(&part->lost, memory_order_relaxed);
		out->unseen += atomic_load_explicit(&part->unseen, memory_order_relaxed);
	}
}

void dataplane_capture_stop(struct dataplane *dp)
{
	if (atomic_exchange(&dp->capture, NULL) != NULL)
		dataplane_synchronize(dp);
}

void dataplane_capture_free(struct dataplane *dp)
{
	dataplane_capture_stop(dp);
	capture_free(dp->captured);
	dp->captured = NULL;
}
