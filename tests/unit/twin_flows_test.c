// SPDX-License-Identifier: BSD-3-Clause
// Conversations of one socket with several that a rule leads to the same place: the answers of all
// would look alike, so each but the first gets another port there.
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/conntrack.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/owner.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"

enum { TWINS = 3, REMOTE_PORT = 5000, INSIDE_PORT = 80 };

static const uint32_t servers[TWINS] = {FIXTURE_SERVER, FIXTURE_GATEWAY, IP(198, 51, 100, 11)};
static const char *const servers6[TWINS] = {FIXTURE_SERVER6, FIXTURE_GATEWAY6, "2001:db8:9::11"};

// --- a redirect: a resolver asks several servers from one port, and the router answers ---

static void set_redirect(struct fixture *f, uint8_t family, uint16_t port)
{
	struct dp_nat redirect = fixture_masquerade(FIXTURE_LAN);

	redirect.kind = DP_NAT_REDIRECT;
	redirect.family = family;
	redirect.outside = (struct ip_prefix){.addr.family = family};
	redirect.first_port = redirect.last_port = port;
	fixture_translate(f, &redirect, 1);
}

// What the router's own host gets of it.
static struct rte_mbuf *ask(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m;

	fixture_rx(f, frame_build(f, frame), frame->iface);
	m = fixture_punted(f);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	return m;
}

static uint16_t ask_by_port(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = ask(f, frame);
	uint16_t port = frame_sport(m);

	assert_int_equal(frame_src(m), FIXTURE_PC);
	assert_int_equal(frame_dst(m), FIXTURE_OWN_LAN);
	rte_pktmbuf_free(m);
	return port;
}

static uint16_t ask_question(struct fixture *f, unsigned i)
{
	struct frame frame = fixture_udp_out;

	frame.dst = servers[i];
	return ask_by_port(f, &frame);
}

static void answers_come_from_who_was_asked(struct fixture *f, const struct frame *question)
{
	uint16_t ports[TWINS];

	for (unsigned i = 0; i < TWINS; i++) {
		struct frame frame = *question;

		frame.dst = servers[i];
		ports[i] = ask_by_port(f, &frame);
		assert_int_equal(steering_bucket(ports[i]), steering_bucket(question->sport));
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(ports[i], ports[k]);
	}
	assert_int_equal(ports[0], question->sport); // it was free
	for (unsigned i = 0; i < TWINS; i++) {
		struct frame answer = *question;
		struct rte_mbuf *m;

		answer.src = FIXTURE_OWN_LAN;
		answer.dst = FIXTURE_PC;
		answer.sport = question->dport;
		answer.dport = ports[i];
		answer.tcp_flags =
			question->tcp_flags != 0 ? RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG : 0;
		answer.tcp_ack = question->tcp_seq + 1;
		fixture_host(f, frame_build(f, &answer), FIXTURE_LAN);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_src(m), servers[i]);
		assert_int_equal(frame_dport(m), question->sport);
		rte_pktmbuf_free(m);
	}
}

static void one_sockets_conversations_stay_apart_behind_a_redirect(void **state)
{
	struct fixture *f = *state;
	struct frame udp = fixture_udp_out, tcp = udp;

	tcp.protocol = IPPROTO_TCP;
	tcp.tcp_flags = RTE_TCP_SYN_FLAG;
	set_redirect(f, IP_V4, udp.dport);
	answers_come_from_who_was_asked(f, &udp);
	answers_come_from_who_was_asked(f, &tcp);
}

static void pings_of_one_identifier_stay_apart(void **state)
{
	struct fixture *f = *state;
	struct frame ping = fixture_udp_out;
	uint16_t ids[TWINS];

	ping.protocol = IPPROTO_ICMP;
	ping.icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	ping.sport = 77;
	set_redirect(f, IP_V4, 0);
	for (unsigned i = 0; i < TWINS; i++) {
		struct rte_mbuf *m;

		ping.dst = servers[i];
		m = ask(f, &ping);
		ids[i] = frame_icmp_id(m);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(ids[0], 77);
	for (unsigned i = 0; i < TWINS; i++) {
		struct frame pong = ping;
		struct rte_mbuf *m;

		pong.src = FIXTURE_OWN_LAN;
		pong.dst = FIXTURE_PC;
		pong.icmp_type = RTE_IP_ICMP_ECHO_REPLY;
		pong.sport = ids[i];
		fixture_host(f, frame_build(f, &pong), FIXTURE_LAN);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(frame_src(m), servers[i]);
		assert_int_equal(frame_icmp_id(m), 77);
		rte_pktmbuf_free(m);
	}
}

static uint16_t port6(struct rte_mbuf *m, bool is_source)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(packet_ip6(m) + 1);

	return rte_be_to_cpu_16(is_source ? udp->src_port : udp->dst_port);
}

static void over_ip6_they_stay_apart_too(void **state)
{
	struct fixture *f = *state;
	struct frame question = fixture_udp_out, answer;
	uint16_t ports[TWINS];

	question.src6 = FIXTURE_PC6;
	set_redirect(f, IP_V6, question.dport);
	for (unsigned i = 0; i < TWINS; i++) {
		struct rte_mbuf *m;

		question.dst6 = servers6[i];
		m = ask(f, &question);
		ports[i] = port6(m, true);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(ports[0], question.sport);
	answer = question;
	answer.src6 = "2001:db8:1::1";
	answer.dst6 = FIXTURE_PC6;
	answer.sport = question.dport;
	for (unsigned i = 0; i < TWINS; i++) {
		struct rte_mbuf *m;
		struct ip_addr server;

		answer.dport = ports[i];
		fixture_host(f, frame_build(f, &answer), FIXTURE_LAN);
		m = fixture_sent(f, FIXTURE_LAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_int_equal(ip_addr_parse(servers6[i], &server), 0);
		assert_memory_equal(packet_ip6(m)->src_addr, server.v6, 16);
		assert_int_equal(port6(m, false), question.sport);
		rte_pktmbuf_free(m);
	}
}

static void a_route_change_keeps_them_and_their_ports(void **state)
{
	struct fixture *f = *state;
	uint16_t ports[TWINS];

	set_redirect(f, IP_V4, fixture_udp_out.dport);
	for (unsigned i = 0; i < TWINS; i++)
		ports[i] = ask_question(f, i);
	dataplane_routes_commit(f->dp);
	for (unsigned i = TWINS; i-- > 0;)
		assert_int_equal(ask_question(f, i), ports[i]);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), TWINS);
}

static unsigned n_names(const struct flow_index *index)
{
	unsigned n = 0;

	for (uint32_t b = 0; b < index->n_buckets; b++)
		for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
			n += index->buckets[b].tags[slot] != 0;
	return n;
}

static void nothing_is_held_for_them_when_they_have_ended(void **state)
{
	struct fixture *f = *state;

	set_redirect(f, IP_V4, fixture_udp_out.dport);
	for (unsigned i = 0; i < TWINS; i++)
		ask_question(f, i);
	assert_true(n_names(&f->w->flows.endpoints) > 0);
	f->w->now_sec += 3600;
	while (conntrack_expire(f->w, 1000) > 0)
		;
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(n_names(&f->w->flows.endpoints), 0);
	assert_int_equal(n_names(&f->w->flows.keys), 0);
	for (unsigned row = 0; row < NAT_COUNT_ROWS; row++)
		for (unsigned column = 0; column < NAT_COUNT_COLUMNS; column++)
			assert_int_equal(f->w->nat.counts[row][column], 0);
	// and the first to come has its own port again
	assert_int_equal(ask_question(f, 1), fixture_udp_out.sport);
}

static void without_ports_the_second_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct frame gre = fixture_udp_out;
	struct rte_mbuf *first;

	gre.protocol = IPPROTO_GRE;
	set_redirect(f, IP_V4, 0);
	fixture_rx(f, frame_build(f, &gre), FIXTURE_LAN);
	first = fixture_punted(f);
	assert_non_null(first);
	rte_pktmbuf_free(first);
	gre.dst = FIXTURE_GATEWAY;
	fixture_rx(f, frame_build(f, &gre), FIXTURE_LAN);
	assert_null(fixture_punted(f));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_NO_PORT), 1);
	assert_int_equal(f->w->flows.n_used, 1);
}

// --- port forwards: one server by two public ports, which lead to two workers ---

static uint16_t port_that_leads_to(uint16_t worker)
{
	uint16_t port = 8080;

	while (steering_worker(steering_bucket(port), 2) != worker)
		port++;
	return port;
}

// NULL: that worker has none.
static struct flow *flow_of_call(struct fixture *f, uint16_t worker)
{
	struct flow_tuple tuple = {
		.src = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_SERVER)),
		.dst = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_OWN_WAN)),
		.sport_be = rte_cpu_to_be_16(REMOTE_PORT),
		.dport_be = rte_cpu_to_be_16(port_that_leads_to(worker)),
		.protocol = IPPROTO_UDP,
	};
	struct flow_dir *dir = flow_find(&dataplane_worker(f->dp, worker)->flows, &tuple);

	return dir != NULL ? flow_of(dir) : NULL;
}

static struct frame a_call(void)
{
	return (struct frame){
		.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = REMOTE_PORT,
		.protocol = IPPROTO_UDP,
	};
}

static void set_two_forwards(struct fixture *f)
{
	struct dp_nat nats[2];

	for (uint16_t i = 0; i < 2; i++) {
		nats[i] = fixture_masquerade(FIXTURE_WAN);
		nats[i].kind = DP_NAT_FORWARD;
		nats[i].inside = (struct ip_prefix){{.family = IP_V4, .v4 = {198, 18, 0, 7}}, 32};
		nats[i].first_port = nats[i].last_port = port_that_leads_to(i);
		nats[i].inside_port = INSIDE_PORT;
	}
	fixture_translate(f, nats, 2);
}

// Through whichever worker it comes to first.
static void arrives(struct fixture *f, const struct frame *frame)
{
	struct worker *other = dataplane_worker(f->dp, 1);

	fixture_rx(f, frame_build(f, frame), frame->iface);
	worker_poll_inbox(other);
	owner_flush(other);
	worker_poll_inbox(dataplane_worker(f->dp, 0));
	for (uint8_t iface = FIXTURE_WAN; iface <= FIXTURE_LAN; iface++)
		rte_pktmbuf_free(fixture_sent(f, iface));
}

static void they_stay_apart_on_two_workers(void **state)
{
	struct fixture *f = *state;
	struct frame call = a_call();
	struct flow *flows[2];

	set_two_forwards(f);
	for (uint16_t i = 0; i < 2; i++) {
		call.dport = port_that_leads_to(i);
		arrives(f, &call);
		flows[i] = flow_of_call(f, i);
		assert_non_null(flows[i]);
	}
	for (uint16_t i = 0; i < 2; i++) {
		struct flow_tuple back = flow_tuple_of(&flows[i]->dir[1]);
		const struct frame answer = {
			.iface = FIXTURE_LAN,
			.src = FIXTURE_PC,
			.dst = FIXTURE_SERVER,
			.sport = INSIDE_PORT,
			.dport = rte_be_to_cpu_16(back.dport_be),
			.protocol = IPPROTO_UDP,
		};

		assert_null(flow_find(&dataplane_worker(f->dp, 1 - i)->flows, &back));
		assert_int_equal(flows[i]->dir[1].packets, 0);
		arrives(f, &answer);
		assert_int_equal(flows[i]->dir[1].packets, 1);
		assert_int_equal(flows[1 - i]->dir[1].packets, i);
	}
}

// --- at the same moment ---

enum { ROUNDS = 30000 };

struct caller {
	struct fixture *f;
	uint16_t worker;
	struct rte_mbuf *call;
	atomic_uint begun, done; // rounds
};

static void wait_for(atomic_uint *round, unsigned wanted)
{
	for (unsigned i = 1; atomic_load(round) < wanted; i++)
		if (i % 4096 == 0) // it may be without a core
			sched_yield();
}

static void take(struct caller *caller)
{
	pipeline_owned(
		&caller->f->dp->workers[caller->worker], FIXTURE_WAN, &caller->call, 1, true);
}

static void *take_each(void *arg)
{
	struct caller *caller = arg;

	for (unsigned round = 1; round <= ROUNDS; round++) {
		wait_for(&caller->begun, round);
		take(caller);
		atomic_store(&caller->done, round);
	}
	return NULL;
}

static void of_two_at_one_moment_none_is_answered_as_the_other(void **state)
{
	struct fixture *f = *state;
	struct caller here = {.f = f}, there = {.f = f, .worker = 1};
	struct frame call = a_call();
	unsigned n_begun = 0, n_same = 0;
	pthread_t thread;

	set_two_forwards(f);
	assert_int_equal(pthread_create(&thread, NULL, take_each, &there), 0);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		struct flow *flows[2];

		for (uint16_t i = 0; i < 2; i++) {
			dataplane_worker(f->dp, i);
			call.dport = port_that_leads_to(i);
			*(i == 0 ? &here.call : &there.call) = frame_build(f, &call);
		}
		atomic_store(&there.begun, round);
		take(&here);
		wait_for(&there.done, round);
		for (uint16_t i = 0; i < 2; i++)
			flows[i] = flow_of_call(f, i);
		if (flows[0] != NULL && flows[1] != NULL) {
			struct flow_tuple a = flow_tuple_of(&flows[0]->dir[1]);
			struct flow_tuple b = flow_tuple_of(&flows[1]->dir[1]);

			n_same += flow_tuple_equal(&a, &b);
		}
		for (uint16_t i = 0; i < 2; i++) {
			n_begun += flows[i] != NULL;
			if (flows[i] != NULL)
				conntrack_end(dataplane_worker(f->dp, i), flows[i]);
		}
		rte_pktmbuf_free(fixture_sent(f, FIXTURE_LAN));
	}
	pthread_join(thread, NULL);
	assert_int_equal(n_same, 0);
	assert_true(n_begun > ROUNDS / 10); // both may have to give way
}

int main(void)
{
#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
#define TWO(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat_of_two, fixture_teardown)
	const struct CMUnitTest tests[] = {
		NAT(one_sockets_conversations_stay_apart_behind_a_redirect),
		NAT(pings_of_one_identifier_stay_apart),
		NAT(over_ip6_they_stay_apart_too),
		NAT(a_route_change_keeps_them_and_their_ports),
		NAT(nothing_is_held_for_them_when_they_have_ended),
		NAT(without_ports_the_second_is_refused_by_name),
		TWO(they_stay_apart_on_two_workers),
		TWO(of_two_at_one_moment_none_is_answered_as_the_other),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
