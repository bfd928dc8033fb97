// SPDX-License-Identifier: BSD-3-Clause
// The judge alone: first packets against a list of rules as a firewall of that size has them.
// Frames stand for packets, each with the number of its subject; what comes out has the rule that
// decided. Rules name hosts, networks, ports and protocols of either side and leave out some of
// them; half of the packets are made to match one, the others are not.
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/classifier.h"
#include "perf/bench_frame.h"

enum {
	SUBJECTS = 8192,
	RATE_SOURCES = 64,
	SERVICES = 40,	    // ports that rules name again and again
	RULES_PER_HOST = 3, // about so many name the same one
	HOSTS_MAX = 8000,   // of each side: DP_SETS_MAX
	ZONE = 2,
	PORT_SETS = SERVICES + 1, // and one of all high ports
	LARGE_SET_BITS = 31,
};

// A rule as it was drawn, to say what is right without the code that is measured.
struct plain_rule {
	uint32_t src, src_mask, dst, dst_mask; // host order; mask 0: any
	uint16_t first_port, last_port;
	uint8_t protocol; // 0: any
	enum dp_action action;
};

struct subject {
	struct rule_subject s;
	uint8_t src[4], dst[4];
	int32_t rule;
};

struct rules_target {
	struct bench_target target; // first
	struct ruleset *ruleset;
	struct rules_state state;
	struct rate_table *rates;
	struct rules_now now;
	double compile_sec;
	struct subject *subjects;
	struct rte_mbuf *sent[BURST];
	unsigned n_sent;
};

static_assert(4 * HOSTS_MAX + PORT_SETS + 3 <= DP_SETS_MAX, "hosts and networks of two sides");

struct draft {
	uint32_t n_rules, n_hosts;
	uint32_t n_large; // prefixes of the set that the first rule asks; 0: there is none
	struct plain_rule *plain;
	struct dp_rule *rules;
	struct dp_set *sets;
	struct ip_prefix *prefixes, *large; // one for each set of addresses
	struct dp_range *ranges;	    // of ports, then of protocols
	uint64_t random;
};

static uint32_t below(struct draft *d, uint32_t n)
{
	return (uint32_t)((uint64_t)bench_random(&d->random) * n >> 32);
}

// --- rules ---

// Hosts of 10.0.0.0/9 or of 10.128.0.0/9, and their /24.
static uint32_t host_address(uint32_t side, uint32_t host)
{
	return UINT32_C(10) << 24 | side << 23 | (host * UINT32_C(2654435761) >> 9);
}

// Sets: for each side its hosts, then their networks; then ports; then TCP and UDP.
static uint16_t host_set(const struct draft *d, uint32_t side, bool is_network, uint32_t host)
{
	return (uint16_t)((2 * side + is_network) * d->n_hosts + host);
}

static uint16_t port_set(const struct draft *d, uint32_t service)
{
	return (uint16_t)(4 * d->n_hosts + service);
}

static uint16_t protocol_set(const struct draft *d, uint8_t protocol)
{
	return (uint16_t)(4 * d->n_hosts + PORT_SETS + (protocol == IPPROTO_UDP));
}

static uint16_t large_set(const struct draft *d)
{
	return (uint16_t)(4 * d->n_hosts + PORT_SETS + 2);
}

static void fill_sets(struct draft *d)
{
	for (uint32_t i = 0; i < 4 * d->n_hosts; i++) {
		uint32_t addr = host_address(i / d->n_hosts / 2, i % d->n_hosts);

		d->prefixes[i].addr.family = IP_V4;
		d->prefixes[i].len = i / d->n_hosts % 2 == 0 ? 32 : 24;
		addr = rte_cpu_to_be_32(addr);
		memcpy(d->prefixes[i].addr.v4, &addr, sizeof(addr));
		d->sets[i] = (struct dp_set){.kind = DP_SET_ADDRESSES,
			.prefixes = &d->prefixes[i],
			.n_prefixes = 1,
			.timed = DP_INDEX_NONE};
	}
	for (uint32_t i = 0; i < PORT_SETS + 2; i++) {
		bool is_port = i < PORT_SETS;

		d->ranges[i] = (struct dp_range){20 + i * 17, 20 + i * 17};
		if (i == SERVICES)
			d->ranges[i] = (struct dp_range){1024, 65535};
		if (!is_port)
			d->ranges[i].first = d->ranges[i].last =
				i == PORT_SETS ? IPPROTO_TCP : IPPROTO_UDP;
		d->sets[port_set(d, i)] =
			(struct dp_set){.kind = is_port ? DP_SET_PORTS : DP_SET_PROTOCOLS,
				.ranges = &d->ranges[i],
				.n_ranges = 1,
				.timed = DP_INDEX_NONE};
	}
	for (uint32_t i = 0; i < d->n_large; i++) {
		// in 128.0.0.0/1, even ones only: packets have odd addresses of there
		uint32_t step = (UINT32_C(1) << LARGE_SET_BITS) / d->n_large & ~UINT32_C(1);
		uint32_t addr = rte_cpu_to_be_32(UINT32_C(1) << LARGE_SET_BITS | i * step);

		d->large[i].addr.family = IP_V4;
		d->large[i].len = 32;
		memcpy(d->large[i].addr.v4, &addr, sizeof(addr));
	}
	d->sets[large_set(d)] = (struct dp_set){.kind = DP_SET_ADDRESSES,
		.prefixes = d->large,
		.n_prefixes = d->n_large,
		.timed = DP_INDEX_NONE};
}

// A host, its network or anything, three, one and `any` times in 4 + any.
static struct dp_match_set draw_side(
	struct draft *d, uint32_t side, uint32_t any, uint32_t *addr, uint32_t *mask)
{
	uint32_t what = below(d, 4 + any), host = below(d, d->n_hosts);
	struct dp_match_set side_set = dp_match_any();

	*mask = what < 3 ? UINT32_MAX : what < 4 ? UINT32_MAX << 8 : 0;
	*addr = host_address(side, host) & *mask;
	if (what < 4)
		side_set.set = host_set(d, side, what == 3, host);
	return side_set;
}

static void draw_rule(struct draft *d, uint32_t i)
{
	struct plain_rule *p = &d->plain[i];
	struct dp_rule *r = &d->rules[i];
	uint32_t service = below(d, PORT_SETS + SERVICES / 2), protocol = below(d, 8);

	*p = (struct plain_rule){.last_port = UINT16_MAX};
	*r = dp_rule_any(i % 16 == 0 ? DP_CONTINUE : i % 3 == 0 ? DP_DROP : DP_ACCEPT);
	// who names no source names a destination
	r->source = draw_side(d, 0, 3, &p->src, &p->src_mask);
	r->destination = draw_side(d, 1, p->src_mask != 0 ? 2 : 0, &p->dst, &p->dst_mask);
	if (service < PORT_SETS) {
		r->destination_port.set = port_set(d, service);
		p->first_port = (uint16_t)d->ranges[service].first;
		p->last_port = (uint16_t)d->ranges[service].last;
	}
	if (protocol > 0) {
		p->protocol = protocol < 3 ? IPPROTO_UDP : IPPROTO_TCP;
		r->protocol.set = protocol_set(d, p->protocol);
	}
	p->action = r->action;
}

static int draft_init(struct draft *d, const struct bench_case *c)
{
	uint32_t n_sets;

	*d = (struct draft){.n_rules = c->n_routes, .n_large = c->n_flows, .random = c->n_routes};
	d->n_hosts = RTE_MIN(RTE_MAX(d->n_rules / RULES_PER_HOST, 2u), (uint32_t)HOSTS_MAX);
	n_sets = large_set(d) + 1;
	d->plain = calloc(d->n_rules, sizeof(d->plain[0]));
	d->rules = calloc(d->n_rules, sizeof(d->rules[0]));
	d->sets = calloc(n_sets, sizeof(d->sets[0]));
	d->prefixes = calloc(n_sets, sizeof(d->prefixes[0]));
	d->ranges = calloc(n_sets, sizeof(d->ranges[0]));
	d->large = calloc(d->n_large + 1, sizeof(d->large[0]));
	if (d->plain == NULL || d->rules == NULL || d->sets == NULL || d->prefixes == NULL ||
		d->ranges == NULL || d->large == NULL)
		return -1;
	fill_sets(d);
	for (uint32_t i = 0; i < d->n_rules; i++)
		draw_rule(d, i);
	if (d->n_large > 0) { // matches no subject, and every one has to ask it
		d->rules[0].source = (struct dp_match_set){.set = large_set(d)};
		d->rules[0].destination = d->rules[0].destination_port = d->rules[0].protocol =
			dp_match_any();
		d->plain[0].src_mask = UINT32_MAX;
		d->plain[0].src = 0;
	}
	return 0;
}

static void draft_fini(struct draft *d)
{
	free(d->plain);
	free(d->rules);
	free(d->sets);
	free(d->prefixes);
	free(d->ranges);
	free(d->large);
}

static int compile(struct rules_target *t, const struct draft *d, struct error *err)
{
	static struct timed_set *const timed[DP_TIMED_SETS_MAX];
	const uint64_t seeds[2] = {1, 2};
	const struct dp_list list = {.n = d->n_rules};
	const struct dp_policy policy = {
		.has_firewall = true,
		.hooks = {DP_INDEX_NONE, 0, DP_INDEX_NONE},
		.defaults = {DP_DROP, DP_DROP, DP_DROP},
		.lists = &list,
		.n_lists = 1,
		.rules = d->rules,
		.n_rules = d->n_rules,
		.sets = d->sets,
		.n_sets = large_set(d) + 1u,
	};

	t->rates = rate_table_new(RATE_SOURCES, seeds);
	if (t->rates == NULL)
		return error_set(err, "no memory for rates");
	t->compile_sec = -bench_cpu_sec();
	t->ruleset = ruleset_new(&policy, timed, t->rates, err);
	t->compile_sec += bench_cpu_sec();
	if (t->ruleset == NULL)
		return -1;
	return rules_state_init(&t->state, t->ruleset) == 0
		       ? 0
		       : error_set(err, "no memory for counters");
}

// --- packets ---

static int32_t find_rule(
	const struct draft *d, uint32_t src, uint32_t dst, const struct rule_subject *s)
{
	for (uint32_t i = 0; i < d->n_rules; i++) {
		const struct plain_rule *p = &d->plain[i];

		if ((src & p->src_mask) == p->src && (dst & p->dst_mask) == p->dst &&
			s->dport >= p->first_port && s->dport <= p->last_port &&
			(p->protocol == 0 || p->protocol == s->protocol) &&
			p->action != DP_CONTINUE)
			return (int32_t)i;
	}
	return RULE_DEFAULT;
}

static void draw_subject(struct draft *d, struct subject *out, bool is_random)
{
	const struct plain_rule *p = &d->plain[below(d, d->n_rules)];
	uint32_t src = host_address(0, below(d, d->n_hosts)),
		 dst = host_address(1, below(d, d->n_hosts));
	uint32_t src_be, dst_be;

	out->s = (struct rule_subject){
		.family = IP_V4,
		.protocol = IPPROTO_TCP,
		.from = ZONE,
		.to = ZONE + 1,
		.src = out->src,
		.dst = out->dst,
		.sport = (uint16_t)(32768 + below(d, 28000)),
		.dport = (uint16_t)d->ranges[below(d, SERVICES)].first,
		.has_ports = true,
		.tcp_flags = RTE_TCP_SYN_FLAG,
		.state = DP_STATE_NEW,
		.in_interface = 1,
		.out_interface = 2,
		.bytes = 60,
	};
	if (!is_random) {
		src = (src & ~p->src_mask) | p->src;
		dst = (dst & ~p->dst_mask) | p->dst;
		if (out->s.dport < p->first_port || out->s.dport > p->last_port)
			out->s.dport = p->first_port;
		out->s.protocol = p->protocol != 0 ? p->protocol : IPPROTO_TCP;
	}
	if (d->n_large > 0)
		src = bench_random(&d->random) | UINT32_C(1) << LARGE_SET_BITS | 1;
	src_be = rte_cpu_to_be_32(src);
	dst_be = rte_cpu_to_be_32(dst);
	memcpy(out->src, &src_be, sizeof(src_be));
	memcpy(out->dst, &dst_be, sizeof(dst_be));
	out->s.facts = rules_facts(&out->s);
	out->rule = find_rule(d, src, dst, &out->s);
}

static int add_subjects(struct rules_target *t, struct draft *d)
{
	struct bench_stream *stream = &t->target.streams[0];
	struct bench_frame *frames;

	t->subjects = calloc(SUBJECTS, sizeof(t->subjects[0]));
	frames = aligned_alloc(RTE_CACHE_LINE_SIZE, SUBJECTS * sizeof(frames[0]));
	*stream =
		(struct bench_stream){.frames = frames, .n = SUBJECTS, .frame_bytes = FRAME4_BYTES};
	t->target.n_streams = 1;
	if (t->subjects == NULL || frames == NULL)
		return -1;
	memset(frames, 0, SUBJECTS * sizeof(frames[0]));
	for (uint32_t i = 0; i < SUBJECTS; i++) {
		draw_subject(d, &t->subjects[i], i % 2 == 0);
		memcpy(frames[i].bytes, &i, sizeof(i));
	}
	return 0;
}

// --- the target ---

static void rules_rx(struct bench_target *target, uint8_t iface, struct rte_mbuf **pkts, unsigned n)
{
	struct rules_target *t = (struct rules_target *)target;
	struct rule_subject *subjects[BURST] = {NULL};
	struct classifier_walk walks[BURST];
	enum dp_hook hooks[BURST] = {DP_HOOK_FORWARD};

	for (unsigned i = 0; i < n; i++) {
		subjects[i] = &t->subjects[rte_pktmbuf_mtod(pkts[i], uint32_t *)[0]].s;
		subjects[i]->ahead = NULL;
		hooks[i] = DP_HOOK_FORWARD;
	}
	rules_look_ahead(t->ruleset, &t->state, hooks, subjects, walks, n);
	for (unsigned i = 0; i < n; i++) {
		uint32_t *words = rte_pktmbuf_mtod(pkts[i], uint32_t *);
		struct rule_verdict verdict;

		rules_judge(t->ruleset, &t->state, hooks[i], subjects[i], &t->now, &verdict);
		words[1] = (uint32_t)verdict.rule;
		t->sent[t->n_sent++] = pkts[i];
	}
}

static unsigned rules_take_sent(struct bench_target *target, struct bench_sent *out)
{
	struct rules_target *t = (struct rules_target *)target;
	unsigned n = t->n_sent;

	for (unsigned i = 0; out != NULL && i < n; i++) {
		out->pkts[i] = t->sent[i];
		out->ifaces[i] = 0;
	}
	t->n_sent = 0;
	return n;
}

static void rules_turn(struct bench_target *t)
{
}

static void rules_expect(
	const struct bench_target *t, unsigned stream, uint32_t frame, struct bench_expected *out)
{
	int32_t rule = ((const struct rules_target *)t)->subjects[frame].rule;

	*out = (struct bench_expected){.frame = t->streams[stream].frames[frame]};
	memcpy(out->frame.bytes + sizeof(frame), &rule, sizeof(rule));
}

static bool rules_note(struct bench_target *target, char *text, unsigned text_bytes)
{
	const struct rules_target *t = (const struct rules_target *)target;

	snprintf(text, text_bytes, "compiled in %.1f ms, %.0f bytes a rule, sets among them",
		t->compile_sec * 1000, (double)ruleset_bytes(t->ruleset) / t->ruleset->n_rules);
	return false;
}

static void rules_describe_drops(const struct bench_target *t, char *text, unsigned text_bytes)
{
	snprintf(text, text_bytes, "nothing");
}

static void rules_free(struct bench_target *target)
{
	struct rules_target *t = (struct rules_target *)target;

	rules_state_fini(&t->state);
	ruleset_free(t->ruleset);
	rate_table_free(t->rates);
	free(t->subjects);
	free(t->target.streams[0].frames);
	free(t);
}

static const struct bench_target_ops rules_ops = {
	.rx = rules_rx,
	.take_sent = rules_take_sent,
	.turn = rules_turn,
	.expect = rules_expect,
	.note = rules_note,
	.describe_drops = rules_describe_drops,
	.free = rules_free,
};

struct bench_target *bench_rules_make(const struct bench_case *c, struct error *err)
{
	struct rules_target *t = calloc(1, sizeof(*t));
	struct draft d;

	if (t == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	t->target.ops = &rules_ops;
	t->now = (struct rules_now){.now_ms = 1000, .now_sec = 1};
	if (draft_init(&d, c) != 0 || add_subjects(t, &d) != 0)
		error_set(err, "no memory for %u rules", c->n_routes);
	else if (compile(t, &d, err) == 0) {
		draft_fini(&d);
		return &t->target;
	}
	draft_fini(&d);
	rules_free(&t->target);
	return NULL;
}
