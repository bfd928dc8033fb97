// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ways.h"

#include "tests/unit/hygiene_fixture.h"

static uint16_t look_up(const struct packet *p, bool is_source)
{
	if (p->kind == PACKET_IP6) {
		const struct rte_ipv6_hdr *ip = packet_ip6(p->m);

		return fib_lookup6(&fib, is_source ? ip->src_addr : ip->dst_addr);
	} else {
		const struct rte_ipv4_hdr *ip = packet_ip4(p->m);

		return fib_lookup4(&fib, is_source ? ip->src_addr : ip->dst_addr);
	}
}

static void each_of_a_burst_gets_what_both_its_ends_are_looked_up_as(void **state)
{
	static const char *const places[][12] = {
		{"10.1.0.1", "10.1.0.7", "10.1.0.255", "10.50.3.4", "10.99.0.7", "8.8.8.8",
			"127.0.0.1", "172.17.0.9", "192.31.196.7", "198.51.100.7", "203.0.113.9",
			"224.0.0.1"},
		{"fd00:1::1", "fd00:1::7", "fd00:99::7", "2620:4f:8000::2", "2620:4f:8000::7",
			"2001:db8:1::9", "2001:db8:f::9", "2a00::1", "fe80::9", "ff02::1", "::1",
			"fd00:2::2"},
	};
	const unsigned n_places = RTE_DIM(places[0]);

	for (unsigned family = 0; family < 2; family++)
		for (unsigned n = 1; n <= BURST; n++) {
			struct packet packets[BURST], *list[BURST];

			for (unsigned i = 0; i < n; i++) {
				const struct probe probe = {
					.src = places[family][(i * 5 + n) % n_places],
					.dst = places[family][(i * 7 + n / 3) % n_places],
				};

				list[i] = &packets[i];
				build(list[i], &probe, LAN);
				list[i]->way = list[i]->way_back = 0xdead;
			}
			ways_find(&worker, list, n, family == 1);
			for (unsigned i = 0; i < n; i++) {
				assert_int_equal(list[i]->way, look_up(list[i], false));
				assert_int_equal(list[i]->way_back, look_up(list[i], true));
				rte_pktmbuf_free(list[i]->m);
			}
		}
}

static void one_alone_is_looked_up_by_its_family(void **state)
{
	const struct probe probes[] = {{.src = "10.1.0.7", .dst = "192.31.196.7"},
		{.src = "2620:4f:8000::7", .dst = "fd00:99::7"}};
	const uint16_t expected[][2] = {{VIA_LTE, NEXTHOP_CONNECTED_BASE + LAN},
		{VIA_NET_TOO, NEXTHOP_CONNECTED_BASE + NET}};

	for (unsigned i = 0; i < RTE_DIM(probes); i++) {
		struct packet p;

		build(&p, &probes[i], LAN);
		p.way = p.way_back = 0xdead;
		ways_find_one(&worker, &p);
		assert_int_equal(p.way, expected[i][0]);
		assert_int_equal(p.way_back, expected[i][1]);
		rte_pktmbuf_free(p.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_of_a_burst_gets_what_both_its_ends_are_looked_up_as),
		TEST(one_alone_is_looked_up_by_its_family),
	};

	return cmocka_run_group_tests(tests, world_start, NULL);
}
