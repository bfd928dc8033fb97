// SPDX-License-Identifier: BSD-3-Clause
// Resident bytes of this process, read from the kernel before and after something is added; what
// the benchmark itself needs is there before. Without reserved huge pages, so that DPDK's memory is
// resident by what is touched too; transparent ones round up to 2 MB.
#include "perf/bench_memory.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "dataplane/memory.h"
#include "drivers/port.h"
#include "perf/bench_nat.h"

enum {
	FLOWS = 1000000,
	RULES = 100000,
	ELEMENTS = 1000000,
	MORE_INTERFACES = 60,
	MBUFS = 4096,
	RESERVE_MB = 256,
};

static const double flows_goal_mib = 300;

struct memory {
	struct nat_world *nat;
	struct bench_policy policy;
	struct dp_rule *rules;
	struct ip_prefix *elements;
	bool is_over;
};

// What free() has kept is given back first.
static double resident(void)
{
	malloc_trim(0);
	return (double)bench_resident_kb() * 1024;
}

static double mib(double bytes)
{
	return bytes / (1 << 20);
}

static int policy_set(struct memory *m, struct error *err)
{
	return dataplane_policy_set(m->nat->world.dp, &m->policy.policy, err) != 0 ? -1 : 0;
}

static int flows_measure(struct memory *m, struct error *err)
{
	double before, empty, full;
	bool is_over;

	before = resident();
	m->nat = nat_world_new(sizeof(*m->nat), FLOWS, FLOWS, 1, BENCH_MASQUERADE, err);
	if (m->nat == NULL)
		return -1;
	memset(m->nat->flows, 0, FLOWS * sizeof(*m->nat->flows)); // ours
	before += FLOWS * sizeof(*m->nat->flows);
	bench_policy_init(&m->policy, BENCH_MASQUERADE);
	if (nat_network_make(&m->nat->world, NULL, NULL, &m->policy, err) < 0)
		return -1;
	empty = resident();
	if (nat_world_begin(m->nat, err) < 0)
		return -1;
	full = resident();
	is_over = mib(full - empty) > flows_goal_mib;
	m->is_over |= is_over;
	printf("dataplane without flows: %.1f MiB, most of it the FIBs' first levels\n",
		mib(empty - before));
	printf("%d flows, all that is theirs: %.1f MiB, %.0f bytes each; goal %g: %s\n", FLOWS,
		mib(full - empty), (full - empty) / FLOWS, flows_goal_mib, is_over ? "over" : "ok");
	printf("both: %.1f MiB\n", mib(full - before));
	return 0;
}

// Every table has room for DP_INTERFACES_MAX from the start; an entry is touched when it is used.
static int interfaces_measure(struct memory *m, struct error *err)
{
	const struct worker *w = m->nat->world.worker;
	double before = resident();

	for (unsigned i = 0; i < MORE_INTERFACES; i++) {
		struct ip_prefix address = {bench_ip4(RTE_IPV4(10u, i, 0, 1)), 16};
		char name[16];

		snprintf(name, sizeof(name), "more%u", i);
		if (bench_world_add_interface(&m->nat->world, name, &address, NULL, err) < 0)
			return -1;
	}
	printf("interface: %.0f bytes more when one is added; of what is there from the start "
	       "%zu, and %zu for each worker. The port below it takes more: perf/lab start\n",
		(resident() - before) / MORE_INTERFACES, sizeof(w->snap->interfaces[0]),
		sizeof(w->tx[0]) + sizeof(w->interface_counters[0]) + sizeof(w->punt_budget[0]));
	return 0;
}

// The twenty of all cases, again and again.
static int rules_measure(struct memory *m, struct error *err)
{
	double before;

	for (unsigned i = 0; i < RULES; i++)
		m->rules[i] = m->policy.rules[i % BENCH_RULES];
	m->policy.policy.rules = m->rules;
	if (policy_set(m, err) < 0)
		return -1;
	before = resident();
	m->policy.list.n = RULES;
	m->policy.policy.n_rules = RULES;
	if (policy_set(m, err) < 0)
		return -1;
	printf("rule: %.0f bytes, of %d; its counters for one worker among them. One that names an "
	       "address or port of its own adds that set's: --case rules-100k\n",
		(resident() - before) / (RULES - BENCH_RULES), RULES);
	m->policy.list.n = BENCH_RULES;
	m->policy.policy.n_rules = BENCH_RULES;
	return policy_set(m, err);
}

static int elements_measure(struct memory *m, struct error *err)
{
	struct dp_set *set = &m->policy.sets[BENCH_SET_SPECIAL];
	double before = resident();

	set->prefixes = m->elements;
	set->n_prefixes = ELEMENTS;
	if (policy_set(m, err) < 0)
		return -1;
	printf("set element: %.1f bytes, of %d IPv4 hosts none of which touch\n",
		(resident() - before) / ELEMENTS, ELEMENTS);
	return 0;
}

static int measure(struct memory *m, struct error *err)
{
	const struct drivers_options drivers = {
		.n_mbufs = MBUFS,
		.mtu_max = 1500,
		.reserve_bytes = (uint64_t)RESERVE_MB << 20,
		.main_core = -1,
	};
	int core = -1;

	if (bench_resident_kb() == 0)
		return error_set(err, "this kernel does not say what is resident");
	if (bench_pin(&core, err) < 0 || drivers_start(&drivers, err) < 0 ||
		bench_measure_init(drivers_pool(), err) < 0)
		return -1;
	for (uint32_t i = 0; i < ELEMENTS; i++)
		m->elements[i] =
			(struct ip_prefix){bench_ip4(RTE_IPV4(64u, 0, 0, 0) + i * 128), 32};
	memset(m->rules, 0, RULES * sizeof(*m->rules));
	return flows_measure(m, err) < 0 || interfaces_measure(m, err) < 0 ||
			       rules_measure(m, err) < 0 || elements_measure(m, err) < 0
		       ? -1
		       : 0;
}

int bench_memory_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"strict", no_argument, NULL, 's'},
		{0},
	};
	struct memory m = {0};
	struct error err = {0};
	bool is_strict = false;
	int option, rc = -1;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option != 's')
			return 2;
		is_strict = true;
	}
	log_set_level(LOG_LEVEL_WARNING);
	m.rules = calloc(RULES, sizeof(*m.rules));
	m.elements = calloc(ELEMENTS, sizeof(*m.elements));
	if (m.rules == NULL || m.elements == NULL)
		error_set(&err, "no memory");
	else
		rc = measure(&m, &err);
	if (rc < 0)
		fprintf(stderr, "bench: %s\n", err.text);
	if (m.nat != NULL)
		nat_world_free(&m.nat->world.target);
	free(m.rules);
	free(m.elements);
	if (rc < 0)
		return 1;
	return m.is_over && is_strict ? BENCH_EXIT_OVER : 0;
}
