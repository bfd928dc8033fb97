// SPDX-License-Identifier: BSD-3-Clause
// How long a full table takes to load, what a change of one route costs, and whether whoever
// forwards feels it. A thread of its own forwards to random destinations of IPv4, burst by burst,
// at first alone, then while routes change. It takes part in RCU as a worker does, but is online
// for its bursts only, so that a change waits for them and not for the refilling of buffers.
#include "perf/bench_routes.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>

#include "cfg/base/log.h"
#include "dataplane/pipeline.h"
#include "drivers/port.h"
#include "perf/bench_forward.h"
#include "perf/bench_table.h"

enum {
	ROUTES4 = 1000000,
	ROUTES6 = 200000,
	FILE_ROUTES_MAX = 2000000, // of each family
	FRAMES = 262144,
	CHANGES_MAX = 1000000,
	LENGTH_CHANGES_MIN = 300, // fewer of a length say nothing of 99 in 100
	ROUND_PKTS = 65536,
	ROUNDS = 101,
	MBUFS = 4096,
	RESERVE_MB = 2600,
	RESERVE_FILE_MB = 6000,
};

static const double load_goal_sec = 5, change_goal_us = 10;

struct routes_options {
	const char *path;
	bool allows_huge, is_strict;
};

struct routes {
	struct bench_table tables[2]; // IPv4, IPv6
	struct bench_world *world;
	struct bench_target_ops ops; // the world's, with an rx of ours
	int forward_core, control_core;
	bool is_over;
};

// --- the forwarding thread ---

struct forwarder {
	struct routes *routes;
	double longest[ROUNDS], p999[ROUNDS]; // burst of each round that nobody disturbed: us
	unsigned n;
	struct error err;
	int rc;
	_Atomic bool is_done;
};

static void routes_rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct worker *w = ((struct bench_world *)t)->worker;

	rte_rcu_qsbr_thread_online(w->dp->rcu, w->rcu_id);
	pipeline_rx(w, iface, pkts, n);
	rte_rcu_qsbr_thread_offline(w->dp->rcu, w->rcu_id);
}

static double us_of(double clk)
{
	return clk * 1e6 / (double)rte_get_tsc_hz();
}

static long n_preemptions(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

// A round in which the kernel gave the core to somebody else says nothing about us. No packet may
// be lost while routes change: bench_time sees to that.
static void *forward(void *arg)
{
	struct forwarder *f = arg;
	struct routes *r = f->routes;
	struct worker *w = r->world->worker;

	f->rc = bench_pin(&r->forward_core, &f->err);
	rte_rcu_qsbr_thread_register(w->dp->rcu, w->rcu_id);
	for (unsigned i = 0; f->rc == 0 && i < ROUNDS; i++) {
		long before = n_preemptions();
		struct bench_run run;

		f->rc = bench_time(&r->world->target, BURST, ROUND_PKTS, &run, &f->err);
		if (f->rc != 0 || i == 0 || n_preemptions() != before) // the first one is cold
			continue;
		f->longest[f->n] = us_of(run.burst_longest_clk);
		f->p999[f->n++] = us_of(run.burst_p999_clk);
	}
	rte_rcu_qsbr_thread_unregister(w->dp->rcu, w->rcu_id);
	f->is_done = true;
	return NULL;
}

// --- changes ---

struct timing {
	double us;
	uint8_t len; // of the prefix
};

struct changes {
	struct timing *of;
	uint32_t n, n_interrupted; // these are left out
};

static int timed_change(struct changes *changes, struct bench_world *world,
	const struct ip_prefix *to, uint32_t gateway, bool is_delete, struct error *err)
{
	long before = n_preemptions();
	uint64_t start = rte_rdtsc(), end;
	int rc;

	if (is_delete)
		rc = dataplane_route_delete(world->dp, to) == 0
			     ? 0
			     : error_set(err, "a route that was there is not");
	else
		rc = bench_forward_add_route(world, to, gateway, err);
	end = rte_rdtsc();
	if (n_preemptions() != before)
		changes->n_interrupted++;
	else if (changes->n < CHANGES_MAX)
		changes->of[changes->n++] = (struct timing){us_of((double)(end - start)), to->len};
	return rc;
}

// Another gateway, gone, and there again as it was.
static int change(struct routes *r, struct changes changes[2], uint64_t *seed, struct error *err)
{
	for (unsigned f = 0; f < 2; f++) {
		const struct bench_table *table = &r->tables[f];
		uint32_t i = bench_random(seed) % table->n;
		const struct ip_prefix *to = &table->prefixes[i];

		if (timed_change(&changes[f], r->world, to, i + 1, false, err) < 0 ||
			timed_change(&changes[f], r->world, to, 0, true, err) < 0 ||
			timed_change(&changes[f], r->world, to, i, false, err) < 0)
			return -1;
	}
	return 0;
}

// --- what is told ---

static const char *verdict(struct routes *r, bool is_over)
{
	r->is_over |= is_over;
	return is_over ? "over" : "ok";
}

static int compare_timings(const void *a, const void *b)
{
	const struct timing *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

// A short prefix has more of others within it to go round.
static void lengths_print(const struct changes *changes)
{
	for (unsigned len = 0; len <= 128; len++) {
		uint32_t n = 0, last = 0;

		for (uint32_t i = 0; i < changes->n; i++)
			n += changes->of[i].len == len;
		if (n < LENGTH_CHANGES_MIN)
			continue;
		for (uint32_t i = 0, seen = 0; i < changes->n && seen <= (uint64_t)n * 99 / 100;
			i++) {
			seen += changes->of[i].len == len;
			last = i;
		}
		printf(" /%u %.1f", len, changes->of[last].us);
	}
	printf("\n");
}

static void changes_print(struct routes *r, const char *family, struct changes *changes)
{
	const struct timing *of = changes->of;
	uint32_t n = changes->n;

	qsort(changes->of, n, sizeof(of[0]), compare_timings);
	printf("%s change: median %.2f us, 99 of 100 within %.2f, longest %.1f (%u changes, %u "
	       "more "
	       "interrupted); goal %g: %s\n",
		family, of[n / 2].us, of[(uint64_t)n * 99 / 100].us, of[n - 1].us, n,
		changes->n_interrupted, change_goal_us, verdict(r, of[n / 2].us > change_goal_us));
	printf("  99 of 100 by length, us:");
	lengths_print(changes);
}

static void forwarder_print(const char *when, struct forwarder *f)
{
	if (f->n == 0) {
		printf("%s: every round was interrupted by somebody else\n", when);
		return;
	}
	qsort(f->longest, f->n, sizeof(f->longest[0]), bench_compare_double);
	qsort(f->p999, f->n, sizeof(f->p999[0]), bench_compare_double);
	printf("%s: burst of 64, 999 of 1000 within %.1f us; longest of a round's 1024: median "
	       "%.1f us, at most %.1f (%u of %d rounds undisturbed)\n",
		when, f->p999[f->n / 2], f->longest[f->n / 2], f->longest[f->n - 1], f->n,
		ROUNDS - 1);
}

// --- the whole ---

static int load(struct routes *r, struct error *err)
{
	double start = bench_cpu_sec(), sec[2];

	for (unsigned f = 0; f < 2; f++) {
		const struct bench_table *table = &r->tables[f];

		for (uint32_t i = 0; i < table->n; i++)
			if (bench_forward_add_route(r->world, &table->prefixes[i], i, err) < 0)
				return -1;
		sec[f] = bench_cpu_sec() - start;
	}
	dataplane_routes_commit(r->world->dp);
	printf("load: %u of IPv4 in %.2f s, %u of IPv6 in %.2f s of processor time; goal of both "
	       "%g: %s\n",
		r->tables[0].n, sec[0], r->tables[1].n, sec[1] - sec[0], load_goal_sec,
		verdict(r, sec[1] > load_goal_sec));
	return 0;
}

// So that nothing is lost while a route is gone.
static int add_defaults(struct routes *r, struct error *err)
{
	const struct ip_prefix all4 = {{.family = IP_V4}, 0}, all6 = {{.family = IP_V6}, 0};

	return bench_forward_add_route(r->world, &all4, 0, err) < 0 ||
			       bench_forward_add_route(r->world, &all6, 0, err) < 0
		       ? -1
		       : 0;
}

static int world_make(struct routes *r, struct error *err)
{
	const struct dataplane_options options = {
		.n_workers = 1,
		.is_busy = true,
		.routes4_max = r->tables[0].n + 1,
		.routes6_max = r->tables[1].n + 1,
	};
	uint64_t seed = 362436069362436069;

	r->world = bench_forward_new(&options, false, FRAMES, err);
	if (r->world == NULL || load(r, err) < 0 || add_defaults(r, err) < 0)
		return -1;
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t to = bench_random(&seed) % r->tables[0].n;
		struct ip_addr dst = bench_table_host(&r->tables[0].prefixes[to], &seed);

		bench_forward_frame(
			r->world, i, bench_table_find(&r->tables[0], &dst), &dst, &seed);
	}
	r->ops = *r->world->target.ops;
	return bench_verify(&r->world->target, BURST, err);
}

// Rounds of the forwarder, with routes changing beside it or not.
static int phase(struct routes *r, struct changes *changes, struct forwarder *f, struct error *err)
{
	uint64_t seed = 521288629546311691;
	pthread_t thread;
	int rc = 0;

	*f = (struct forwarder){.routes = r};
	if (pthread_create(&thread, NULL, forward, f) != 0)
		return error_set(err, "no thread");
	while (changes != NULL && rc == 0 && !f->is_done)
		rc = change(r, changes, &seed, err);
	pthread_join(thread, NULL);
	if (f->rc != 0)
		*err = f->err;
	else if (rc == 0 && changes != NULL && changes[0].n == 0)
		rc = error_set(err, "no route changed while packets were forwarded");
	return rc < 0 || f->rc < 0 ? -1 : 0;
}

static int measure(struct routes *r, struct error *err)
{
	static struct forwarder quiet, busy;
	struct changes changes[2] = {{0}, {0}};
	int rc = -1;

	r->ops.rx = routes_rx;
	for (unsigned f = 0; f < 2; f++)
		changes[f].of = malloc(CHANGES_MAX * sizeof(changes[f].of[0]));
	if (changes[0].of == NULL || changes[1].of == NULL) {
		error_set(err, "no memory");
	} else if (bench_pin(&r->control_core, err) == 0) {
		r->world->target.ops = &r->ops;
		if (phase(r, NULL, &quiet, err) == 0)
			rc = phase(r, changes, &busy, err);
	}
	if (rc == 0) {
		changes_print(r, "IPv4", &changes[0]);
		changes_print(r, "IPv6", &changes[1]);
		forwarder_print("forwarding alone", &quiet);
		forwarder_print("while routes change", &busy);
		// all is as it was: every frame goes by the gateway it went by before
		rte_rcu_qsbr_thread_register(r->world->dp->rcu, r->world->worker->rcu_id);
		rc = bench_verify(&r->world->target, BURST, err);
		rte_rcu_qsbr_thread_unregister(r->world->dp->rcu, r->world->worker->rcu_id);
	}
	free(changes[0].of);
	free(changes[1].of);
	return rc;
}

// The first and the last that this process may use.
static void cores_choose(struct routes *r)
{
	cpu_set_t set;

	r->forward_core = r->control_core = -1;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET((size_t)i, &set))
			continue;
		if (r->control_core < 0)
			r->control_core = i;
		r->forward_core = i;
	}
}

static int tables_make(struct routes *r, const struct routes_options *o, struct error *err)
{
	if (o->path == NULL)
		return bench_table_make(&r->tables[0], IP_V4, ROUTES4, err) < 0 ||
				       bench_table_make(&r->tables[1], IP_V6, ROUTES6, err) < 0
			       ? -1
			       : 0;
	if (bench_table_read(&r->tables[0], IP_V4, o->path, FILE_ROUTES_MAX, err) < 0 ||
		bench_table_read(&r->tables[1], IP_V6, o->path, FILE_ROUTES_MAX, err) < 0)
		return -1;
	return r->tables[0].n > 0 && r->tables[1].n > 0
		       ? 0
		       : error_set(err,
				 "%s: %u prefixes of IPv4 and %u of IPv6: some of both are "
				 "needed",
				 o->path, r->tables[0].n, r->tables[1].n);
}

static int run(const struct routes_options *o, bool *is_over, struct error *err)
{
	const struct drivers_options drivers = {
		.try_hugepages = o->allows_huge,
		.n_mbufs = MBUFS,
		.mtu_max = 1500,
		.reserve_bytes = (uint64_t)(o->path != NULL ? RESERVE_FILE_MB : RESERVE_MB) << 20,
		.main_core = -1,
	};
	struct routes r = {0};
	int rc = -1;

	cores_choose(&r);
	if (tables_make(&r, o, err) == 0 && drivers_start(&drivers, err) == 0 &&
		bench_measure_init(drivers_pool(), err) == 0 && world_make(&r, err) == 0)
		rc = measure(&r, err);
	*is_over = r.is_over;
	if (r.world != NULL)
		bench_world_free(&r.world->target);
	bench_table_free(&r.tables[0]);
	bench_table_free(&r.tables[1]);
	return rc;
}

int bench_routes_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"routes", required_argument, NULL, 'r'},
		{"no-huge", no_argument, NULL, 'H'},
		{"strict", no_argument, NULL, 's'},
		{0},
	};
	struct routes_options o = {.allows_huge = true};
	struct error err = {0};
	bool is_over = false;
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'r')
			o.path = optarg;
		else if (option == 'H')
			o.allows_huge = false;
		else if (option == 's')
			o.is_strict = true;
		else
			return 2;
	}
	log_set_level(LOG_LEVEL_WARNING);
	if (run(&o, &is_over, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	return is_over && o.is_strict ? BENCH_EXIT_OVER : 0;
}
