// SPDX-License-Identifier: BSD-3-Clause
// Resolvers that uplinks were told of: in the order of their uplinks, and told on when they change.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/learned_dns.h"
#include "tests/unit/text_addr.h"

static unsigned n_told;

static void on_change(void *ctx)
{
	n_told++;
}

static struct learned_dns_entry entry_of(const char *interface, uint32_t rank, const char *server)
{
	struct learned_dns_entry entry = {.by = "dhcp4", .rank = rank, .n_servers = 1};

	strcpy(entry.interface, interface);
	entry.servers[0] = address(server);
	return entry;
}

static void the_uplink_of_the_lowest_rank_is_first(void **state)
{
	struct learned_dns learned = {0};
	struct learned_dns_entry wan = entry_of("wan", 110, "198.51.100.53");
	struct learned_dns_entry lte = entry_of("lte", 100, "198.51.100.54");

	assert_int_equal(learned_dns_set(&learned, &wan), 0);
	assert_int_equal(learned_dns_set(&learned, &lte), 0);
	assert_string_equal(learned.list[0]->interface, "lte");
	wan.rank = 90;
	assert_int_equal(learned_dns_set(&learned, &wan), 0);
	assert_int_equal(learned.n, 2);
	assert_string_equal(learned.list[0]->interface, "wan");
	learned_dns_fini(&learned);
}

static void listeners_hear_of_what_is_different_alone(void **state)
{
	struct learned_dns learned = {0};
	struct learned_dns_entry wan = entry_of("wan", 100, "198.51.100.53");

	n_told = 0;
	assert_int_equal(learned_dns_listen(&learned, on_change, NULL), 0);
	learned_dns_set(&learned, &wan);
	learned_dns_set(&learned, &wan);
	assert_int_equal(n_told, 1);
	strcpy(wan.domains[wan.n_domains++], "home.example");
	learned_dns_set(&learned, &wan);
	assert_int_equal(n_told, 2);
	wan.n_domains = wan.n_servers = 0;
	learned_dns_set(&learned, &wan); // nothing any more
	assert_int_equal(n_told, 3);
	assert_int_equal(learned.n, 0);
	learned_dns_forget(&learned, "wan", "dhcp4");
	assert_int_equal(n_told, 3);
}

static void who_decides_about_uplinks_goes_before_what_was_told(void **state)
{
	struct learned_dns learned = {0};
	struct learned_dns_entry wan = entry_of("wan", 100, "198.51.100.53");
	struct learned_dns_entry lte = entry_of("lte", 110, "198.51.100.54");

	n_told = 0;
	learned_dns_set(&learned, &wan);
	learned_dns_set(&learned, &lte);
	learned_dns_listen(&learned, on_change, NULL);
	assert_int_equal(learned_dns_rank(&learned, "wan", 1000), 0);
	assert_int_equal(learned_dns_rank(&learned, "lte", 1), 0);
	assert_string_equal(learned.list[0]->interface, "lte");
	assert_int_equal(n_told, 2);
	learned_dns_rank(&learned, "lte", 1);
	assert_int_equal(n_told, 2); // nothing new
	wan.servers[0] = address("198.51.100.55");
	learned_dns_set(&learned, &wan); // a renewal does not put it first
	assert_string_equal(learned.list[0]->interface, "lte");
	n_told = 0;
	learned_dns_set(&learned, &wan);
	assert_int_equal(n_told, 0);
	learned_dns_rank(&learned, "wan", LEARNED_DNS_AS_TOLD);
	learned_dns_rank(&learned, "lte", LEARNED_DNS_AS_TOLD);
	assert_string_equal(learned.list[0]->interface, "wan");
	assert_int_equal(learned.n_ranks, 0);
	learned_dns_fini(&learned);
}

static void it_is_bounded(void **state)
{
	struct learned_dns learned = {0};
	char name[8];
	int rc = 0;

	for (unsigned i = 0; i <= LEARNED_DNS_MAX; i++) {
		struct learned_dns_entry entry;

		snprintf(name, sizeof(name), "i%u", i);
		entry = entry_of(name, i, "198.51.100.53");
		rc = learned_dns_set(&learned, &entry);
		assert_int_equal(rc == 0, i < LEARNED_DNS_MAX);
	}
	assert_int_equal(learned.n, LEARNED_DNS_MAX);
	learned_dns_fini(&learned);
}

static void servers_of_an_uplink_are_known_as_its_own(void **state)
{
	struct learned_dns learned = {0};
	struct learned_dns_entry wan = entry_of("wan", 100, "198.51.100.53");

	learned_dns_listen(&learned, on_change, NULL);
	learned_dns_set(&learned, &wan);
	assert_false(learned.list[0]->is_of_uplink);
	n_told = 0;
	learned_dns_rank(&learned, "wan", 100); // the rank that it had
	assert_true(learned.list[0]->is_of_uplink);
	assert_int_equal(n_told, 1);
	learned_dns_rank(&learned, "wan", 100);
	assert_int_equal(n_told, 1);
	wan = entry_of("wan", 100, "198.51.100.54");
	learned_dns_set(&learned, &wan);
	assert_true(learned.list[0]->is_of_uplink);
	learned_dns_rank(&learned, "wan", LEARNED_DNS_AS_TOLD);
	assert_false(learned.list[0]->is_of_uplink);
	learned_dns_fini(&learned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_uplink_of_the_lowest_rank_is_first),
		cmocka_unit_test(listeners_hear_of_what_is_different_alone),
		cmocka_unit_test(who_decides_about_uplinks_goes_before_what_was_told),
		cmocka_unit_test(servers_of_an_uplink_are_known_as_its_own),
		cmocka_unit_test(it_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
