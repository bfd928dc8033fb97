// SPDX-License-Identifier: BSD-3-Clause
// Flows that live at another worker than their packets' ports lead to: the packets follow them
// there, and later ones never overtake them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/owner.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/text_addr.h"

enum { HERE, HOME, OTHER, STRANGERS = 2000 };

static struct worker *home_of(struct fixture *f)
{
	return dataplane_worker(f->dp, HOME);
}

// From one LAN to the other, by a port that leads here.
static struct frame across(const struct fixture *f)
{
	struct frame frame = fixture_udp_out;

	frame.dst = FIXTURE_FAR_LAN;
	while (steering_worker(steering_bucket(frame.sport), f->w->n_workers) != HERE)
		frame.sport++;
	return frame;
}

static struct flow_dir *flow_at(struct worker *w, const struct frame *frame)
{
	struct flow_tuple tuple = {
		.src = ip4_addr_of(rte_cpu_to_be_32(frame->src)),
		.dst = ip4_addr_of(rte_cpu_to_be_32(frame->dst)),
		.sport_be = rte_cpu_to_be_16(frame->sport),
		.dport_be = rte_cpu_to_be_16(frame->dport),
		.protocol = frame->protocol,
	};

	return flow_find(&w->flows, &tuple);
}

static void begin_at_home(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);

	pipeline_owned(home_of(f), frame->iface, &m, 1, true);
	assert_non_null(flow_at(home_of(f), frame));
}

static void end_at_home(struct fixture *f, const struct frame *frame)
{
	conntrack_end(home_of(f), flow_of(flow_at(home_of(f), frame)));
}

static void arrives(struct fixture *f, const struct frame *frame)
{
	fixture_rx(f, frame_build(f, frame), frame->iface);
}

static unsigned n_in_inbox(struct fixture *f)
{
	return rte_ring_count(home_of(f)->inbox);
}

// As one of a burst that goes on: it is still to be handed over.
static void arrives_in_a_burst(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = frame_build(f, frame);

	dataplane_worker(f->dp, HERE);
	pipeline_rx(f->w, frame->iface, &m, 1);
}

// The next one goes after the one that is on its way.
static void next_overtakes_none(struct fixture *f, const struct frame *frame)
{
	arrives(f, frame);
	assert_null(flow_at(f->w, frame));
	assert_int_equal(n_in_inbox(f), 2);
	worker_poll_inbox(home_of(f));
}

static void packets_follow_their_flow(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);

	begin_at_home(f, &frame);
	arrives(f, &frame);
	assert_int_equal(n_in_inbox(f), 1);
	assert_int_equal(worker_poll_inbox(home_of(f)), 1);
	// both left there: this world's interfaces have no ports
	assert_int_equal(home_of(f)->counters[COUNTER_DROP_INTERFACE_DOWN], 2);
	assert_null(flow_at(f->w, &frame));
}

static void errors_follow_the_flow_that_they_are_about(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f), error;
	struct rte_mbuf *about;

	while (steering_worker(steering_bucket(frame.dport), f->w->n_workers) != HERE)
		frame.dport++;
	begin_at_home(f, &frame);
	about = frame_build(f, &frame);
	error = frame_refusal(about, FIXTURE_FAR_LAN, FIXTURE_LAN2);
	arrives(f, &error);
	rte_pktmbuf_free(about);
	assert_null(fixture_sent(f, FIXTURE_LAN));
	assert_int_equal(n_in_inbox(f), 1);
	worker_poll_inbox(home_of(f));
	assert_int_equal(home_of(f)->counters[COUNTER_DROP_ICMP_UNRELATED], 0);
}

static void none_overtakes_those_on_their_way_to_a_flow_that_ended(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);

	begin_at_home(f, &frame);
	arrives(f, &frame);
	end_at_home(f, &frame);
	next_overtakes_none(f, &frame);
	assert_non_null(flow_at(home_of(f), &frame)); // there it began anew
}

// Both are in one burst: the first is not even in the inbox yet.
static void none_overtakes_those_that_are_still_to_be_handed_over(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);

	begin_at_home(f, &frame);
	arrives_in_a_burst(f, &frame);
	end_at_home(f, &frame);
	assert_int_equal(n_in_inbox(f), 0);
	next_overtakes_none(f, &frame);
}

static void when_all_are_through_the_next_begins_the_flow_where_it_arrives(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);

	begin_at_home(f, &frame);
	arrives(f, &frame);
	worker_poll_inbox(home_of(f));
	end_at_home(f, &frame);
	arrives(f, &frame);
	assert_int_equal(n_in_inbox(f), 0);
	assert_non_null(flow_at(f->w, &frame));
	rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN2));
}

// Strangers' first packets, whatever is on its way for others.
static void others_begin_where_they_arrive(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f), other = frame;

	begin_at_home(f, &frame);
	arrives(f, &frame);
	for (unsigned i = 0; i < STRANGERS; i++) {
		other.dport++;
		arrives(f, &other);
		rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN2));
	}
	assert_int_equal(n_in_inbox(f), 1);
	assert_int_equal(f->w->flows.n_used, STRANGERS);
	worker_poll_inbox(home_of(f));
}

// What others have put into a worker's inbox, until it is through with it.
static void pass(struct worker *w, unsigned n)
{
	for (; n > 0; n--) {
		owner_hand_over(
			w, w->index, rte_pktmbuf_alloc(drivers_pool()), INBOX_TX, FIXTURE_LAN);
		owner_flush(w);
		worker_poll_inbox(w);
	}
}

// It was not on its core for a while, and the other one was not idle.
static void none_overtakes_those_still_here_while_the_other_worker_is_busy(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);

	begin_at_home(f, &frame);
	arrives_in_a_burst(f, &frame);
	end_at_home(f, &frame);
	pass(home_of(f), 3 * INBOX_SIZE);
	next_overtakes_none(f, &frame);
}

static uint64_t hash_of(const struct fixture *f, const struct frame *frame)
{
	struct flow_key4 key = {
		.src_be = rte_cpu_to_be_32(frame->src),
		.dst_be = rte_cpu_to_be_32(frame->dst),
		.sport_be = rte_cpu_to_be_16(frame->sport),
		.dport_be = rte_cpu_to_be_16(frame->dport),
		.protocol = frame->protocol,
	};

	return flow_hash4(&f->w->flows, &key);
}

// More flows of one burst than their set has places: the last one takes that of a flow which is on
// its way to another worker, whose inbox has other positions.
static void a_place_is_of_the_flow_that_took_it_last(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f);
	struct worker *other = dataplane_worker(f->dp, OTHER);
	uint64_t set = hash_of(f, &frame) % HOMEWARD_SETS;

	for (unsigned i = 0; i <= HOMEWARD_WAYS; i++, frame.dport++) {
		struct worker *w = i < HOMEWARD_WAYS ? other : home_of(f);
		struct rte_mbuf *first;

		while (hash_of(f, &frame) % HOMEWARD_SETS != set)
			frame.dport++;
		first = frame_build(f, &frame);
		pipeline_owned(w, frame.iface, &first, 1, true);
		arrives_in_a_burst(f, &frame);
	}
	frame.dport--;
	pass(home_of(f), 2 * HOMEWARD_WAYS);
	owner_flush(f->w);
	end_at_home(f, &frame);
	next_overtakes_none(f, &frame);
	worker_poll_inbox(other);
}

// Or one that has many on their way would push out another.
static void a_flow_takes_one_place_however_many_of_its_packets_there_are(void **state)
{
	struct fixture *f = *state;
	struct frame frame = across(f), other = frame;

	do
		other.dport++;
	while (hash_of(f, &other) % HOMEWARD_SETS != hash_of(f, &frame) % HOMEWARD_SETS);
	begin_at_home(f, &frame);
	begin_at_home(f, &other);
	arrives_in_a_burst(f, &frame);
	for (unsigned i = 0; i < HOMEWARD_WAYS; i++)
		arrives_in_a_burst(f, &other);
	end_at_home(f, &frame);
	arrives(f, &frame);
	assert_null(flow_at(f->w, &frame));
	assert_int_equal(n_in_inbox(f), HOMEWARD_WAYS + 2);
	worker_poll_inbox(home_of(f));
}

static void add_uplink(struct fixture *f, const char *subnet, const char *host)
{
	struct dp_route connected = {.n_nexthops = 1};
	struct mac_addr mac = {{2, 1, 0, 0, 0, 9}};
	struct ip_addr neighbour = address(host);

	fixture_make_uplink(f, FIXTURE_LAN2);
	assert_int_equal(ip_prefix_parse(subnet, &connected.to), 0);
	connected.nexthops[0].interface = FIXTURE_LAN2;
	assert_int_equal(dataplane_route_set(f->dp, &connected), 0);
	assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN2, &neighbour, &mac), 0);
}

// Each is found by the port that it is sent to, there and back.
static void answers_between_two_uplinks_find_their_flow(void **state)
{
	struct fixture *f = *state;
	struct dp_nat elsewhere = fixture_masquerade(FIXTURE_LAN);
	struct frame query = fixture_udp_out, answer;
	struct rte_mbuf *m;

	fixture_translate(f, &elsewhere, 1);
	add_uplink(f, "198.18.3.0/24", "198.18.3.9");
	query.iface = FIXTURE_LAN2;
	query.src = IP(198, 18, 3, 9);
	query.dst = FIXTURE_GATEWAY;
	while (steering_worker(steering_bucket(query.dport), 2) != HERE)
		query.dport++;
	while (steering_worker(steering_bucket(query.sport), 2) != HOME)
		query.sport++;
	m = fixture_send(f, &query, FIXTURE_WAN);
	assert_non_null(m);
	answer = frame_answer(m, &query, FIXTURE_WAN);
	rte_pktmbuf_free(m);
	m = frame_build(f, &answer);
	pipeline_rx(home_of(f), FIXTURE_WAN, &m, 1);
	owner_flush(home_of(f));
	assert_int_equal(rte_ring_count(f->w->inbox), 1);
	assert_int_equal(home_of(f)->flows.n_used, 0);
}

static int setup_of_three(void **state)
{
	static struct fixture f;

	fixture_open(&f, 3, true);
	*state = &f;
	return 0;
}

// The kernel's word about a packet that it got.
static struct rte_mbuf *refusal_of(struct fixture *f, const struct frame *got)
{
	const struct frame error = {
		.iface = got->iface,
		.src = got->dst,
		.dst = got->src,
		.protocol = IPPROTO_ICMP,
		.icmp_type = 3,
		.payload_bytes = 28,
	};
	struct rte_mbuf *m = frame_build(f, &error), *about = frame_build(f, got);

	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 42), packet_ip4(about), 28);
	rte_pktmbuf_free(about);
	return m;
}

static void what_the_kernel_says_of_a_packet_goes_where_that_came_from(void **state)
{
	struct fixture *f = *state;
	const struct frame answer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 53,
		.protocol = IPPROTO_UDP};
	struct frame rows[] = {answer, fixture_udp_out};

	for (uint16_t i = 0; i < 256; i++) {
		rows[0].dport = rows[1].sport = (uint16_t)(5000 + i);
		for (unsigned k = 0; k < RTE_DIM(rows); k++) {
			struct packet p = {.m = refusal_of(f, &rows[k]), .iface = rows[k].iface};

			assert_true(packet_parse_from_host(&p));
			assert_int_equal(owner_of(&p, rows[k].iface == FIXTURE_WAN, true, 2),
				steering_worker(steering_bucket((uint16_t)(5000 + i)), 2));
			rte_pktmbuf_free(p.m);
		}
	}
}

int main(void)
{
#define TWO(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat_of_two, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TWO(packets_follow_their_flow),
		TWO(errors_follow_the_flow_that_they_are_about),
		TWO(none_overtakes_those_on_their_way_to_a_flow_that_ended),
		TWO(none_overtakes_those_that_are_still_to_be_handed_over),
		TWO(when_all_are_through_the_next_begins_the_flow_where_it_arrives),
		TWO(others_begin_where_they_arrive),
		TWO(answers_between_two_uplinks_find_their_flow),
		TWO(none_overtakes_those_still_here_while_the_other_worker_is_busy),
		cmocka_unit_test_setup_teardown(
			a_place_is_of_the_flow_that_took_it_last, setup_of_three, fixture_teardown),
		TWO(a_flow_takes_one_place_however_many_of_its_packets_there_are),
		TWO(what_the_kernel_says_of_a_packet_goes_where_that_came_from),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
