// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>

#include "config_fixture.h"
#include "control/dns/local.h"

enum { NOW_SEC = 1000 };

static struct config *config;
static struct dns_names *names;
static struct dns_local *local;
static struct block_store *blocks;
static struct dns_local_result result;
static uint8_t question[DNS_UDP_BYTES], answer[DNS_UDP_BYTES];
static struct dns_message query, response;

static int teardown(void **state)
{
	dns_local_free(local);
	dns_names_free(names);
	block_store_free(blocks);
	config_free(config);
	local = NULL;
	names = NULL;
	blocks = NULL;
	config = NULL;
	return 0;
}

// `dns` is what the section has beside `listen`.
static void configure(const char *dns)
{
	struct error err;
	char text[4096];

	teardown(NULL);
	snprintf(text, sizeof(text), ROUTER "dns:\n  listen: lan\n%s", dns);
	config = parse_good(text);
	names = dns_names_new();
	local = dns_local_new(&config->dns, names, &err);
	assert_non_null(local);
}

static void add_block(unsigned list, uint32_t line, const char *rule)
{
	if (blocks == NULL)
		blocks = block_store_new();
	// numbers in the store are not those of the config
	block_store_set_name(blocks, 4, "ads");
	block_store_set_name(blocks, 1, "games");
	assert_int_equal(block_store_add_line(blocks, list, line, rule, strlen(rule)), 0);
	dns_local_use_blocks(local, blocks);
}

static void ask_from(const char *client, const char *text, uint16_t type)
{
	struct cursor_out out = cursor_out_of(question, sizeof(question));
	struct dns_name name;
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(client, &addr), 0);
	assert_int_equal(dns_name_parse(text, &name), 0);
	cursor_put(&out, "\x12\x34\1\0\0\1\0\0\0\0\0\1", DNS_HEADER_BYTES);
	dns_name_write(&out, &name);
	cursor_put_u16(&out, type);
	cursor_put_u16(&out, DNS_CLASS_IN);
	cursor_put(&out, "\0\0\x29\4\xd0\0\0\0\0\0\0", 11); // EDNS, 1232 bytes
	assert_int_equal(dns_message_parse(question, out.n, &query), 0);
	dns_local_answer(local, &query, &addr, NOW_SEC, answer, sizeof(answer), &result);
	if (result.verdict == DNS_LOCAL_GO_ON)
		return;
	assert_int_equal(dns_message_parse(answer, result.n, &response), 0);
	assert_int_equal(response.id, 0x1234);
	assert_int_equal(dns_message_rcode(&response), result.rcode);
	assert_true(result.why[0] != '\0');
}

static void ask(const char *text, uint16_t type)
{
	ask_from("198.18.0.50", text, type);
}

static size_t data_str(const struct dns_record *record, char *out, size_t room)
{
	struct cursor in = cursor_of(answer + record->data_at, record->data_bytes);
	char text[DNS_NAME_STR_BYTES];
	struct dns_name target;
	struct ip_addr addr;
	size_t n = 0;

	if (dns_record_address(&response, record, &addr))
		return (size_t)snprintf(out, room, "%s", ip_addr_str(&addr, text));
	if (record->type == DNS_TXT)
		return (size_t)snprintf(out, room, "\"%.*s\"", in.at[0], (const char *)in.at + 1);
	for (int i = record->type == DNS_MX ? 1 : record->type == DNS_SRV ? 3 : 0; i > 0; i--)
		n += (size_t)snprintf(out + n, room - n, "%u ", cursor_u16(&in));
	assert_int_equal(dns_record_target(&response, record, &target), 0);
	return n + (size_t)snprintf(out + n, room - n, "%s", dns_name_str(&target, text));
}

// The answer as "name TYPE data" with commas between, and behind ";" the zone of the SOA.
static void assert_answer(enum dns_local_stage stage, enum dns_rcode rcode, const char *expected)
{
	char text[1024] = "", name_text[DNS_NAME_STR_BYTES], type_text[DNS_TYPE_STR_BYTES];
	struct dns_walk walk = dns_walk_begin(&response);
	struct dns_record record;
	size_t n = 0;

	assert_int_not_equal(result.verdict, DNS_LOCAL_GO_ON);
	while (dns_walk_next(&walk, &record)) {
		struct dns_name name;

		if (record.type == DNS_OPT)
			continue;
		assert_int_equal(dns_record_name(&response, &record, &name), 0);
		dns_name_str(&name, name_text);
		if (record.section == DNS_AUTHORITY) {
			assert_int_equal(record.type, DNS_SOA);
			n += (size_t)snprintf(text + n, sizeof(text) - n, ";%s", name_text);
			continue;
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s ", n > 0 ? ", " : "",
			name_text, dns_type_str(record.type, type_text));
		n += data_str(&record, text + n, sizeof(text) - n);
	}
	assert_string_equal(text, expected);
	assert_string_equal(dns_local_stage_name(result.stage), dns_local_stage_name(stage));
	assert_int_equal(result.rcode, rcode);
}

static void assert_goes_on(const char *text, uint16_t type)
{
	ask(text, type);
	if (result.verdict != DNS_LOCAL_GO_ON)
		fail_msg("%s: %s", text, result.why);
}

// --- records ---

static const char records[] =
	"  records:\n"
	"    - {name: nas.home.arpa, addresses: [198.18.0.5, 198.18.0.6, '2001:db8::5']}\n"
	"    - {name: second.home.arpa, addresses: 198.18.0.5}\n"
	"    - {name: Files.home.arpa, cname: nas.home.arpa}\n"
	"    - {name: away.home.arpa, cname: www.example.com}\n"
	"    - {name: broken.home.arpa, cname: nobody.home.arpa}\n"
	"    - {name: round.home.arpa, cname: trip.home.arpa}\n"
	"    - {name: trip.home.arpa, cname: round.home.arpa}\n"
	"    - {name: home.arpa, mx: 10 mail.home.arpa, txt: [one text, two]}\n"
	"    - {name: _sip._tcp.home.arpa, srv: [0 5 5060 nas.home.arpa, 1 0 5061 b.home.arpa]}\n"
	"    - {name: 9.0.18.198.in-addr.arpa, ptr: printer.home.arpa}\n"
	"    - {name: own.example.com, addresses: 198.18.0.7}\n";

static void each_kind_of_record_is_answered(void **state)
{
	configure(records);
	ask("NAS.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"NAS.home.arpa A 198.18.0.5, NAS.home.arpa A 198.18.0.6");
	assert_int_equal(response.flags & DNS_AA, DNS_AA);
	ask("nas.home.arpa", DNS_AAAA);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "nas.home.arpa AAAA 2001:db8::5");
	ask("files.home.arpa", DNS_CNAME);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "files.home.arpa CNAME nas.home.arpa");
	ask("home.arpa", DNS_MX);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "home.arpa MX 10 mail.home.arpa");
	ask("home.arpa", DNS_TXT);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"home.arpa TXT \"one text\", home.arpa TXT \"two\"");
	ask("_sip._tcp.home.arpa", DNS_SRV);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"_sip._tcp.home.arpa SRV 0 5 5060 nas.home.arpa, "
		"_sip._tcp.home.arpa SRV 1 0 5061 b.home.arpa");
	ask("9.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(
		DNS_STAGE_RECORDS, DNS_NOERROR, "9.0.18.198.in-addr.arpa PTR printer.home.arpa");
}

static void aliases_are_followed_as_far_as_they_are_known(void **state)
{
	char text[DNS_NAME_STR_BYTES];

	configure(records);
	ask("files.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR,
		"files.home.arpa CNAME nas.home.arpa, nas.home.arpa A 198.18.0.5, "
		"nas.home.arpa A 198.18.0.6");
	ask("broken.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NXDOMAIN,
		"broken.home.arpa CNAME nobody.home.arpa;home.arpa");
	ask("away.home.arpa", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_ALIAS);
	assert_string_equal(dns_name_str(&result.target, text), "www.example.com");
	ask("round.home.arpa", DNS_A);
	assert_int_equal(result.verdict, DNS_LOCAL_ANSWERED);
}

static void addresses_have_the_name_that_said_them_first(void **state)
{
	configure(records);
	ask("5.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "5.0.18.198.in-addr.arpa PTR nas.home.arpa");
}

static void a_known_name_is_not_asked_elsewhere_for_another_type(void **state)
{
	configure(records);
	ask("own.example.com", DNS_AAAA);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, ";own.example.com");
	assert_goes_on("www.example.com", DNS_A);
	assert_goes_on("below.own.example.com", DNS_A);
}

// --- zones ---

static const char zones[] =
	"  zones:\n"
	"    - {name: apps.example.net, addresses: [198.18.0.7, '2001:db8::7']}\n"
	"    - {name: corp.example.net}\n"
	"  records:\n"
	"    - {name: a.b.corp.example.net, addresses: 198.18.0.8}\n"
	"    - {name: odd.apps.example.net, addresses: 198.18.0.9}\n"
	"  domains:\n"
	"    - {names: [18.198.in-addr.arpa, office.corp.example.net, intern.test], "
	"upstreams: 203.0.113.53}\n";

static void each_name_of_a_wild_zone_has_its_addresses(void **state)
{
	configure(zones);
	ask("x.Y.apps.example.net", DNS_A);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, "x.Y.apps.example.net A 198.18.0.7");
	ask("apps.example.net", DNS_AAAA);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, "apps.example.net AAAA 2001:db8::7");
	ask("x.apps.example.net", DNS_MX);
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, ";apps.example.net");
	ask("odd.apps.example.net", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "odd.apps.example.net A 198.18.0.9");
}

static void a_static_zone_has_what_it_has(void **state)
{
	configure(zones);
	ask("nobody.corp.example.net", DNS_A);
	assert_answer(DNS_STAGE_ZONE, DNS_NXDOMAIN, ";corp.example.net");
	ask("b.corp.example.net", DNS_A); // RFC 8020: something is below it
	assert_answer(DNS_STAGE_ZONE, DNS_NOERROR, ";corp.example.net");
	ask("a.b.corp.example.net", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "a.b.corp.example.net A 198.18.0.8");
	assert_goes_on("example.net", DNS_A);
}

static void domains_with_upstreams_are_asked_there(void **state)
{
	configure(zones);
	assert_goes_on("pc.office.corp.example.net", DNS_A);
	assert_true(result.may_be_private);
	assert_goes_on("1.1.18.198.in-addr.arpa", DNS_PTR);
	assert_goes_on("www.intern.test", DNS_A);
	ask("www.test", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, ";test");
	assert_goes_on("www.example.com", DNS_A);
	assert_false(result.may_be_private);
}

// --- special names ---

static void special_names_do_not_leak(void **state)
{
	static const struct {
		const char *name, *zone;
	} rows[] = {
		{"x.invalid", "invalid"},
		{"x.test", "test"},
		{"abcdef.onion", "onion"},
		{"x.alt", "alt"},
		{"printer.local", "local"},
		{"x.home.arpa", "home.arpa"},
		{"x.internal", "internal"},
		{"_dns.resolver.arpa", "resolver.arpa"},
		{"1.0.0.10.in-addr.arpa", "10.in-addr.arpa"},
		{"1.0.16.172.in-addr.arpa", "16.172.in-addr.arpa"},
		{"1.0.31.172.in-addr.arpa", "31.172.in-addr.arpa"},
		{"1.1.168.192.in-addr.arpa", "168.192.in-addr.arpa"},
		{"1.0.64.100.in-addr.arpa", "64.100.in-addr.arpa"},
		{"1.0.127.100.in-addr.arpa", "127.100.in-addr.arpa"},
		{"1.1.254.169.in-addr.arpa", "254.169.in-addr.arpa"},
		{"2.0.0.127.in-addr.arpa", "127.in-addr.arpa"},
		{"7.100.51.198.in-addr.arpa", "100.51.198.in-addr.arpa"},
		{"x.d.f.ip6.arpa", "d.f.ip6.arpa"},
		{"x.b.e.f.ip6.arpa", "b.e.f.ip6.arpa"},
		{"x.8.b.d.0.1.0.0.2.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"},
	};

	configure("");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char expected[128];

		snprintf(expected, sizeof(expected), ";%s", rows[i].zone);
		ask(rows[i].name, DNS_PTR);
		assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, expected);
	}
	assert_goes_on("1.0.32.172.in-addr.arpa", DNS_PTR);
	assert_goes_on("1.0.15.172.in-addr.arpa", DNS_PTR);
	assert_goes_on("1.0.128.100.in-addr.arpa", DNS_PTR);
	assert_goes_on("www.nottest", DNS_A);
	assert_goes_on("arpa", DNS_NS);
}

static void localhost_is_who_asks(void **state)
{
	configure("");
	ask("localhost", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, "localhost A 127.0.0.1");
	ask("x.localhost", DNS_AAAA);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, "x.localhost AAAA ::1");
	ask("1.0.0.127.in-addr.arpa", DNS_PTR);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "1.0.0.127.in-addr.arpa PTR localhost");
}

static void the_canary_is_an_option(void **state)
{
	configure("");
	assert_goes_on("use-application-dns.net", DNS_A);
	configure("  canary: true\n");
	ask("use-application-dns.net", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NOERROR, ";use-application-dns.net");
}

// --- learned names ---

static struct dns_known_name known_of(
	const char *text, const char *address, uint64_t owner, enum dns_name_source source)
{
	struct dns_known_name known = {
		.source = source, .owner = owner, .ends_at_sec = NOW_SEC + 60};

	assert_int_equal(dns_name_parse(text, &known.name), 0);
	assert_int_equal(ip_addr_parse(address, &known.addr), 0);
	return known;
}

static void leases_have_names_both_ways(void **state)
{
	struct dns_known_name known =
		known_of("laptop.home.arpa", "198.18.0.50", 1, DNS_SOURCE_LEASE);

	configure("");
	assert_int_equal(dns_names_add(names, &known, NOW_SEC), 0);
	known = known_of("laptop.home.arpa", "2001:db8::50", 1, DNS_SOURCE_LEASE);
	assert_int_equal(dns_names_add(names, &known, NOW_SEC), 0);
	ask("Laptop.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "Laptop.home.arpa A 198.18.0.50");
	ask("laptop", DNS_AAAA);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "laptop AAAA 2001:db8::50");
	ask("laptop.home.arpa", DNS_MX);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, ";laptop.home.arpa");
	ask("50.0.18.198.in-addr.arpa", DNS_PTR);
	assert_answer(
		DNS_STAGE_NAMES, DNS_NOERROR, "50.0.18.198.in-addr.arpa PTR laptop.home.arpa");
	ask("nobody", DNS_A);
	assert_answer(DNS_STAGE_SPECIAL, DNS_NXDOMAIN, ";nobody");
	assert_goes_on("nobody", DNS_NS);
	assert_int_equal(dns_names_remove(names, &known.name, &known.addr), 0);
	ask("laptop", DNS_AAAA);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, ";laptop");
}

static void a_name_that_is_taken_stays(void **state)
{
	struct dns_known_name first = known_of("pc.home.arpa", "198.18.0.50", 1, DNS_SOURCE_LEASE);
	struct dns_known_name second = known_of("PC.home.arpa", "198.18.0.51", 2, DNS_SOURCE_LEASE);
	struct dns_known_name better =
		known_of("pc.home.arpa", "198.18.0.52", 3, DNS_SOURCE_RESERVATION);

	configure("");
	assert_int_equal(dns_names_add(names, &first, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), -EEXIST);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC + 60), 0); // it has ended
	second.ends_at_sec = DNS_NAMES_FOREVER;
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &better, NOW_SEC), 0);
	assert_int_equal(dns_names_add(names, &second, NOW_SEC), -EEXIST);
	assert_int_equal(dns_names_count(names), 1);
	ask("pc.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_NAMES, DNS_NOERROR, "pc.home.arpa A 198.18.0.52");
	configure("  records: [{name: pc.home.arpa, addresses: 198.18.0.2}]\n");
	assert_int_equal(dns_names_add(names, &first, NOW_SEC), 0);
	ask("pc.home.arpa", DNS_A);
	assert_answer(DNS_STAGE_RECORDS, DNS_NOERROR, "pc.home.arpa A 198.18.0.2");
}

static void the_table_of_names_is_bounded(void **state)
{
	unsigned n = 0;

	configure("");
	for (; n <= DNS_NAMES_MAX; n++) {
		char text[32], address[32];
		struct dns_known_name known;

		snprintf(text, sizeof(text), "h%u.home.arpa", n);
		snprintf(address, sizeof(address), "198.18.%u.%u", n >> 8 & 255, n & 255);
		known = known_of(text, address, n, DNS_SOURCE_LEASE);
		if (dns_names_add(names, &known, NOW_SEC) != 0)
			break;
	}
	assert_int_equal(n, DNS_NAMES_MAX);
	struct dns_known_name more = known_of("more.home.arpa", "198.18.0.1", n, DNS_SOURCE_LEASE);

	assert_int_equal(dns_names_add(names, &more, NOW_SEC), -ENOSPC);
	more.ends_at_sec += 60;
	assert_int_equal(dns_names_add(names, &more, NOW_SEC + 60), 0); // all others have ended
	assert_int_equal(dns_names_count(names), 1);
}

// --- blocking ---

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

// --- rebinding ---

static bool allows(const char *text, uint16_t type, const void *data, size_t n, char *why)
{
	static uint8_t bytes[DNS_UDP_BYTES];
	struct dns_answer made;
	struct dns_message upstream;

	ask(text, type);
	dns_answer_begin(&made, &query, bytes, sizeof(bytes));
	assert_true(dns_answer_add(&made, DNS_ANSWER, &query.question.name, type, 60, data, n));
	assert_int_equal(
		dns_message_parse(bytes, dns_answer_end(&made, DNS_NOERROR, 0), &upstream), 0);
	return dns_local_allows(local, &upstream, why);
}

static void answers_that_lead_inside_are_not_believed(void **state)
{
	static const struct {
		const char *address;
		bool is_good;
	} rows[] = {
		{"10.1.2.3", false},
		{"172.16.0.1", false},
		{"172.31.255.255", false},
		{"192.168.1.1", false},
		{"127.0.0.1", false},
		{"169.254.1.1", false},
		{"100.64.0.1", false},
		{"0.0.0.0", false},
		{"255.255.255.255", false},
		{"::1", false},
		{"::", false},
		{"fd00::1", false},
		{"fe80::1", false},
		{"::ffff:192.168.1.1", false},
		{"64:ff9b::a00:1", false},
		{"2002:a00:1::1", false},
		{"198.51.100.7", true},
		{"172.32.0.1", true},
		{"172.15.0.1", true},
		{"2001:db8::1", true},
		{"::ffff:198.51.100.7", true},
		{"64:ff9b::c633:6407", true},
	};
	char why[DNS_WHY_BYTES];

	configure("  rebind: {domains: [plex.example.net]}\n");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip_addr addr;
		bool is_ip4;

		assert_int_equal(ip_addr_parse(rows[i].address, &addr), 0);
		is_ip4 = addr.family == IP_V4;
		if (allows("www.example.com", is_ip4 ? DNS_A : DNS_AAAA, addr.bytes,
			    is_ip4 ? 4 : 16, why) != rows[i].is_good)
			fail_msg("%s", rows[i].address);
		assert_int_equal(why[0] == '\0', rows[i].is_good);
		assert_true(allows("a.plex.example.net", is_ip4 ? DNS_A : DNS_AAAA, addr.bytes,
			is_ip4 ? 4 : 16, why));
	}
	assert_false(allows("www.example.com", DNS_A, "\xc0\xa8\1\1", 4, why));
	assert_string_equal(why, "an answer from outside has 192.168.1.1, which is private");
	configure("  rebind: {allow: true}\n");
	assert_true(allows("www.example.com", DNS_A, "\xc0\xa8\1\1", 4, why));
}

static void hints_that_lead_inside_are_not_believed_either(void **state)
{
	static const char good[] = "\0\1\0\0\1\0\3\2h2\0\4\0\4\xc6\x33\x64\7";
	static const char bad[] = "\0\1\0\0\1\0\3\2h2\0\4\0\x8\xc6\x33\x64\7\xa\0\0\1";
	static const char bad6[] = "\0\1\0\0\6\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char cut[] = "\0\1\0\0\4\0\xff\xa\0\0\1";
	char why[DNS_WHY_BYTES];

	configure("");
	assert_true(allows("www.example.com", DNS_HTTPS, good, sizeof(good) - 1, why));
	assert_false(allows("www.example.com", DNS_HTTPS, bad, sizeof(bad) - 1, why));
	assert_false(allows("www.example.com", DNS_SVCB, bad6, sizeof(bad6) - 1, why));
	assert_true(allows("www.example.com", DNS_HTTPS, cut, sizeof(cut) - 1, why)); // no hint
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_kind_of_record_is_answered, teardown),
		cmocka_unit_test_teardown(aliases_are_followed_as_far_as_they_are_known, teardown),
		cmocka_unit_test_teardown(addresses_have_the_name_that_said_them_first, teardown),
		cmocka_unit_test_teardown(
			a_known_name_is_not_asked_elsewhere_for_another_type, teardown),
		cmocka_unit_test_teardown(each_name_of_a_wild_zone_has_its_addresses, teardown),
		cmocka_unit_test_teardown(a_static_zone_has_what_it_has, teardown),
		cmocka_unit_test_teardown(domains_with_upstreams_are_asked_there, teardown),
		cmocka_unit_test_teardown(special_names_do_not_leak, teardown),
		cmocka_unit_test_teardown(localhost_is_who_asks, teardown),
		cmocka_unit_test_teardown(the_canary_is_an_option, teardown),
		cmocka_unit_test_teardown(leases_have_names_both_ways, teardown),
		cmocka_unit_test_teardown(a_name_that_is_taken_stays, teardown),
		cmocka_unit_test_teardown(the_table_of_names_is_bounded, teardown),
		cmocka_unit_test_teardown(what_is_blocked_goes_by_who_asks, teardown),
		cmocka_unit_test_teardown(a_blocked_name_is_answered_as_the_config_says, teardown),
		cmocka_unit_test_teardown(why_is_known_to_the_line, teardown),
		cmocka_unit_test_teardown(clients_of_one_entry_share_a_view, teardown),
		cmocka_unit_test_teardown(lists_are_swapped_by_a_pointer, teardown),
		cmocka_unit_test_teardown(answers_that_lead_inside_are_not_believed, teardown),
		cmocka_unit_test_teardown(hints_that_lead_inside_are_not_believed_either, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
