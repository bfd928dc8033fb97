// SPDX-License-Identifier: BSD-3-Clause
// Flows under a firewall that changes: judged again, cut, kept; and what rules want done besides.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack.h"
#include "dataplane/packet.h"
#include "tests/unit/house_fixture.h"

// --- changes ---

static void a_new_rule_cuts_what_it_forbids_with_a_reset_if_it_rejects(void **state)
{
	struct fixture *f = *state;
	struct frame data = out6;
	struct house h;
	struct rte_mbuf *m;

	house_lan_to_wan(&h, f);
	assert_true(fixture_passes(f, &out6, FIXTURE_WAN));
	data.tcp_flags = RTE_TCP_ACK_FLAG;
	data.tcp_seq = 1;
	data.tcp_ack = 4242;
	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_REJECT);
	house_apply(&h, f);
	m = fixture_send(f, &data, FIXTURE_LAN);
	assert_non_null(m);
	assert_int_equal(packet_ip6(m)->proto, IPPROTO_TCP);
	rte_pktmbuf_free(m);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
}

// IPv4 behind the NAT and IPv6, told of by the client's segment or the server's.
static void a_cut_connection_is_reset_at_both_ends(void **state)
{
	struct fixture *f = *state;
	struct frame syn4 = fixture_udp_out;
	struct house h;

	syn4.protocol = IPPROTO_TCP;
	syn4.tcp_flags = RTE_TCP_SYN_FLAG;
	syn4.payload_bytes = 0;
	for (unsigned i = 0; i < 4; i++) {
		bool is_ip6 = i % 2, speaks_first = i / 2;
		struct frame syn = is_ip6 ? out6 : syn4, answer, ack;
		uint32_t seq[2] = {1001, FIXTURE_SERVER_SEQ + 1};
		struct rte_mbuf *m;

		house_lan_to_wan(&h, f);
		syn.sport = (uint16_t)(6000 + i);
		syn.tcp_seq = 1000;
		m = fixture_send(f, &syn, FIXTURE_WAN);
		assert_non_null(m);
		if (is_ip6) {
			answer = answer6(&syn);
			answer.tcp_seq = FIXTURE_SERVER_SEQ;
		} else {
			answer = frame_answer(m, &syn, FIXTURE_WAN);
		}
		rte_pktmbuf_free(m);
		assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
		ack = frame_answer_again(&syn);
		assert_true(fixture_passes(f, &ack, FIXTURE_WAN));
		house_init(&h);
		house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_REJECT);
		house_apply(&h, f);
		answer.tcp_flags = RTE_TCP_ACK_FLAG;
		answer.tcp_seq = seq[1];
		answer.tcp_ack = seq[0];
		answer.payload_bytes = 100; // it is not delivered, and so does not count
		fixture_rx(f, frame_build(f, speaks_first ? &answer : &ack),
			speaks_first ? FIXTURE_WAN : FIXTURE_LAN);
		for (unsigned to_server = 0; to_server < 2; to_server++) {
			const struct rte_tcp_hdr *tcp;

			m = fixture_sent(f, to_server ? FIXTURE_WAN : FIXTURE_LAN);
			assert_non_null(m);
			assert_true(frame_is_sound(m));
			tcp = is_ip6 ? (const struct rte_tcp_hdr *)(packet_ip6(m) + 1)
				     : (const struct rte_tcp_hdr *)(packet_ip4(m) + 1);
			assert_true(tcp->tcp_flags & RTE_TCP_RST_FLAG);
			assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), seq[!to_server]);
			assert_int_equal(
				rte_be_to_cpu_16(tcp->dst_port), to_server ? syn.dport : syn.sport);
			if (!is_ip6) {
				assert_int_equal(
					frame_src(m), to_server ? FIXTURE_OWN_WAN : FIXTURE_SERVER);
				assert_int_equal(
					frame_dst(m), to_server ? FIXTURE_SERVER : FIXTURE_PC);
			}
			assert_memory_equal(packet_eth(m)->dst_addr.addr_bytes,
				to_server ? "\2\1\0\0\0" : "\2\1\0\0\1", 5); // some host there
			rte_pktmbuf_free(m);
			assert_null(fixture_sent(f, to_server ? FIXTURE_WAN : FIXTURE_LAN));
		}
		assert_int_equal(f->w->flows.n_used, 0);
	}
	assert_int_equal(fixture_counter(f, COUNTER_RESET_SENT), 8);
}

static void what_a_new_policy_allows_keeps_its_translation(void **state)
{
	struct fixture *f = *state;
	struct frame twin = fixture_udp_out;
	struct house h;
	struct rte_mbuf *m;
	uint16_t port;

	house_lan_to_wan(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	twin.src = FIXTURE_PC2;
	m = fixture_send(f, &twin, FIXTURE_WAN);
	port = frame_sport(m);
	assert_int_not_equal(port, twin.sport);
	rte_pktmbuf_free(m);
	house_lan_to_wan(&h, f);
	m = fixture_send(f, &twin, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(frame_sport(m), port);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
}

// Rules mark it once more: what they did the last time is no mark it came with.
static void a_flow_is_judged_again_without_its_mark(void **state)
{
	struct fixture *f = *state;
	struct dp_rule *rule;
	struct house h;

	house_init(&h);
	rule = house_add(&h, 0, 0, DP_DROP);
	rule->mark = rule->mark_mask = 1;
	rule = house_add(&h, 0, 0, DP_CONTINUE);
	rule->set_mark = rule->set_mark_mask = 1;
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT);
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(f->w->flows.flows[0].state.mark, 1);
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);

	h.rules[1].set_mark = h.rules[1].set_mark_mask = 2;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(f->w->flows.flows[0].state.mark, 2);
}

static void a_ban_cuts_at_once_and_ends_by_itself(void **state)
{
	struct fixture *f = *state;
	struct dp_timed_entry ban = {.left_sec = 60};
	struct house h;

	assert_int_equal(dataplane_timed_open(f->dp, 3, 16), 0);
	house_init(&h);
	h.sets[0] = (struct dp_set){.kind = DP_SET_ADDRESSES, .timed = 3};
	h.policy.n_sets = 1;
	house_add(&h, 0, 0, DP_DROP)->source.set = 0;
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT);
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(ip_prefix_parse("198.18.0.7/32", &ban.prefix), 0);
	assert_int_equal(dataplane_timed_add(f->dp, 3, &ban, false), 0);
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	f->w->now_sec += 61;
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
}

// Whoever was let in for a time: his flows end with it, though nobody changes anything. The end of
// a ban takes nothing from anybody.
static void what_a_timed_entry_lets_in_ends_with_it(void **state)
{
	static const struct {
		enum dp_action action, otherwise;
		bool is_negated, is_cut;
	} rows[] = {
		{DP_ACCEPT, DP_DROP, false, true},
		{DP_DROP, DP_ACCEPT, true, true},
		{DP_DROP, DP_ACCEPT, false, false},
		{DP_ACCEPT, DP_DROP, true, false},
	};
	struct fixture *f = *state;
	struct dp_timed_entry entry = {.left_sec = 60};
	struct house h;

	assert_int_equal(dataplane_timed_open(f->dp, 3, 16), 0);
	assert_int_equal(ip_prefix_parse("198.18.0.7/32", &entry.prefix), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct frame frame = fixture_udp_out;
		struct dp_rule *rule;
		uint32_t epoch;
		uint64_t n_cut;

		house_init(&h);
		h.sets[0] = (struct dp_set){.kind = DP_SET_ADDRESSES, .timed = 3};
		h.policy.n_sets = 1;
		rule = house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, rows[i].action);
		rule->source.set = 0;
		rule->source.is_negated = rows[i].is_negated;
		house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, rows[i].otherwise);
		house_apply(&h, f);
		assert_int_equal(dataplane_timed_add(f->dp, 3, &entry, false), 0);
		assert_int_equal(fixture_passes(f, &frame, FIXTURE_WAN), rows[i].is_cut);
		f->dp->start_tsc -= rte_get_tsc_hz();
		dataplane_timed_sweep(f->dp); // what the addition may have left to it
		epoch = f->dp->epoch;
		n_cut = fixture_counter(f, COUNTER_FLOW_CUT);
		f->dp->start_tsc -= 60 * rte_get_tsc_hz();
		f->w->now_sec += 61;
		dataplane_timed_sweep(f->dp);
		assert_int_equal(fixture_passes(f, &frame, FIXTURE_WAN), !rows[i].is_cut);
		assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT) - n_cut, rows[i].is_cut);
		assert_int_equal(f->dp->epoch != epoch, rows[i].is_cut || rows[i].is_negated);
	}
}

static void a_flood_of_bans_does_not_make_each_flow_be_judged_each_time(void **state)
{
	struct fixture *f = *state;
	struct dp_timed_entry ban = {.left_sec = 60};
	uint32_t before = f->dp->epoch;

	assert_int_equal(dataplane_timed_open(f->dp, 3, 4096), 0);
	assert_int_equal(ip_prefix_parse("198.19.0.0/32", &ban.prefix), 0);
	for (unsigned i = 0; i < 2000; i++) {
		ban.prefix.addr.v4[2] = (uint8_t)(i >> 8);
		ban.prefix.addr.v4[3] = (uint8_t)i;
		assert_int_equal(dataplane_timed_add(f->dp, 3, &ban, false), 0);
	}
	assert_in_range(f->dp->epoch - before, 1, 20);
	before = f->dp->epoch;
	usleep(150000);
	dataplane_timed_sweep(f->dp); // the last of them
	assert_int_equal(f->dp->epoch, before + 1);
	assert_int_equal(dataplane_timed_add(f->dp, 3, &ban, false), 0); // is there already
	dataplane_timed_sweep(f->dp);
	assert_int_equal(f->dp->epoch, before + 1);
}

static void a_schedule_opens_and_closes(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT)->schedule = 5;
	house_apply(&h, f);
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	dataplane_schedules_set(f->dp, UINT64_C(1) << 5);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	dataplane_schedules_set(f->dp, 0);
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
}

// Other rules, other times: what bit 5 meant before says nothing about the new policy, not for the
// moment that control takes to say so.
static void a_policy_brings_its_schedules(void **state)
{
	struct fixture *f = *state;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT)->schedule = 5;
	h.policy.active_schedules = UINT64_C(1) << 5;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	h.policy.active_schedules = UINT64_C(1) << 4;
	house_apply(&h, f);
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	dataplane_schedules_set(f->dp, UINT64_C(1) << 5);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
}

// --- what rules want done besides ---

static void lines_to_log_and_additions_reach_control(void **state)
{
	struct fixture *f = *state;
	struct dp_rule *rule;
	struct dp_event event;
	struct house h;

	house_init(&h);
	rule = house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_DROP);
	rule->log = 0;
	rule->add_timed = 7;
	rule->add_sec = 3600;
	assert_int_equal(dataplane_timed_open(f->dp, 7, 16), 0);
	house_apply(&h, f);
	assert_false(fixture_passes(f, &out6, FIXTURE_WAN));
	assert_true(dataplane_event_next(f->dp, &event));
	assert_int_equal(event.kind, DP_EVENT_LOG);
	assert_int_equal(event.interface, FIXTURE_LAN);
	assert_int_equal(event.log.policy, dataplane_policy_serial(f->dp));
	assert_int_equal(event.log.out_interface, FIXTURE_WAN);
	assert_int_equal(event.log.action, DP_DROP);
	assert_int_equal(event.log.dport, 443);
	assert_int_equal(event.log.tcp_flags, RTE_TCP_SYN_FLAG);
	assert_int_equal(event.log.dst.family, IP_V6);
	assert_true(dataplane_event_next(f->dp, &event));
	assert_int_equal(event.kind, DP_EVENT_SET_ADD);
	assert_int_equal(event.add.timed, 7);
	assert_int_equal(event.add.sec, 3600);
	assert_int_equal(event.add.len, 128);
	assert_memory_equal(event.addr.v6, "\x20\x01\x0d\xb8\0\1\0\0\0\0\0\0\0\0\0\7", 16);
	assert_false(dataplane_event_next(f->dp, &event));
	assert_false(fixture_passes(f, &out6, FIXTURE_WAN));
	house_apply(&h, f); // while it waits
	assert_true(dataplane_event_next(f->dp, &event));
	assert_int_not_equal(event.log.policy, dataplane_policy_serial(f->dp));
}

static void what_is_added_of_ip6_is_a_network_as_the_rule_says(void **state)
{
	static const struct {
		const char *src6;
		uint8_t ip6_len;
		bool is_destination;
		const char *added;
	} rows[] = {
		{FIXTURE_SERVER6, 64, false, "2001:db8:9::/64"},
		{FIXTURE_SERVER6, 48, false, "2001:db8:9::/48"},
		{FIXTURE_SERVER6, 128, false, "2001:db8:9::10/128"},
		{FIXTURE_SERVER6, 0, false, "2001:db8:9::10/128"},
		{FIXTURE_SERVER6, 64, true, "2001:db8:f::/64"},
		{"fe80::10", 64, false, "fe80::10/128"}, // or the whole link would be in it
		{NULL, 64, false, "198.51.100.10/32"},
	};
	struct fixture *f = *state;
	struct dp_rule *rule;
	struct dp_event event;
	struct house h;

	assert_int_equal(dataplane_timed_open(f->dp, 7, 16), 0);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct frame knock = {
			.iface = FIXTURE_WAN,
			.src = FIXTURE_SERVER,
			.dst = FIXTURE_OWN_WAN,
			.src6 = rows[i].src6,
			.dst6 = FIXTURE_OWN_WAN6,
			.sport = (uint16_t)(5000 + i),
			.dport = 22,
			.protocol = IPPROTO_UDP,
		};
		struct ip_prefix added;
		char text[ADDR_STR_BYTES];

		house_init(&h);
		rule = house_add(&h, 0, 0, DP_DROP);
		rule->add_timed = 7;
		rule->add_sec = 3600;
		rule->add_ip6_len = rows[i].ip6_len;
		rule->add_destination = rows[i].is_destination;
		house_apply(&h, f);
		assert_null(fixture_send(f, &knock, FIXTURE_WAN));
		assert_true(dataplane_event_next(f->dp, &event));
		assert_int_equal(event.kind, DP_EVENT_SET_ADD);
		added = (struct ip_prefix){event.addr, event.add.len};
		assert_string_equal(ip_prefix_str(&added, text), rows[i].added);
	}
}

static void rules_count_flows_and_not_their_packets(void **state)
{
	struct fixture *f = *state;
	struct dp_count count;
	struct house h;

	house_lan_to_wan(&h, f);
	for (unsigned i = 0; i < 5; i++)
		assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_true(dataplane_rule_count(f->dp, 0, &count));
	assert_int_equal(count.packets, 1);
	assert_int_equal(count.bytes, 58);
	assert_true(dataplane_rule_count(f->dp, 1, &count));
	assert_int_equal(count.packets, 0);
	assert_false(dataplane_rule_count(f->dp, 2, &count));
}

// --- counts from one policy to the next ---

static uint64_t rule_packets(struct fixture *f, uint32_t rule)
{
	struct dp_count count;

	assert_true(dataplane_rule_count(f->dp, rule, &count));
	return count.packets;
}

static void counts_go_on_as_the_next_policy_says(void **state)
{
	static const uint32_t rules_before[] = {DP_RULES_MAX, 0, 2};
	static const uint16_t counters_before[] = {DP_INDEX_NONE, 0};
	struct frame refused = fixture_udp_out, allowed = fixture_udp_out;
	struct fixture *f = *state;
	struct dp_count count;
	struct house h;

	refused.iface = FIXTURE_WAN;
	refused.src6 = FIXTURE_SERVER6;
	refused.dst6 = FIXTURE_OWN_WAN6;
	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT)->counter = 0;
	house_apply(&h, f);
	assert_true(fixture_passes(f, &allowed, FIXTURE_WAN));
	assert_null(fixture_send(f, &refused, FIXTURE_LAN));

	for (unsigned i = 0; i < 2; i++) {
		house_init(&h);
		house_add(&h, 1 << ZONE_WAN, 1 << DP_ZONE_ROUTER, DP_DROP)->counter = 0;
		house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT)->counter = 1;
		house_add(&h, 1 << ZONE_LAN, 1 << DP_ZONE_ROUTER, DP_ACCEPT);
		h.policy.rules_before = i == 0 ? rules_before : (const uint32_t[]){0, 1, 2};
		h.policy.counters_before = i == 0 ? counters_before : (const uint16_t[]){0, 1};
		house_apply(&h, f);
		assert_int_equal(rule_packets(f, 0), 0);
		assert_int_equal(rule_packets(f, 1), 1 + i);
		assert_int_equal(rule_packets(f, 2), 0); // the one that it names was never there
		assert_true(dataplane_named_count(f->dp, 0, &count));
		assert_int_equal(count.packets, 0);
		assert_true(dataplane_named_count(f->dp, 1, &count));
		assert_int_equal(count.packets, 1 + i);
		assert_true(dataplane_default_count(f->dp, DP_HOOK_INPUT, &count));
		assert_int_equal(count.packets, 1);
		allowed.sport++;
		assert_true(fixture_passes(f, &allowed, FIXTURE_WAN));
	}
	h.policy.rules_before = NULL;
	h.policy.counters_before = NULL;
	house_apply(&h, f);
	assert_int_equal(rule_packets(f, 1), 0);
}

enum { LATE_PACKETS = 5 };

static atomic_bool late_worker_is_there;

// A worker in the middle of a burst while control changes the policy: it counts under the one that
// it began with, and passes by.
static void *count_late(void *ctx)
{
	struct fixture *f = ctx;
	struct snapshot *before = atomic_load(&f->dp->snapshot);
	unsigned id = f->dp->options.n_workers;

	rte_rcu_qsbr_thread_register(f->dp->rcu, id);
	rte_rcu_qsbr_thread_online(f->dp->rcu, id);
	atomic_store(&late_worker_is_there, true);
	while (atomic_load(&f->dp->snapshot) == before)
		sched_yield();
	atomic_fetch_add(&before->policy->counts[0].rules[0].packets, LATE_PACKETS);
	rte_rcu_qsbr_thread_offline(f->dp->rcu, id);
	rte_rcu_qsbr_thread_unregister(f->dp->rcu, id);
	return NULL;
}

static void what_workers_count_until_they_leave_a_policy_is_not_lost(void **state)
{
	static const uint32_t rules_before[] = {0};
	struct fixture *f = *state;
	pthread_t worker;
	struct house h;

	house_init(&h);
	house_add(&h, 1 << ZONE_LAN, 1 << ZONE_WAN, DP_ACCEPT);
	house_apply(&h, f);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	atomic_store(&late_worker_is_there, false);
	assert_int_equal(pthread_create(&worker, NULL, count_late, f), 0);
	while (!atomic_load(&late_worker_is_there))
		sched_yield();
	h.policy.rules_before = rules_before;
	house_apply(&h, f);
	assert_int_equal(pthread_join(worker, NULL), 0);
	assert_int_equal(rule_packets(f, 0), 1 + LATE_PACKETS);
}

static void a_policy_that_makes_no_sense_leaves_the_one_in_force(void **state)
{
	struct fixture *f = *state;
	struct error err;
	struct house h;

	house_lan_to_wan(&h, f);
	h.rules[0].source.set = 99;
	assert_int_not_equal(dataplane_policy_set(f->dp, &h.policy, &err), 0);
	assert_true(strlen(err.text) > 10);
	h.rules[0].source.set = DP_INDEX_NONE;
	h.rules[0].add_ip6_len = 129;
	assert_int_not_equal(dataplane_policy_set(f->dp, &h.policy, &err), 0);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
}

static void without_a_firewall_the_rules_are_not_looked_at(void **state)
{
	const struct dp_rule rule = {.source.set = 99, .destination.set = 99};
	const struct dp_policy policy = {.rules = &rule, .n_rules = 1};
	struct fixture *f = *state;
	struct error err = {0};

	if (dataplane_policy_set(f->dp, &policy, &err) != 0)
		fail_msg("%s", err.text);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup_plain, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(a_new_rule_cuts_what_it_forbids_with_a_reset_if_it_rejects),
		WITH(a_cut_connection_is_reset_at_both_ends),
		WITH(what_a_new_policy_allows_keeps_its_translation),
		WITH(a_flow_is_judged_again_without_its_mark),
		WITH(a_ban_cuts_at_once_and_ends_by_itself),
		WITH(what_a_timed_entry_lets_in_ends_with_it),
		WITH(a_flood_of_bans_does_not_make_each_flow_be_judged_each_time),
		WITH(a_schedule_opens_and_closes),
		WITH(a_policy_brings_its_schedules),
		WITH(lines_to_log_and_additions_reach_control),
		WITH(what_is_added_of_ip6_is_a_network_as_the_rule_says),
		WITH(rules_count_flows_and_not_their_packets),
		WITH(counts_go_on_as_the_next_policy_says),
		WITH(what_workers_count_until_they_leave_a_policy_is_not_lost),
		WITH(a_policy_that_makes_no_sense_leaves_the_one_in_force),
		WITH(without_a_firewall_the_rules_are_not_looked_at),
	};
#undef WITH

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
