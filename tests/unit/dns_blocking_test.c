// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/dns_local_fixture.h"

#include "control/dns/blocked_answer.h"

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
		assert_int_equal(dns_local_view(local, &addr, NOW_SEC).number, rows[i].view);
	}
	configure("");
	assert_int_equal(dns_local_view(local, &addr, NOW_SEC).number, 0);
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

// --- hosts by their cards and names ---

static const char of_hosts[] =
	"  blocking:\n"
	"    - {clients: ['02:00:5e:00:53:01', 198.18.9.9], names: card.example.com}\n"
	"    - {clients: tv, names: name.example.com}\n"
	"    - {clients: den.home.arpa, names: whole.example.com}\n"
	"    - {names: all.example.com}\n";

static void learn(const char *address, const char *card)
{
	struct mac_addr mac;
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(address, &addr), 0);
	assert_int_equal(mac_addr_parse(card, &mac), 0);
	dns_hosts_learn(dns_names_hosts(names), &addr, &mac);
}

static void name_host(const char *text, const char *address)
{
	struct dns_known_name known = {.owner = 1, .ends_at_sec = NOW_SEC + 60};

	assert_int_equal(dns_name_parse(text, &known.name), 0);
	assert_int_equal(ip_addr_parse(address, &known.addr), 0);
	assert_int_equal(dns_names_add(names, &known, NOW_SEC), 0);
}

static void assert_view(const char *address, unsigned view, const char *expected)
{
	struct ip_addr addr;
	struct dns_blocking_view is;

	assert_int_equal(ip_addr_parse(address, &addr), 0);
	is = dns_local_view(local, &addr, NOW_SEC);
	assert_int_equal(is.number, view);
	assert_string_equal(is.by, expected);
}

static void a_card_is_blocked_whatever_its_addresses(void **state)
{
	configure(of_hosts);
	learn("198.18.0.5", "02:00:5e:00:53:01");
	learn("2001:db8::5", "02:00:5e:00:53:01");
	learn("2001:db8::6", "02:00:5e:00:53:02");
	assert_view("198.18.0.5", 1, "02:00:5e:00:53:01");
	assert_view("2001:db8::5", 1, "02:00:5e:00:53:01");
	assert_view("2001:db8::6", 4, "");
	assert_view("2001:db8::7", 4, "");
	assert_view("198.18.9.9", 1, "198.18.9.9");
	ask_from("2001:db8::5", "card.example.com", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_BLOCKED);
	// another card has the address now
	learn("2001:db8::5", "02:00:5e:00:53:02");
	assert_view("2001:db8::5", 4, "");
}

static void a_host_is_blocked_by_its_name_whatever_its_addresses(void **state)
{
	configure(of_hosts);
	name_host("TV.home.arpa", "198.18.0.7");
	name_host("den.home.arpa", "198.18.0.8");
	name_host("den.lab.arpa", "198.18.0.9");
	assert_view("198.18.0.7", 2, "tv");
	assert_view("198.18.0.8", 3, "den.home.arpa");
	assert_view("198.18.0.9", 4, "");
	assert_view("2001:db8::7", 4, "");
	// its card has been seen with both
	learn("198.18.0.7", "02:00:5e:00:53:07");
	learn("2001:db8::7", "02:00:5e:00:53:07");
	assert_view("2001:db8::7", 2, "tv");
}

static void the_table_of_cards_is_bounded(void **state)
{
	struct mac_addr mac;
	struct ip_addr addr, found[DNS_HOSTS_OF_ONE_MAX];

	configure(of_hosts);
	learn("2001:db8::5", "02:00:5e:00:53:01");
	ip_addr_parse("198.18.0.0", &addr);
	mac_addr_parse("02:00:5e:00:53:09", &mac);
	for (unsigned i = 0; i < DNS_HOSTS_MAX - 1; i++) {
		addr.v4[2] = (uint8_t)(i >> 8);
		addr.v4[3] = (uint8_t)i;
		dns_hosts_learn(dns_names_hosts(names), &addr, &mac);
	}
	assert_view("2001:db8::5", 1, "02:00:5e:00:53:01");
	learn("2001:db8::6", "02:00:5e:00:53:02");
	assert_view("2001:db8::5", 4, ""); // the oldest
	assert_int_equal(
		dns_hosts_addresses(dns_names_hosts(names), &mac, found), DNS_HOSTS_OF_ONE_MAX);
}

// --- aliases ---

// An answer in which the name asked for leads to these.
static bool finds_alias(const char *asked, const char *const *aliases, struct dns_blocked *found,
	struct dns_name *alias)
{
	static uint8_t bytes[DNS_UDP_BYTES];
	struct dns_message made = {.question = {.type = DNS_A, .class = DNS_CLASS_IN}};
	struct dns_message parsed;
	struct dns_answer out;
	struct dns_name at;

	assert_int_equal(dns_name_parse(asked, &made.question.name), 0);
	dns_answer_begin(&out, &made, bytes, sizeof(bytes));
	at = made.question.name;
	for (; *aliases != NULL; aliases++) {
		struct dns_name to;

		assert_int_equal(dns_name_parse(*aliases, &to), 0);
		assert_true(
			dns_answer_add_target(&out, DNS_ANSWER, &at, DNS_CNAME, 60, NULL, 0, &to));
		at = to;
	}
	assert_int_equal(
		dns_message_parse(bytes, dns_answer_end(&out, DNS_NOERROR, 0), &parsed), 0);
	return blocked_alias_find(local, 1, &parsed, found, alias);
}

// An answer of HTTPS records, each a number and who serves it.
static bool finds_service(
	const char *asked, const char *const *targets, uint16_t priority, struct dns_name *alias)
{
	static uint8_t bytes[DNS_UDP_BYTES];
	struct dns_message made = {.question = {.type = DNS_HTTPS, .class = DNS_CLASS_IN}};
	const uint8_t number[] = {0, (uint8_t)priority};
	struct dns_message parsed;
	struct dns_blocked found;
	struct dns_answer out;

	assert_int_equal(dns_name_parse(asked, &made.question.name), 0);
	dns_answer_begin(&out, &made, bytes, sizeof(bytes));
	for (; *targets != NULL; targets++) {
		struct dns_name to;

		assert_int_equal(dns_name_parse(*targets, &to), 0);
		assert_true(dns_answer_add_target(&out, DNS_ANSWER, &made.question.name, DNS_HTTPS,
			60, number, sizeof(number), &to));
	}
	assert_int_equal(
		dns_message_parse(bytes, dns_answer_end(&out, DNS_NOERROR, 0), &parsed), 0);
	return blocked_alias_find(local, 1, &parsed, &found, alias);
}

#define ALIASES(...)                                                                               \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void a_name_is_blocked_when_its_alias_is(void **state)
{
	struct dns_blocked found;
	struct dns_name alias;
	char why[DNS_WHY_BYTES], text[DNS_NAME_STR_BYTES];

	configure("  block-lists: {ads: {file: /etc/millrace/ads}}\n"
		  "  blocking:\n"
		  "    - {lists: ads, allow: [fine.example, good.ads.example.com]}\n");
	add_block(4, 17, "||ads.example.com^");
	assert_true(finds_alias("www.shop.example", ALIASES("x.shop.example", "x.ads.example.com"),
		&found, &alias));
	assert_string_equal(dns_name_str(&alias, text), "x.ads.example.com");
	blocked_reason(&found, why);
	assert_string_equal(why, "the list ads, line 17: ||ads.example.com^");
	assert_false(finds_alias("www.shop.example", ALIASES("x.shop.example"), &found, &alias));
	// `allow` of what is asked for, of the alias, or of one on the way
	assert_false(finds_alias("www.fine.example", ALIASES("x.ads.example.com"), &found, &alias));
	assert_false(
		finds_alias("www.shop.example", ALIASES("good.ads.example.com"), &found, &alias));
	assert_false(finds_alias("www.shop.example", ALIASES("a.fine.example", "x.ads.example.com"),
		&found, &alias));
}

static void who_serves_a_name_is_judged_too(void **state)
{
	struct dns_name alias;
	char text[DNS_NAME_STR_BYTES];

	configure("  block-lists: {ads: {file: /etc/millrace/ads}}\n"
		  "  blocking:\n"
		  "    - {lists: ads, allow: [fine.example, good.ads.example.com]}\n");
	add_block(4, 17, "||ads.example.com^");
	for (uint16_t priority = 0; priority < 3; priority++) {
		assert_true(finds_service(
			"www.shop.example", ALIASES("x.ads.example.com"), priority, &alias));
		assert_string_equal(dns_name_str(&alias, text), "x.ads.example.com");
		// one of several, whatever lets another pass
		assert_true(finds_service("www.shop.example",
			ALIASES(".", "good.ads.example.com", "x.ads.example.com"), priority,
			&alias));
		assert_false(finds_service("www.shop.example", ALIASES("."), priority, &alias));
		assert_false(finds_service("www.shop.example",
			ALIASES("cdn.example", "good.ads.example.com"), priority, &alias));
		assert_false(finds_service(
			"www.fine.example", ALIASES("x.ads.example.com"), priority, &alias));
	}
}

static void what_is_said_instead_is_as_the_config_says(void **state)
{
	struct asked asked = {.id = 7, .has_edns = true, .room_bytes = DNS_UDP_BYTES};
	struct dns_blocked found;
	struct dns_name alias;
	enum dns_rcode rcode;
	size_t n;

	configure("  blocking: [{names: ads.example.com, answer: zero}]\n");
	assert_true(finds_alias("www.shop.example", ALIASES("x.ads.example.com"), &found, &alias));
	asked.question.type = DNS_A;
	asked.question.class = DNS_CLASS_IN;
	assert_int_equal(dns_name_parse("WWW.shop.example", &asked.question.name), 0);
	n = blocked_alias_write(&asked, &found, &alias, answer, sizeof(answer), &rcode);
	assert_int_equal(dns_message_parse(answer, n, &response), 0);
	assert_int_equal(response.id, 7);
	assert_int_equal(rcode, DNS_NOERROR);
	assert_int_equal(response.n_records[DNS_ANSWER], 1);
	assert_non_null(memmem(answer, n, "its alias x.ads.example.com", 27));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_blocked_goes_by_who_asks, teardown),
		cmocka_unit_test_teardown(a_blocked_name_is_answered_as_the_config_says, teardown),
		cmocka_unit_test_teardown(why_is_known_to_the_line, teardown),
		cmocka_unit_test_teardown(clients_of_one_entry_share_a_view, teardown),
		cmocka_unit_test_teardown(lists_are_swapped_by_a_pointer, teardown),
		cmocka_unit_test_teardown(a_card_is_blocked_whatever_its_addresses, teardown),
		cmocka_unit_test_teardown(
			a_host_is_blocked_by_its_name_whatever_its_addresses, teardown),
		cmocka_unit_test_teardown(the_table_of_cards_is_bounded, teardown),
		cmocka_unit_test_teardown(a_name_is_blocked_when_its_alias_is, teardown),
		cmocka_unit_test_teardown(who_serves_a_name_is_judged_too, teardown),
		cmocka_unit_test_teardown(what_is_said_instead_is_as_the_config_says, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
