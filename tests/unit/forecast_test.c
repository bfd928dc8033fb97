// SPDX-License-Identifier: BSD-3-Clause
// What is foreseen of live flows under another policy is what becomes of them when it is in force:
// random policies, and flows of all kinds between the same few ends.
#include "dataplane/conntrack.h"
#include "dataplane/flow_tuple.h"
#include "tests/unit/foresee.h"
#include "tests/unit/house_fixture.h"
#include "tests/unit/random.h"

enum { ROUNDS = 3000, FLOWS = 40, HOSTS = 3, FORWARDED = 8080 };

struct live {
	struct frame frame;
	struct flow_tuple tuple;
	bool is_called;
};

static struct live lives[FLOWS];
static unsigned n_lives;

// --- random worlds ---

static void random_match(struct house *h, struct dp_rule *rule)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	uint32_t port = random_below(20);

	switch (random_below(5)) {
	case 0:
		rule->protocol = house_numbers(
			h, DP_SET_PROTOCOLS, protocols[port % 3], protocols[port % 3]);
		break;
	case 1:
		rule->source_port =
			house_numbers(h, DP_SET_PORTS, 5000 + port, 5000 + port + random_below(9));
		break;
	case 2:
		rule->destination_port = house_numbers(h, DP_SET_PORTS, 80, 80 + port % 3);
		break;
	case 3:
		rule->family = (uint8_t)(one_in(2) ? IP_V4 : IP_V6);
		break;
	default:
		rule->is_dnat = (int8_t)random_below(2);
	}
}

static struct dp_nat random_source(void)
{
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);

	nat.is_full_cone = one_in(3);
	if (one_in(3))
		nat.outside = (struct ip_prefix){
			.addr = {.v4 = {203, 0, 113, (uint8_t)(16 * (1 + random_below(2)))},
				.family = IP_V4},
			.len = 28};
	return nat;
}

static struct dp_nat random_forward(void)
{
	struct dp_nat nat = dp_nat_any(DP_NAT_FORWARD);

	nat.family = IP_V4;
	nat.interface = FIXTURE_WAN;
	nat.first_port = nat.last_port = FORWARDED;
	nat.inside = (struct ip_prefix){
		.addr = {.v4 = {198, 18, 0, (uint8_t)(7 + random_below(2))}, .family = IP_V4},
		.len = 32};
	return nat;
}

static void random_house(struct house *h)
{
	static const enum dp_action actions[] = {DP_ACCEPT, DP_ACCEPT, DP_DROP, DP_REJECT};
	static const uint32_t zones[] = {0, 0, 1 << ZONE_LAN, 1 << ZONE_WAN};
	bool translates = !one_in(8);

	house_init(h);
	h->policy.n_nats = 0;
	if (translates)
		h->nats[h->policy.n_nats++] = random_source();
	if (translates && one_in(2))
		h->nats[h->policy.n_nats++] = random_forward();
	h->policy.has_firewall = !translates || !one_in(8); // else no flow is looked at
	h->policy.hygiene[FIXTURE_WAN] = one_in(3) ? DP_HYGIENE_PRIVATE_OUT : 0;
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++)
		h->policy.defaults[hook] = one_in(3) ? DP_DROP : DP_ACCEPT;
	for (unsigned n = random_below(RULES_MAX); n > 0; n--)
		random_match(h, house_add(h, zones[random_below(4)], zones[random_below(4)],
					actions[random_below(4)]));
}

static struct frame random_frame(void)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_ICMP};
	struct frame frame = {
		.iface = FIXTURE_LAN,
		.src = FIXTURE_PC + random_below(2),
		.dst = FIXTURE_SERVER + random_below(HOSTS),
		.protocol = protocols[random_below(4)],
		.tcp_flags = RTE_TCP_SYN_FLAG,
		.icmp_type = 8,
		.sport = (uint16_t)(5000 + random_below(20)),
		.dport = (uint16_t)(80 + random_below(3)),
	};

	if (frame.protocol == IPPROTO_ICMP)
		return frame;
	switch (random_below(7)) {
	case 0:
		frame.src6 = FIXTURE_PC6;
		frame.dst6 = FIXTURE_SERVER6;
		break;
	case 1:
		frame.iface = FIXTURE_LAN2;
		frame.src = FIXTURE_FAR_LAN;
		break;
	case 2:
		frame.dst = FIXTURE_OWN_LAN;
		break;
	case 3:
		frame.dst = IP(10, 9, 9, 9); // nobody's out there
		break;
	case 4: // by a forward, or by a mapping that lets anybody in
		frame.iface = FIXTURE_WAN;
		frame.src = FIXTURE_SERVER + random_below(HOSTS);
		frame.dst = FIXTURE_OWN_WAN;
		frame.dport = one_in(2) ? FORWARDED : frame.sport;
		break;
	}
	return frame;
}

static struct flow_tuple tuple_of(const struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);
	struct packet p = {.m = m, .iface = frame->iface};
	uint8_t kind = packet_parse(&p, f->dp->snapshot->interfaces[frame->iface].mac_word);

	assert_true(kind == PACKET_IP6 ? packet_key6(&p) : packet_key4(&p));
	rte_pktmbuf_free(m);
	return flow_tuple_of_packet(&p);
}

static void free_sent(struct fixture *f)
{
	struct rte_mbuf *m;

	for (uint8_t i = FIXTURE_WAN; i <= FIXTURE_LAN2; i++)
		while ((m = fixture_sent(f, i)) != NULL)
			rte_pktmbuf_free(m);
	while ((m = fixture_punted(f)) != NULL)
		rte_pktmbuf_free(m);
}

static void begin_flows(struct fixture *f)
{
	n_lives = 0;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct live *live = &lives[n_lives];
		uint32_t before = f->w->flows.n_used;

		*live = (struct live){.frame = random_frame()};
		live->is_called = live->frame.iface == FIXTURE_WAN;
		live->tuple = tuple_of(f, &live->frame);
		fixture_rx(f, frame_build(f, &live->frame), live->frame.iface);
		free_sent(f);
		n_lives += f->w->flows.n_used > before;
	}
}

// --- what is foreseen, and what happens ---

struct foreseen {
	struct fixture *f;
	bool ends[FLOWS];
	struct dp_foreseen why[FLOWS];
};

static void note(void *ctx, const struct dp_foreseen *foreseen)
{
	struct foreseen *seen = ctx;

	for (unsigned i = 0; i < n_lives; i++) {
		const struct flow_table *table = &seen->f->w->flows;

		if (flow_index(table, flow_of(flow_find(table, &lives[i].tuple))) !=
			foreseen->flow.place)
			continue;
		seen->ends[i] = true;
		seen->why[i] = *foreseen;
	}
}

// Its next packet: is it cut?
static bool is_cut_now(struct fixture *f, const struct live *live)
{
	uint64_t before = fixture_counter(f, COUNTER_FLOW_CUT);

	fixture_rx(f, frame_build(f, &live->frame), live->frame.iface);
	free_sent(f);
	return fixture_counter(f, COUNTER_FLOW_CUT) > before;
}

static void end_flows(struct fixture *f)
{
	for (uint32_t i = 0; i < f->w->flows.n_touched; i++)
		if (f->w->flows.flows[i].state.state != FLOW_FREE)
			conntrack_end(f->w, &f->w->flows.flows[i]);
}

static void what_is_foreseen_happens(void **state)
{
	struct fixture *f = *state;
	unsigned n_cut = 0, n_kept = 0, n_anew = 0, n_called = 0, n_named = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		static struct house before, after;
		struct foreseen seen = {.f = f};
		const struct dp_foreseen *why = seen.why;
		uint64_t counted;

		random_house(&before);
		house_apply(&before, f);
		begin_flows(f);
		random_house(&after);
		after.list = (struct dp_list){0, after.policy.n_rules};
		for (unsigned i = 0; i < DP_HOOK_COUNT; i++)
			after.policy.hooks[i] = 0;
		counted = fixture_counter(f, COUNTER_FLOW_CUT);
		assert_int_equal(foresee(f, &after.policy, note, &seen), f->w->flows.n_used);
		assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), counted);
		house_apply(&after, f);
		// who is called stands on another's mapping: as long as that is there
		for (unsigned pass = 0; pass < 2; pass++)
			for (unsigned i = 0; i < n_lives; i++) {
				if (lives[i].is_called != (pass == 0))
					continue;
				if (is_cut_now(f, &lives[i]) != seen.ends[i])
					fail_msg("round %u, flow %u (%d, %s): foreseen %d", round,
						i, lives[i].frame.protocol,
						why[i].reason == NULL ? "" : why[i].reason,
						seen.ends[i]);
				n_cut += seen.ends[i];
				n_kept += !seen.ends[i];
				n_called += lives[i].is_called && !seen.ends[i];
				n_anew += seen.ends[i] && why[i].what == DP_FORESEEN_ANEW;
				n_named +=
					seen.ends[i] && why[i].is_by_firewall && why[i].rule >= 0;
			}
		end_flows(f);
	}
	// all kinds have been there
	assert_true(n_cut > ROUNDS && n_kept > ROUNDS && n_anew > ROUNDS / 4);
	assert_true(n_called > ROUNDS / 20 && n_named > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_foreseen_happens, fixture_setup_nat, fixture_teardown),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
