// SPDX-License-Identifier: BSD-3-Clause
// Room for flows, through the pipeline: full tables, limits of hosts, and what control hears of it.
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "dataplane/explain.h"
#include "tests/unit/dataplane_fixture.h"

static void fill_with_answered(struct fixture *f, uint32_t src, uint32_t n)
{
	struct frame out = fixture_udp_out, answer;

	out.src = src;
	for (uint32_t i = 0; i < n; i++) {
		out.dst = FIXTURE_SERVER + 1 + i;
		assert_true(fixture_exchange(f, &out, &answer));
	}
}

static void set_host_limit(struct fixture *f, uint32_t flows)
{
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct dp_policy policy = fixture_policy(&nat, 1);
	struct error err;

	policy.host_flows_max = flows;
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
}

// What an explanation says of it: for want of what room it would be dropped, or "none". Interfaces
// have no ports here.
static const char *explained(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);
	struct dp_explain packet = {.interface = frame->iface,
		.frame = rte_pktmbuf_mtod(m, uint8_t *),
		.bytes = m->data_len};
	struct dp_explanation out;
	struct error err;

	assert_int_equal(dataplane_explain(f->dp, &packet, &out, &err), 0);
	rte_pktmbuf_free(m);
	assert_int_equal(out.fate, DP_FATE_DROPPED);
	return strcmp(out.reason, "drop_interface_down") == 0 ? "none" : out.reason;
}

// --- a full table ---

static void a_scan_pushes_out_itself_and_not_what_was_answered(void **state)
{
	struct fixture *f = *state;
	struct frame second = fixture_udp_out, fresh = fixture_udp_out, answer;

	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	fixture_fill(f);
	fresh.sport = 7777;
	assert_true(fixture_passes(f, &fresh, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 1);
	second.dst = FIXTURE_SERVER + 1; // the scan's oldest had to go, the answered one did not
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 1);
	assert_true(fixture_passes(f, &second, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 2);
	assert_int_equal(f->w->flows.n_used, f->w->flows.capacity);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_TABLE_FULL), 0);
}

// SYN, FIN, and what is refused by a reset: none of it holds the table for longer than it is
// wanted.
static void tcp_that_leads_nowhere_makes_room_too(void **state)
{
	struct fixture *f = *state;
	struct frame tcp = fixture_udp_out;
	unsigned n = 0;

	tcp.protocol = IPPROTO_TCP;
	for (; f->w->flows.n_used < f->w->flows.capacity; n++) {
		static const uint8_t flags[] = {
			RTE_TCP_SYN_FLAG, RTE_TCP_FIN_FLAG, RTE_TCP_RST_FLAG, RTE_TCP_SYN_FLAG};
		struct rte_mbuf *m;

		tcp.dst = FIXTURE_SERVER + 1 + n;
		tcp.tcp_flags = flags[n % 4];
		m = fixture_send(f, &tcp, FIXTURE_WAN);
		assert_non_null(m);
		if (n % 4 == 3) {
			struct frame refusal = frame_answer(m, &tcp, FIXTURE_WAN);

			refusal.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG;
			assert_true(fixture_passes(f, &refusal, FIXTURE_LAN));
		}
		rte_pktmbuf_free(m);
	}
	tcp.tcp_flags = RTE_TCP_SYN_FLAG;
	for (unsigned i = 0; i < f->w->flows.capacity; i++) {
		tcp.dst = FIXTURE_SERVER + 1 + n + i;
		assert_true(fixture_passes(f, &tcp, FIXTURE_WAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), f->w->flows.capacity);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_TABLE_FULL), 0);
}

static void a_table_full_of_one_hosts_flows_refuses_it_and_nobody_else(void **state)
{
	struct fixture *f = *state;
	uint32_t capacity = f->w->flows.capacity;
	struct frame transfer = fixture_udp_out, answer, out = fixture_udp_out, unused;
	struct frame to_router = {.iface = FIXTURE_LAN,
		.src = FIXTURE_PC2,
		.dst = FIXTURE_OWN_LAN,
		.sport = 40000,
		.dport = 22,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG};

	transfer.src = FIXTURE_PC2;
	assert_true(fixture_exchange(f, &transfer, &answer));
	fill_with_answered(f, FIXTURE_PC, capacity - 1);
	out.dst = FIXTURE_SERVER;
	assert_string_equal(explained(f, &out), "drop_flow_share");
	assert_string_equal(explained(f, &transfer), "none");
	assert_false(fixture_passes(f, &out, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_SHARE), 1);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 0);

	assert_true(fixture_passes(f, &transfer, FIXTURE_WAN));
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	for (uint16_t i = 1; i <= 100; i++) {
		struct frame fresh = transfer;

		fresh.sport = transfer.sport + i;
		assert_true(fixture_exchange(f, &fresh, &unused));
	}
	assert_true(fixture_reaches_host(f, &to_router));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 101);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_SHARE), 1);
	assert_int_equal(f->w->flows.n_used, capacity);
}

static void a_flood_from_outside_is_one_host_whatever_it_calls_itself(void **state)
{
	struct fixture *f = *state;
	struct frame flood = {.iface = FIXTURE_WAN,
		.dst = FIXTURE_OWN_WAN,
		.sport = 1000,
		.dport = 53,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 8};
	struct frame answer;

	assert_true(fixture_exchange(f, &fixture_udp_out, &answer));
	for (uint32_t i = 0; i < 2 * f->w->flows.capacity; i++) {
		flood.src = FIXTURE_SERVER + 1 + i;
		fixture_reaches_host(f, &flood); // or not: over its budget
	}
	assert_int_equal(f->w->flows.n_used, f->w->flows.capacity);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(f->w->flows.shares.n_spare, f->w->flows.capacity - 1);
	assert_int_equal(f->w->flows.shares.free_head, 0); // no entry for any of them
	fill_with_answered(f, FIXTURE_PC, 1000);
	assert_true(fixture_passes(f, &answer, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_SHARE), 0);
}

static void a_flow_without_a_slot_for_its_key_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct flow_table *table = &f->w->flows;

	for (uint32_t b = 0; b < table->keys.n_buckets; b++)
		for (unsigned i = 0; i < BUCKET_SLOTS; i++)
			table->keys.buckets[b].tags[i] = 2;
	assert_false(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_FLOW_TABLE_FULL), 1);
	assert_int_equal(table->n_used, 0);
	assert_int_equal(table->shares.n_spare, 0);
	memset(table->keys.buckets, 0, table->keys.bytes);
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	assert_int_equal(table->n_used, 1);
}

// --- a host's limit ---

static void at_its_limit_a_host_gives_up_what_it_can_spare(void **state)
{
	enum { LIMIT = 100 };
	struct fixture *f = *state;
	struct frame out = fixture_udp_out, other = fixture_udp_out, answer;

	set_host_limit(f, LIMIT);
	fill_with_answered(f, FIXTURE_PC, LIMIT - 1);
	for (uint16_t i = 1; i <= 50; i++) {
		out.sport = 6000 + i; // the one place left is that of the latest
		assert_string_equal(explained(f, &out), "none");
		assert_true(fixture_passes(f, &out, FIXTURE_WAN));
		assert_int_equal(f->w->flows.n_used, LIMIT);
		assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), i - 1);
	}
	other.src = FIXTURE_PC2;
	for (uint16_t i = 0; i < LIMIT; i++) {
		other.sport = 6000 + i;
		assert_true(fixture_exchange(f, &other, &answer));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 49);
	assert_string_equal(explained(f, &other), "none"); // it has its flow
	other.sport = 7000;
	assert_string_equal(explained(f, &other), "drop_host_limit");
	assert_false(fixture_passes(f, &other, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_HOST_LIMIT), 1);
	assert_int_equal(f->w->flows.n_used, 2 * LIMIT);
	set_host_limit(f, 0);
	dataplane_worker(f->dp, 0);
	assert_true(fixture_passes(f, &other, FIXTURE_WAN));
}

static void neither_the_router_nor_who_comes_from_outside_has_a_limit(void **state)
{
	struct fixture *f = *state;
	struct frame in = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.dport = 53,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 8};
	struct frame own = in;

	set_host_limit(f, 1);
	own.src = FIXTURE_OWN_WAN;
	own.dst = FIXTURE_SERVER;
	for (uint16_t i = 0; i < 10; i++) {
		in.sport = 2000 + i;
		own.sport = 3000 + i;
		assert_true(fixture_reaches_host(f, &in));
		assert_true(fixture_host_passes(f, &own));
	}
	assert_int_equal(f->w->flows.n_used, 20);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_HOST_LIMIT), 0);
}

static void an_ip6_network_is_one_host_however_many_addresses_it_takes(void **state)
{
	struct fixture *f = *state;
	char src[INET6_ADDRSTRLEN];
	struct frame out = {.iface = FIXTURE_LAN,
		.src6 = src,
		.dst6 = FIXTURE_SERVER6,
		.sport = 5000,
		.dport = 53,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 8};

	set_host_limit(f, 10);
	for (unsigned i = 1; i <= 30; i++) {
		snprintf(src, sizeof(src), "2001:db8:1::%x:7", i);
		assert_true(fixture_passes(f, &out, FIXTURE_WAN));
	}
	assert_int_equal(f->w->flows.n_used, 10);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EVICTED), 20);
}

static void each_worker_allows_its_part_of_the_limit(void **state)
{
	enum { LIMIT = 101 };
	struct fixture *f = *state;
	struct frame out = fixture_udp_out, answer;
	uint32_t n_begun = 0;

	set_host_limit(f, LIMIT);
	dataplane_worker(f->dp, 0);
	for (uint16_t i = 0; i < 1000; i++) {
		out.sport = 5000 + i; // half of them are another worker's: handed over
		n_begun += fixture_exchange(f, &out, &answer);
	}
	assert_int_equal(n_begun, (LIMIT + 1) / 2);
}

// --- what control hears ---

static bool next_event(struct fixture *f, enum dp_event_kind kind, struct dp_event *event)
{
	return dataplane_event_next(f->dp, event) && event->kind == kind;
}

static void control_hears_once_that_a_table_fills_up_and_by_whom(void **state)
{
	struct fixture *f = *state;
	uint32_t nine_tenths = (f->w->flows.capacity * 9 + 9) / 10;
	struct ip_addr pc = {.family = IP_V4, .bytes = {198, 18, 0, 7}};
	struct frame scan = fixture_udp_out;
	struct dp_event event;

	for (uint32_t i = 1; i < nine_tenths; i++) {
		scan.dst = FIXTURE_SERVER + i;
		assert_true(fixture_passes(f, &scan, FIXTURE_WAN));
	}
	assert_false(dataplane_event_next(f->dp, &event));
	fixture_fill(f);
	assert_true(next_event(f, DP_EVENT_FLOWS_FULL, &event));
	assert_int_equal(event.interface, FIXTURE_LAN);
	assert_true(ip_addr_equal(&event.addr, &pc));
	assert_int_equal(event.flows, nine_tenths - 1); // the one that begins is none yet
	assert_false(dataplane_event_next(f->dp, &event));

	f->w->now_ms += 120000; // still full: said already
	scan.dst = FIXTURE_SERVER;
	assert_true(fixture_passes(f, &scan, FIXTURE_WAN));
	assert_false(dataplane_event_next(f->dp, &event));
	for (uint32_t i = 0; f->w->flows.n_used > f->w->flows.capacity / 2; i++)
		conntrack_end(f->w, &f->w->flows.flows[i]);
	fixture_fill(f); // full again
	assert_true(next_event(f, DP_EVENT_FLOWS_FULL, &event));
}

static void control_hears_once_a_minute_of_a_host_at_its_limit(void **state)
{
	static const struct {
		uint32_t after_ms;
		bool is_heard;
	} rows[] = {
		{0, true}, {1, false}, {59000, false}, {1000, true}, {30000, false}, {60000, true}};
	struct fixture *f = *state;
	struct ip_addr pc = {.family = IP_V4, .bytes = {198, 18, 0, 7}};
	struct frame out = fixture_udp_out;
	struct dp_event event;

	set_host_limit(f, 10);
	fill_with_answered(f, FIXTURE_PC, 10);
	for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		f->w->now_ms += rows[r].after_ms;
		assert_false(fixture_passes(f, &out, FIXTURE_WAN));
		assert_int_equal(next_event(f, DP_EVENT_HOST_LIMIT, &event), rows[r].is_heard);
		if (rows[r].is_heard) {
			assert_true(ip_addr_equal(&event.addr, &pc));
			assert_int_equal(event.flows, 10);
		}
	}
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
#define NAT_2W(name)                                                                               \
	cmocka_unit_test_setup_teardown(name, fixture_setup_nat_of_two, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(a_scan_pushes_out_itself_and_not_what_was_answered),
		NAT(tcp_that_leads_nowhere_makes_room_too),
		NAT(a_table_full_of_one_hosts_flows_refuses_it_and_nobody_else),
		NAT(a_flood_from_outside_is_one_host_whatever_it_calls_itself),
		NAT(a_flow_without_a_slot_for_its_key_leaves_nothing_behind),
		NAT(at_its_limit_a_host_gives_up_what_it_can_spare),
		NAT(neither_the_router_nor_who_comes_from_outside_has_a_limit),
		NAT(an_ip6_network_is_one_host_however_many_addresses_it_takes),
		NAT_2W(each_worker_allows_its_part_of_the_limit),
		NAT(control_hears_once_that_a_table_fills_up_and_by_whom),
		NAT(control_hears_once_a_minute_of_a_host_at_its_limit),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
