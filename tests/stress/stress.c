// SPDX-License-Identifier: BSD-3-Clause
// A whole dataplane under load, with one, two and four workers on whatever cores there are:
// conversations of every kind (load.h) begin, are answered, expire and end by the thousand while
// control changes the policy, moves the workers between cores, bans hosts and reads statistics. No
// packet is lost uncounted, none comes out where it does not belong or damaged, and those of one
// conversation never overtake each other. `stress [SECONDS [WORKERS]]`, with each number of
// workers, or with that alone.
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/dataplane_internal.h"
#include "tests/stress/load.h"

enum {
	SECONDS_DEFAULT = 2,
	SPEAK_AT_ONCE = 32,
	SETTLE_LIMIT_MS = 20000,
	TIDES_MORE = 20,
	// A flood, in which the oldest flows give way, then a murmur: most conversations fall
	// silent for so long that their flows expire.
	TIDE_MS = 2000,
	FLOOD_MS = 600,
	MURMUR_US = 2000,
	BLOCKED_US = 200,
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// --- control ---

static void *control_main(void *arg)
{
	struct world *world = arg;

	for (unsigned i = 0; !atomic_load(&world->must_stop); i++) {
		world_control(world, i);
		usleep(1000);
	}
	return NULL;
}

// --- accounts ---

static uint64_t counted(const struct dataplane *dp, enum counter counter)
{
	struct dp_counter c;

	assert(dataplane_counter(dp, counter, &c));
	return c.packets;
}

// Frames that are neither out nor counted as dropped. Two pieces become one packet, and one packet
// two pieces.
static int64_t in_flight(const struct load *load)
{
	const struct dataplane *dp = load->world->dp;
	uint64_t in = load->n_given + counted(dp, COUNTER_ICMP_SENT) +
		      counted(dp, COUNTER_RESET_SENT) + counted(dp, COUNTER_FRAGMENTED);
	uint64_t out = load->n_out + counted(dp, COUNTER_REASSEMBLED);

	for (unsigned i = 0; i < COUNTER_PUNT_ARP; i++)
		out += counted(dp, (enum counter)i);
	return (int64_t)(in - out);
}

static uint64_t handed_over(const struct world *world)
{
	struct dp_worker_stats stats;
	uint64_t n = 0;

	for (unsigned i = 0; dataplane_worker_stats(world->dp, i, &stats) == 0; i++)
		n += stats.handed_over;
	return n;
}

static void describe(const struct load *load)
{
	const struct world *world = load->world;
	struct dp_counter c;

	printf("%u workers: %llu in, %llu out, %llu handed over, %llu gave up, %u policies, "
	       "%u times on other cores\n",
		world->n_workers, (unsigned long long)load->n_given,
		(unsigned long long)load->n_out, (unsigned long long)handed_over(world),
		(unsigned long long)load->n_given_up, world->n_policies,
		atomic_load(&world->n_moves));
	for (unsigned kind = 0; kind < TALK_KINDS; kind++)
		printf("  kind %u: %llu ends, %llu questions, %llu answers, %llu calls, %llu "
		       "errors\n",
			kind, (unsigned long long)load->n_ended[kind],
			(unsigned long long)load->n_heard[kind][TALK_ASKS],
			(unsigned long long)load->n_heard[kind][TALK_ANSWERS],
			(unsigned long long)load->n_heard[kind][TALK_CALLS],
			(unsigned long long)load->n_errors[kind]);
	for (unsigned i = 0; dataplane_counter(world->dp, i, &c); i++)
		if (c.packets > 0)
			printf("  %s %llu\n", c.name, (unsigned long long)c.packets);
}

// --- what must have happened, or a run proves little ---

static const char *missing_of_kind(const struct load *load, unsigned kind)
{
	bool is_cone = talk_kind(kind)->path == TALK_CONE;

	// forwards are cut so often that few live to their end
	if (load->n_ended[kind] == 0 && talk_kind(kind)->path != TALK_FORWARD)
		return "end of a conversation of some kind";
	if (load->n_heard[kind][TALK_ANSWERS] == 0)
		return "answer of some kind";
	if (load->n_errors[kind] == 0 && talk_kind(kind)->form != TALK_PIECES)
		return "ICMP error of some kind";
	if (is_cone && (load->n_calls_from[TALK_WAN] == 0 || load->n_calls_from[TALK_LAN2] == 0))
		return "call to a cone from outside, or from inside";
	return NULL;
}

// NULL: nothing.
static const char *missing_event(const struct load *load)
{
	static const struct {
		enum counter counter;
		const char *what;
	} musts[] = {
		{COUNTER_FLOW_EXPIRED, "flow that expired"},
		{COUNTER_FLOW_EVICTED, "flow that made room"},
		{COUNTER_FLOW_CUT, "flow that was cut"},
		{COUNTER_REASSEMBLED, "packet put together"},
		{COUNTER_FRAGMENTED, "packet cut"},
		{COUNTER_HELPER_EXPECTED, "announcement seen by a helper"},
		{COUNTER_HELPER_RELATED, "announced flow"},
		{COUNTER_DROP_RULE, "packet that a rule dropped"},
		{COUNTER_ICMP_SENT, "ICMP error by the router"},
		{COUNTER_RESET_SENT, "reset by the router"},
	};
	const struct world *world = load->world;

	for (unsigned i = 0; i < RTE_DIM(musts); i++)
		if (counted(world->dp, musts[i].counter) == 0)
			return musts[i].what;
	if (atomic_load(&world->n_moves) < 2)
		return "worker on another core";
	return world->n_workers > 1 && handed_over(world) == 0 ? "packet handed over" : NULL;
}

static const char *missing(const struct load *load)
{
	const char *what = missing_event(load);

	for (unsigned i = 0; i < TALK_KINDS && what == NULL; i++)
		what = missing_of_kind(load, i);
	return what;
}

// --- runs ---

static void speak_for(struct load *load, unsigned ms)
{
	uint64_t begin_ms = now_ms();
	uint32_t slot = 0;

	load->now_ms = begin_ms;
	while (load->now_ms < begin_ms + ms) {
		bool is_flood =
			!load->world->is_calm && (load->now_ms - begin_ms) % TIDE_MS < FLOOD_MS;
		uint64_t n_before = load->n_given;

		load->is_blocked = false;
		if (is_flood || in_flight(load) < LOAD_FEW)
			for (unsigned i = 0; i < SPEAK_AT_ONCE; i++, slot++)
				load_speak(load, slot % (is_flood ? LOAD_ALIVE : LOAD_FEW));
		load_hear_all(load);
		if (!is_flood)
			usleep(MURMUR_US);
		else if (load->is_blocked || load->n_given == n_before)
			usleep(BLOCKED_US); // the workers' turn, where they share our core
		load->now_ms = now_ms();
	}
}

// Silence would prove nothing: where cores are short a worker with a full inbox may not run for a
// while, and what it has when it is stopped is nobody's to count. Half a packet waits for its other
// half, then is counted as lost.
static void settle(struct load *load)
{
	uint64_t end_ms = now_ms() + SETTLE_LIMIT_MS;

	while (in_flight(load) != 0 && now_ms() < end_ms)
		if (load_hear_all(load) == 0)
			usleep(1000);
}

static bool run(unsigned n_workers, unsigned ms)
{
	static struct load load;
	static struct world world;
	const char *what;
	pthread_t control;
	bool is_good;

	load = (struct load){.world = &world};
	world_open(&world, n_workers);
	assert(pthread_create(&control, NULL, control_main, &world) == 0);
	speak_for(&load, ms);
	// Where cores are short, control may not have come to all of it; when it has, it is calm,
	// for slow conversations come to no end between two of its changes.
	for (unsigned i = 0; i < TIDES_MORE && missing(&load) != NULL; i++) {
		atomic_store(&world.is_calm, missing_event(&load) == NULL);
		speak_for(&load, TIDE_MS);
	}
	atomic_store(&world.must_stop, true);
	pthread_join(control, NULL);
	settle(&load);
	dataplane_stop(world.dp);
	describe(&load);
	is_good = in_flight(&load) == 0;
	if (!is_good)
		printf("  packets have been lost or made without being counted\n");
	what = missing(&load);
	if (what != NULL) {
		printf("  there was no %s\n", what);
		is_good = false;
	}
	world_close(&world);
	if (rte_mempool_in_use_count(drivers_pool()) != 0) {
		printf("  %u buffers are missing\n", rte_mempool_in_use_count(drivers_pool()));
		return false;
	}
	return is_good;
}

int main(int argc, char **argv)
{
	static const unsigned workers[] = {1, 2, 4};
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SECONDS_DEFAULT;
	unsigned only = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned n_runs = 0;
	bool is_good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	world_start();
	for (unsigned i = 0; i < RTE_DIM(workers); i++)
		if (only == 0 || workers[i] == only) {
			is_good &= run(workers[i], seconds * 1000);
			n_runs++;
		}
	if (n_runs == 0)
		fprintf(stderr, "stress: there is no run with that number of workers\n");
	return is_good && n_runs > 0 ? 0 : 1;
}
