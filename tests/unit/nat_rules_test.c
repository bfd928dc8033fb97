// SPDX-License-Identifier: BSD-3-Clause
// Rules of translation by sets that change with time, and rules that are refused.
#include "tests/unit/nat_rules_fixture.h"

// --- sets that change with time ---

static bool is_source_translated(const char *src, uint32_t now_sec)
{
	struct flow_tuple p = packet(src, "8.8.8.8", 80, IPPROTO_TCP);
	struct nat_source out;

	return nat_rules_source(rules, &snap, now_sec, &p, LAN, WAN, false, &out);
}

static bool is_forwarded(const char *src, uint32_t now_sec)
{
	struct flow_tuple p = packet(src, "203.0.113.2", 80, IPPROTO_TCP);
	struct nat_destination out;

	return nat_rules_destination(rules, &snap, now_sec, &p, WAN, &out);
}

static void add_for_a_minute(const char *text)
{
	struct ip_prefix p = prefix(text);

	assert_int_equal(timed_set_add(timed[0], &p, NOW_SEC + 60), 0);
}

static void a_timed_set_is_asked_beside_what_is_always_in_it(void **state)
{
	struct dp_nat *nat = add(DP_NAT_SOURCE, WAN);
	struct ip_addr inside = address("10.7.0.9");

	nat->source.set = SET_TIMED;
	compile();
	assert_true(is_source_translated("10.0.1.9", NOW_SEC));
	assert_false(is_source_translated("10.7.0.9", NOW_SEC));
	assert_false(nat_rules_hides(rules, &snap, NOW_SEC, WAN, &inside, NULL));
	add_for_a_minute("10.7.0.0/24"); // the compiled rules stay as they are
	add_for_a_minute("2001:db8:7::/64");
	assert_true(is_source_translated("10.7.0.9", NOW_SEC));
	assert_true(is_source_translated("10.0.1.9", NOW_SEC));
	assert_true(nat_rules_hides(rules, &snap, NOW_SEC, WAN, &inside, NULL));
	assert_false(is_source_translated("10.7.0.9", NOW_SEC + 60));
	assert_true(is_source_translated("10.0.1.9", NOW_SEC + 60));
}

static void a_forward_is_for_those_who_are_in_a_timed_set_now(void **state)
{
	static const struct {
		bool is_negated;
		const char *src;
		uint32_t after_sec;
		bool is_forwarded;
	} rows[] = {
		{false, "198.51.100.9", 0, true},
		{false, "198.51.100.9", 59, true},
		{false, "198.51.100.9", 60, false},
		{false, "198.51.100.10", 0, false},
		{true, "198.51.100.9", 0, false},
		{true, "198.51.100.9", 60, true},
		{true, "198.51.100.10", 0, true},
	};
	struct dp_nat *nat = add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");

	add_for_a_minute("198.51.100.9/32");
	nat->source.set = SET_TIMED;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		nat->source.is_negated = rows[i].is_negated;
		compile();
		if (is_forwarded(rows[i].src, NOW_SEC + rows[i].after_sec) != rows[i].is_forwarded)
			fail_msg("row %u", i);
		nat_rules_free(rules);
		rules = NULL;
	}
}

// --- what is refused ---

static void spoil_kind(struct dp_nat *nat)
{
	nat->kind = (enum dp_nat_kind)99;
}

static void spoil_interface(struct dp_nat *nat)
{
	nat->interface = 64;
}

static void spoil_family(struct dp_nat *nat)
{
	nat->family = 5;
}

static void spoil_prefix(struct dp_nat *nat)
{
	nat->outside = (struct ip_prefix){{.family = IP_V4}, 33};
}

static void spoil_set(struct dp_nat *nat)
{
	nat->source.set = 4;
}

static void spoil_set_kind(struct dp_nat *nat)
{
	nat->source.set = SET_TCP_UDP;
}

static void spoil_inside(struct dp_nat *nat)
{
	nat->inside = prefix("10.0.1.0/24");
}

static void spoil_families(struct dp_nat *nat)
{
	nat->outside = prefix("2001:db8::1/128");
}

static void spoil_no_name(struct dp_nat *nat)
{
	nat->interface = -1;
}

static void spoil_ports(struct dp_nat *nat)
{
	nat->last_port = 79;
}

static void spoil_ports_from_none(struct dp_nat *nat)
{
	nat->first_port = 0;
}

static void spoil_inside_ports(struct dp_nat *nat)
{
	nat->last_port = 90;
	nat->inside_port = 65530;
}

static void spoil_inside_port_alone(struct dp_nat *nat)
{
	nat->first_port = nat->last_port = 0;
	nat->inside_port = 80;
}

static void spoil_one_to_one(struct dp_nat *nat)
{
	nat->kind = DP_NAT_ONE_TO_ONE;
	nat->outside = prefix("203.0.113.0/28");
}

static void spoil_one_to_one_by_interface(struct dp_nat *nat)
{
	nat->kind = DP_NAT_ONE_TO_ONE;
	nat->inside = prefix("10.0.1.0/24");
}

static void spoil_npt(struct dp_nat *nat)
{
	nat->kind = DP_NAT_PREFIX;
	nat->inside = prefix("fd00::/48");
	nat->outside = prefix("2001:db8::/56");
}

static void what_makes_no_sense_is_refused_with_its_number(void **state)
{
	static void (*const spoilers[])(struct dp_nat *) = {spoil_kind, spoil_interface,
		spoil_family, spoil_prefix, spoil_set, spoil_set_kind, spoil_inside, spoil_families,
		spoil_no_name, spoil_ports, spoil_ports_from_none, spoil_inside_ports,
		spoil_inside_port_alone, spoil_one_to_one, spoil_one_to_one_by_interface,
		spoil_npt};
	struct dp_nat sound;

	add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");
	add_forward(WAN, NULL, 80, 80, "10.0.1.9/32");
	compile();
	sound = nats[1];
	for (unsigned i = 0; i < RTE_DIM(spoilers); i++) {
		struct error err = {.text = ""};

		nats[1] = sound;
		spoilers[i](&nats[1]);
		if (nat_rules_new(&policy, sets, timed, &err) != NULL)
			fail_msg("spoiler %u passes", i);
		assert_non_null(strstr(err.text, "translation 1: "));
	}
	policy.n_nats = DP_NATS_MAX + 1;
	assert_null(nat_rules_new(&policy, sets, timed, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timed_set_is_asked_beside_what_is_always_in_it),
		TEST(a_forward_is_for_those_who_are_in_a_timed_set_now),
		TEST(what_makes_no_sense_is_refused_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
