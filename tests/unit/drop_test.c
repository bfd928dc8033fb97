// SPDX-License-Identifier: BSD-3-Clause
// Drops that no frame on a lab's wire can bring about by itself, each by its counter: full rings
// and tables, ports that take nothing, frames as no kernel lets them through.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/packet.h"
#include "dataplane/worker.h"
#include "drivers/steering.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/must_open.h"

enum { EXTRA = 10, TO_HOST_RING = 2047 };

static uint64_t all_drops(const struct fixture *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTER_PUNT_ARP; i++)
		sum += f->w->counters[i];
	return sum;
}

static void assert_only(const struct fixture *f, enum counter counter, uint64_t n)
{
	assert_int_equal(fixture_counter(f, counter), n);
	assert_int_equal(all_drops(f), n);
}

static void a_frame_in_several_buffers_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m = frame_build(f, &fixture_udp_out);
	struct rte_mbuf *rest = rte_pktmbuf_alloc(drivers_pool());

	assert_non_null(rte_pktmbuf_append(rest, 100));
	assert_int_equal(rte_pktmbuf_chain(m, rest), 0);
	fixture_rx(f, m, FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	assert_only(f, COUNTER_DROP_SEGMENTED, 1);
}

static void who_sends_from_a_group_or_from_nobody_is_not_heard(void **state)
{
	static const struct rte_ether_addr sources[] = {
		{{1, 0, 0x5e, 0, 0, 5}},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{{0}},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m = frame_build(f, &fixture_udp_out);

		memset(&packet_eth(m)->dst_addr, 0xff, RTE_ETHER_ADDR_LEN);
		packet_eth(m)->src_addr = sources[i];
		fixture_rx(f, m, FIXTURE_LAN);
	}
	assert_null(fixture_punted(f));
	assert_only(f, COUNTER_DROP_SOURCE_MAC, 3);
}

static void an_error_from_outside_about_no_flow_ends_here(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *quoted = frame_build(f, &fixture_udp_out);
	struct frame error = frame_refusal(quoted, FIXTURE_SERVER, FIXTURE_WAN);

	assert_false(fixture_passes(f, &error, FIXTURE_LAN));
	rte_pktmbuf_free(quoted);
	assert_only(f, COUNTER_DROP_ICMP_UNRELATED, 1);
}

static void what_may_not_be_cut_and_does_not_fit_is_too_big(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;

	assert_int_equal(dataplane_interface_set_mtu(f->dp, FIXTURE_WAN, 600), 0);
	frame.fragment = RTE_IPV4_HDR_DF_FLAG;
	frame.payload_bytes = 600 - 28;
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_only(f, COUNTER_DROP_TOO_BIG, 0);
	frame.payload_bytes++;
	fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_only(f, COUNTER_DROP_TOO_BIG, 1);
}

static void what_the_host_stack_is_too_slow_for_is_counted(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;
	struct rte_mbuf *m;
	unsigned n = 0;

	frame.dst = FIXTURE_OWN_LAN;
	for (unsigned i = 0; i < TO_HOST_RING + EXTRA; i++)
		fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_only(f, COUNTER_DROP_PUNT_FULL, EXTRA);
	assert_int_equal(fixture_counter(f, COUNTER_PUNT_LOCAL), TO_HOST_RING);
	while ((m = fixture_punted(f)) != NULL) {
		rte_pktmbuf_free(m);
		n++;
	}
	assert_int_equal(n, TO_HOST_RING);
}

static void what_another_worker_is_too_slow_for_is_counted(void **state)
{
	struct fixture *f = *state;
	struct frame frame = fixture_udp_out;

	while (steering_worker(steering_bucket(frame.sport), 2) != 1)
		frame.sport++;
	for (unsigned i = 0; i < INBOX_SIZE - 1 + EXTRA; i++)
		fixture_rx(f, frame_build(f, &frame), FIXTURE_LAN);
	assert_only(f, COUNTER_DROP_HANDOVER_FULL, EXTRA);
	assert_int_equal(f->w->handed_over, INBOX_SIZE - 1);
	assert_int_equal(rte_ring_count(f->dp->workers[1].inbox), INBOX_SIZE - 1);
}

// --- with a port behind an interface ---

static uint8_t add_interface(struct fixture *f, struct port *port)
{
	struct dp_interface iface = {.name = "out", .port = port, .tap_fd = -1, .mtu = 1500};
	int id = dataplane_interface_add(f->dp, &iface);

	assert_true(id >= 0);
	dataplane_worker(f->dp, 0);
	return (uint8_t)id;
}

static void send_one(struct fixture *f, uint8_t iface)
{
	dataplane_worker(f->dp, 0); // the newest snapshot
	worker_send(f->w, iface, frame_build(f, &fixture_udp_out));
	worker_flush(f->w, iface);
}

static void what_leaves_by_an_interface_without_link_is_counted(void **state)
{
	const struct port_spec spec = {.name = "out", .driver = PORT_DRIVER_NULL, .n_queues = 1};
	struct fixture *f = *state;
	struct port *port = must_open(&spec);
	uint8_t id = add_interface(f, port);

	send_one(f, id);
	assert_only(f, COUNTER_DROP_INTERFACE_DOWN, 0);
	assert_int_equal(f->w->interface_counters[id].tx_packets, 1);
	dataplane_interface_set_link(f->dp, id, false);
	send_one(f, id);
	send_one(f, id);
	assert_only(f, COUNTER_DROP_INTERFACE_DOWN, 2);
	dataplane_interface_set_link(f->dp, id, true);
	send_one(f, id);
	assert_only(f, COUNTER_DROP_INTERFACE_DOWN, 2);
	assert_int_equal(f->w->interface_counters[id].tx_packets, 2);
	assert_int_equal(dataplane_interface_remove(f->dp, id), 0);
	send_one(f, id); // was on its way when the interface went
	assert_only(f, COUNTER_DROP_INTERFACE_DOWN, 3);
	port_close(port);
}

// A memif that nobody has connected to takes nothing.
static void what_a_port_does_not_take_is_counted(void **state)
{
	struct port_spec spec = {
		.name = "out", .driver = PORT_DRIVER_MEMIF, .n_queues = 1, .memif_is_server = true};
	struct fixture *f = *state;
	struct port *port;
	char path[64];
	uint8_t id;

	snprintf(path, sizeof(path), "@millrace-drop-test-%d", getpid());
	spec.memif_socket = path;
	port = must_open(&spec);
	id = add_interface(f, port);
	send_one(f, id);
	assert_only(f, COUNTER_DROP_TX_FULL, 1);
	assert_int_equal(f->w->interface_counters[id].tx_dropped, 1);
	assert_int_equal(f->w->interface_counters[id].tx_packets, 0);
	assert_int_equal(f->w->interface_counters[id].tx_bytes, 0);
	assert_int_equal(dataplane_interface_remove(f->dp, id), 0);
	port_close(port);
}

int main(void)
{
#define WITH(open, name) cmocka_unit_test_setup_teardown(name, open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(fixture_setup_plain, a_frame_in_several_buffers_is_refused),
		WITH(fixture_setup_plain, who_sends_from_a_group_or_from_nobody_is_not_heard),
		WITH(fixture_setup_nat, an_error_from_outside_about_no_flow_ends_here),
		WITH(fixture_setup_plain, what_may_not_be_cut_and_does_not_fit_is_too_big),
		WITH(fixture_setup_plain, what_the_host_stack_is_too_slow_for_is_counted),
		WITH(fixture_setup_nat_of_two, what_another_worker_is_too_slow_for_is_counted),
		WITH(fixture_setup_plain, what_leaves_by_an_interface_without_link_is_counted),
		WITH(fixture_setup_plain, what_a_port_does_not_take_is_counted),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
