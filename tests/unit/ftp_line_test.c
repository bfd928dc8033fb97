// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/ftp_line.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { COMMAND = false, REPLY = true };

static const struct {
	bool is_reply;
	const char *line;
	enum ftp_kind kind;
	const char *addr; // NULL: none
	uint16_t port;
	const char *text; // where they stand
} lines[] = {
	{COMMAND, "PORT 198,18,0,11,19,137\r\n", FTP_PORT, "198.18.0.11", 5001,
		"198,18,0,11,19,137"},
	{COMMAND, "port  1,2,3,4,0,1 \n", FTP_PORT, "1.2.3.4", 1, "1,2,3,4,0,1"},
	{COMMAND, "PORT 198,18,0,11,19\r\n", FTP_MALFORMED},
	{COMMAND, "PORT 198,18,0,256,19,137\r\n", FTP_MALFORMED},
	{COMMAND, "PORT 198,18,0,0000011,19,137\r\n", FTP_MALFORMED},
	{COMMAND, "PORT 198,18,0,11,19,137,1\r\n", FTP_MALFORMED},
	{COMMAND, "PORT 198,18,0,11,19,-1\r\n", FTP_MALFORMED},
	{COMMAND, "PORT\r\n", FTP_MALFORMED},
	{COMMAND, "PORTAL 198,18,0,11,19,137\r\n", FTP_OTHER},
	{COMMAND, "XPORT 198,18,0,11,19,137\r\n", FTP_OTHER},
	{COMMAND, " PORT 198,18,0,11,19,137\r\n", FTP_OTHER},
	{COMMAND, "STOR PORT 198,18,0,11,19,137\r\n", FTP_OTHER},
	{COMMAND, "EPRT |1|198.18.0.11|5001|\r\n", FTP_EPRT, "198.18.0.11", 5001,
		"|1|198.18.0.11|5001|"},
	{COMMAND, "eprt !2!2001:db8::11!65535!\r\n", FTP_EPRT, "2001:db8::11", 65535,
		"!2!2001:db8::11!65535!"},
	{COMMAND, "EPRT |2|198.18.0.11|5001|\r\n", FTP_MALFORMED},
	{COMMAND, "EPRT |0|198.18.0.11|5001|\r\n", FTP_MALFORMED},
	{COMMAND, "EPRT |1|198.18.0.11|65536|\r\n", FTP_MALFORMED},
	{COMMAND, "EPRT |1|198.18.0.11|5001!\r\n", FTP_MALFORMED},
	{COMMAND, "EPRT 111198.18.0.111500111\r\n", FTP_MALFORMED},
	{COMMAND, "EPRT |1|198.18.0.11|5001|x\r\n", FTP_MALFORMED},
	{COMMAND,
		"EPRT |2|2001:0db8:0000:0000:0000:0000:0000:0011:2001:0db8:0000:0000:0000:0000|1|"
		"\r\n",
		FTP_MALFORMED},
	{COMMAND, "PASV\r\n", FTP_PASV},
	{COMMAND, "epsv 1\r\n", FTP_EPSV},
	{COMMAND, "227 Entering Passive Mode (198,51,100,10,4,1)\r\n", FTP_OTHER},
	{REPLY, "227 Entering Passive Mode (198,51,100,10,4,1).\r\n", FTP_REPLY_PASSIVE,
		"198.51.100.10", 1025, "198,51,100,10,4,1"},
	{REPLY, "227 =198,51,100,10,4,1\r\n", FTP_REPLY_PASSIVE, "198.51.100.10", 1025,
		"198,51,100,10,4,1"},
	{REPLY, "227-198,51,100,10,4,1\r\n", FTP_OTHER},
	{REPLY, "227 Entering Passive Mode\r\n", FTP_MALFORMED},
	{REPLY, "229 Extended Passive Mode (|||40000|)\r\n", FTP_REPLY_EXTENDED_PASSIVE, NULL,
		40000, "|||40000|"},
	{REPLY, "229 (|1|198.51.100.10|40000|)\r\n", FTP_MALFORMED},
	{REPLY, "229 |||40000|\r\n", FTP_MALFORMED},
	{REPLY, "234 go ahead\r\n", FTP_REPLY_SECURED},
	{REPLY, "PORT 198,18,0,11,19,137\r\n", FTP_OTHER},
	{REPLY, "220 227 ready\r\n", FTP_OTHER},
	{REPLY, "227", FTP_OTHER},
	{REPLY, "", FTP_OTHER},
};

static struct ftp_line read_text(const char *text, bool is_reply)
{
	return ftp_line_read((const uint8_t *)text, (uint32_t)strlen(text), is_reply);
}

static void lines_are_read_as_the_rfcs_write_them(void **state)
{
	for (unsigned i = 0; i < COUNT(lines); i++) {
		struct ftp_line line = read_text(lines[i].line, lines[i].is_reply);
		char addr[ADDR_STR_BYTES];

		if (line.kind != lines[i].kind)
			fail_msg("%s: kind %d", lines[i].line, line.kind);
		assert_int_equal(line.port, lines[i].port);
		assert_int_equal(line.addr.family != IP_NONE, lines[i].addr != NULL);
		if (lines[i].addr != NULL)
			assert_string_equal(ip_addr_str(&line.addr, addr), lines[i].addr);
		if (lines[i].text == NULL)
			continue;
		assert_int_equal(line.end - line.first, strlen(lines[i].text));
		assert_memory_equal(
			lines[i].line + line.first, lines[i].text, strlen(lines[i].text));
	}
}

static void a_line_cut_short_is_nothing_to_go_by(void **state)
{
	const char *whole = "PORT 198,18,0,11,19,137\r\n";

	for (uint32_t n = 0; n < strlen(whole); n++)
		assert_int_not_equal(
			ftp_line_read((const uint8_t *)whole, n, COMMAND).kind, FTP_PORT);
}

static void a_line_longer_than_any_is_not_read(void **state)
{
	uint8_t line[FTP_LINE_MAX + 1];

	memset(line, ' ', sizeof(line));
	memcpy(line, "PASV", 4);
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(ftp_line_read(line, sizeof(line), COMMAND).kind, FTP_OTHER);
	assert_int_equal(ftp_line_read(line + 1, sizeof(line) - 1, COMMAND).kind, FTP_OTHER);
	memcpy(line + 1, "PASV", 4);
	assert_int_equal(ftp_line_read(line + 1, sizeof(line) - 1, COMMAND).kind, FTP_PASV);
}

static void another_address_is_written_in_the_lines_own_form(void **state)
{
	static const struct {
		bool is_reply;
		const char *line, *addr, *text;
	} rows[] = {
		{COMMAND, "PORT 198,18,0,11,19,137\r\n", "203.0.113.2", "203,0,113,2,255,254"},
		{COMMAND, "EPRT !1!198.18.0.11!5001!\r\n", "203.0.113.2", "|1|203.0.113.2|65534|"},
		{COMMAND, "EPRT |2|2001:db8::11|5001|\r\n",
			"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
			"|2|2001:db8:ffff:ffff:ffff:ffff:ffff:ffff|65534|"},
		{REPLY, "227 (198,51,100,10,4,1)\r\n", "203.0.113.2", "203,0,113,2,255,254"},
		{REPLY, "229 (|||40000|)\r\n", "203.0.113.2", "|||65534|"},
		{COMMAND, "PASV\r\n", "203.0.113.2", ""},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ftp_line line = read_text(rows[i].line, rows[i].is_reply);
		struct ip_addr addr;
		char text[FTP_TEXT_MAX] = "";

		assert_int_equal(ip_addr_parse(rows[i].addr, &addr), 0);
		assert_int_equal(ftp_line_write(&line, &addr, 65534, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
}

static void a_command_has_three_or_four_letters(void **state)
{
	static const struct {
		const char *text;
		bool is_command;
	} rows[] = {
		{"PWD\r\n", true},
		{"quit\n", true},
		{"STOR POST / HTTP/1.1\r\n", true},
		{"\377\364\377\362ABOR\r\n", true},
		{"US", true},
		{"USER", true},
		{"\377", true},
		{"\r\n", false},
		{"CD x\r\n", false},
		{"Host: x\r\n", false},
		{"Host:", false},
		{"HEADS ", false},
		{"HEADS", false},
		{"A1 ", false},
		{" USER x\r\n", false},
		{"\377\364", true},
		{"\026\003", false},
	};

	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_int_equal(ftp_line_is_command((const uint8_t *)rows[i].text,
					 (uint32_t)strlen(rows[i].text)),
			rows[i].is_command);
}

static void a_reply_has_a_code(void **state)
{
	static const struct {
		const char *text;
		unsigned code;
		bool goes_on;
	} rows[] = {
		{"220 hi\r\n", 220, false},
		{"220-hi\r\n", 220, true},
		{"530\r\n", 530, false},
		{"220", 0, false},
		{"22a hi\r\n", 0, false},
		{" 220 hi\r\n", 0, false},
		{"2201 hi\r\n", 0, false},
		{"", 0, false},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		bool goes_on = false;

		assert_int_equal(ftp_line_code((const uint8_t *)rows[i].text,
					 (uint32_t)strlen(rows[i].text), &goes_on),
			rows[i].code);
		assert_int_equal(goes_on, rows[i].goes_on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_three_or_four_letters),
		cmocka_unit_test(a_reply_has_a_code),
		cmocka_unit_test(lines_are_read_as_the_rfcs_write_them),
		cmocka_unit_test(a_line_cut_short_is_nothing_to_go_by),
		cmocka_unit_test(a_line_longer_than_any_is_not_read),
		cmocka_unit_test(another_address_is_written_in_the_lines_own_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
