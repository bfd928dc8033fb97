// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dns_local_fixture.h"

static const char blocking[] =
	"  block-lists:\n"
	"    ads: {file: /etc/millrace/ads}\n"
	"    games: {file: /etc/millrace/games}\n"
	"  blocking:\n"
	"    - {clients: [198.18.2.0/24, '2001:db8:2::/48'], lists: [ads, games], answer: zero}\n"
	"    - {clients: 198.18.3.0/24}\n"
	"    - {clients: 198.18.4.0/24, names: bad.example.com, answer: refused}\n"
	"    - {lists: ads, allow: good.ads.example.com}\n"
	"  records: [{name: mine.ads.example.com, addresses: 198.18.0.9}]\n";

static void configure_blocking(void)
{
	configure(blocking);
	add_block(4, 17, "||ads.example.com^");
	add_block(1, 4, "0.0.0.0 game.example.com");
}

static void what_is_blocked_goes_by_who_asks(void **state)
{
	static const struct {
		const char *client, *name;
		bool is_blocked;
	} rows[] = {
		{"198.18.0.50", "www.ads.example.com", true},
		{"198.18.0.50", "game.example.com", false},
		{"198.18.0.50", "x.good.ads.example.com", false},
		{"198.18.0.50", "bad.example.com", false},
		{"198.18.2.7", "www.ads.example.com", true},
		{"198.18.2.7", "game.example.com", true},
		{"2001:db8:2::7", "game.example.com", true},
		{"198.18.3.7", "www.ads.example.com", false},
		{"198.18.4.7", "www.ads.example.com", false},
		{"198.18.4.7", "www.bad.example.com", true},
	};

	configure_blocking();
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask_from(rows[i].client, rows[i].name, DNS_A);
		if ((result.verdict == DNS_LOCAL_BLOCKED) != rows[i].is_blocked)
			fail_msg("%s asks for %s", rows[i].client, rows[i].name);
	}
}

static void a_blocked_name_is_answered_as_the_config_says(void **state)
{
	configure_blocking();
	ask("www.ads.example.com", DNS_A);
	assert_answer(DNS_STAGE_BLOCKING, DNS_NXDOMAIN, ";ads.example.com");
	ask_from("198.18.2.7", "game.example.com", DNS_A);
	assert_answer(DNS_STAGE_BLOCKING, DNS_NOERROR, "game.example.com A 0.0.0.0");
	ask_from("198.18.2.7", "game.example.com", DNS_AAAA);
	assert_answer(DNS_STAGE_BLOCKING, DNS_NOERROR, "game.example.com AAAA ::");
	ask_from("198.18.2.7", "game.example.com", DNS_HTTPS);
	assert_answer(DNS_STAGE_BLOCKING, DNS_NOERROR, ";game.example.com");
	ask_from("198.18.4.7", "bad.example.com", DNS_A);
	assert_answer(DNS_STAGE_BLOCKING, DNS_REFUSED, "");
	ask("mine.ads.example.com", DNS_A); // what the config knows itself comes first
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "mine.ads.example.com A 198.18.0.9");
}

static void why_is_known_to_the_line(void **state)
{
	static const char expected[] = "the list ads, line 17: ||ads.example.com^";

	configure_blocking();
	ask("www.ads.example.com", DNS_A);
	assert_string_equal(result.why, expected);
	assert_int_equal(response.edns.options_bytes, 6 + sizeof(expected) - 1);
	assert_memory_equal(answer + response.edns.options_at + 6, expected, sizeof(expected) - 1);
	ask_from("198.18.4.7", "bad.example.com", DNS_A);
	assert_string_equal(result.why, "`names` of the config: bad.example.com");
	assert_goes_on("x.good.ads.example.com", DNS_A);
	assert_string_equal(result.why, "`allow` of the config: good.ads.example.com");
	assert_goes_on("www.example.com", DNS_A);
	assert_string_equal(result.why, "");
}

static void clients_of_one_entry_share_a_view(void **state)
{
	static const struct {
		const char *client;
		uint16_t view;
	} rows[] = {{"198.18.2.7", 1}, {"2001:db8:2::1", 1}, {"198.18.3.1", 2}, {"198.18.4.1", 3},
		{"198.18.0.1", 4}, {"2001:db8::1", 4}};
	struct ip_addr addr;

	configure_blocking();
	for (size_t i = 0; i < COUNT(rows); i++) {
		ip_addr_parse(rows[i].client, &addr);
		assert_int_equal(dns_local_view(local, &addr), rows[i].view);
	}
	configure("");
	assert_int_equal(dns_local_view(local, &addr), 0);
}

static void lists_are_swapped_by_a_pointer(void **state)
{
	struct block_store *others = block_store_new();

	configure_blocking();
	block_store_set_name(others, 0, "ads");
	block_store_add_line(others, 0, 1, "other.example.com", 17);
	dns_local_use_blocks(local, others);
	assert_goes_on("www.ads.example.com", DNS_A);
	ask("other.example.com", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_BLOCKED);
	dns_local_use_blocks(local, NULL);
	assert_goes_on("other.example.com", DNS_A);
	block_store_free(others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_blocked_goes_by_who_asks, teardown),
		cmocka_unit_test_teardown(a_blocked_name_is_answered_as_the_config_says, teardown),
		cmocka_unit_test_teardown(why_is_known_to_the_line, teardown),
		cmocka_unit_test_teardown(clients_of_one_entry_share_a_view, teardown),
		cmocka_unit_test_teardown(lists_are_swapped_by_a_pointer, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
