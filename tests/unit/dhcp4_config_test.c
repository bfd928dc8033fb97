// SPDX-License-Identifier: BSD-3-Clause
// The key `dhcp4` of an interface: what it may say, what it is printed as, and what follows from
// it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfg/config.h"
#include "cfg/hex_text.h"
#include "cfg/print.h"
#include "control/egress.h"

static struct cfg_errors errors;

// With `dhcp4: text` and a line of routes; the caller frees it.
static struct config *read_with(const char *text, const char *rest)
{
	static char whole[2048];

	snprintf(whole, sizeof(whole),
		"ports: {p: {match: {name: eth1}}, q: {match: {name: eth2}}}\n"
		"interfaces:\n  wan: {port: p, dhcp4: %s}\n"
		"  lan: {port: q, addresses: 198.18.0.1/24}\n%s",
		text, rest);
	return config_parse("test.yaml", whole, strlen(whole), &errors);
}

static void must_say(const char *text, const char *rest, const char *message)
{
	struct config *config = read_with(text, rest);

	assert_null(config);
	if (strstr(errors.list[0].text, message) == NULL)
		fail_msg("%s: %s", text, errors.list[0].text);
	cfg_errors_free(&errors);
}

static void yes_is_enough_and_no_is_nothing(void **state)
{
	static const struct {
		const char *text;
		bool is_on;
	} table[] = {{"yes", true}, {"true", true}, {"{}", true}, {"no", false}, {"false", false},
		{"{metric: 5}", true}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct config *config = read_with(table[i].text, "");

		assert_non_null(config);
		assert_int_equal(config->interfaces[0].dhcp4.is_on, table[i].is_on);
		assert_string_equal(config->interfaces[0].dhcp4.client_id, "mac");
		assert_true(config->interfaces[0].dhcp4.uses_routes);
		assert_false(config->interfaces[1].dhcp4.is_on);
		assert_int_equal(egress_is_outside(config, "wan"), table[i].is_on);
		config_free(config);
		cfg_errors_free(&errors);
	}
}

static void it_is_printed_as_it_was_written(void **state)
{
	static const char *const texts[] = {"dhcp4: yes",
		"dhcp4: { client-id: duid, request: [90, 120], metric: 5, use-dns: false }"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *config = read_with(texts[i] + strlen("dhcp4: "), "");
		size_t bytes;
		char *printed;

		assert_non_null(config);
		printed = config_print(config, &bytes);
		if (strstr(printed, texts[i]) == NULL)
			fail_msg("%s", printed);
		free(printed);
		config_free(config);
		cfg_errors_free(&errors);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	must_say("maybe", "", "dhcp4");
	must_say("{client-id: 'hex:0'}", "", "behind `hex:` two or more bytes");
	must_say("{client-id: 'hex:01'}", "", "behind `hex:` two or more bytes");
	must_say("{client-id: 'hex:zz'}", "", "behind `hex:` two or more bytes");
	must_say("{vendor-info: sagem}", "", "an enterprise number and bytes");
	must_say("{vendor-info: '4294967296:00'}", "", "an enterprise number and bytes");
	must_say("{hostname: 'my house'}", "", "a name has letters");
	must_say("{request: 255}", "", "request");
	must_say("{metrik: 5}", "", "unknown key `metrik`");
}

static void a_route_may_lead_to_a_gateway_that_is_not_known_yet(void **state)
{
	struct config *config = read_with(
		"yes", "routes: [{to: 198.51.100.0/24, via: 203.0.113.9, interface: wan}]\n");

	assert_non_null(config);
	config_free(config);
	cfg_errors_free(&errors);
	must_say("no", "routes: [{to: 198.51.100.0/24, via: 203.0.113.9, interface: wan}]\n",
		"in the subnet of no interface");
}

static void bytes_are_pairs_of_digits(void **state)
{
	uint8_t out[4];

	assert_int_equal(hex_text_read("00aaBB", out, sizeof(out)), 3);
	assert_memory_equal(out, "\x00\xaa\xbb", 3);
	assert_int_equal(hex_text_read("1:22", out, sizeof(out)), -1);
	assert_int_equal(hex_text_read("01:22", out, sizeof(out)), 2);
	assert_int_equal(hex_text_read("01:", out, sizeof(out)), -1);
	assert_int_equal(hex_text_read("", out, sizeof(out)), -1);
	assert_int_equal(hex_text_read("0102030405", out, sizeof(out)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yes_is_enough_and_no_is_nothing),
		cmocka_unit_test(it_is_printed_as_it_was_written),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_route_may_lead_to_a_gateway_that_is_not_known_yet),
		cmocka_unit_test(bytes_are_pairs_of_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
