// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random.h"
#include "tests/unit/ruleset_fixture.h"

enum {
	HOSTS = 4000,
	PORTS = 30,
	MANY = 20000, // rules: five pages
	PACKETS = 4000,
	LARGE = 20000, // prefixes
	GROUPS = 200,
	GROUP_HOSTS = 200,
	GROUP_RULES = 1000,
	TANGLES = 2000,
	TANGLE_NETS = 40,
	TANGLE_RULES = 10000,
	TANGLE_BYTES_MIN = 1 << 20, // or there is no tangle
	TANGLE_BYTES_MAX = 10 << 20,
};

static struct policy_fixture f;

static int setup(void **state)
{
	fixture_begin(&f);
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(&f);
	return 0;
}

static struct ip_prefix prefix4(uint32_t addr, uint8_t len)
{
	struct ip_prefix p = {.addr.family = IP_V4, .len = len};

	for (unsigned i = 0; i < 4; i++)
		p.addr.v4[i] = (uint8_t)(addr >> (24 - 8 * i));
	return p;
}

static void host_sets(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t set = fixture_set(&f, DP_SET_ADDRESSES);

		f.prefixes[set][f.sets[set].n_prefixes++] = prefix4(0xc6336400u + i, 32);
	}
}

static struct classifier *compiled(void)
{
	struct error err = {0};

	fixture_list(&f, 0);
	f.policy.hooks[DP_HOOK_FORWARD] = 0;
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
	return f.ruleset->classifier;
}

// --- when there is one ---

static void few_rules_are_not_classified(void **state)
{
	for (unsigned n = CLASSIFIER_FROM_OF_WORD - 1; n <= CLASSIFIER_FROM_OF_WORD; n++) {
		fixture_begin(&f);
		host_sets(n);
		for (unsigned i = 0; i < n; i++)
			fixture_rule(&f, DP_ACCEPT)->source = in_set((uint16_t)i);
		assert_int_equal(compiled() != NULL, n == CLASSIFIER_FROM_OF_WORD);
		fixture_drop_ruleset(&f);
	}
}

static void rules_that_nothing_tells_apart_are_not_classified(void **state)
{
	f.timed[0] = timed_set_new(16, NULL);
	host_sets(3);
	f.sets[1].timed = 0;
	for (unsigned i = 0; i < 500; i++) {
		struct dp_rule *rule = fixture_rule(&f, DP_ACCEPT);

		rule->mark_mask = 1;
		rule->source = i % 3 == 0 ? not_in_set(0) : i % 3 == 1 ? in_set(1) : dp_match_any();
	}
	assert_null(compiled());
}

// It has no bounds to tell it apart by, and nobody is in it all the same.
static void an_empty_set_has_nobody_in_it(void **state)
{
	enum { HOSTS_OF_RULES = CLASSIFIER_FROM_OF_WORD };
	static const unsigned sizes[] = {HOSTS_OF_RULES, 2 * CLASSIFIER_FROM};
	const struct rules_now now = {.now_ms = 1000, .now_sec = 1};

	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct rule_subject s = syn(IP_V4);

		fixture_begin(&f);
		host_sets(HOSTS_OF_RULES);
		fixture_set(&f, DP_SET_PORTS);
		for (unsigned i = 0; i < sizes[k]; i++) {
			struct dp_rule *rule = fixture_rule(&f, DP_ACCEPT);

			rule->source = in_set((uint16_t)(i % HOSTS_OF_RULES));
			rule->destination_port = in_set(HOSTS_OF_RULES);
		}
		assert_non_null(compiled());
		s.src = f.prefixes[0][0].addr.bytes;
		assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule, RULE_DEFAULT);
		fixture_drop_ruleset(&f);
	}
}

static void a_set_that_is_too_large_is_asked_itself(void **state)
{
	static struct ip_prefix prefixes[LARGE];
	struct rule_subject s = syn(IP_V4);
	struct rules_now now = {.now_ms = 1000, .now_sec = 1};
	uint16_t large;

	for (uint32_t i = 0; i < LARGE; i++)
		prefixes[i] = prefix4(0xc6336407u + 2 * i, 32); // the first is host4
	host_sets(100);
	large = fixture_set(&f, DP_SET_ADDRESSES);
	f.sets[large].prefixes = prefixes;
	f.sets[large].n_prefixes = LARGE;
	for (uint16_t i = 0; i < 100; i++)
		fixture_rule(&f, DP_DROP)->destination = in_set(i);
	fixture_rule(&f, DP_ACCEPT)->source = in_set(large);
	assert_non_null(compiled());
	assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule, 100);
}

// The lists share a word of the classifier's: what was found for the first is not the other's.
static void a_list_behind_another_has_its_own_rules_only(void **state)
{
	enum { JUMP = 99, BETWEEN = 102, LAST = 105, WANTED = 107, N = 110 };
	const struct rules_now now = {.now_ms = 1000, .now_sec = 1};
	struct rule_subject s = syn(IP_V4);
	struct error err = {0};

	host_sets(N + 1);
	for (unsigned i = 0; i < N; i++)
		fixture_rule(&f, DP_ACCEPT)->source = in_set((uint16_t)i);
	s.src = f.prefixes[N][0].addr.bytes;
	f.rules[JUMP].action = DP_JUMP;
	f.rules[JUMP].jump_list = 1;
	f.rules[JUMP].source = f.rules[BETWEEN].source = f.rules[WANTED].source = in_set(N);
	f.lists[0] = (struct dp_list){0, JUMP + 1};
	f.lists[1] = (struct dp_list){LAST, N - LAST};
	f.lists[2] = (struct dp_list){JUMP + 1, LAST - JUMP - 1};
	f.policy.n_lists = 3;
	f.policy.hooks[DP_HOOK_FORWARD] = 0;
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
	assert_non_null(f.ruleset->classifier);
	assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule, WANTED);
}

// --- classes ---

static void values_in_the_same_sets_share_a_class(void **state)
{
	static const struct {
		uint32_t addr;
		uint8_t len;
	} prefixes[] = {{0xc6336400, 24}, {0xc6336410, 28}, {0xc6336410, 28}, {0xc6336440, 32},
		{0xc6336450, 32}};
	// outside; the network; that with both in it; that with each of the hosts
	static const uint32_t classes_of[][2] = {{0xc6336300, 0}, {0xc6336401, 1}, {0xc6336410, 2},
		{0xc633641f, 2}, {0xc6336420, 1}, {0xc6336440, 3}, {0xc6336441, 1}, {0xc6336450, 4},
		{0xc63364ff, 1}, {0xc6336500, 0}};
	struct ruleset_set sets[5] = {0};
	uint32_t n_rules[5] = {1, 1, 1, 1, 1};
	struct rule_classes_input in = {
		.sets = sets, .n_rules = n_rules, .n_sets = 5, .is_address = true, .budget = 100};
	struct rule_classes classes;
	struct class_table table;

	for (unsigned i = 0; i < 5; i++) {
		struct ip_prefix p = prefix4(prefixes[i].addr, prefixes[i].len);
		struct dp_set from = {.prefixes = &p, .n_prefixes = 1, .timed = DP_INDEX_NONE};

		sets[i].set = set_new(&from, NULL);
	}
	assert_int_equal(rule_classes_init(&classes, &table, &in), 0);
	assert_int_equal(classes.n, 5);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(table.of_low[bounds32_rank(&table.low, classes_of[i][0])],
			classes_of[i][1]);
	rule_classes_fini(&classes);
	class_table_fini(&table);

	// The network is in 4 classes, each of the others in 1: it is left out first.
	in.budget = 7;
	assert_int_equal(rule_classes_init(&classes, &table, &in), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(classes.is_told_apart[i], i > 0);
	assert_int_equal(classes.n, 4);
	rule_classes_fini(&classes);
	class_table_fini(&table);
	for (unsigned i = 0; i < 5; i++)
		set_free(sets[i].set);
}

// Each port there is, in sets that begin and end at the edges of blocks and within them.
static void every_port_has_the_row_of_its_class(void **state)
{
	static const struct dp_range ranges[] = {{0, 0}, {1, 255}, {22, 22}, {256, 256}, {255, 512},
		{1024, 65535}, {5060, 5061}, {65280, 65534}, {65535, 65535}};
	enum { RANGES = sizeof(ranges) / sizeof(ranges[0]) };
	struct ruleset_set sets[RANGES] = {0};
	uint32_t n_rules[RANGES];
	struct rule_classes_input in = {
		.sets = sets, .n_rules = n_rules, .n_sets = RANGES, .budget = 1000};
	struct rule_classes classes;
	struct class_table table;
	struct port_rows ports;

	for (unsigned i = 0; i < RANGES; i++) {
		struct dp_range range = ranges[i];
		struct dp_set from = {.kind = DP_SET_PORTS,
			.ranges = &range,
			.n_ranges = 1,
			.timed = DP_INDEX_NONE};

		n_rules[i] = 1;
		sets[i].set = set_new(&from, NULL);
	}
	assert_int_equal(rule_classes_init(&classes, &table, &in), 0);
	assert_int_equal(port_rows_init(&ports, &table), 0);
	assert_in_range(ports.n_blocks, 4, 10); // of 256: those that are alike are one
	for (uint32_t port = 0; port <= UINT16_MAX; port++) {
		uint32_t class = port_rows_find(&ports, (uint16_t)port), in_class = 0, in_set = 0;

		for (uint32_t k = classes.firsts[class]; k < classes.firsts[class + 1]; k++)
			in_class |= 1u << classes.members[k];
		for (unsigned i = 0; i < RANGES; i++)
			in_set |= (uint32_t)(port >= ranges[i].first && port <= ranges[i].last)
				  << i;
		if (in_class != in_set)
			fail_msg("port %u is in %x, not %x", port, in_set, in_class);
	}
	port_rows_fini(&ports);
	rule_classes_fini(&classes);
	class_table_fini(&table);
	for (unsigned i = 0; i < RANGES; i++)
		set_free(sets[i].set);
}

// --- many rules ---

struct plain_rule {
	uint32_t src, dst, port; // HOSTS, PORTS: any
	enum dp_action action;
};

static struct plain_rule plain[MANY];
static struct dp_rule rules[MANY];
static struct dp_set sets[HOSTS + PORTS];
static struct ip_prefix prefixes[HOSTS][2];
static struct dp_range ports[PORTS];

// Hosts of both families; a source and a destination may be the same.
static void many_sets(void)
{
	for (uint32_t i = 0; i < HOSTS; i++) {
		prefixes[i][0] = prefix4(0xc6120000u + i * 7, 32);
		prefixes[i][1] = (struct ip_prefix){.addr.family = IP_V6, .len = 64};
		memcpy(prefixes[i][1].addr.v6, host6, 4);
		prefixes[i][1].addr.v6[6] = (uint8_t)(i >> 8);
		prefixes[i][1].addr.v6[7] = (uint8_t)i;
		sets[i] = (struct dp_set){
			.prefixes = prefixes[i], .n_prefixes = 2, .timed = DP_INDEX_NONE};
	}
	for (uint32_t i = 0; i < PORTS; i++) {
		ports[i] = (struct dp_range){i, i};
		sets[HOSTS + i] = (struct dp_set){.kind = DP_SET_PORTS,
			.ranges = &ports[i],
			.n_ranges = 1,
			.timed = DP_INDEX_NONE};
	}
}

static void many_rules(void)
{
	for (uint32_t i = 0; i < MANY; i++) {
		struct plain_rule *p = &plain[i];

		*p = (struct plain_rule){random_below(HOSTS), random_below(HOSTS),
			random_below(2 * PORTS), random_below(3) > 0 ? DP_CONTINUE : DP_ACCEPT};
		if (random_below(3) == 0)
			p->src = HOSTS;
		else if (random_below(2) == 0)
			p->dst = HOSTS;
		rules[i] = dp_rule_any(p->action);
		if (p->src < HOSTS)
			rules[i].source = in_set((uint16_t)p->src);
		if (p->dst < HOSTS)
			rules[i].destination = in_set((uint16_t)p->dst);
		if (p->port < PORTS)
			rules[i].destination_port = in_set((uint16_t)(HOSTS + p->port));
	}
}

static uint64_t counts[MANY];

// Goes on through rules that only count.
static int32_t plain_walk(uint32_t from, uint32_t to, uint32_t src, uint32_t dst, uint32_t port)
{
	for (uint32_t i = from; i < to; i++) {
		const struct plain_rule *p = &plain[i];

		if ((p->src != HOSTS && p->src != src) || (p->dst != HOSTS && p->dst != dst) ||
			(p->port < PORTS && p->port != port))
			continue;
		counts[i]++;
		if (p->action == DP_ACCEPT)
			return (int32_t)i;
	}
	return RULE_DEFAULT;
}

static void every_page_of_many_rules_is_searched(void **state)
{
	enum { SECOND = 9001 }; // the hook's list begins here, with a jump to all before it
	const struct rules_now now = {.now_ms = 1000, .now_sec = 1};
	unsigned n_found[MANY / CLASSIFIER_PAGE + 1] = {0};
	struct error err = {0};

	many_sets();
	many_rules();
	rules[SECOND] = dp_rule_any(DP_JUMP);
	rules[SECOND].jump_list = 0;
	f.policy.rules = rules;
	f.policy.n_rules = MANY;
	f.policy.sets = sets;
	f.policy.n_sets = HOSTS + PORTS;
	f.lists[0] = (struct dp_list){0, SECOND};
	f.lists[1] = (struct dp_list){SECOND, MANY - SECOND};
	f.policy.n_lists = 2;
	f.policy.hooks[DP_HOOK_FORWARD] = 1;
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
	assert_non_null(f.ruleset->classifier);
	assert_in_range(classifier_bytes(f.ruleset->classifier), MANY * 10, MANY * 200);
	for (unsigned i = 0; i < PACKETS; i++) {
		const struct plain_rule *p = &plain[random_below(MANY)];
		uint32_t src = p->src < HOSTS ? p->src : random_below(HOSTS),
			 dst = p->dst < HOSTS ? p->dst : random_below(HOSTS),
			 port = p->port < PORTS ? p->port : random_below(PORTS);
		struct rule_subject s = syn(random_below(2) == 0 ? IP_V4 : IP_V6);
		int32_t want, got;

		s.src = prefixes[src][s.family == IP_V6].addr.bytes;
		s.dst = prefixes[dst][s.family == IP_V6].addr.bytes;
		s.dport = (uint16_t)port;
		want = plain_walk(0, SECOND, src, dst, port);
		if (want == RULE_DEFAULT)
			want = plain_walk(SECOND + 1, MANY, src, dst, port);
		got = fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule;
		assert_int_equal(got, want);
		if (got != RULE_DEFAULT)
			n_found[got / CLASSIFIER_PAGE]++;
	}
	for (unsigned i = 0; i < MANY; i++)
		if (i != SECOND)
			assert_int_equal(f.state.rules[i].packets, counts[i]);
	assert_int_equal(f.state.rules[SECOND].packets, PACKETS);
	for (unsigned i = 0; i <= MANY / CLASSIFIER_PAGE; i++)
		assert_in_range(n_found[i], PACKETS / 100, PACKETS);
}

// --- groups of many hosts ---

static void compile_rules(uint32_t n_rules, uint32_t n_sets)
{
	struct error err = {0};

	f.policy.rules = rules;
	f.policy.n_rules = n_rules;
	f.policy.sets = sets;
	f.policy.n_sets = n_sets;
	fixture_list(&f, 0);
	f.policy.hooks[DP_HOOK_FORWARD] = 0;
	if (!fixture_compile(&f, &err))
		fail_msg("%s", err.text);
	assert_non_null(f.ruleset->classifier);
}

// What they cost is by the rules that a packet may match, not by the hosts of the groups.
static void groups_of_many_hosts_are_told_apart(void **state)
{
	static struct ip_prefix hosts[GROUPS][GROUP_HOSTS];
	const struct rules_now now = {.now_ms = 1000, .now_sec = 1};

	for (uint32_t i = 0; i < GROUPS; i++) {
		for (uint32_t k = 0; k < GROUP_HOSTS; k++)
			hosts[i][k] = prefix4(0xc6120000u + 3 * (k * GROUPS + i), 32);
		sets[i] = (struct dp_set){
			.prefixes = hosts[i], .n_prefixes = GROUP_HOSTS, .timed = DP_INDEX_NONE};
	}
	for (uint32_t i = 0; i < GROUP_RULES; i++) {
		rules[i] = dp_rule_any(DP_ACCEPT);
		rules[i].source = in_set((uint16_t)(i % GROUPS));
		rules[i].destination = in_set((uint16_t)(i / 5));
	}
	compile_rules(GROUP_RULES, GROUPS);
	assert_int_equal(f.ruleset->classifier->homeless_pages, 0);
	for (uint32_t i = 0; i < GROUP_RULES; i++) {
		struct rule_subject s = syn(IP_V4);

		s.src = hosts[i % GROUPS][i % GROUP_HOSTS].addr.bytes;
		s.dst = hosts[i / 5][GROUP_HOSTS - 1].addr.bytes;
		assert_int_equal(f.ruleset->matches[i].asks_beside, 0);
		assert_int_equal(fixture_judge(&f, DP_HOOK_FORWARD, &s, &now).rule, i);
	}
}

// Networks in networks and ports among ports: each value is in some sets that no other is in.
static void what_a_tangle_of_sets_takes_is_bounded(void **state)
{
	static struct ip_prefix nets[TANGLES][TANGLE_NETS];
	static struct dp_range ranges[TANGLES][TANGLE_NETS];

	for (uint32_t i = 0; i < TANGLES; i++) {
		for (uint32_t k = 0; k < TANGLE_NETS; k++) {
			uint32_t port = random_below(65000);

			nets[i][k] = prefix4(random_below(1 << 24) << 8, 16 + random_below(12));
			ranges[i][k] = (struct dp_range){port, port + random_below(300)};
		}
		sets[i] = (struct dp_set){
			.prefixes = nets[i], .n_prefixes = TANGLE_NETS, .timed = DP_INDEX_NONE};
		sets[TANGLES + i] = (struct dp_set){.kind = DP_SET_PORTS,
			.ranges = ranges[i],
			.n_ranges = TANGLE_NETS,
			.timed = DP_INDEX_NONE};
	}
	for (uint32_t i = 0; i < TANGLE_RULES; i++) {
		rules[i] = dp_rule_any(DP_ACCEPT);
		rules[i].source = in_set((uint16_t)random_below(TANGLES));
		rules[i].destination = in_set((uint16_t)random_below(TANGLES));
		rules[i].source_port = in_set((uint16_t)(TANGLES + random_below(TANGLES)));
		rules[i].destination_port = in_set((uint16_t)(TANGLES + random_below(TANGLES)));
	}
	compile_rules(TANGLE_RULES, 2 * TANGLES);
	assert_in_range(
		classifier_bytes(f.ruleset->classifier), TANGLE_BYTES_MIN, TANGLE_BYTES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(few_rules_are_not_classified),
		TEST(rules_that_nothing_tells_apart_are_not_classified),
		TEST(an_empty_set_has_nobody_in_it),
		TEST(a_set_that_is_too_large_is_asked_itself),
		TEST(a_list_behind_another_has_its_own_rules_only),
		TEST(values_in_the_same_sets_share_a_class),
		TEST(every_port_has_the_row_of_its_class),
		TEST(every_page_of_many_rules_is_searched),
		TEST(groups_of_many_hosts_are_told_apart),
		TEST(what_a_tangle_of_sets_takes_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
