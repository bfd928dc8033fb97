// SPDX-License-Identifier: BSD-3-Clause
// Names of hosts with a lease: what becomes a label, and whose it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/dhcp/lease_names.h"

struct heard {
	char text[256]; // "+laptop -laptop "
};

static void on_added(void *ctx, const struct lease_name *name)
{
	struct heard *heard = ctx;
	size_t n = strlen(heard->text);

	snprintf(heard->text + n, sizeof(heard->text) - n, "+%s.%s/%u ", name->label, name->domain,
		name->left_sec);
}

static void on_removed(void *ctx, const char *label, const struct ip_addr *address)
{
	struct heard *heard = ctx;
	size_t n = strlen(heard->text);

	snprintf(heard->text + n, sizeof(heard->text) - n, "-%s/%u ", label, address->v4[3]);
}

static const struct lease_names_ops ops = {on_added, on_removed};

static struct lease_names *make(struct heard *heard)
{
	struct lease_names *names = lease_names_new();

	assert_non_null(names);
	lease_names_listen(names, &ops, heard);
	return names;
}

static struct ip_addr host(uint8_t number)
{
	return (struct ip_addr){.v4 = {198, 18, 0, number}, .family = IP_V4};
}

static void names_become_labels(void **state)
{
	static const struct {
		const char *said, *label; // NULL: none
	} rows[] = {
		{"laptop", "laptop"},
		{"LapTop", "laptop"},
		{"John's Mac", "john-s-mac"},
		{"a.example", "a"},
		{"--a--b--", "a-b"},
		{"tv_2", "tv-2"},
		{"", NULL},
		{".", NULL},
		{"***", NULL},
		{"localhost", NULL},
		{"WPAD", NULL},
		{"isatap", NULL},
	};
	char label[LEASE_NAME_BYTES], large[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(lease_names_label(rows[i].said, label), rows[i].label != NULL);
		if (rows[i].label != NULL)
			assert_string_equal(label, rows[i].label);
	}
	memset(large, 'a', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_true(lease_names_label(large, label));
	assert_int_equal(strlen(label), 63); // RFC 1035 section 2.3.4
}

static void a_name_is_the_first_ones_that_said_it(void **state)
{
	struct heard heard = {0};
	struct lease_names *names = make(&heard);
	struct ip_addr a = host(1), b = host(2), found;

	assert_true(lease_names_set(names, &a, "Laptop", "home.example", 60));
	assert_false(lease_names_set(names, &b, "laptop", "home.example", 60));
	assert_string_equal(heard.text, "+laptop.home.example/60 ");
	assert_true(lease_names_find(names, "LAPTOP", &found));
	assert_true(ip_addr_equal(&found, &a));
	assert_false(lease_names_find(names, "lap top", &found));
	assert_null(lease_names_of(names, &b));
	assert_string_equal(lease_names_of(names, &a), "laptop");
	lease_names_remove(names, &a);
	assert_true(lease_names_set(names, &b, "laptop", "", 5));
	assert_string_equal(heard.text, "+laptop.home.example/60 -laptop/1 +laptop./5 ");
	assert_int_equal(lease_names_count(names), 1);
	lease_names_free(names);
}

static void a_host_may_change_its_name(void **state)
{
	struct heard heard = {0};
	struct lease_names *names = make(&heard);
	struct ip_addr a = host(1), found;

	assert_true(lease_names_set(names, &a, "one", "", 1));
	assert_true(lease_names_set(names, &a, "one", "", 2)); // renewed
	assert_true(lease_names_set(names, &a, "two", "", 3));
	assert_false(lease_names_set(names, &a, "", "", 4));
	assert_string_equal(heard.text, "+one./1 +one./2 -one/1 +two./3 -two/1 ");
	assert_false(lease_names_find(names, "one", &found));
	assert_int_equal(lease_names_count(names), 0);
	lease_names_free(names);
}

static void who_listens_later_hears_what_there_is(void **state)
{
	struct heard heard = {0};
	struct lease_names *names = lease_names_new();
	struct ip_addr a = host(1);

	assert_true(lease_names_set(names, &a, "one", "home.example", 9));
	lease_names_listen(names, &ops, &heard);
	assert_string_equal(heard.text, "+one.home.example/0 ");
	lease_names_listen(names, NULL, NULL);
	lease_names_remove(names, &a);
	assert_string_equal(heard.text, "+one.home.example/0 ");
	lease_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_labels),
		cmocka_unit_test(a_name_is_the_first_ones_that_said_it),
		cmocka_unit_test(a_host_may_change_its_name),
		cmocka_unit_test(who_listens_later_hears_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
