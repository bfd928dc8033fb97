// SPDX-License-Identifier: BSD-3-Clause
// forward4 and forward6 with a full table: each frame goes to a random host of a random prefix, by
// the gateway of the longest one that holds it.
#include <stdio.h>

#include "perf/bench_forward.h"
#include "perf/bench_table.h"

enum {
	FIB_FRAMES = 262144, // more than the caches hold of the lookup table
	OTHER_ROUTES = 4096, // of the other family
};

static const double load_goal_sec = 5;

static int load(struct bench_world *world, const struct bench_table *table, struct error *err)
{
	double start = bench_cpu_sec(), sec;

	for (uint32_t r = 0; r < table->n; r++)
		if (bench_forward_add_route(world, &table->prefixes[r], r, err) < 0)
			return -1;
	dataplane_routes_commit(world->dp);
	sec = bench_cpu_sec() - start;
	world->is_note_over = sec > load_goal_sec;
	snprintf(world->note, sizeof(world->note), "%u routes loaded in %.2f s%s", table->n, sec,
		world->is_note_over ? ": over" : "");
	return 0;
}

static void frames_make(struct bench_world *world, const struct bench_table *table)
{
	uint64_t seed = 362436069362436069;

	for (uint32_t i = 0; i < FIB_FRAMES; i++) {
		const struct ip_prefix *to = &table->prefixes[bench_random(&seed) % table->n];
		struct ip_addr dst = bench_table_host(to, &seed);

		bench_forward_frame(world, i, bench_table_find(table, &dst), &dst, &seed);
	}
}

static struct bench_target *make(const struct bench_case *c, bool is_ip6, struct error *err)
{
	const struct dataplane_options options = {
		.n_workers = 1,
		.is_busy = true,
		.routes4_max = is_ip6 ? OTHER_ROUTES : c->n_routes,
		.routes6_max = is_ip6 ? c->n_routes : OTHER_ROUTES,
	};
	struct bench_world *world = bench_forward_new(&options, is_ip6, FIB_FRAMES, err);
	struct bench_table table;

	if (world == NULL)
		return NULL;
	if (bench_table_make(&table, is_ip6 ? IP_V6 : IP_V4, c->n_routes, err) < 0) {
		bench_world_free(&world->target);
		return NULL;
	}
	if (load(world, &table, err) < 0) {
		bench_table_free(&table);
		bench_world_free(&world->target);
		return NULL;
	}
	frames_make(world, &table);
	bench_table_free(&table);
	return &world->target;
}

struct bench_target *bench_fib4_make(const struct bench_case *c, struct error *err)
{
	return make(c, false, err);
}

struct bench_target *bench_fib6_make(const struct bench_case *c, struct error *err)
{
	return make(c, true, err);
}
