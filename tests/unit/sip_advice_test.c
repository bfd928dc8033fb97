// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sip_advice.h"
#include "tests/unit/helper_world.h"

static unsigned sip_events(struct fixture *f)
{
	struct dp_event event;
	unsigned n = 0;

	while (dataplane_event_next(f->dp, &event))
		n += event.kind == DP_EVENT_SIP;
	return n;
}

static void begin_sip(struct fixture *f, uint32_t host, uint16_t port)
{
	struct frame sip = from_client(0, 0, 0);

	sip.protocol = IPPROTO_UDP;
	sip.src = host;
	sip.sport = port;
	sip.dport = 5060;
	rte_pktmbuf_free(fixture_send(f, &sip, FIXTURE_WAN));
}

static void sip_is_told_of_once_and_left_alone(void **state)
{
	static const char text[] = "REGISTER sip:198.51.100.10 SIP/2.0\r\nContact: 198.18.0.7\r\n";
	struct fixture *f = *state;
	struct dp_event event;
	unsigned n_told = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct frame sip = from_client(0, 0, 0);
		struct rte_mbuf *m;

		sip.protocol = IPPROTO_UDP;
		sip.sport = (uint16_t)(5060 + i);
		sip.dport = 5060;
		m = say(f, &sip, text);
		assert_non_null(m);
		assert_true(frame_is_sound(m));
		assert_memory_equal(
			(struct rte_udp_hdr *)(packet_ip4(m) + 1) + 1, text, sizeof(text) - 1);
		rte_pktmbuf_free(m);
		f->w->now_sec += 120; // more than a minute apart
	}
	while (dataplane_event_next(f->dp, &event)) {
		n_told += event.kind == DP_EVENT_SIP;
		assert_int_equal(event.interface, FIXTURE_LAN);
	}
	assert_int_equal(n_told, 1);
	assert_int_equal(fixture_counter(f, COUNTER_SIP_SEEN), 3);
}

// As after the router's start.
static void phones_that_begin_together_are_told_of_each(void **state)
{
	struct fixture *f = *state;

	begin_sip(f, FIXTURE_PC, 5060);
	begin_sip(f, FIXTURE_PC2, 5060);
	begin_sip(f, FIXTURE_PC, 5061);
	assert_int_equal(sip_events(f), 2);
}

static void invented_phones_are_told_of_so_often(void **state)
{
	struct fixture *f = *state;

	for (uint16_t i = 0; i < 4 * SIP_TOLD_HOSTS; i++) {
		begin_sip(f, IP(198, 18, i >> 7, 10 + i % 128), 5060);
		if (i % 64 == 0)
			assert_true(sip_events(f) <= 64);
	}
	f->w->counters[COUNTER_SIP_SEEN] = 0;
	sip_events(f);
	for (uint16_t i = 0; i < 4 * SIP_TOLD_HOSTS; i++)
		begin_sip(f, IP(198, 18, 8 + (i >> 7), 10 + i % 128), 5060);
	assert_int_equal(fixture_counter(f, COUNTER_SIP_SEEN), 4 * SIP_TOLD_HOSTS);
	assert_in_range(sip_events(f), 0, SIP_TOLD_HOSTS / 8);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(sip_is_told_of_once_and_left_alone),
		NAT(phones_that_begin_together_are_told_of_each),
		NAT(invented_phones_are_told_of_so_often),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
