// SPDX-License-Identifier: BSD-3-Clause
// What it costs to look at every packet, by a filter that matches nothing: another case's packets,
// as they arrive and again as they leave by all interfaces, beside the case itself. A worker
// without time to spare looks at fewer: `vdev --capture` measures that, for it takes a real
// worker's turns.
#include "perf/bench_capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/observe.h"
#include "dataplane/pipeline.h"
#include "perf/bench_nat.h"

enum { RING_BYTES = 16 << 20 };

// Of no frame: clients have ports from 1024 to 61023, services lower ones.
static const char filter_text[] = "tcp port 65000";

// What worker_flush asks, without the port's part.
static void rx(struct bench_target *t, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct worker *w = ((struct bench_world *)t)->worker;

	pipeline_rx(w, iface, pkts, n);
	for (uint64_t left = w->tx_pending; left != 0; left &= left - 1) {
		uint8_t out = (uint8_t)__builtin_ctzll(left);

		observe_leave(w, out, w->tx[out].pkts, w->tx[out].n);
	}
}

// It matches nothing: what comes out is wrong.
static bool note(struct bench_target *t, char *text, unsigned text_bytes)
{
	struct dp_captured got;
	bool is_wrong = dataplane_capture_next(((struct bench_world *)t)->dp, 0, &got);

	snprintf(text, text_bytes, "the filter '%s' matched %s", filter_text,
		is_wrong ? "something" : "nothing");
	return is_wrong;
}

static int compile(struct dp_filter_step steps[DP_FILTER_STEPS_MAX], unsigned *n, struct error *err)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, DP_CAPTURE_SNAP_MAX);
	struct bpf_program program = {0};

	if (pcap == NULL)
		return error_set(err, "no memory for a filter");
	if (pcap_compile(pcap, &program, filter_text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		error_set(err, "%s: %s", filter_text, pcap_geterr(pcap));
		pcap_close(pcap);
		return -1;
	}
	*n = program.bf_len;
	for (unsigned i = 0; i < *n; i++) {
		const struct bpf_insn *step = &program.bf_insns[i];

		steps[i] = (struct dp_filter_step){step->code, step->jt, step->jf, step->k};
	}
	pcap_freecode(&program);
	pcap_close(pcap);
	return 0;
}

int bench_capture_start(struct dataplane *dp, bool is_thorough, struct error *err)
{
	struct dp_filter_step steps[DP_FILTER_STEPS_MAX];
	struct dp_capture capture = {
		.interfaces = UINT64_MAX,
		.kinds = DP_CAPTURE_ALL,
		.snap_bytes = 256,
		.is_thorough = is_thorough,
		.filter = steps,
	};

	if (compile(steps, &capture.n_steps, err) != 0)
		return -1;
	return dataplane_capture_start(dp, &capture, err);
}

static struct bench_target *make_with(struct bench_target *t, int rc,
	bool (*note_fn)(struct bench_target *t, char *text, unsigned text_bytes))
{
	static struct bench_target_ops ops; // the other case's, but for what is timed

	if (rc < 0) {
		t->ops->free(t);
		return NULL;
	}
	ops = *t->ops;
	ops.rx = rx;
	ops.note = note_fn;
	t->ops = &ops;
	return t;
}

static struct bench_target *make(struct bench_target *t, struct error *err)
{
	if (t == NULL)
		return NULL;
	return make_with(t, bench_capture_start(((struct bench_world *)t)->dp, true, err), note);
}

struct bench_target *bench_capture_nat_make(const struct bench_case *c, struct error *err)
{
	return make(bench_nat_make(c, err), err);
}

struct bench_target *bench_capture_forward_make(const struct bench_case *c, struct error *err)
{
	return make(bench_forward4_make(c, err), err);
}

struct bench_target *bench_capture_drop_make(const struct bench_case *c, struct error *err)
{
	return make(bench_drop_flood_make(c, err), err);
}

// --- the recorder: all packets, as they arrive and as they leave or are dropped ---

static bool note_recorded(struct bench_target *t, char *text, unsigned text_bytes)
{
	struct dp_recorder_state state;
	bool is_there = dataplane_recorder_state(((struct bench_world *)t)->dp, 0, &state);

	snprintf(text, text_bytes, "%llu packets recorded", (unsigned long long)state.recorded);
	return !is_there || state.recorded == 0;
}

static struct bench_target *record(struct bench_target *t, struct error *err)
{
	struct dataplane *dp;
	int rc;

	if (t == NULL)
		return NULL;
	dp = ((struct bench_world *)t)->dp;
	dp->options.recorder = (struct dp_recorder){
		.ring_bytes = RING_BYTES, .snap_bytes = 96, .kinds = DP_CAPTURE_ALL};
	rc = observers_init(dp);
	if (rc < 0)
		error_set(err, "no memory for a recorder");
	return make_with(t, rc, note_recorded);
}

struct bench_target *bench_recorder_nat_make(const struct bench_case *c, struct error *err)
{
	return record(bench_nat_make(c, err), err);
}

struct bench_target *bench_recorder_forward_make(const struct bench_case *c, struct error *err)
{
	return record(bench_forward4_make(c, err), err);
}

struct bench_target *bench_recorder_drop_make(const struct bench_case *c, struct error *err)
{
	return record(bench_drop_flood_make(c, err), err);
}
