// SPDX-License-Identifier: BSD-3-Clause
// DHCPv4 messages there and back; options in pieces and in the fields of others; what is broken.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "control/dhcp/dhcp4_message.h"

enum { HEADER = 236, OPTIONS = 240, FILE_AT = 108, SNAME_AT = 44 };

// A message with these options behind the cookie. Returns its length.
static size_t make(uint8_t *out, const char *options, size_t n)
{
	memset(out, 0, OPTIONS);
	out[0] = DHCP4_OP_REQUEST;
	out[1] = DHCP4_HTYPE_ETHERNET;
	out[2] = 6;
	memcpy(out + 4, "\x12\x34\x56\x78", 4);
	memcpy(out + 28, "\x02\x00\x5e\x00\x53\x01", 6);
	memcpy(out + HEADER, "\x63\x82\x53\x63", 4);
	memcpy(out + OPTIONS, options, n);
	return OPTIONS + n;
}

#define MAKE(out, options) make(out, options, sizeof(options) - 1)

static void a_message_is_read(void **state)
{
	uint8_t bytes[DHCP4_BYTES_MAX];
	struct dhcp4_message message;
	const uint8_t *at;
	char text[8];
	size_t n = MAKE(bytes, "\x35\x01\x01\x0c\x05"
			       "ab\x07"
			       "de\xe0\x00\x32\x04\xc6\x12\x00\x07\xff"),
	       len;
	uint32_t address;

	assert_true(dhcp4_parse(&message, bytes, n));
	assert_int_equal(message.xid, 0x12345678);
	assert_int_equal(message.chaddr[5], 1);
	assert_int_equal(dhcp4_type_of(&message), DHCP4_DISCOVER);
	assert_true(dhcp4_get_u32(&message, DHCP4_OPTION_REQUESTED_ADDRESS, &address));
	assert_int_equal(address, 0xc6120007);
	assert_int_equal(dhcp4_get_text(&message, DHCP4_OPTION_HOST_NAME, text, sizeof(text)), 5);
	assert_string_equal(text, "ab?de");
	assert_int_equal(dhcp4_get_text(&message, DHCP4_OPTION_HOST_NAME, text, 3), 2);
	assert_string_equal(text, "ab");
	at = dhcp4_get(&message, 0xe0, &len); // nobody knows it
	assert_non_null(at);
	assert_int_equal(len, 0);
	assert_null(dhcp4_get(&message, DHCP4_OPTION_DNS, &len));
	assert_false(dhcp4_get_u8(&message, DHCP4_OPTION_REQUESTED_ADDRESS, &(uint8_t){0}));
}

static void pieces_of_an_option_are_one(void **state)
{
	uint8_t bytes[DHCP4_BYTES_MAX];
	struct dhcp4_message message;
	const uint8_t *at;
	size_t len, n;

	// RFC 3396 section 5: options, then file, then sname
	n = MAKE(bytes, "\x43\x02"
			"ab\x34\x01\x03\x43\x01"
			"c\xff");
	memcpy(bytes + FILE_AT,
		"\x43\x02"
		"de\xff",
		5);
	memcpy(bytes + SNAME_AT,
		"\x43\x01"
		"f\x0c\x01"
		"h\xff",
		7);
	assert_true(dhcp4_parse(&message, bytes, n));
	at = dhcp4_get(&message, DHCP4_OPTION_BOOT_FILE, &len);
	assert_int_equal(len, 6);
	assert_memory_equal(at, "abcdef", 6);
	at = dhcp4_get(&message, DHCP4_OPTION_HOST_NAME, &len);
	assert_int_equal(len, 1);
	assert_int_equal(*at, 'h');
	assert_int_equal(message.file[0], 0); // no file name: they were options
	assert_int_equal(message.sname[0], 0);
}

static void broken_messages_are_refused(void **state)
{
	uint8_t bytes[DHCP4_BYTES_MAX + 1];
	struct dhcp4_message message;
	size_t n = MAKE(bytes, "\x35\x01\x01\xff");

	for (size_t cut = 0; cut < OPTIONS; cut++)
		assert_false(dhcp4_parse(&message, bytes, cut));
	assert_true(dhcp4_parse(&message, bytes, OPTIONS)); // BOOTP, perhaps
	assert_int_equal(dhcp4_type_of(&message), DHCP4_NONE);
	assert_true(dhcp4_parse(&message, bytes, n - 1));  // without its end option
	assert_false(dhcp4_parse(&message, bytes, n - 2)); // an option without its value
	assert_false(dhcp4_parse(&message, bytes, n - 3)); // or without its length
	bytes[2] = 17;
	assert_false(dhcp4_parse(&message, bytes, n));
	bytes[2] = 6;
	bytes[HEADER]++;
	assert_false(dhcp4_parse(&message, bytes, n));
	memset(bytes, 0, sizeof(bytes));
	MAKE(bytes, "\x35\x01\x01\xff");
	assert_true(dhcp4_parse(&message, bytes, DHCP4_BYTES_MAX));
	assert_false(dhcp4_parse(&message, bytes, DHCP4_BYTES_MAX + 1));
	n = MAKE(bytes, "\x34\x01\x01\xff");
	memcpy(bytes + FILE_AT + 126, "\x0c\x01", 2); // beyond the end of its field
	assert_false(dhcp4_parse(&message, bytes, n));
	n = MAKE(bytes, "\x35\x01\x09\xff");
	assert_true(dhcp4_parse(&message, bytes, n));
	assert_int_equal(dhcp4_type_of(&message), DHCP4_NONE);
}

static void what_is_written_is_read_again(void **state)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REPLY,
				     .htype = 1,
				     .hlen = 6,
				     .xid = 7,
				     .yiaddr = 0xc6120064,
				     .flags = DHCP4_FLAG_BROADCAST},
			     again;
	uint8_t bytes[DHCP4_BYTES_MAX], large[600];
	unsigned n_left_out;
	const uint8_t *at;
	size_t n, len;
	uint16_t mtu;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)i;
	assert_true(dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, DHCP4_OFFER));
	assert_true(dhcp4_put_u16(&message, DHCP4_OPTION_MTU, 1400));
	assert_true(dhcp4_put(&message, DHCP4_OPTION_ROUTES, large, sizeof(large)));
	assert_true(dhcp4_put(&message, DHCP4_OPTION_RAPID_COMMIT, NULL, 0));
	assert_true(dhcp4_put_u16(&message, DHCP4_OPTION_MTU, 1480)); // another, in its place
	n = dhcp4_write(&message, bytes, sizeof(bytes), &n_left_out);
	assert_int_equal(n_left_out, 0);
	assert_true(dhcp4_parse(&again, bytes, n));
	assert_int_equal(again.yiaddr, 0xc6120064);
	assert_int_equal(again.flags, DHCP4_FLAG_BROADCAST);
	assert_int_equal(dhcp4_type_of(&again), DHCP4_OFFER);
	assert_true(dhcp4_get_u16(&again, DHCP4_OPTION_MTU, &mtu));
	assert_int_equal(mtu, 1480);
	at = dhcp4_get(&again, DHCP4_OPTION_ROUTES, &len);
	assert_int_equal(len, sizeof(large));
	assert_memory_equal(at, large, len);
	assert_true(dhcp4_has(&again, DHCP4_OPTION_RAPID_COMMIT));
	assert_false(dhcp4_has(&again, DHCP4_OPTION_OVERLOAD));
	assert_int_equal(again.n_options, message.n_options);
}

static void short_messages_are_padded(void **state)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REPLY};
	uint8_t bytes[DHCP4_BYTES_MAX];

	memset(bytes, 0xee, sizeof(bytes));
	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, DHCP4_NAK);
	assert_int_equal(dhcp4_write(&message, bytes, sizeof(bytes), NULL), DHCP4_BYTES_MIN);
	assert_int_equal(bytes[DHCP4_BYTES_MIN - 1], 0);
	assert_int_equal(dhcp4_write(&message, bytes, 243, NULL), 0);
}

static void what_does_not_fit_goes_elsewhere_or_is_left_out(void **state)
{
	struct dhcp4_message message = {.op = DHCP4_OP_REPLY}, again;
	uint8_t bytes[DHCP4_BYTES_MAX], value[200] = {1, 2, 3};
	unsigned n_left_out;
	size_t n;

	dhcp4_put_u8(&message, DHCP4_OPTION_MESSAGE_TYPE, DHCP4_OFFER);
	dhcp4_put(&message, 200, value, 200);
	dhcp4_put(&message, 201, value, 120); // fits into file
	dhcp4_put(&message, 202, value, 60);  // and this into sname
	dhcp4_put(&message, 203, value, 200); // nowhere
	dhcp4_put(&message, 204, value, 1);
	n = dhcp4_write(&message, bytes, 240 + 220, &n_left_out);
	assert_in_range(n, 1, 240 + 220);
	assert_int_equal(n_left_out, 1);
	assert_true(dhcp4_parse(&again, bytes, n));
	assert_true(dhcp4_has(&again, 200));
	assert_true(dhcp4_has(&again, 201));
	assert_true(dhcp4_has(&again, 202));
	assert_false(dhcp4_has(&again, 203));
	assert_true(dhcp4_has(&again, 204));
	memcpy(message.file, "boot", 4); // is needed, so nothing else goes there
	n = dhcp4_write(&message, bytes, 240 + 220, &n_left_out);
	assert_int_equal(n_left_out, 2);
	assert_true(dhcp4_parse(&again, bytes, n));
	assert_memory_equal(again.file, "boot", 5);
}

static void a_message_has_no_room_for_more_than_its_bytes(void **state)
{
	struct dhcp4_message message = {0};
	uint8_t value[1000] = {0};

	assert_true(dhcp4_put(&message, 1, value, 1000));
	assert_false(dhcp4_put(&message, 2, value, 501));
	assert_false(dhcp4_has(&message, 2));
	assert_true(dhcp4_put(&message, 2, value, 500));
	assert_false(dhcp4_put(&message, DHCP4_OPTION_END, value, 0));
	assert_false(dhcp4_put(&message, DHCP4_OPTION_PAD, value, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_read),
		cmocka_unit_test(pieces_of_an_option_are_one),
		cmocka_unit_test(broken_messages_are_refused),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(short_messages_are_padded),
		cmocka_unit_test(what_does_not_fit_goes_elsewhere_or_is_left_out),
		cmocka_unit_test(a_message_has_no_room_for_more_than_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
