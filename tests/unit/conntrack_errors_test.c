// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about flows, and about none, through the pipeline.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/hold.h"
#include "dataplane/packet.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/text_addr.h"

static struct frame time_exceeded_about(struct rte_mbuf *m)
{
	struct frame error = frame_refusal(m, FIXTURE_GATEWAY, FIXTURE_WAN);

	error.icmp_type = 11;
	error.icmp_code = 0;
	return error;
}

// What leaves for the host `addr`, which is known only after the error has come.
static struct rte_mbuf *after_a_wait(
	struct fixture *f, const struct frame *error, const struct ip_addr *addr)
{
	struct mac_addr mac = {{2, 1, 0, 0, 1, 7}};
	struct rte_mbuf *m;

	assert_int_equal(dataplane_neighbour_delete(f->dp, FIXTURE_LAN, addr), 0);
	assert_false(fixture_passes(f, error, FIXTURE_LAN));
	assert_int_equal(f->w->n_held, 1);
	assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN, addr, &mac), 0);
	dataplane_worker(f->dp, 0);
	hold_tick(f->w);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	return m;
}

static void an_error_waits_for_the_neighbour_it_is_for(void **state)
{
	struct fixture *f = *state;
	struct ip_addr pc = address("198.18.0.7");
	struct rte_mbuf *out = fixture_send(f, &fixture_udp_out, FIXTURE_WAN), *m;
	struct frame error = time_exceeded_about(out);

	m = after_a_wait(f, &error, &pc);
	assert_int_equal(frame_dst(m), FIXTURE_PC);
	assert_int_equal(packet_ip4(m)->time_to_live, 63);
	rte_pktmbuf_free(out);
	rte_pktmbuf_free(m);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_UNRELATED), 0);
}

// It would pass for the sake of a flow that its receiver has no part in.
static void an_error_is_for_who_sent_what_it_quotes(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *out = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	struct frame error = time_exceeded_about(out);

	error.dst = FIXTURE_FAR_LAN;
	assert_false(fixture_passes(f, &error, FIXTURE_LAN));
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_ICMP_INNER), 1);
	rte_pktmbuf_free(out);
}

// Untranslated between two networks inside; where the way back has gone, the default route would
// take it outside.
static void an_error_about_an_untranslated_flow_does_not_leak_outside(void **state)
{
	struct fixture *f = *state;
	struct ip_prefix gone = prefix("198.18.1.0/24");
	struct frame call = {.iface = FIXTURE_LAN2,
		.src = FIXTURE_FAR_LAN,
		.dst = FIXTURE_PC,
		.sport = 5000,
		.dport = 53,
		.protocol = IPPROTO_UDP};
	struct rte_mbuf *about = fixture_send(f, &call, FIXTURE_LAN);
	struct frame error;

	assert_non_null(about);
	error = frame_refusal(about, FIXTURE_PC, FIXTURE_LAN);
	assert_true(fixture_passes(f, &error, FIXTURE_LAN2));
	assert_int_equal(dataplane_route_delete(f->dp, &gone), 0);
	assert_false(fixture_passes(f, &error, FIXTURE_WAN));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
	rte_pktmbuf_free(about);
}

// About nothing that was ever sent, from one inside network.
static struct rte_mbuf *stray_error(struct fixture *f, uint32_t src, uint32_t dst)
{
	struct rte_mbuf *about = frame_build(f, &fixture_udp_out), *m;
	struct frame error = time_exceeded_about(about);

	error.iface = FIXTURE_LAN;
	error.src = src;
	error.dst = dst;
	m = frame_build(f, &error);
	rte_pktmbuf_free(about);
	return m;
}

static void a_stray_error_must_be_from_where_its_source_is(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct dp_policy policy = fixture_policy(&nat, 1);
	struct rte_mbuf *m;
	struct error err;

	policy.hygiene[FIXTURE_LAN] = DP_HYGIENE_RPF_STRICT;
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	fixture_rx(f, stray_error(f, FIXTURE_PC2, FIXTURE_FAR_LAN), FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_LAN2);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	fixture_rx(f, stray_error(f, FIXTURE_GATEWAY, FIXTURE_FAR_LAN), FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_LAN2));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
}

// The kernel hears as much of them as of any stranger, whatever they quote.
static void stray_errors_take_no_more_than_strangers_may(void **state)
{
	enum { FLOOD = 1500 };
	struct fixture *f = *state;
	uint32_t most = f->w->punt_budget[FIXTURE_LAN][PUNT_REASON_NEW].burst / 4;
	struct rte_mbuf *m;

	for (unsigned i = 0; i < FLOOD; i++) {
		fixture_rx(f, stray_error(f, FIXTURE_PC, FIXTURE_OWN_LAN), FIXTURE_LAN);
		m = fixture_punted(f);
		assert_true((m != NULL) == (i < most));
		rte_pktmbuf_free(m);
	}
	assert_int_equal(fixture_counter(f, COUNTER_DROP_PUNT_SHARE), FLOOD - most);
}

static void an_ipv6_error_waits_for_its_neighbour_and_stays_whole(void **state)
{
	struct fixture *f = *state;
	struct ip_addr pc = address(FIXTURE_PC6), gateway = address(FIXTURE_GATEWAY6);
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct frame out = fixture_udp_out;
	struct frame error = {.iface = FIXTURE_WAN, // time exceeded
		.src6 = FIXTURE_GATEWAY6,
		.dst6 = FIXTURE_OWN_WAN6,
		.protocol = IPPROTO_ICMPV6,
		.icmp_type = 3,
		.payload_bytes = sizeof(struct rte_ipv6_hdr) + 8};
	struct rte_mbuf *m;

	nat.family = IP_V6;
	fixture_translate(f, &nat, 1);
	out.src6 = FIXTURE_PC6;
	out.dst6 = FIXTURE_SERVER6;
	error.quotes = fixture_send(f, &out, FIXTURE_WAN);
	assert_non_null(error.quotes);
	m = after_a_wait(f, &error, &pc);
	assert_memory_equal(packet_ip6(m)->src_addr, gateway.v6, 16);
	assert_memory_equal(packet_ip6(m)->dst_addr, pc.v6, 16);
	assert_int_equal(packet_ip6(m)->hop_limits, 63);
	rte_pktmbuf_free(error.quotes);
	rte_pktmbuf_free(m);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(an_error_waits_for_the_neighbour_it_is_for),
		NAT(an_error_is_for_who_sent_what_it_quotes),
		NAT(an_error_about_an_untranslated_flow_does_not_leak_outside),
		NAT(a_stray_error_must_be_from_where_its_source_is),
		NAT(stray_errors_take_no_more_than_strangers_may),
		NAT(an_ipv6_error_waits_for_its_neighbour_and_stays_whole),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
