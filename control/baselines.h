// SPDX-License-Identifier: BSD-3-Clause
// Counters since somebody cleared them. The workers' own only ever rise, for nobody but a worker
// writes them: what they were at that moment is kept here, and taken off what is shown. Metrics and
// events go on from the start. Control thread.
#pragma once

#include "control/ports.h"
#include "dataplane/dataplane.h"

enum {
	BASELINE_COUNTERS_MAX = 512,
	BASELINE_NAME_BYTES = 32,
};

enum baseline_kind {
	BASELINE_INTERFACES = 0, // and ports
	BASELINE_DROPS,
	BASELINE_RULES, // named counters and defaults too
	BASELINE_KINDS,
};

struct policy;

// All zero: nothing was cleared.
struct baselines {
	uint64_t cleared_ms[BASELINE_KINDS]; // 0: never
	struct dp_interface_stats interfaces[DP_INTERFACES_MAX];
	struct baseline_port {
		char name[BASELINE_NAME_BYTES];
		struct port_stats stats;
	} ports[DP_INTERFACES_MAX];
	unsigned n_ports;
	uint64_t counters[BASELINE_COUNTERS_MAX]; // of dataplane_counter
	struct dp_count *rules;			  // of the policy in force; NULL: all 0
	uint32_t n_rules;
	struct dp_count named[DP_COUNTERS_MAX], defaults[DP_HOOK_COUNT];
};

void baselines_fini(struct baselines *baselines);

// From now on. -ENOMEM: of the rules' nothing has changed.
int baselines_clear(struct baselines *baselines, enum baseline_kind kind,
	const struct dataplane *dp, const struct ports *ports);
// It goes: what comes in its place begins anew.
void baselines_forget_interface(struct baselines *baselines, int id);
void baselines_forget_port(struct baselines *baselines, const struct port *port);
// Another policy is in force, with counts that go on as its arrays say: the rules' baselines do
// too.
void baselines_follow(struct baselines *baselines, const struct policy *policy);

// As the functions of the same names, since then.
void baselines_interface(const struct baselines *baselines, const struct dataplane *dp, int id,
	struct dp_interface_stats *out);
void baselines_port(const struct baselines *baselines, struct port *port, struct port_stats *out);
bool baselines_counter(const struct baselines *baselines, const struct dataplane *dp, unsigned i,
	struct dp_counter *out);
void baselines_rule(const struct baselines *baselines, const struct dataplane *dp, uint32_t rule,
	struct dp_count *out);
void baselines_named(const struct baselines *baselines, const struct dataplane *dp,
	unsigned counter, struct dp_count *out);
void baselines_default(const struct baselines *baselines, const struct dataplane *dp,
	enum dp_hook hook, struct dp_count *out);
