// SPDX-License-Identifier: BSD-3-Clause
// What firewall.c says of a packet in bits, bit by bit as it comes in, is what the rules make of
// the same packet's description.
#include "dataplane/firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dataplane_fixture.h"

enum { L4_OFFSET = L3_OFFSET + sizeof(struct rte_ipv6_hdr), FRAME_BYTES = L4_OFFSET + 20 };

static const struct {
	uint8_t in, out;
} ways[] = {
	{FIXTURE_LAN, FIXTURE_WAN},
	{FIXTURE_WAN, FLOW_IFACE_HOST},
	{FLOW_IFACE_HOST, FIXTURE_WAN},
	{FLOW_IFACE_HOST, FLOW_IFACE_HOST},
};

static bool is_icmp(unsigned protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static struct flow_tuple tuple_of(uint8_t family, uint8_t protocol, uint16_t sport, uint16_t dport)
{
	struct flow_tuple tuple = {
		.sport_be = rte_cpu_to_be_16(sport),
		.dport_be = rte_cpu_to_be_16(dport),
		.protocol = protocol,
	};

	tuple.src.family = tuple.dst.family = family;
	tuple.src.bytes[0] = 0xfe; // link-local, for DHCPv6
	tuple.src.bytes[1] = 0x80;
	return tuple;
}

static void check(
	struct fixture *f, const struct packet *p, uint16_t sport, uint16_t dport, uint32_t *seen)
{
	uint8_t family = p->kind == PACKET_IP6 ? IP_V6 : IP_V4;
	struct flow_tuple tuple = tuple_of(family, p->protocol, sport, dport);
	struct rule_subject s;

	memset(&s, 0xa5, sizeof(s));
	firewall_subject_of_packet(f->w, p, &s);
	for (unsigned i = 0; i < 4 * RTE_DIM(ways); i++) {
		s.is_dnat = i & 1;
		s.state = i & 2 ? DP_STATE_RELATED : DP_STATE_NEW;
		firewall_subject_route(f->w, &tuple, ways[i / 4].in, ways[i / 4].out, &s);
		if (s.facts != rules_facts(&s))
			fail_msg("protocol %u, flags %x, way %u, %u: %x, not %x", p->protocol,
				p->flags, i / 4, i % 4, s.facts, rules_facts(&s));
		*seen |= s.facts;
		assert_null(s.ahead);
	}
}

static void the_facts_of_a_packet_are_those_of_its_description(void **state)
{
	static const uint16_t flags[] = {
		0, PACKET_IS_FRAGMENT, PACKET_FROM_HOST, PACKET_IS_FRAGMENT | PACKET_FROM_HOST};
	static const uint16_t ports[][2] = {{40000, 443}, {67, 68}, {547, 546}};
	const uint32_t never = FACT_ESTABLISHED | FACT_INVALID | FACT_REVIEW;
	struct fixture *f = *state;
	struct packet p = {.m = rte_pktmbuf_alloc(f->w->pool), .l4_offset = L4_OFFSET};
	uint32_t seen = 0;
	uint8_t *l4;

	rte_pktmbuf_free(
		fixture_send(f, &fixture_udp_out, FIXTURE_WAN)); // its worker has a snapshot now
	assert_non_null(p.m);
	memset(rte_pktmbuf_append(p.m, FRAME_BYTES), 0, FRAME_BYTES);
	l4 = rte_pktmbuf_mtod_offset(p.m, uint8_t *, L4_OFFSET);
	for (unsigned protocol = 0; protocol < 256; protocol++)
		for (unsigned type = 0; type < (is_icmp(protocol) ? 256 : 1); type++)
			for (unsigned i = 0; i < RTE_DIM(flags) * RTE_DIM(ports) * 2; i++) {
				unsigned pair = i / 2 / RTE_DIM(flags);

				p.protocol = (uint8_t)protocol;
				p.flags = flags[i / 2 % RTE_DIM(flags)];
				p.kind = i % 2 ? PACKET_IP6 : PACKET_IP4;
				l4[0] = (uint8_t)type;
				check(f, &p, ports[pair][0], ports[pair][1], &seen);
			}
	// every one was met that such a packet can have
	assert_int_equal(seen, ((FACT_OTHER_PROTOCOL << 1) - 1) & ~never);
	rte_pktmbuf_free(p.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_facts_of_a_packet_are_those_of_its_description,
			fixture_setup_nat, fixture_teardown),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
