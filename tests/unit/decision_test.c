// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dataplane_fixture.h"

// What goes to the router itself has no source chosen for it, but is asked for one where the router
// itself sent it: it must say that there is none, not what the last packet's was.
static void nothing_of_an_earlier_decision_is_left(void **state)
{
	struct fixture *f = *state;
	const struct flow_tuple tuple = {
		.src = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_PC)),
		.dst = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_OWN_WAN)),
		.sport_be = RTE_BE16(5000),
		.dport_be = RTE_BE16(80),
		.protocol = IPPROTO_TCP,
	};
	const struct question q = {
		.original = &tuple, .in_iface = FIXTURE_LAN, .way = NEXTHOP_NONE};
	struct rule_subject subject = {.protocol = IPPROTO_TCP, .has_ports = true};
	struct decision d;

	subject.facts = rules_facts(&subject);
	rte_pktmbuf_free(
		fixture_send(f, &fixture_udp_out, FIXTURE_WAN)); // its worker has a FIB now
	memset(&d, 0xa5, sizeof(d));
	decide(f->w, &q, &subject, &d);
	assert_int_equal(d.out_iface, FLOW_IFACE_HOST);
	assert_int_equal(d.refused, COUNTER_COUNT);
	assert_ptr_equal(d.seen, &tuple);
	assert_false(d.is_dnated || d.changes_source);
	assert_true(d.source.is_none);
	assert_int_equal(d.source.n_addresses, 0);
	assert_false(d.source.keeps_port || d.source.is_full_cone || d.source.is_another);
	assert_int_equal(d.verdict.mark, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_of_an_earlier_decision_is_left,
			fixture_setup_nat, fixture_teardown),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
