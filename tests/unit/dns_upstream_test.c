// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "control/dns/client_rate.h"
#include "control/dns/dns_stats.h"
#include "control/dns/upstream.h"

// --- rate ---

static struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_addr_parse(text, &out), 0);
	return out;
}

static void a_client_gets_its_rate_and_half_of_the_rest_is_cut(void **state)
{
	struct client_rate *rate = client_rate_new();
	struct ip_addr client = addr("198.18.0.7"), other = addr("198.18.0.8");
	unsigned seen[3] = {0};

	for (int i = 0; i < 30; i++)
		seen[client_rate_take(rate, &client, 10, 5000)]++;
	assert_int_equal(seen[CLIENT_RATE_ANSWER], 10);
	assert_int_equal(seen[CLIENT_RATE_CUT], 10);
	assert_int_equal(seen[CLIENT_RATE_DROP], 10);
	assert_int_equal(client_rate_take(rate, &other, 10, 5000), CLIENT_RATE_ANSWER);
	// a tenth of a second later there is one more
	assert_int_equal(client_rate_take(rate, &client, 10, 5100), CLIENT_RATE_ANSWER);
	assert_int_not_equal(client_rate_take(rate, &client, 10, 5100), CLIENT_RATE_ANSWER);
	assert_int_equal(client_rate_take(rate, &client, 0, 5100), CLIENT_RATE_ANSWER);
	client_rate_free(rate);
}

static void addresses_of_one_site_share_a_rate(void **state)
{
	struct client_rate *rate = client_rate_new();
	struct ip_addr a = addr("2001:db8:1:200::1"), b = addr("2001:db8:1:2ff:9::1"),
		       c = addr("2001:db8:1:300::1");

	assert_int_equal(client_rate_take(rate, &a, 1, 0), CLIENT_RATE_ANSWER);
	assert_int_not_equal(client_rate_take(rate, &b, 1, 0), CLIENT_RATE_ANSWER);
	assert_int_equal(client_rate_take(rate, &c, 1, 0), CLIENT_RATE_ANSWER);
	client_rate_free(rate);
}

// --- upstreams ---

static struct upstream_group group_of(unsigned n)
{
	struct upstream_group group = {.n = n};

	return group;
}

static void the_quick_and_healthy_come_first(void **state)
{
	struct upstream_group group = group_of(3);
	struct upstream *order[UPSTREAM_MAX];

	upstream_note_answer(&group.list[0], 30000);
	upstream_note_answer(&group.list[1], 10000);
	upstream_note_answer(&group.list[2], 20000);
	upstream_order(&group, order);
	assert_ptr_equal(order[0], &group.list[1]);
	assert_ptr_equal(order[1], &group.list[2]);
	assert_ptr_equal(order[2], &group.list[0]);
	upstream_note_failure(&group.list[1]);
	upstream_order(&group, order);
	assert_ptr_equal(order[0], &group.list[2]);
	assert_ptr_equal(order[2], &group.list[1]);
	// one answer, and it is what it was
	upstream_note_answer(&group.list[1], 10000);
	upstream_order(&group, order);
	assert_ptr_equal(order[0], &group.list[1]);
}

static void each_is_asked_first_now_and_then(void **state)
{
	struct upstream_group group = group_of(3);
	struct upstream *order[UPSTREAM_MAX];
	unsigned first[3] = {0};

	upstream_note_answer(&group.list[0], 10000);
	for (int i = 0; i < 24; i++)
		upstream_note_failure(&group.list[1]);
	for (int i = 0; i < 96; i++) {
		upstream_order(&group, order);
		first[order[0] - group.list]++;
	}
	// but for who fails, which is probed instead
	assert_int_equal(first[0], 93);
	assert_int_equal(first[1], 0);
	assert_int_equal(first[2], 3);
}

static void who_fails_is_not_waited_for(void **state)
{
	struct upstream upstream = {0};
	uint32_t patience;

	upstream_note_answer(&upstream, 60000);
	patience = upstream_patience_us(&upstream);
	assert_true(patience >= 120000 && patience <= 250000);
	upstream_note_silence(&upstream, 200000);
	assert_true(upstream_patience_us(&upstream) < patience);
	assert_int_equal(upstream.counts.silent, 1);
}

// --- counts ---

static void times_are_told_by_the_bound_above_them(void **state)
{
	struct dns_times times = {0};

	for (int i = 0; i < 990; i++)
		dns_stats_time(&times, 3);
	for (int i = 0; i < 10; i++)
		dns_stats_time(&times, 1000);
	assert_int_equal(dns_times_at(&times, 500), 4);
	assert_int_equal(dns_times_at(&times, 990), 4);
	assert_int_equal(dns_times_at(&times, 999), 1024);
	assert_int_equal(times.sum_us, 990 * 3 + 10000);
}

static void who_asks_most_is_known_among_many(void **state)
{
	static struct dns_stats stats;
	struct ip_addr busy = addr("198.18.0.7"), one = addr("198.19.0.0");
	uint64_t most = 0;

	dns_stats_init(&stats);
	for (unsigned i = 0; i < 10000; i++) {
		one.v4[2] = (uint8_t)(i >> 8);
		one.v4[3] = (uint8_t)i;
		dns_stats_query(&stats, DNS_A, &one);
		dns_stats_query(&stats, DNS_AAAA, &busy);
	}
	for (unsigned i = 0; i < DNS_STATS_CLIENTS; i++)
		if (ip_addr_equal(&stats.clients[i].addr, &busy))
			most = stats.clients[i].queries;
	assert_in_range(most, 9900, 10100);
	assert_int_equal(stats.types[0].n, 10000);
	dns_stats_fini(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_gets_its_rate_and_half_of_the_rest_is_cut),
		cmocka_unit_test(addresses_of_one_site_share_a_rate),
		cmocka_unit_test(the_quick_and_healthy_come_first),
		cmocka_unit_test(each_is_asked_first_now_and_then),
		cmocka_unit_test(who_fails_is_not_waited_for),
		cmocka_unit_test(times_are_told_by_the_bound_above_them),
		cmocka_unit_test(who_asks_most_is_known_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
