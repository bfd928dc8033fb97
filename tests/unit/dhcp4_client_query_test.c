// SPDX-License-Identifier: BSD-3-Clause
// Who the client says that it is.
#include "tests/unit/dhcp4_client_fixture.h"

static void identity_is_as_the_config_says(void **state)
{
	static const struct cfg_dhcp4 rich = {.client_id = "duid",
		.hostname = "house",
		.vendor_class = "sagem",
		.user_class = "+FSVDSL",
		.vendor_info = "3561:0102",
		.request = {90, 3},
		.n_request = 2};
	static const struct {
		const char *text;
		size_t n;
		uint8_t bytes[16];
	} ids[] = {
		{"mac", 7, {1, 2, 0, 0x5e, 0, 0x53, 1}},
		{"none", 0, {0}},
		{"hex:ff:00:0a", 3, {0xff, 0, 10}},
		{"me", 3, {0, 'm', 'e'}},
		{"duid", 15, {255, 0x5e, 0, 0x53, 1, 0, 3, 0, 1, 2, 0, 0x5e, 0, 0x53, 1}},
	};
	const uint8_t *at;
	size_t n;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		make(&(struct cfg_dhcp4){.client_id = ids[i].text}, NULL);
		up();
		pass();
		at = dhcp4_get(&said, DHCP4_OPTION_CLIENT_ID, &n);
		assert_int_equal(n, ids[i].n);
		if (n > 0)
			assert_memory_equal(at, ids[i].bytes, n);
	}
	make(&rich, NULL);
	up();
	pass();
	at = dhcp4_get(&said, DHCP4_OPTION_HOST_NAME, &n);
	assert_memory_equal(at, "house", n);
	at = dhcp4_get(&said, DHCP4_OPTION_VENDOR_CLASS, &n);
	assert_memory_equal(at, "sagem", n);
	at = dhcp4_get(&said, DHCP4_OPTION_USER_CLASS, &n);
	assert_int_equal(n, 8);
	assert_memory_equal(at, "\7+FSVDSL", n);
	at = dhcp4_get(&said, 125, &n);
	assert_int_equal(n, 7);
	assert_memory_equal(at, "\0\0\x0d\xe9\2\1\2", n);
	at = dhcp4_get(&said, DHCP4_OPTION_PARAMETERS, &n);
	assert_int_equal(at[n - 1], 90); // and 3 not twice
	assert_ptr_equal(memrchr(at, 3, n), memchr(at, 3, n));
	assert_true((const uint8_t *)memchr(at, 121, n) < (const uint8_t *)memchr(at, 3, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_is_as_the_config_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
