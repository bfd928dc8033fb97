// SPDX-License-Identifier: BSD-3-Clause
// Flows over their life, through the pipeline: who may begin one, what may pass, and their end.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/base/clock.h"
#include "dataplane/conntrack.h"
#include "dataplane/flow_timer.h"
#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "dataplane/pipeline.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/text_addr.h"

enum { BURST_PACKETS = 12, BURST_FLOWS = 3 };

// --- bursts ---

// The table is asked about all of them before the first has begun its flow.
static void packets_of_one_burst_and_one_flow_begin_it_once(void **state)
{
	struct fixture *f = *state;
	struct frame frames[BURST_PACKETS];
	struct rte_mbuf *list[BURST_PACKETS];
	uint16_t ports[BURST_FLOWS] = {0};

	for (unsigned i = 0; i < BURST_PACKETS; i++) {
		frames[i] = fixture_udp_out;
		frames[i].sport = (uint16_t)(fixture_udp_out.sport + i % BURST_FLOWS);
		list[i] = frame_build(f, &frames[i]);
	}
	fixture_rx_burst(f, list, BURST_PACKETS, FIXTURE_LAN);
	for (unsigned i = 0; i < BURST_PACKETS; i++) {
		struct rte_mbuf *m = fixture_sent(f, FIXTURE_WAN);

		assert_non_null(m);
		if (i < BURST_FLOWS)
			ports[i] = frame_sport(m);
		assert_int_equal(frame_sport(m), ports[i % BURST_FLOWS]);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), BURST_FLOWS);
	assert_int_equal(f->w->flows.n_used, BURST_FLOWS);
}

// --- time ---

// A worker that has nothing else to do: what has expired is gone at once, not a few a nap.
static void an_idle_worker_forgets_all_that_has_expired(void **state)
{
	struct fixture *f = *state;
	const uint64_t end = clock_now_ms() + 4000;
	struct error err;

	fixture_fill(f);
	for (uint32_t i = 0; i < f->w->flows.capacity; i++) {
		struct flow *flow = &f->w->flows.flows[i];

		flow->dir[0].last_seen_sec -= 1000;
		flow->dir[1].last_seen_sec -= 1000;
		flow_timer_set(&f->w->flows, flow, 1);
	}
	assert_int_equal(dataplane_start(f->dp, &err), 0);
	while (f->w->counters[COUNTER_FLOW_EXPIRED] < f->w->flows.capacity && clock_now_ms() < end)
		usleep(1000);
	dataplane_stop(f->dp);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_EXPIRED), f->w->flows.capacity);
	assert_int_equal(f->w->flows.n_used, 0);
}

// --- who may begin ---

static void only_networks_behind_the_nat_are_out_of_reach_from_outside(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct ip_prefix lan = prefix("198.18.0.0/24");
	struct dp_set sources = {.prefixes = &lan, .n_prefixes = 1, .timed = DP_INDEX_NONE};
	struct dp_policy policy = fixture_policy(&nat, 1);
	struct error err;
	struct frame in = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.sport = 999,
		.dport = 80,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 8};

	nat.source.set = 0;
	policy.sets = &sources;
	policy.n_sets = 1;
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	in.dst = FIXTURE_FAR_LAN; // routed as it is, also on its way out
	assert_true(fixture_passes(f, &in, FIXTURE_LAN2));
	in.dst = FIXTURE_PC;
	assert_false(fixture_passes(f, &in, FIXTURE_LAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_UNSOLICITED), 1);
}

// RFC 5382 REQ-4: a host inside may be about to open the same connection.
static void the_routers_host_refuses_nobody_outside_where_hosts_share_its_address(void **state)
{
	struct fixture *f = *state;
	struct frame syn = {.iface = FIXTURE_WAN,
		.src = FIXTURE_SERVER,
		.dst = FIXTURE_OWN_WAN,
		.sport = 999,
		.dport = 5000,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_SYN_FLAG,
		.tcp_seq = 100};
	struct frame answer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_OWN_WAN,
		.dst = FIXTURE_SERVER,
		.sport = 5000,
		.dport = 999,
		.protocol = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG,
		.tcp_ack = 101};
	struct dp_policy plain = fixture_policy(NULL, 0);
	struct frame out = fixture_udp_out;
	struct error err;
	struct rte_mbuf *m;

	for (unsigned i = 0; i < 2; i++) {
		assert_true(fixture_reaches_host(f, &syn));
		assert_false(fixture_host_passes(f, &answer));
		assert_int_equal(fixture_counter(f, COUNTER_DROP_NAT_UNSOLICITED), i + 1);
		assert_int_equal(f->w->flows.n_used, 0);
	}
	out.protocol = IPPROTO_TCP; // the same connection, from inside: it keeps its port
	out.sport = 5000;
	out.dport = 999;
	out.tcp_flags = RTE_TCP_SYN_FLAG;
	m = fixture_send(f, &out, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(frame_sport(m), 5000);
	rte_pktmbuf_free(m);

	syn.dport = answer.sport = 22; // somebody listens there
	answer.tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
	assert_true(fixture_reaches_host(f, &syn));
	assert_true(fixture_host_passes(f, &answer));

	assert_int_equal(dataplane_policy_set(f->dp, &plain, &err), 0); // nobody shares anything
	syn.dport = answer.sport = 5001;
	answer.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG;
	assert_true(fixture_reaches_host(f, &syn));
	assert_true(fixture_host_passes(f, &answer));
}

static void a_dhcp_offer_to_an_address_nobody_has_yet_goes_up(void **state)
{
	struct fixture *f = *state;
	struct frame offer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_GATEWAY,
		.dst = IP(203, 0, 113, 77),
		.sport = 67,
		.dport = 68,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 240};
	struct rte_mbuf *m;

	fixture_rx(f, frame_build(f, &offer), FIXTURE_WAN);
	m = fixture_punted(f);
	assert_non_null(m);
	assert_int_equal(frame_dst(m), IP(203, 0, 113, 77));
	rte_pktmbuf_free(m);
	assert_int_equal(f->w->flows.n_used, 0);
	offer.sport = 66; // anything else is none of the kernel's
	assert_false(fixture_reaches_host(f, &offer));
}

static void the_same_offer_goes_up_where_nothing_is_translated(void **state)
{
	struct fixture *f = *state;
	struct ip_prefix all = prefix("0.0.0.0/0");
	struct frame offer = {.iface = FIXTURE_WAN,
		.src = IP(10, 0, 0, 1),
		.dst = IP(10, 0, 0, 77),
		.sport = 67,
		.dport = 68,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 240};

	assert_int_equal(dataplane_route_delete(f->dp, &all), 0);
	assert_true(fixture_reaches_host(f, &offer));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_NO_ROUTE), 0);
}

// --- translations by timed sets ---

static uint32_t leaves_as(struct fixture *f, const struct frame *frame)
{
	struct rte_mbuf *m = fixture_send(f, frame, FIXTURE_WAN);
	uint32_t src;

	assert_non_null(m);
	src = frame_src(m);
	rte_pktmbuf_free(m);
	return src;
}

static void a_timed_set_changes_the_translation_of_flows_under_way(void **state)
{
	enum { OTHER_OUTSIDE = IP(203, 0, 113, 50), REVIEW_PAUSE_US = 110 * 1000 };
	struct fixture *f = *state;
	struct dp_nat nats[] = {fixture_masquerade(FIXTURE_WAN), fixture_masquerade(FIXTURE_WAN)};
	struct dp_set some = {.kind = DP_SET_ADDRESSES, .timed = 0};
	struct dp_policy policy = fixture_policy(nats, 2);
	struct dp_timed_entry pc = {.prefix = prefix("198.18.0.7/32"), .left_sec = 3600};
	struct frame other = fixture_udp_out;
	struct error err;

	nats[0].outside = prefix("203.0.113.50/32");
	nats[0].source.set = 0;
	policy.sets = &some;
	policy.n_sets = 1;
	assert_int_equal(dataplane_timed_open(f->dp, 0, 16), 0);
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	other.src = FIXTURE_PC2;
	assert_int_equal(leaves_as(f, &fixture_udp_out), FIXTURE_OWN_WAN);
	assert_int_equal(leaves_as(f, &other), FIXTURE_OWN_WAN);
	assert_int_equal(dataplane_timed_add(f->dp, 0, &pc, false), 0);
	assert_int_equal(leaves_as(f, &fixture_udp_out), OTHER_OUTSIDE);
	assert_int_equal(leaves_as(f, &other), FIXTURE_OWN_WAN);
	usleep(REVIEW_PAUSE_US);
	assert_int_equal(dataplane_timed_delete(f->dp, 0, &pc.prefix), 0);
	assert_int_equal(leaves_as(f, &fixture_udp_out), FIXTURE_OWN_WAN);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 2);
}

// --- what may not pass, also when it belongs to a flow ---

static struct rte_mbuf *with_source_route(struct fixture *f, const struct frame *frame)
{
	static const uint8_t lsrr[8] = {131, 7, 4, 203, 0, 113, 9, 0};
	struct rte_mbuf *m = frame_build(f, frame);
	struct rte_ipv4_hdr *ip;
	uint8_t *at;

	assert_non_null(rte_pktmbuf_append(m, sizeof(lsrr)));
	at = rte_pktmbuf_mtod_offset(m, uint8_t *, L3_OFFSET + sizeof(*ip));
	memmove(at + sizeof(lsrr), at, m->data_len - L3_OFFSET - sizeof(*ip) - sizeof(lsrr));
	memcpy(at, lsrr, sizeof(lsrr));
	ip = packet_ip4(m);
	ip->version_ihl = 0x47;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(m->data_len - L3_OFFSET));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, sizeof(*ip) + sizeof(lsrr));
	return m;
}

static void source_routes_end_here_within_a_flow_too(void **state)
{
	struct fixture *f = *state;

	fixture_rx(f, with_source_route(f, &fixture_udp_out), FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_true(fixture_passes(f, &fixture_udp_out, FIXTURE_WAN));
	fixture_rx(f, with_source_route(f, &fixture_udp_out), FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_OPTIONS), 2);
}

static void what_stands_behind_the_packet_goes_no_further(void **state)
{
	struct fixture *f = *state;
	struct frame small = fixture_udp_out;
	struct rte_mbuf *m = frame_build(f, &fixture_udp_out);
	uint32_t bytes = m->pkt_len;

	memset(rte_pktmbuf_append(m, 1400), 0xee, 1400);
	fixture_rx(f, m, FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, bytes);
	assert_int_equal(m->data_len, bytes);
	rte_pktmbuf_free(m);

	small.payload_bytes = 2; // Ethernet's own padding is let be
	m = frame_build(f, &small);
	memset(rte_pktmbuf_append(m, (uint16_t)(60 - m->pkt_len)), 0, 1);
	fixture_rx(f, m, FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, 60);
	rte_pktmbuf_free(m);
}

static void link_local_and_our_own_addresses_are_nobodys_source(void **state)
{
	struct fixture *f = *state;
	static const uint32_t sources[] = {IP(169, 254, 1, 1), IP(169, 254, 255, 254),
		FIXTURE_OWN_LAN, FIXTURE_OWN_WAN, IP(127, 0, 0, 1), IP(224, 0, 0, 1)};
	struct frame frame = fixture_udp_out;

	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		frame.src = sources[i];
		assert_false(fixture_passes(f, &frame, FIXTURE_WAN));
		assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), i + 1);
	}
	frame.src = IP(169, 253, 1, 1);
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	frame = fixture_udp_out;
	frame.dst = IP(169, 254, 7, 7);
	assert_false(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_BLACKHOLE), 1);
}

static void every_source_but_ours_passes_a_plain_router(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;

	// one in a hundred meets the filter of own addresses, and is looked at closely
	for (uint32_t i = 0; i < 4096; i++) {
		frame.src = IP(198, 18, 16, 0) + i;
		assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_DROP_IP4_SOURCE), 0);
}

// Nobody translates what goes from one inside network to the other, whatever source it claims.
static void answers_to_a_forged_source_do_not_leave(void **state)
{
	struct fixture *f = *state;
	struct frame forged = fixture_udp_out, answer;
	struct rte_mbuf *m;

	forged.src = FIXTURE_SERVER;
	forged.dst = FIXTURE_FAR_LAN;
	m = fixture_send(f, &forged, FIXTURE_LAN2);
	assert_non_null(m);
	answer = frame_answer(m, &forged, FIXTURE_LAN2);
	rte_pktmbuf_free(m);
	assert_false(fixture_passes(f, &answer, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
	assert_false(fixture_passes(f, &answer, FIXTURE_WAN)); // nor the next one
}

#define NAT(name)   cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, fixture_setup_plain, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(packets_of_one_burst_and_one_flow_begin_it_once),
		NAT(an_idle_worker_forgets_all_that_has_expired),
		NAT(only_networks_behind_the_nat_are_out_of_reach_from_outside),
		NAT(answers_to_a_forged_source_do_not_leave),
		NAT(a_dhcp_offer_to_an_address_nobody_has_yet_goes_up),
		PLAIN(the_same_offer_goes_up_where_nothing_is_translated),
		NAT(source_routes_end_here_within_a_flow_too),
		PLAIN(what_stands_behind_the_packet_goes_no_further),
		NAT(link_local_and_our_own_addresses_are_nobodys_source),
		PLAIN(link_local_and_our_own_addresses_are_nobodys_source),
		PLAIN(every_source_but_ours_passes_a_plain_router),
		NAT(the_routers_host_refuses_nobody_outside_where_hosts_share_its_address),
		NAT(a_timed_set_changes_the_translation_of_flows_under_way),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
