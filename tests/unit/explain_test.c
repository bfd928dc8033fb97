// SPDX-License-Identifier: BSD-3-Clause
// What is said of a packet, and that saying it changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/explain.h"
#include "dataplane/packet.h"
#include "tests/unit/dataplane_fixture.h"

static struct dp_explanation explain_bytes(
	struct fixture *f, const uint8_t *bytes, uint16_t n, uint8_t iface)
{
	struct dp_explain packet = {.interface = iface, .frame = bytes, .bytes = n};
	struct dp_explanation out;
	struct error err;

	assert_int_equal(dataplane_explain(f->dp, &packet, &out, &err), 0);
	return out;
}

static struct dp_explanation explain(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);
	struct dp_explanation out =
		explain_bytes(f, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, frame->iface);

	rte_pktmbuf_free(m);
	return out;
}

static uint32_t left_source(const struct dp_explanation *out)
{
	uint32_t be;

	memcpy(&be, out->left + 26, sizeof(be));
	return rte_be_to_cpu_32(be);
}

static uint16_t left_sport(const struct dp_explanation *out)
{
	return (uint16_t)(out->left[34] << 8 | out->left[35]);
}

// --- nothing is changed ---

static void an_explanation_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	uint64_t before[COUNTER_COUNT];
	unsigned free_before = rte_mempool_avail_count(f->w->pool);
	struct dp_explanation out;

	memcpy(before, f->w->counters, sizeof(before));
	for (unsigned i = 0; i < 300; i++) // more than any budget or table of a rehearsal holds
		out = explain(f, &fixture_udp_out);
	assert_int_equal(out.fate, DP_FATE_SENT);
	assert_memory_equal(before, f->w->counters, sizeof(before));
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(f->w->flows.n_touched, 0);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_int_equal(rte_mempool_avail_count(f->w->pool), free_before);
}

static void a_rate_is_looked_at_and_not_taken(void **state)
{
	struct fixture *f = *state;
	struct dp_rule rules[1] = {dp_rule_any(DP_ACCEPT)};
	struct dp_list list = {.n = 1};
	struct dp_rate rate = {.packets = 1, .per_sec = 86400, .burst = 1};
	struct dp_policy policy = {
		.has_firewall = true,
		.hooks = {DP_INDEX_NONE, 0, DP_INDEX_NONE},
		.defaults = {DP_DROP, DP_DROP, DP_ACCEPT},
		.lists = &list,
		.n_lists = 1,
		.rules = rules,
		.n_rules = 1,
		.rates = &rate,
		.n_rates = 1,
	};
	struct frame second = fixture_udp_out;
	struct error err;

	rules[0].rate = 0;
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(explain(f, &fixture_udp_out).fate, DP_FATE_SENT);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	second.sport++;
	assert_string_equal(explain(f, &second).reason, "drop_rule");
	assert_true(explain(f, &second).rules.asked_rate);
	assert_false(fixture_passes(f, &second, FIXTURE_WAN));
}

static void a_name_without_a_slot_is_foreseen(void **state)
{
	struct fixture *f = *state;
	struct flow_index *keys = &f->w->flows.keys;
	struct dp_explanation out;

	for (uint32_t b = 0; b < keys->n_buckets; b++)
		for (unsigned i = 0; i < BUCKET_SLOTS; i++)
			keys->buckets[b].tags[i] = 2;
	out = explain(f, &fixture_udp_out);
	assert_int_equal(out.fate, DP_FATE_DROPPED);
	assert_string_equal(out.reason, "drop_flow_table_full");
	assert_int_equal(out.left_bytes, 0);
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_TABLE_FULL), 1);
	memset(keys->buckets, 0, keys->bytes);
	assert_int_equal(explain(f, &fixture_udp_out).fate, DP_FATE_SENT);
}

// --- what is there is known ---

static void a_live_flow_is_recognised(void **state)
{
	struct fixture *f = *state;
	struct dp_explanation out = explain(f, &fixture_udp_out);
	struct frame answer;
	struct rte_mbuf *m;

	assert_false(out.has_flow);
	assert_int_equal(left_source(&out), FIXTURE_OWN_WAN);
	m = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	assert_non_null(m);
	answer = frame_answer(m, &fixture_udp_out, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	out = explain(f, &answer);
	assert_true(out.has_flow);
	assert_string_equal(out.flow.state, "unreplied");
	assert_int_equal(out.fate, DP_FATE_SENT);
	assert_int_equal(out.out_interface, FIXTURE_LAN);
	assert_int_equal(explain(f, &answer).has_flow, true);
	assert_int_equal(f->w->flows.n_used, 1);
	dataplane_next_epoch(f->dp);
	assert_true(explain(f, &answer).is_reviewed);
}

static void a_port_that_somebody_holds_is_not_promised(void **state)
{
	struct fixture *f = *state;
	struct frame second = fixture_udp_out;
	struct dp_explanation out;
	struct rte_mbuf *m;

	second.src = FIXTURE_PC2;
	out = explain(f, &second);
	assert_int_equal(left_sport(&out), 5000);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	out = explain(f, &second);
	assert_int_equal(out.fate, DP_FATE_SENT);
	assert_int_not_equal(left_sport(&out), 5000);
	m = fixture_send(f, &second, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_not_equal(frame_sport(m), 5000);
	rte_pktmbuf_free(m);
	// its mapping is known now, and holds for whomever it speaks to
	second.dst++;
	out = explain(f, &second);
	m = fixture_send(f, &second, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(left_sport(&out), frame_sport(m));
	rte_pktmbuf_free(m);
}

// --- why not another ---

static void the_first_field_that_said_no_is_named(void **state)
{
	struct fixture *f = *state;
	const struct dp_range ports[] = {{22, 22}}, tcp[] = {{IPPROTO_TCP, IPPROTO_TCP}};
	const struct ip_prefix nobody = {
		.addr = {.v4 = {203, 0, 113, 99}, .family = IP_V4}, .len = 32};
	const struct dp_set sets[] = {
		{.kind = DP_SET_PORTS, .ranges = ports, .n_ranges = 1, .timed = DP_INDEX_NONE},
		{.kind = DP_SET_PROTOCOLS, .ranges = tcp, .n_ranges = 1, .timed = DP_INDEX_NONE},
		{.kind = DP_SET_ADDRESSES,
			.prefixes = &nobody,
			.n_prefixes = 1,
			.timed = DP_INDEX_NONE},
	};
	struct dp_rule rules[] = {dp_rule_any(DP_DROP), dp_rule_any(DP_DROP), dp_rule_any(DP_DROP),
		dp_rule_any(DP_CONTINUE), dp_rule_any(DP_REJECT), dp_rule_any(DP_DROP)};
	struct dp_list list = {.n = RTE_DIM(rules)};
	struct dp_policy policy = {
		.has_firewall = true,
		.hooks = {DP_INDEX_NONE, 0, DP_INDEX_NONE},
		.defaults = {DP_ACCEPT, DP_ACCEPT, DP_ACCEPT},
		.lists = &list,
		.n_lists = 1,
		.rules = rules,
		.n_rules = RTE_DIM(rules),
		.sets = sets,
		.n_sets = RTE_DIM(sets),
	};
	static const char *const fields[] = {"port", "protocol", "source"};
	struct dp_explanation out;
	struct error err;

	rules[0].destination_port = (struct dp_match_set){.set = 0};
	rules[1].protocol = (struct dp_match_set){.set = 1};
	rules[2].source = (struct dp_match_set){.set = 2};
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	out = explain(f, &fixture_udp_out);
	assert_string_equal(out.reason, "drop_rejected");
	assert_string_equal(out.answer, "icmp");
	assert_int_equal(out.answer_type, 3);
	assert_int_equal(out.rules.rule, 4);
	assert_false(out.rules.is_in_doubt);
	assert_int_equal(out.rules.n_matched, 2);
	assert_int_equal(out.rules.n_misses, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(out.rules.misses[i].index, i);
		assert_string_equal(out.rules.misses[i].field, fields[i]);
	}
}

// --- ends ---

static void each_end_has_the_name_of_its_counter(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct frame frame;
		enum dp_fate fate;
		const char *reason;
	} rows[] = {
		{{.iface = FIXTURE_LAN, .src = FIXTURE_PC, .dst = FIXTURE_SERVER, .ttl = 1},
			DP_FATE_DROPPED, "drop_ttl"},
		{{.iface = FIXTURE_LAN, .src = FIXTURE_PC, .dst = FIXTURE_OWN_LAN},
			DP_FATE_TO_ROUTER, "punt_local"},
		{{.iface = FIXTURE_WAN, .src = FIXTURE_SERVER, .dst = FIXTURE_PC}, DP_FATE_DROPPED,
			"drop_nat_unsolicited"},
		{{.iface = FIXTURE_LAN, .src = IP(127, 0, 0, 1), .dst = FIXTURE_SERVER},
			DP_FATE_DROPPED, "drop_ip4_source"},
		{{.iface = FIXTURE_LAN, .src = FIXTURE_PC, .dst = IP(203, 0, 113, 77)},
			DP_FATE_HELD_NEIGHBOUR, NULL},
		{{.iface = FIXTURE_LAN,
			 .src = FIXTURE_PC,
			 .dst = FIXTURE_SERVER,
			 .fragment = 0x2000},
			DP_FATE_HELD_FRAGMENTS, NULL},
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct frame frame = rows[i].frame;
		struct dp_explanation out;

		frame.protocol = IPPROTO_UDP;
		frame.sport = 4000;
		frame.dport = 4000;
		frame.payload_bytes = 16;
		out = explain(f, &frame);
		assert_int_equal(out.fate, rows[i].fate);
		if (rows[i].reason != NULL)
			assert_string_equal(out.reason, rows[i].reason);
	}
}

static void any_bytes_have_an_end(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[64] = {0};

	for (uint16_t n = 1; n <= sizeof(bytes); n++)
		assert_int_equal(explain_bytes(f, bytes, n, FIXTURE_LAN).fate, DP_FATE_DROPPED);
}

static void the_other_worker_is_asked_for_its_flow(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct dp_explanation out;
	unsigned n_of[2] = {0};

	for (frame.sport = 5000; frame.sport < 5064; frame.sport++) {
		out = explain(f, &frame);
		assert_in_range(out.worker, 0, 1);
		assert_int_equal(out.bucket % 2, out.worker);
		n_of[out.worker]++;
	}
	assert_true(n_of[0] > 0 && n_of[1] > 0);
}

// Ports that could send, were anything given to them.
static void open_ports(struct fixture *f)
{
	struct snapshot *snap = atomic_load(&f->dp->snapshot);

	for (unsigned i = 0; i < snap->n_ids; i++) {
		snap->interfaces[snap->ids[i]].is_up = true;
		snap->interfaces[snap->ids[i]].n_txq = 2;
	}
}

static int setup(void **state)
{
	int rc = fixture_setup_nat(state);

	open_ports(*state);
	return rc;
}

static int setup_of_two(void **state)
{
	int rc = fixture_setup_nat_of_two(state);

	open_ports(*state);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define NAT(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
		NAT(an_explanation_leaves_no_trace),
		NAT(a_rate_is_looked_at_and_not_taken),
		NAT(a_name_without_a_slot_is_foreseen),
		NAT(a_live_flow_is_recognised),
		NAT(a_port_that_somebody_holds_is_not_promised),
		NAT(the_first_field_that_said_no_is_named),
		NAT(each_end_has_the_name_of_its_counter),
		NAT(any_bytes_have_an_end),
		cmocka_unit_test_setup_teardown(
			the_other_worker_is_asked_for_its_flow, setup_of_two, fixture_teardown),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
