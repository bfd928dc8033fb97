// SPDX-License-Identifier: BSD-3-Clause
// Rules at random, against every packet that they can tell apart: a rule is named as never asked
// exactly if, of each family, one earlier rule takes every packet that it is about.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfg/doubt.h"
#include "tests/unit/config_fixture.h"
#include "tests/unit/random.h"

// --- packets ---

enum { LAN = 1 << 0, WAN = 1 << 1, IOT = 1 << 2, CARDS = 3 }; // zones lan, wan; none

// One address for each place between the borders of those that rules name.
enum {
	A10_1_1_1 = 1 << 0,
	A10_1_2_2 = 1 << 1,
	A10_2_2_2 = 1 << 2,
	A172 = 1 << 3,
	ADB8_0 = 1 << 4, // 2001:db8::/64
	ADB8_1 = 1 << 5, // 2001:db8:1::
	AOTHER6 = 1 << 6,
	ADDRESSES = 7,
	ALL4 = A10_1_1_1 | A10_1_2_2 | A10_2_2_2 | A172,
	ALL6 = ADB8_0 | ADB8_1 | AOTHER6,
};

enum {
	TCP_22 = 1 << 0,
	TCP_80 = 1 << 1,
	TCP_85 = 1 << 2,
	TCP_1000 = 1 << 3,
	TCP_PIECE = 1 << 4, // a fragment
	UDP_22 = 1 << 5,
	UDP_80 = 1 << 6,
	UDP_85 = 1 << 7,
	UDP_1000 = 1 << 8,
	GRE = 1 << 9,
	PING4 = 1 << 10,
	TOO_BIG4 = 1 << 11,
	PING6 = 1 << 12,
	TOO_BIG6 = 1 << 13,
	ICMP6_IN_IP4 = 1 << 14,
	ICMP4_IN_IP6 = 1 << 15,
	OTHER_ICMP4 = 1 << 16,
	OTHER_ICMP6 = 1 << 17,
	KINDS = 18,
	TCP = TCP_22 | TCP_80 | TCP_85 | TCP_1000 | TCP_PIECE,
	PORT_22 = TCP_22 | UDP_22,
	PORT_80 = TCP_80 | UDP_80,
	PORT_85 = TCP_85 | UDP_85,
	PORT_ANY = PORT_22 | PORT_80 | PORT_85 | TCP_1000 | UDP_1000,
	ICMP4 = PING4 | TOO_BIG4 | OTHER_ICMP4,
	ICMP6 = PING6 | TOO_BIG6 | OTHER_ICMP6,
	ESSENTIAL = TOO_BIG4 | TOO_BIG6,
	ONLY4 = ICMP4 | ICMP6_IN_IP4,
	ONLY6 = ICMP6 | ICMP4_IN_IP6,
};

enum { NEW = 1 << 0, RELATED = 1 << 1, STATES = 2 };

struct packet {
	uint8_t in, out, source, destination, state; // a bit each
	bool is_source_banned, is_destination_banned;
	uint32_t kind;
};

enum { PACKETS_MAX = 60000 };
static struct packet packets[PACKETS_MAX];
static unsigned n_packets;

static void add_packets_between(uint8_t source, uint8_t destination, uint32_t kind)
{
	for (unsigned i = 0; i < CARDS * CARDS * STATES * 4; i++) {
		assert_true(n_packets < PACKETS_MAX);
		packets[n_packets++] = (struct packet){
			.in = (uint8_t)(1 << i % CARDS),
			.out = (uint8_t)(1 << i / CARDS % CARDS),
			.state = (uint8_t)(1 << i / (CARDS * CARDS) % STATES),
			.is_source_banned = i / (CARDS * CARDS * STATES) % 2,
			.is_destination_banned = i / (CARDS * CARDS * STATES * 2),
			.source = source,
			.destination = destination,
			.kind = kind,
		};
	}
}

static int make_all_packets(void **state)
{
	for (unsigned i = 0; i < ADDRESSES * ADDRESSES * KINDS; i++) {
		uint8_t source = (uint8_t)(1 << i % ADDRESSES);
		uint8_t destination = (uint8_t)(1 << i / ADDRESSES % ADDRESSES);
		uint32_t kind = UINT32_C(1) << (i / (ADDRESSES * ADDRESSES));

		if (((source & ALL6) != 0) == ((destination & ALL6) != 0) &&
			!(kind & (source & ALL6 ? ONLY4 : ONLY6)))
			add_packets_between(source, destination, kind);
	}
	return 0;
}

// --- rules ---

struct choice {
	const char *text; // "" for what is not said
	uint32_t bits;	  // of what it is about
};

static const struct choice froms[] = {
	{"", LAN | WAN | IOT},
	{"", LAN | WAN | IOT},
	{"from: lan", LAN},
	{"from: [wan, lan]", WAN | LAN},
	{"from: none", IOT},
	{"from: [lan, wan, none]", LAN | WAN | IOT},
	{"in-interface: wan", WAN},
	{"in-interface: not lan", WAN | IOT},
	{"in-interface: inside", LAN | IOT},
	{"from: [wan, none], in-interface: inside", IOT},
	{"from: lan, in-interface: wan", 0},
};

static const struct choice tos[] = {
	{"", LAN | WAN | IOT},
	{"", LAN | WAN | IOT},
	{"to: wan", WAN},
	{"to: [lan, wan]", LAN | WAN},
	{"out-interface: [wan, lan, iot]", LAN | WAN | IOT},
};

enum { BANNED = 1 << 7, NOT_BANNED = 1 << 8 };

static const struct choice addresses[] = {
	{"", ALL4 | ALL6},
	{"", ALL4 | ALL6},
	{"10.0.0.0/8", A10_1_1_1 | A10_1_2_2 | A10_2_2_2},
	{"[10.128.0.0/9, 10.0.0.0/9]", A10_1_1_1 | A10_1_2_2 | A10_2_2_2},
	{"10.1.0.0/16", A10_1_1_1 | A10_1_2_2},
	{"10.1.0.0-10.1.255.255", A10_1_1_1 | A10_1_2_2},
	{"10.1.1.1", A10_1_1_1},
	{"not 10.1.0.0/16", (ALL4 | ALL6) & ~(A10_1_1_1 | A10_1_2_2)},
	{"0.0.0.0/0", ALL4},
	{"[\"::/0\", 0.0.0.0/0]", ALL4 | ALL6},
	{"2001:db8::/32", ADB8_0 | ADB8_1},
	{"office", A10_1_1_1 | ADB8_0},
	{"not office", (ALL4 | ALL6) & ~(A10_1_1_1 | ADB8_0)},
	{"[office, 10.1.0.0/16]", A10_1_1_1 | A10_1_2_2 | ADB8_0},
	{"banned", BANNED},
	{"not banned", NOT_BANNED},
};

static const struct choice kinds[] = {
	{"", (1 << KINDS) - 1},
	{"", (1 << KINDS) - 1},
	{"protocol: tcp", TCP},
	{"protocol: not tcp", ((1 << KINDS) - 1) & ~TCP},
	{"protocol: icmp", ICMP4 | ICMP4_IN_IP6},
	{"protocol: [icmp, icmp6]", ICMP4 | ICMP6 | ICMP4_IN_IP6 | ICMP6_IN_IP4},
	{"port: 80", PORT_80},
	{"port: 80-90", PORT_80 | PORT_85},
	{"port: [22, 80]", PORT_22 | PORT_80},
	{"port: not 80", PORT_ANY & ~PORT_80},
	{"port: 0-65535", PORT_ANY},
	{"port: web", PORT_80},
	{"protocol: tcp, port: 80", TCP_80},
	{"protocol: tcp, port: 80-90", TCP_80 | TCP_85},
	{"icmp: echo-request", PING4},
	{"icmp: [echo-request, fragmentation-needed]", PING4 | TOO_BIG4},
	{"icmp6: packet-too-big", TOO_BIG6},
	{"icmp: echo-request, icmp6: [echo-request, packet-too-big]", PING4 | PING6 | TOO_BIG6},
	{"icmp: not echo-request", TOO_BIG4 | OTHER_ICMP4},
};

static const struct choice others[] = {
	{"", NEW | RELATED},
	{"", NEW | RELATED},
	{"", NEW | RELATED},
	{"state: new", NEW},
	{"state: [new, related, established, invalid]", NEW | RELATED},
};

static const struct choice actions[] = {
	{"action: accept", true},
	{"action: drop", true},
	{"action: reject", true},
	{"action: continue, count: c", false},
	{"rate: 5/s, action: accept", false},
	{"mark: 1, action: accept", false},
};

struct rule {
	const struct choice *from, *to, *source, *destination, *kind, *other, *action;
	bool is_ip4_only, names_icmp4, names_icmp6;
};

#define CHOOSE(table) (&(table)[random_below(COUNT(table))])

static struct rule draw_rule(void)
{
	struct rule rule = {
		.from = CHOOSE(froms),
		.to = CHOOSE(tos),
		.source = CHOOSE(addresses),
		.destination = one_in(2) ? CHOOSE(addresses) : &addresses[0],
		.kind = CHOOSE(kinds),
		.other = CHOOSE(others),
		.action = CHOOSE(actions),
		.is_ip4_only = one_in(8),
	};

	rule.names_icmp4 = strstr(rule.kind->text, "icmp: ") != NULL &&
			   strstr(rule.kind->text, "icmp: not") == NULL;
	rule.names_icmp6 = strstr(rule.kind->text, "icmp6: ") != NULL;
	if (strncmp(rule.kind->text, "protocol: icmp", 14) == 0)
		rule.names_icmp4 = rule.names_icmp6 = false;
	return rule;
}

static bool has_address(uint32_t bits, uint8_t address, bool is_banned)
{
	return bits & (BANNED | NOT_BANNED) ? is_banned == (bits == BANNED) : bits & address;
}

static bool holds(const struct rule *rule, const struct packet *p)
{
	bool is_ip6 = p->source & ALL6;

	if ((p->kind & ESSENTIAL) && !(is_ip6 ? rule->names_icmp6 : rule->names_icmp4))
		return false;
	return (rule->from->bits & p->in) && (rule->to->bits & p->out) &&
	       (rule->kind->bits & p->kind) && (rule->other->bits & p->state) &&
	       !(rule->is_ip4_only && is_ip6) &&
	       has_address(rule->source->bits, p->source, p->is_source_banned) &&
	       has_address(rule->destination->bits, p->destination, p->is_destination_banned);
}

static bool is_bare(const struct rule *rule)
{
	return rule->from->text[0] == '\0' && rule->to->text[0] == '\0' &&
	       rule->source->text[0] == '\0' && rule->destination->text[0] == '\0' &&
	       rule->kind->text[0] == '\0' && rule->other->text[0] == '\0' && !rule->is_ip4_only;
}

// --- lists of rules ---

enum { RULES = 12, ROUNDS = 1500, FIRST_LINE = 8 };

struct list {
	struct rule rules[RULES];
	bool *held[RULES]; // by packet
};

static void write_part(FILE *file, const char *key, const char *text)
{
	if (text[0] != '\0')
		fprintf(file, "%s%s, ", key, text);
}

static char *text_of(const struct list *list)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	fputs("ports: {p: {match: {name: a}}, q: {match: {name: b}}, r: {match: {name: c}}}\n"
	      "interfaces: {lan: {port: p}, wan: {port: q}, iot: {port: r}}\n"
	      "zones: {lan: {interfaces: lan}, wan: {interfaces: wan}}\n"
	      "sets: {office: {addresses: [10.1.1.1, \"2001:db8::/64\"]}, web: {ports: [80]},\n"
	      "  banned: {addresses: [], timeout: 1d}, inside: {interfaces: [lan, iot]}}\n"
	      "firewall:\n  forward:\n",
		file);
	for (int i = 0; i < RULES; i++) {
		const struct rule *rule = &list->rules[i];

		fputs("  - {", file);
		write_part(file, "", rule->from->text);
		write_part(file, "", rule->to->text);
		write_part(file, "source: ", rule->source->text);
		write_part(file, "destination: ", rule->destination->text);
		write_part(file, "", rule->kind->text);
		write_part(file, "", rule->other->text);
		write_part(file, "", rule->is_ip4_only ? "family: ipv4" : "");
		fprintf(file, "%s}\n", rule->action->text);
	}
	fclose(file);
	return text;
}

// Of the family, whether rule `a` holds for each packet that rule `b` holds for.
static bool has_all(const struct list *list, int a, int b, bool is_ip6)
{
	for (unsigned i = 0; i < n_packets; i++) {
		if (((packets[i].source & ALL6) != 0) == is_ip6 && list->held[b][i] &&
			!list->held[a][i])
			return false;
	}
	return true;
}

static bool is_shadowed_in(const struct list *list, int at, bool is_ip6)
{
	bool is_empty = true;

	for (unsigned i = 0; i < n_packets && is_empty; i++)
		is_empty = ((packets[i].source & ALL6) != 0) != is_ip6 || !list->held[at][i];
	if (is_empty)
		return true;
	for (int i = 0; i < at; i++) {
		if (list->rules[i].action->bits && has_all(list, i, at, is_ip6))
			return true;
	}
	return false;
}

static bool is_empty(const struct list *list, int at)
{
	for (unsigned i = 0; i < n_packets; i++) {
		if (list->held[at][i])
			return false;
	}
	return true;
}

static bool is_named(const struct cfg_errors *errors, int line)
{
	for (unsigned i = 0; i < errors->n_warnings; i++) {
		if (errors->warnings[i].line == line &&
			strcmp(errors->warnings[i].id, doubt_kinds[DOUBT_RULE_SHADOWED].id) == 0)
			return true;
	}
	return false;
}

// How many rules of the list are shadowed.
static unsigned compare(const struct list *list, const struct cfg_errors *errors, const char *text)
{
	unsigned n = 0;

	for (int i = 0; i < RULES; i++) {
		bool is_shadowed;

		if (is_empty(list, i))
			continue;
		is_shadowed = is_shadowed_in(list, i, false) && is_shadowed_in(list, i, true);
		n += is_shadowed;
		if (is_shadowed == is_named(errors, FIRST_LINE + i))
			continue;
		fputs(text, stderr);
		fail_msg("line %d %s", FIRST_LINE + i,
			is_shadowed ? "is shadowed" : "is not shadowed");
	}
	return n;
}

static void a_rule_is_named_exactly_if_earlier_ones_take_all_of_it(void **state)
{
	unsigned n_compared = 0, n_shadowed = 0;
	struct list list;

	for (int i = 0; i < RULES; i++) {
		list.held[i] = malloc(n_packets * sizeof(bool));
		assert_non_null(list.held[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		struct cfg_errors errors;
		struct config *config;
		char *text;

		for (int i = 0; i < RULES; i++) {
			do
				list.rules[i] = draw_rule();
			while (is_bare(&list.rules[i]));
			for (unsigned k = 0; k < n_packets; k++)
				list.held[i][k] = holds(&list.rules[i], &packets[k]);
		}
		text = text_of(&list);
		config = parse(text, &errors);
		if (config != NULL) { // else families do not go together
			n_shadowed += compare(&list, &errors, text);
			n_compared++;
		}
		config_free(config);
		cfg_errors_free(&errors);
		free(text);
	}
	for (int i = 0; i < RULES; i++)
		free(list.held[i]);
	assert_true(n_compared > 50);
	assert_true(n_shadowed > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_named_exactly_if_earlier_ones_take_all_of_it),
	};

	return cmocka_run_group_tests(tests, make_all_packets, NULL);
}
