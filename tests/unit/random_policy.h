// SPDX-License-Identifier: BSD-3-Clause
// Random policies, and packets for them: few values, so that they meet.
#pragma once

#include "tests/unit/random.h"
#include "tests/unit/rules_model.h"

enum { TIMED_SETS = 2 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t protocols[] = {1, 6, 6, 17, 17, 50, 58};
static const uint8_t zones[] = {DP_ZONE_ROUTER, DP_ZONE_NONE, 2, 3, 4, 31};

static inline void random_prefixes(struct policy_fixture *f, uint16_t set)
{
	for (uint32_t i = random_below(FIXTURE_ELEMENTS); i > 0; i--) {
		struct ip_prefix *p = &f->prefixes[set][f->sets[set].n_prefixes++];

		*p = (struct ip_prefix){0};
		if (one_in(2)) {
			p->addr.family = IP_V4;
			memcpy(p->addr.v4, host4, 4);
			p->addr.v4[3] = (uint8_t)random_below(SOURCES);
			p->len = (uint8_t)(one_in(8) ? random_below(29) : 28 + random_below(5));
		} else {
			p->addr.family = IP_V6;
			memcpy(p->addr.v6, host6, 16);
			p->addr.v6[7] = (uint8_t)random_below(SOURCES);
			p->len = (uint8_t)(one_in(8) ? random_below(129) : 60 + random_below(5));
		}
	}
}

static inline void random_ranges(
	struct policy_fixture *f, uint16_t set, uint32_t base, uint32_t n, uint32_t step)
{
	for (uint32_t i = random_below(4); i > 0; i--) {
		uint32_t first = random_below(n);

		fixture_add_range(f, set, base + first * step,
			base + (first + random_below(3)) * step + (one_in(2) ? step - 1 : 0));
	}
}

static inline uint16_t random_set(struct policy_fixture *f, enum dp_set_kind kind)
{
	uint16_t set = fixture_set(f, kind);

	switch (kind) {
	case DP_SET_ADDRESSES:
		random_prefixes(f, set);
		if (one_in(3))
			f->sets[set].timed = (uint16_t)random_below(TIMED_SETS);
		break;
	case DP_SET_MACS:
		for (uint32_t i = random_below(4); i > 0; i--)
			f->macs[set][f->sets[set].n_macs++] =
				(struct mac_addr){{2, 0, 0, 0, 0, (uint8_t)random_below(6)}};
		break;
	case DP_SET_PORTS:
		random_ranges(f, set, 0, 10, one_in(8) ? 7000 : 1);
		break;
	case DP_SET_ICMP:
	case DP_SET_ICMP6:
		random_ranges(f, set, 0, 6, 256);
		break;
	case DP_SET_INTERFACES:
		random_ranges(f, set, 0, 6, 1);
		break;
	case DP_SET_PROTOCOLS:
		for (uint32_t i = random_below(4); i > 0; i--) {
			uint32_t p = protocols[random_below(COUNT(protocols))];

			fixture_add_range(f, set, p, one_in(6) ? 255 : p);
		}
		break;
	}
	return set;
}

static inline struct dp_match_set random_match(enum dp_set_kind kind, uint32_t one_of)
{
	uint32_t per_kind = FIXTURE_SETS / (DP_SET_PROTOCOLS + 1);

	if (!one_in(one_of))
		return dp_match_any();
	return (struct dp_match_set){
		.set = (uint16_t)(kind * per_kind + random_below(per_kind)),
		.is_negated = one_in(4),
	};
}

static inline uint32_t random_zones(void)
{
	return one_in(3) ? 0 : random_below(UINT32_MAX) | 1u << zones[random_below(COUNT(zones))];
}

// Rules that tell hosts and ports apart, as those of a large policy do; a part takes anything.
static inline void make_telling(struct dp_rule *r, uint32_t any)
{
	struct dp_match_set *const asked[] = {
		&r->source, &r->destination, &r->source_port, &r->destination_port};

	for (unsigned i = 0; i < COUNT(asked); i++)
		if (random_below(10) >= any + 3 * (i == 2))
			*asked[i] = random_match(i < 2 ? DP_SET_ADDRESSES : DP_SET_PORTS, 1);
	// most only count, so that walks go deep; jumps that multiply would be refused
	if (!one_in(r->action == DP_JUMP ? 25 : 4))
		r->action = DP_CONTINUE;
	if (one_in(2))
		return;
	// and ask no more than that, so that something is left
	r->from_zones = r->to_zones = 0;
	r->protocol = r->icmp = r->icmp6 = r->mac = r->in_interface = r->out_interface =
		dp_match_any();
	r->states = 0;
}

static inline void random_rule(
	struct policy_fixture *f, uint32_t n_lists, uint32_t list, bool is_telling, uint32_t any)
{
	static const enum dp_action actions[] = {DP_CONTINUE, DP_CONTINUE, DP_ACCEPT, DP_DROP,
		DP_REJECT, DP_RETURN, DP_JUMP, DP_JUMP};
	struct dp_rule *r = fixture_rule(f, actions[random_below(COUNT(actions))]);

	if (r->action == DP_JUMP && list + 1 >= n_lists)
		r->action = DP_CONTINUE;
	if (r->action == DP_JUMP)
		r->jump_list = (uint16_t)(list + 1 + random_below(n_lists - list - 1));
	r->from_zones = random_zones();
	r->to_zones = random_zones();
	r->family = (uint8_t)(one_in(4) ? IP_V4 : one_in(4) ? IP_V6 : IP_NONE);
	r->in_interface = random_match(DP_SET_INTERFACES, 8);
	r->out_interface = random_match(DP_SET_INTERFACES, 8);
	r->source = random_match(DP_SET_ADDRESSES, 4);
	r->destination = random_match(DP_SET_ADDRESSES, 6);
	r->source_port = random_match(DP_SET_PORTS, 8);
	r->destination_port = random_match(DP_SET_PORTS, 5);
	r->protocol = random_match(DP_SET_PROTOCOLS, 4);
	r->icmp = random_match(DP_SET_ICMP, 8);
	r->icmp6 = random_match(DP_SET_ICMP6, 8);
	r->mac = random_match(DP_SET_MACS, 12);
	r->tcp_flags_mask = (uint8_t)(one_in(10) ? random_below(256) : 0);
	r->tcp_flags = (uint8_t)(random_below(256) & r->tcp_flags_mask);
	r->dscps = one_in(12) ? UINT64_C(0x5555555555555555) << random_below(2) : 0;
	r->states = (uint8_t)(one_in(6) ? random_below(16) : 0);
	r->is_dnat = (int8_t)(one_in(8) ? (int)random_below(2) : -1);
	r->mark_mask = one_in(8) ? random_below(8) : 0;
	r->mark = random_below(8) & r->mark_mask;
	r->schedule = (uint16_t)(one_in(12) ? random_below(DP_SCHEDULES_MAX) : DP_INDEX_NONE);
	r->rate = (uint16_t)(one_in(6) ? random_below(f->policy.n_rates) : DP_INDEX_NONE);
	r->is_above_rate = one_in(2);
	r->counter = (uint16_t)(one_in(5) ? random_below(COUNTERS) : DP_INDEX_NONE);
	r->log = (uint16_t)(one_in(5) ? random_below(f->policy.n_logs) : DP_INDEX_NONE);
	r->set_mark_mask = one_in(5) ? random_below(8) : 0;
	r->set_mark = random_below(8);
	r->add_timed = (uint16_t)(one_in(5) ? random_below(TIMED_SETS) : DP_INDEX_NONE);
	r->add_sec = random_below(100);
	r->add_destination = one_in(2);
	r->reject = random_below(DP_REJECT_PROHIBITED + 1);
	if (is_telling)
		make_telling(r, any);
}

static inline void random_rates_and_logs(struct policy_fixture *f)
{
	// increments without a remainder: the model's whole numbers are then ours
	static const uint32_t packets[] = {1, 2, 5, 10, 100};

	f->policy.n_rates = FIXTURE_RATES;
	for (unsigned i = 0; i < FIXTURE_RATES; i++)
		f->rates[i] = (struct dp_rate){
			packets[random_below(COUNT(packets))], 1, 1 + random_below(4), one_in(2)};
	f->policy.n_logs = FIXTURE_LOGS;
	for (unsigned i = 0; i < FIXTURE_LOGS; i++)
		f->logs[i].rate =
			(uint16_t)(one_in(2) ? random_below(FIXTURE_RATES) : DP_INDEX_NONE);
}

static inline void random_policy(struct policy_fixture *f, uint32_t n_rules, bool is_telling)
{
	static const enum dp_action defaults[] = {DP_ACCEPT, DP_DROP, DP_REJECT};
	uint32_t any = random_below(10);
	uint32_t n_lists = 1 + random_below(6);

	fixture_begin(f);
	for (unsigned i = 0; i < FIXTURE_SETS / (DP_SET_PROTOCOLS + 1) * (DP_SET_PROTOCOLS + 1);
		i++)
		random_set(f, i / (FIXTURE_SETS / (DP_SET_PROTOCOLS + 1)));
	random_rates_and_logs(f);
	for (uint32_t list = 0; list < n_lists; list++) {
		uint32_t first = f->policy.n_rules;
		uint32_t end = n_rules * (list + 1) / n_lists;

		while (f->policy.n_rules < end)
			random_rule(f, n_lists, list, is_telling, any);
		fixture_list(f, first);
	}
	for (unsigned hook = 0; hook < DP_HOOK_COUNT; hook++) {
		f->policy.defaults[hook] = defaults[random_below(3)];
		f->policy.hooks[hook] =
			(uint16_t)(one_in(12) ? DP_INDEX_NONE : random_below((n_lists + 1) / 2));
	}
}

static inline void random_timed_sets(struct policy_fixture *f, uint32_t now_sec)
{
	for (unsigned i = 0; i < TIMED_SETS; i++) {
		timed_set_free(f->timed[i]);
		f->timed[i] = timed_set_new(64, NULL);
		assert_non_null(f->timed[i]);
		for (unsigned k = 0; k < 4; k++) {
			struct ip_prefix p = {.addr.family = one_in(2) ? IP_V4 : IP_V6};

			memcpy(p.addr.bytes, p.addr.family == IP_V4 ? host4 : host6,
				p.addr.family == IP_V4 ? 4 : 16);
			p.len = p.addr.family == IP_V4 ? 32 : 64;
			p.addr.bytes[p.addr.family == IP_V4 ? 3 : 7] =
				(uint8_t)random_below(SOURCES);
			timed_set_add(f->timed[i], &p, now_sec + random_below(20));
		}
	}
}

static inline struct rule_subject random_subject(uint8_t src[16], uint8_t dst[16])
{
	uint8_t family = one_in(2) ? IP_V4 : IP_V6;
	struct rule_subject s = {
		.family = family,
		.protocol = protocols[random_below(COUNT(protocols))],
		.from = zones[random_below(COUNT(zones))],
		.to = zones[random_below(COUNT(zones))],
		.src = src,
		.dst = dst,
		.tcp_flags = (uint8_t)random_below(256),
		.dscp = (uint8_t)random_below(64),
		.state = (uint8_t)(1 << random_below(4)),
		.in_interface = (uint8_t)(one_in(4) ? RULE_INTERFACE_NONE : random_below(8)),
		.out_interface = (uint8_t)(one_in(4) ? RULE_INTERFACE_NONE : random_below(8)),
		.mac = {{2, 0, 0, 0, 0, (uint8_t)random_below(6)}},
		.has_mac = !one_in(3),
		.is_dnat = one_in(3),
		.is_essential = one_in(6),
		.is_review = one_in(6),
		.mark = random_below(16),
		.bytes = random_below(1500),
	};

	memcpy(src, family == IP_V4 ? host4 : host6, family == IP_V4 ? 4 : 16);
	memcpy(dst, src, 16);
	src[family == IP_V4 ? 3 : 7] = (uint8_t)random_below(SOURCES);
	dst[family == IP_V4 ? 3 : 7] = (uint8_t)random_below(SOURCES);
	s.has_ports = (s.protocol == IPPROTO_TCP || s.protocol == IPPROTO_UDP) && !one_in(6);
	s.has_icmp = s.protocol == (family == IP_V6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (s.has_ports) {
		s.sport = (uint16_t)random_below(one_in(8) ? 65536 : 12);
		s.dport = (uint16_t)random_below(one_in(8) ? 65536 : 12);
	}
	if (s.has_icmp)
		s.icmp = (uint16_t)(random_below(8) << 8 | random_below(3));
	return s;
}
