// SPDX-License-Identifier: BSD-3-Clause
// Flows end with an interface that they leave or come in by, and its id is nobody's until then.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "dataplane/flow_cut.h"
#include "dataplane/owner.h"
#include "tests/unit/dataplane_fixture.h"

enum { MORE = 1000 }; // flows, than one turn looks at

static void begin_flows(struct fixture *f, unsigned n, uint8_t iface, uint32_t src)
{
	struct frame frame = fixture_udp_out;

	frame.iface = iface;
	frame.src = src;
	for (unsigned i = 0; i < n; i++) {
		frame.sport = (uint16_t)(10000 + i);
		assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	}
}

static void flows_end_with_their_interface_and_no_others(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;

	begin_flows(f, MORE, FIXTURE_LAN, FIXTURE_PC);
	begin_flows(f, MORE, FIXTURE_LAN2, FIXTURE_FAR_LAN);
	assert_int_equal(f->w->flows.n_used, 2 * MORE);
	assert_int_equal(dataplane_interface_remove(f->dp, FIXTURE_LAN2), 0);
	assert_int_equal(f->w->flows.n_used, MORE);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), MORE);
	frame.sport = 10000;
	assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
	assert_int_equal(f->w->flows.n_used, MORE);
	// and those that leave by it
	assert_int_equal(dataplane_interface_remove(f->dp, FIXTURE_WAN), 0);
	assert_int_equal(f->w->flows.n_used, 0);
}

// As of a worker that runs: it looks at some in each turn.
static void an_id_is_nobodys_until_each_worker_is_done(void **state)
{
	const struct dp_interface next = {.name = "next", .tap_fd = -1, .mtu = 1500};
	struct fixture *f = *state;
	unsigned turns = 0;
	int id;

	begin_flows(f, MORE, FIXTURE_LAN, FIXTURE_PC);
	f->w->is_running = true;
	assert_int_equal(dataplane_interface_remove(f->dp, FIXTURE_LAN), 0);
	id = dataplane_interface_add(f->dp, &next);
	assert_true(id >= 0 && id != FIXTURE_LAN);
	assert_int_equal(f->w->flows.n_used, MORE);
	f->w->is_running = false;
	dataplane_worker(f->dp, 0);
	while (flow_cut_turn(f->w))
		turns++;
	assert_true(turns > 1);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(dataplane_interface_add(f->dp, &next), FIXTURE_LAN);
}

static void what_came_in_by_it_and_waits_begins_nothing(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;

	// for a neighbour that nobody knows
	frame.iface = FIXTURE_LAN2;
	frame.src = FIXTURE_FAR_LAN;
	frame.dst = FIXTURE_PC + 100;
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN2);
	assert_int_equal(f->w->n_held, 1);
	// in an inbox, as from another worker
	frame = fixture_udp_out;
	m = frame_build(f, &frame);
	m->packet_type = INBOX_RX;
	m->port = FIXTURE_LAN2;
	assert_int_equal(rte_ring_enqueue(f->w->inbox, m), 0);
	assert_int_equal(dataplane_interface_remove(f->dp, FIXTURE_LAN2), 0);
	assert_int_equal(f->w->n_held, 0);
	assert_int_equal(rte_ring_count(f->w->inbox), 0);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_INTERFACE_DOWN), 2);
}

static void who_gets_an_id_begins_to_count_at_zero(void **state)
{
	const struct dp_interface next = {.name = "next", .tap_fd = -1, .mtu = 1500};
	struct fixture *f = *state;
	struct dp_interface_stats stats;

	begin_flows(f, 3, FIXTURE_LAN2, FIXTURE_FAR_LAN);
	assert_int_equal(dataplane_interface_stats(f->dp, FIXTURE_LAN2, &stats), 0);
	assert_int_equal(stats.rx_packets, 3);
	assert_int_equal(dataplane_interface_remove(f->dp, FIXTURE_LAN2), 0);
	assert_int_equal(dataplane_interface_stats(f->dp, FIXTURE_LAN2, &stats), -ENOENT);
	assert_int_equal(dataplane_interface_add(f->dp, &next), FIXTURE_LAN2);
	assert_int_equal(dataplane_interface_stats(f->dp, FIXTURE_LAN2, &stats), 0);
	assert_int_equal(stats.rx_packets, 0);
	assert_int_equal(stats.rx_bytes, 0);
}

int main(void)
{
#define WITH(open, name) cmocka_unit_test_setup_teardown(name, open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(fixture_setup_nat, flows_end_with_their_interface_and_no_others),
		WITH(fixture_setup_nat, an_id_is_nobodys_until_each_worker_is_done),
		WITH(fixture_setup_nat, what_came_in_by_it_and_waits_begins_nothing),
		WITH(fixture_setup_nat, who_gets_an_id_begins_to_count_at_zero),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
