// SPDX-License-Identifier: BSD-3-Clause
// A trunk: a port whose interfaces all have a VLAN, beside the fixture's, which have none.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/vlan.h"
#include "drivers/port_private.h"
#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/random.h"

enum { GUESTS = 3, THINGS = 4, VLAN_GUESTS = 20, VLAN_THINGS = 4094, TRUNK = 1, OWN_TYPE = 0x8100 };

static struct port trunk = {.info = {.dpdk_port = UINT16_MAX}};

static int add(struct fixture *f, struct port *port, int vlan, uint8_t priority)
{
	struct dp_interface iface = {
		.port = port,
		.tap_fd = -1,
		.mac = {{2, 0, 0, 0, 0, 9}},
		.mtu = 1500,
		.is_tagged = vlan >= 0,
		.vlan = (uint16_t)(vlan > 0 ? vlan : 0),
		.priority = priority,
	};

	snprintf(iface.name, sizeof(iface.name), "vlan%d", vlan);
	return dataplane_interface_add(f->dp, &iface);
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup_nat(state);
	f = *state;
	assert_int_equal(add(f, &trunk, VLAN_GUESTS, 5), GUESTS);
	assert_int_equal(add(f, &trunk, VLAN_THINGS, 0), THINGS);
	dataplane_worker(f->dp, 0);
	return 0;
}

// A datagram of a guest's, or of the LAN's, to the internet.
static struct rte_mbuf *frame_of(struct fixture *f, uint8_t iface)
{
	struct frame frame = fixture_udp_out;

	frame.iface = iface;
	return frame_build(f, &frame);
}

static struct rte_mbuf *tagged(struct rte_mbuf *m, uint16_t type, uint16_t control)
{
	vlan_put_on(m, rte_cpu_to_be_32((uint32_t)type << 16 | control));
	return m;
}

static void arrive(struct fixture *f, unsigned receiver, struct rte_mbuf *m)
{
	vlan_rx(f->w, receiver, &m, 1);
}

static uint64_t received(const struct fixture *f, int iface)
{
	struct dp_interface_stats stats = {0};

	dataplane_interface_stats(f->dp, iface, &stats);
	return stats.rx_packets;
}

static void a_burst_is_parted_by_vlan_and_keeps_its_order(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *pkts[6], *m;
	uint16_t sport = 0;

	for (unsigned i = 0; i < 6; i++) {
		struct frame frame = fixture_udp_out;

		frame.iface = i % 2 == 0 ? GUESTS : THINGS;
		frame.src += i % 2; // else both would be one flow
		frame.sport = (uint16_t)(6000 + i);
		pkts[i] = tagged(frame_build(f, &frame), OWN_TYPE,
			i % 2 == 0 ? VLAN_GUESTS : VLAN_THINGS | 7 << VLAN_PRIORITY_BIT);
	}
	vlan_rx(f->w, TRUNK, pkts, 6);
	assert_int_equal(received(f, GUESTS), 3);
	assert_int_equal(received(f, THINGS), 3);
	for (unsigned i = 0; i < 6; i++) {
		m = fixture_sent(f, FIXTURE_WAN);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		if (i % 3 != 0)
			assert_int_equal(frame_sport(m), sport + 2);
		sport = frame_sport(m);
		rte_pktmbuf_free(m);
	}
	assert_null(fixture_sent(f, FIXTURE_WAN));
}

static void what_nobody_has_is_dropped_by_name(void **state)
{
	static const struct {
		unsigned receiver;
		uint16_t type, control;
		enum counter reason;
	} rows[] = {
		{TRUNK, OWN_TYPE, 21, COUNTER_DROP_VLAN_UNKNOWN},
		{TRUNK, OWN_TYPE, 4095, COUNTER_DROP_VLAN_UNKNOWN},
		{TRUNK, OWN_TYPE, 5 << VLAN_PRIORITY_BIT, COUNTER_DROP_VLAN_UNTAGGED},
		{TRUNK, RTE_ETHER_TYPE_QINQ, VLAN_GUESTS, COUNTER_DROP_VLAN_NESTED},
		{TRUNK, RTE_ETHER_TYPE_IPV4, 0, COUNTER_DROP_VLAN_UNTAGGED},
		{0, OWN_TYPE, VLAN_GUESTS, COUNTER_DROP_VLAN_UNKNOWN},
		{0, RTE_ETHER_TYPE_QINQ, VLAN_GUESTS, COUNTER_DROP_VLAN_NESTED},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = fixture_counter(f, rows[i].reason);
		uint8_t iface = rows[i].receiver == TRUNK ? GUESTS : FIXTURE_WAN;

		arrive(f, rows[i].receiver,
			tagged(frame_of(f, iface), rows[i].type, rows[i].control));
		assert_int_equal(fixture_counter(f, rows[i].reason), before + 1);
		assert_null(fixture_punted(f));
	}
	assert_int_equal(received(f, GUESTS), 0);
	// by the parser alone, on a port without VLANs
	fixture_rx(f, tagged(frame_of(f, FIXTURE_LAN), OWN_TYPE, 1), FIXTURE_LAN);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_VLAN_UNKNOWN), 4);
	assert_null(fixture_sent(f, FIXTURE_WAN));
}

static void a_tag_in_a_tag_is_dropped_by_name(void **state)
{
	static const uint16_t inner[] = {0, VLAN_THINGS};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = tagged(frame_of(f, GUESTS), OWN_TYPE, inner[i]);

		arrive(f, TRUNK, tagged(m, OWN_TYPE, VLAN_GUESTS));
		assert_int_equal(fixture_counter(f, COUNTER_DROP_VLAN_NESTED), i + 1);
	}
	fixture_rx(
		f, tagged(tagged(frame_of(f, FIXTURE_LAN), OWN_TYPE, 0), OWN_TYPE, 0), FIXTURE_LAN);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_VLAN_NESTED), 3);
	assert_null(fixture_sent(f, FIXTURE_WAN));
}

static void a_cut_tag_is_a_short_frame(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	for (unsigned trunks = 0; trunks < 2; trunks++)
		for (uint16_t bytes = 1; bytes < 20; bytes++) {
			uint8_t iface = trunks ? GUESTS : FIXTURE_LAN;
			struct rte_mbuf *m = tagged(frame_of(f, iface), OWN_TYPE, trunks ? 20 : 0);

			rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - bytes));
			if (trunks)
				arrive(f, TRUNK, m);
			else
				fixture_rx(f, m, iface);
			assert_int_equal(fixture_counter(f, COUNTER_DROP_SHORT_FRAME), ++n);
		}
}

// IEEE 802.1Q 6.9.1: a tag of VLAN 0 says a priority and no VLAN.
static void a_tag_of_priority_alone_is_none(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *m;

	fixture_rx(
		f, tagged(frame_of(f, FIXTURE_LAN), OWN_TYPE, 7 << VLAN_PRIORITY_BIT), FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_false(vlan_is_tagged(m));
	rte_pktmbuf_free(m);
}

static void an_interface_of_vlan_0_takes_both_and_sends_tags(void **state)
{
	static struct port port = {.info = {.dpdk_port = UINT16_MAX}};
	struct fixture *f = *state;
	int id = add(f, &port, 0, 6);
	const struct interface *iface;

	assert_true(id > THINGS);
	dataplane_worker(f->dp, 0);
	iface = &f->w->snap->interfaces[id];
	assert_int_equal(rte_be_to_cpu_32(iface->tag_be), 0x8100c000);
	arrive(f, 2, frame_of(f, (uint8_t)id));
	arrive(f, 2, tagged(frame_of(f, (uint8_t)id), OWN_TYPE, 0));
	assert_int_equal(received(f, id), 2);
	assert_int_equal(add(f, &port, -1, 0), -EEXIST);
	assert_int_equal(add(f, &port, 0, 0), -EEXIST);
	assert_int_equal(dataplane_interface_remove(f->dp, id), 0);
}

static void a_port_has_each_vlan_once(void **state)
{
	struct fixture *f = *state;
	int id;

	assert_int_equal(add(f, &trunk, VLAN_GUESTS, 0), -EEXIST);
	id = add(f, &trunk, -1, 0); // nobody's yet
	assert_true(id > THINGS);
	assert_int_equal(add(f, &trunk, 0, 0), -EEXIST);
	dataplane_worker(f->dp, 0);
	arrive(f, TRUNK, frame_of(f, (uint8_t)id));
	arrive(f, TRUNK, tagged(frame_of(f, GUESTS), OWN_TYPE, VLAN_GUESTS));
	assert_int_equal(received(f, id), 1);
	assert_int_equal(received(f, GUESTS), 1);
	assert_int_equal(dataplane_interface_remove(f->dp, id), 0);
	dataplane_worker(f->dp, 0);
	arrive(f, TRUNK, frame_of(f, GUESTS));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_VLAN_UNTAGGED), 1);
}

static void who_has_gone_has_no_vlan_any_more(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dataplane_interface_remove(f->dp, GUESTS), 0);
	dataplane_worker(f->dp, 0);
	assert_int_equal(snapshot_vlan(f->w->snap, TRUNK, VLAN_GUESTS), INTERFACE_NONE);
	assert_int_equal(snapshot_vlan(f->w->snap, TRUNK, VLAN_THINGS), THINGS);
}

// As many as there may be, of numbers that meet in the table, on two ports.
static void each_of_many_is_found_and_nobody_else(void **state)
{
	static struct port other = {.info = {.dpdk_port = UINT16_MAX}};
	struct fixture *f = *state;
	int id, n = 0;

	while ((id = add(f, n % 2 ? &other : &trunk, 1 + n / 2 * VLAN_SLOTS % 4094 + n / 32, 0)) >=
		0)
		n++;
	assert_int_equal(id, -ENOSPC);
	assert_int_equal(n, DP_INTERFACES_MAX - 5);
	dataplane_worker(f->dp, 0);
	assert_int_equal(f->w->snap->n_receivers, 3);
	for (unsigned receiver = 0, found = 0; receiver < 3; receiver++) {
		for (uint16_t vlan = 1; vlan < 4095; vlan++) {
			uint8_t iface = snapshot_vlan(f->w->snap, receiver, vlan);

			if (iface == INTERFACE_NONE)
				continue;
			assert_int_equal(f->w->snap->interfaces[iface].vlan, vlan);
			assert_ptr_equal(f->w->snap->interfaces[iface].port,
				f->w->snap->receivers[receiver].port);
			found++;
		}
		if (receiver == 2)
			assert_int_equal(found, DP_INTERFACES_MAX - 3);
	}
}

static void a_tag_comes_off_as_it_was_put_on(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 1000; i++) {
		uint16_t vlan = (uint16_t)(random_below(4095));
		uint8_t priority = (uint8_t)(random_below(8));
		struct rte_mbuf *m = frame_of(f, FIXTURE_LAN);
		uint8_t before[64];
		uint16_t bytes = m->data_len;

		memcpy(before, rte_pktmbuf_mtod(m, void *), sizeof(before));
		vlan_put_on_all(&m, 1, vlan_tag_be(vlan, priority));
		assert_int_equal(m->pkt_len, bytes + VLAN_TAG_BYTES);
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), before, 12);
		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 16, before + 12, 48);
		assert_true(vlan_is_tagged(m) && !vlan_was_tagged(m));
		assert_int_equal(vlan_control(m), vlan | priority << VLAN_PRIORITY_BIT);
		vlan_take_off(m);
		assert_int_equal(m->pkt_len, bytes);
		assert_int_equal(m->data_len, bytes);
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), before, sizeof(before));
		assert_true(vlan_was_tagged(m));
		rte_pktmbuf_free(m);
	}
}

// A card may not look behind a tag, and looks at one side's ports alone.
static void only_what_the_card_sees_is_steered_by_it(void **state)
{
	static struct port port = {
		.info = {.dpdk_port = UINT16_MAX, .n_rxq = 1, .steers_by_rss = true}};
	struct fixture *f = *state;
	int plain = add(f, &port, -1, 0), behind = add(f, &port, 7, 0);

	assert_true(f->dp->snapshot->interfaces[plain].steers_by_rss);
	assert_false(f->dp->snapshot->interfaces[behind].steers_by_rss);
	assert_int_equal(dataplane_interface_remove(f->dp, plain), 0);
	port.info.is_outside = true;
	plain = add(f, &port, -1, 0);
	assert_false(f->dp->snapshot->interfaces[plain].steers_by_rss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
		TEST(a_burst_is_parted_by_vlan_and_keeps_its_order),
		TEST(what_nobody_has_is_dropped_by_name),
		TEST(a_tag_in_a_tag_is_dropped_by_name),
		TEST(a_cut_tag_is_a_short_frame),
		TEST(a_tag_of_priority_alone_is_none),
		TEST(an_interface_of_vlan_0_takes_both_and_sends_tags),
		TEST(a_port_has_each_vlan_once),
		TEST(who_has_gone_has_no_vlan_any_more),
		TEST(each_of_many_is_found_and_nobody_else),
		TEST(a_tag_comes_off_as_it_was_put_on),
		TEST(only_what_the_card_sees_is_steered_by_it),
#undef TEST
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
