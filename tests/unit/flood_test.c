// SPDX-License-Identifier: BSD-3-Clause
// What a flood of strangers' packets must not take from others: the way to the host stack, and the
// ear of control.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/base/clock.h"
#include "dataplane/host.h"
#include "dataplane/packet.h"
#include "tests/unit/dataplane_fixture.h"

enum { PLENTY = 20000, STRANGERS = 100, WAIT_MS = 3000 };

static const struct frame syn = {
	.iface = FIXTURE_LAN,
	.src = FIXTURE_PC,
	.dst = FIXTURE_OWN_LAN,
	.sport = 1000,
	.dport = 22,
	.protocol = IPPROTO_TCP,
	.tcp_flags = RTE_TCP_SYN_FLAG,
	.tcp_seq = 100,
};

static const struct frame any = {
	.src = FIXTURE_PC,
	.dst = FIXTURE_OWN_LAN,
	.protocol = IPPROTO_UDP,
	.payload_bytes = 20,
};

static bool is_taken_up(struct fixture *f)
{
	struct rte_mbuf *m = fixture_punted(f);

	rte_pktmbuf_free(m);
	return m != NULL;
}

static bool reaches_the_host(struct fixture *f, const struct frame *frame)
{
	fixture_rx(f, frame_build(f, frame), frame->iface);
	return is_taken_up(f);
}

static bool passes_from(struct fixture *f, uint32_t src, uint8_t iface, enum punt_reason why)
{
	struct frame frame = any;

	frame.src = src;
	host_punt_as(f->w, iface, frame_build(f, &frame), why);
	return is_taken_up(f);
}

static bool passes_as(struct fixture *f, uint8_t iface, enum punt_reason why)
{
	return passes_from(f, FIXTURE_PC, iface, why);
}

static void flood(struct fixture *f, uint8_t iface, enum punt_reason why)
{
	unsigned n = 0;

	while (passes_from(f, FIXTURE_PC + 1 + n % STRANGERS, iface, why))
		assert_true(n++ < PLENTY);
	for (unsigned i = 0; i < STRANGERS; i++)
		passes_from(f, FIXTURE_PC + 1 + i, iface, why);
	assert_false(passes_as(f, iface, why));
}

static void log_in(struct fixture *f)
{
	const struct frame answer = {
		.src = syn.dst,
		.dst = syn.src,
		.sport = syn.dport,
		.dport = syn.sport,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG,
		.tcp_seq = FIXTURE_SERVER_SEQ,
		.tcp_ack = syn.tcp_seq + 1,
	};
	const struct frame ack = frame_answer_again(&syn);

	assert_true(reaches_the_host(f, &syn));
	fixture_host(f, frame_build(f, &answer), FIXTURE_LAN);
	rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN));
	assert_true(reaches_the_host(f, &ack));
}

static void who_is_logged_in_is_heard_during_a_flood_of_syns(void **state)
{
	struct fixture *f = *state;
	struct frame typed = frame_answer_again(&syn), stranger = syn;
	unsigned n = 0;

	log_in(f);
	typed.tcp_flags |= RTE_TCP_PSH_FLAG;
	typed.payload_bytes = 10;
	while (n++ < PLENTY && fixture_counter(f, COUNTER_DROP_PUNT_BUDGET) == 0) {
		stranger.src = FIXTURE_PC + 1 + n % STRANGERS;
		stranger.sport++;
		reaches_the_host(f, &stranger);
	}
	assert_true(n < PLENTY);
	assert_true(reaches_the_host(f, &typed));
}

static void what_the_router_asked_for_is_heard_during_a_flood(void **state)
{
	struct fixture *f = *state;
	const struct frame ours = {
		.src = FIXTURE_OWN_LAN,
		.dst = FIXTURE_PC,
		.sport = 2000,
		.dport = 80,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG,
		.tcp_seq = 100,
	};
	struct rte_mbuf *m;
	struct frame answer;

	fixture_host(f, frame_build(f, &ours), FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	answer = frame_answer(m, &ours, FIXTURE_LAN);
	rte_pktmbuf_free(m);
	flood(f, FIXTURE_LAN, PUNT_REASON_NEW);
	assert_true(reaches_the_host(f, &answer));
}

static void a_flood_of_one_kind_leaves_the_others_their_budget(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < PUNT_REASON_COUNT; i++) {
		for (unsigned k = i; k < PUNT_REASON_COUNT; k++)
			assert_true(passes_as(f, FIXTURE_WAN, (enum punt_reason)k));
		flood(f, FIXTURE_WAN, (enum punt_reason)i);
	}
}

static void a_flood_of_one_sender_leaves_others_their_part(void **state)
{
	static const enum punt_reason shared[] = {PUNT_REASON_ARP, PUNT_REASON_ND,
		PUNT_REASON_MULTICAST, PUNT_REASON_NEW, PUNT_REASON_OTHER};
	struct fixture *f = *state;

	for (unsigned i = 0; i < RTE_DIM(shared); i++) {
		unsigned n = 0, again = 0;

		while (passes_as(f, FIXTURE_LAN, shared[i]))
			assert_true(n++ < PLENTY);
		assert_int_equal(n, f->w->punt_budget[FIXTURE_LAN][shared[i]].burst / 4);
		assert_int_equal(fixture_counter(f, COUNTER_DROP_PUNT_SHARE), 2 * i + 1);
		assert_true(passes_from(f, FIXTURE_PC + 1, FIXTURE_LAN, shared[i]));
		f->w->now_ms += 20;
		while (passes_as(f, FIXTURE_LAN, shared[i]))
			assert_true(again++ < PLENTY);
		assert_int_equal(
			again, f->w->punt_budget[FIXTURE_LAN][shared[i]].per_sec / 4 * 20 / 1000);
	}
	assert_int_equal(fixture_counter(f, COUNTER_DROP_PUNT_BUDGET), 0);
}

// With a secret that is known: of so many senders some are always where the flood's are.
static void who_shares_a_place_with_a_flood_is_heard(void **state)
{
	enum { OTHERS = 700 };
	struct fixture *f = *state;
	unsigned n = 0, n_heard = 0;

	f->w->flows.seeds[0] = 1;
	f->w->flows.seeds[1] = 2;
	while (passes_as(f, FIXTURE_LAN, PUNT_REASON_NEW))
		assert_true(n++ < PLENTY);
	for (unsigned i = 1; i <= OTHERS; i++)
		n_heard += passes_from(f, FIXTURE_PC + i, FIXTURE_LAN, PUNT_REASON_NEW);
	assert_int_equal(n_heard, OTHERS);
}

// Hosts of one LAN have one prefix; a gateway's one address of layer 2 has the world behind it.
static void stations_and_networks_are_senders_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct frame frame = any;

	frame.src6 = FIXTURE_PC6;
	frame.dst6 = FIXTURE_SERVER6;
	for (unsigned i = 0; i < PLENTY; i++) {
		host_punt_as(f->w, FIXTURE_LAN, frame_build(f, &frame), PUNT_REASON_ND);
		if (!is_taken_up(f))
			break;
	}
	for (unsigned byte = 0; byte < 2; byte++) {
		struct rte_mbuf *m = frame_build(f, &frame);

		if (byte == 0)
			packet_eth(m)->src_addr.addr_bytes[5] ^= 1;
		else
			packet_ip6(m)->src_addr[7] ^= 1;
		host_punt_as(f->w, FIXTURE_LAN, m, PUNT_REASON_ND);
		assert_true(is_taken_up(f));
	}
	host_punt_as(f->w, FIXTURE_LAN2, frame_build(f, &frame), PUNT_REASON_ND);
	assert_true(is_taken_up(f)); // one of that name elsewhere
	host_punt_as(f->w, FIXTURE_LAN, frame_build(f, &frame), PUNT_REASON_ND);
	assert_false(is_taken_up(f));
}

static void a_flood_of_one_interface_leaves_the_others_their_budget(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < PUNT_REASON_COUNT; i++)
		flood(f, FIXTURE_WAN, (enum punt_reason)i);
	for (unsigned i = 0; i < PUNT_REASON_COUNT; i++)
		assert_true(passes_as(f, FIXTURE_LAN, (enum punt_reason)i));
}

// Its size tells which of them the kernel is given.
static void punt_bytes(struct fixture *f, uint16_t payload_bytes, enum punt_reason why)
{
	struct frame frame = any;

	frame.payload_bytes = payload_bytes;
	host_punt_as(f->w, FIXTURE_LAN, frame_build(f, &frame), why);
}

static void the_kernel_is_given_urgent_packets_first_and_strangers_last(void **state)
{
	static const uint16_t order[] = {30, 20, 10};
	struct fixture *f = *state;
	const uint64_t end = clock_now_ms() + WAIT_MS;
	struct rte_mbuf *head = frame_build(f, &(struct frame){.protocol = IPPROTO_UDP});
	uint8_t got[2048];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(host_add_tap(&f->dp->host, FIXTURE_LAN, fds[0]), 0);
	punt_bytes(f, 10, PUNT_REASON_NEW);
	punt_bytes(f, 20, PUNT_REASON_FLOW);
	punt_bytes(f, 30, PUNT_REASON_ARP);
	assert_int_equal(host_start(&f->dp->host), 0);
	for (unsigned i = 0; i < RTE_DIM(order); i++) {
		ssize_t n = -1;

		while (n < 0 && clock_now_ms() < end)
			n = recv(fds[1], got, sizeof(got), 0);
		assert_int_equal(n, head->data_len + order[i]);
	}
	host_join(&f->dp->host);
	host_remove_tap(&f->dp->host, FIXTURE_LAN);
	rte_pktmbuf_free(head);
	close(fds[0]);
	close(fds[1]);
}

static void strangers_cannot_keep_control_from_hearing_of_a_neighbour(void **state)
{
	struct fixture *f = *state;
	struct dp_event stranger = {.kind = DP_EVENT_SET_ADD}, event;
	struct frame to_unknown = fixture_udp_out;
	unsigned n = 0;

	to_unknown.dst = FIXTURE_OWN_LAN + 100;
	to_unknown.iface = FIXTURE_WAN;
	to_unknown.src = FIXTURE_SERVER;
	while (fixture_counter(f, COUNTER_EVENT_LOST) == 0 && n++ < PLENTY) {
		f->w->minor_budget.tokens = 1; // as if control had stood still for long
		dataplane_raise_minor(f->w, &stranger);
	}
	assert_true(n < PLENTY);
	assert_null(fixture_send(f, &to_unknown, FIXTURE_LAN));
	for (unsigned i = 0; i < n - 1; i++) {
		assert_true(dataplane_event_next(f->dp, &event));
		assert_int_equal(event.kind, DP_EVENT_SET_ADD);
	}
	assert_true(dataplane_event_next(f->dp, &event));
	assert_int_equal(event.kind, DP_EVENT_NEIGHBOUR_WANTED);
	f->w->minor_budget.tokens = 1;
	dataplane_raise_minor(f->w, &stranger);
	assert_true(dataplane_event_next(f->dp, &event));
}

static void strangers_are_told_of_only_so_often(void **state)
{
	struct fixture *f = *state;
	struct dp_event stranger = {.kind = DP_EVENT_SET_ADD}, event;
	unsigned n = 0, told = 0;

	while (fixture_counter(f, COUNTER_EVENT_LOST) == 0 && n++ < PLENTY) {
		dataplane_raise_minor(f->w, &stranger);
		told += dataplane_event_next(f->dp, &event); // control keeps up
	}
	assert_true(n < PLENTY);
	assert_int_equal(told, n - 1);
}

static void what_control_cannot_be_told_is_counted(void **state)
{
	enum { ROOM = EVENT_RING_SIZE - 1, MORE = 5 };
	struct fixture *f = *state;
	struct dp_event full = {.kind = DP_EVENT_FLOWS_FULL}, event;

	for (unsigned i = 0; i < ROOM + MORE; i++)
		dataplane_raise(f->w, &full);
	assert_int_equal(fixture_counter(f, COUNTER_EVENT_LOST), MORE);
	for (unsigned i = 0; i < ROOM; i++)
		assert_true(dataplane_event_next(f->dp, &event));
	assert_false(dataplane_event_next(f->dp, &event));
}

#define NAT(name)   cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, fixture_setup_plain, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(who_is_logged_in_is_heard_during_a_flood_of_syns),
		NAT(what_the_router_asked_for_is_heard_during_a_flood),
		PLAIN(a_flood_of_one_kind_leaves_the_others_their_budget),
		PLAIN(a_flood_of_one_sender_leaves_others_their_part),
		PLAIN(who_shares_a_place_with_a_flood_is_heard),
		PLAIN(stations_and_networks_are_senders_of_their_own),
		PLAIN(a_flood_of_one_interface_leaves_the_others_their_budget),
		PLAIN(the_kernel_is_given_urgent_packets_first_and_strangers_last),
		PLAIN(strangers_cannot_keep_control_from_hearing_of_a_neighbour),
		PLAIN(strangers_are_told_of_only_so_often),
		PLAIN(what_control_cannot_be_told_is_counted),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
