// SPDX-License-Identifier: BSD-3-Clause
// What the firewall makes of a link's own talk, through the pipeline: neighbour discovery, DHCP,
// groups, errors; who may say it, from where, and what of it is heard past any rule.
#include "tests/unit/house_fixture.h"
#include "tests/unit/text_addr.h"

// --- neighbours ---

static const struct frame solicitation = {.iface = FIXTURE_WAN,
	.src6 = FIXTURE_GATEWAY6,
	.dst6 = FIXTURE_OWN_WAN6,
	.protocol = IPPROTO_ICMPV6,
	.icmp_type = 135,
	.ttl = 255,
	.payload_bytes = 16};

static void neighbour_discovery_needs_no_rule_and_yields_to_its_own(void **state)
{
	struct fixture *f = *state;
	struct frame echo = solicitation;
	struct house h;

	echo.icmp_type = 128;
	house_init(&h);
	house_add(&h, 0, 0, DP_DROP); // everything
	house_apply(&h, f);
	assert_true(fixture_reaches_host(f, &solicitation));
	assert_int_equal(f->w->flows.n_used, 0); // and takes no flow
	assert_false(fixture_reaches_host(f, &echo));

	house_add(&h, 0, 0, DP_DROP)->icmp6 =
		house_numbers(&h, DP_SET_ICMP6, 135 << 8, 135 << 8 | 255);
	house_apply(&h, f);
	assert_false(fixture_reaches_host(f, &solicitation));
}

static struct rte_mbuf *to_group(struct fixture *f, const struct frame *frame, const char *mac)
{
	struct rte_mbuf *m = frame_build(f, frame);

	memcpy(packet_eth(m)->dst_addr.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	return m;
}

static bool group_reaches_host(struct fixture *f, const struct frame *frame, const char *mac)
{
	struct rte_mbuf *m;

	fixture_rx(f, to_group(f, frame, mac), frame->iface);
	m = fixture_punted(f);
	rte_pktmbuf_free(m);
	return m != NULL;
}

static void what_a_link_says_is_not_heard_from_afar(void **state)
{
	static const struct {
		uint8_t type, hops;
		bool is_heard;
	} rows[] = {
		{133, 255, true},
		{133, 254, false},
		{134, 254, false},
		{135, 255, true},
		{135, 50, false},
		{136, 1, false},
		{137, 64, false},
		{130, 1, true},
		{130, 255, false},
		{131, 2, false},
		{132, 64, false},
		{143, 1, true},
		{143, 64, false},
	};
	struct fixture *f = *state;
	struct frame said = solicitation;
	unsigned n_afar = 0;
	struct house h;

	for (unsigned has_flows = 0; has_flows < 2; has_flows++) {
		if (has_flows) {
			house_init(&h);
			house_apply(&h, f);
		}
		for (unsigned i = 0; i < RTE_DIM(rows); i++) {
			said.icmp_type = rows[i].type;
			said.ttl = rows[i].hops;
			said.dst6 = FIXTURE_OWN_WAN6;
			assert_int_equal(fixture_reaches_host(f, &said), rows[i].is_heard);
			said.dst6 = "ff02::1";
			assert_int_equal(
				group_reaches_host(f, &said, "\x33\x33\0\0\0\1"), rows[i].is_heard);
			n_afar += rows[i].is_heard ? 0 : 2;
			assert_int_equal(fixture_counter(f, COUNTER_DROP_ND_HOP_LIMIT), n_afar);
		}
	}
}

// All have that byte in common with an address of ours by which the workers look closer: the first
// with FIXTURE_OWN_WAN6, the others with the link-local one, which is ours on its own link alone.
static void a_link_local_neighbour_is_not_taken_for_the_router(void **state)
{
	static const struct {
		uint8_t iface;
		const char *src;
		bool is_heard;
	} rows[] = {
		{FIXTURE_WAN, "fe80::2", true},
		{FIXTURE_WAN, "fe80::1:9", true},
		{FIXTURE_WAN, "fe80::9", false},
		{FIXTURE_LAN, "fe80::9", true},
	};
	const struct ip_prefix own[] = {prefix(FIXTURE_OWN_WAN6 "/64"), prefix("fe80::9/64")};
	struct fixture *f = *state;
	struct frame said = solicitation;
	unsigned n_own = 0, n_scope = 0;
	struct house h;

	assert_int_equal(
		dataplane_interface_set_addresses(f->dp, FIXTURE_WAN, own, RTE_DIM(own)), 0);
	house_init(&h);
	house_add(&h, 0, 0, DP_ACCEPT);
	house_apply(&h, f);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		said.iface = rows[i].iface;
		said.src6 = rows[i].src;
		said.dst6 = FIXTURE_OWN_WAN6;
		assert_int_equal(fixture_reaches_host(f, &said), rows[i].is_heard);
		said.dst6 = FIXTURE_SERVER6;
		said.icmp_type = 128;
		assert_false(fixture_reaches_host(f, &said));
		said.icmp_type = 135;
		n_own += rows[i].is_heard ? 0 : 2;
		n_scope += rows[i].is_heard;
		assert_int_equal(fixture_counter(f, COUNTER_DROP_IP6_SOURCE), n_own);
		assert_int_equal(fixture_counter(f, COUNTER_DROP_IP6_SCOPE), n_scope);
	}
}

static void the_gateway_is_heard_through_a_flood_from_afar(void **state)
{
	struct fixture *f = *state;
	struct frame far = solicitation;
	struct house h;

	far.src6 = FIXTURE_SERVER6;
	far.ttl = 50;
	house_init(&h);
	house_apply(&h, f);
	for (unsigned i = 0; i < 1000; i++)
		assert_false(fixture_reaches_host(f, &far));
	assert_true(fixture_reaches_host(f, &solicitation));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_PUNT_BUDGET), 0);
}

// --- what no rule breaks by accident ---

static void an_offer_of_dhcp_reaches_the_client_past_any_rule(void **state)
{
	struct fixture *f = *state;
	struct frame offer = {.iface = FIXTURE_WAN,
		.src = FIXTURE_GATEWAY,
		.dst = UINT32_MAX,
		.sport = 67,
		.dport = 68,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 240};
	struct house h;
	struct rte_mbuf *m;

	house_init(&h);
	house_add(&h, 0, 0, DP_DROP);
	house_apply(&h, f);
	fixture_rx(f, to_group(f, &offer, "\xff\xff\xff\xff\xff\xff"), FIXTURE_WAN);
	m = fixture_punted(f);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

static void what_is_essential_to_a_link_is_not_so_between_zones(void **state)
{
	struct fixture *f = *state;
	struct frame dhcp = fixture_udp_out;
	struct frame said = {.iface = FIXTURE_LAN,
		.src6 = FIXTURE_PC6,
		.dst6 = FIXTURE_SERVER6,
		.protocol = IPPROTO_ICMPV6,
		.payload_bytes = 24};
	struct house h;

	house_init(&h);
	house_add(&h, 0, 0, DP_DROP);
	house_apply(&h, f);
	dhcp.sport = 67;
	dhcp.dport = 68;
	assert_false(fixture_passes(f, &dhcp, FIXTURE_WAN));
	for (said.icmp_type = 130; said.icmp_type <= 136; said.icmp_type++) {
		said.ttl = said.icmp_type < 133 ? 1 : 255;
		assert_false(fixture_passes(f, &said, FIXTURE_WAN));
	}
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CREATED), 0);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 1 + 7);
}

static void a_renewal_passes_in_a_flow_that_its_server_began(void **state)
{
	struct fixture *f = *state;
	struct frame told = {.iface = FIXTURE_WAN,
		.src = FIXTURE_GATEWAY,
		.dst = FIXTURE_OWN_WAN,
		.sport = 67,
		.dport = 68,
		.protocol = IPPROTO_UDP,
		.payload_bytes = 240};
	struct frame renewal = told;
	struct house h;
	struct rte_mbuf *m;

	renewal.src = told.dst;
	renewal.dst = told.src;
	renewal.sport = told.dport;
	renewal.dport = told.sport;
	house_lan_to_wan(&h, f);
	assert_true(fixture_reaches_host(f, &told));
	dataplane_next_epoch(f->dp);
	fixture_host(f, frame_build(f, &renewal), FIXTURE_WAN);
	m = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_true(fixture_reaches_host(f, &told));
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 0);
}

// --- groups ---

static void groups_are_judged_by_the_input_rules(void **state)
{
	struct fixture *f = *state;
	struct frame mdns = {.iface = FIXTURE_WAN,
		.src = FIXTURE_GATEWAY,
		.dst = IP(224, 0, 0, 251),
		.sport = 5353,
		.dport = 5353,
		.protocol = IPPROTO_UDP};
	struct house h;
	struct rte_mbuf *m;

	house_lan_to_wan(&h, f);
	fixture_rx(f, to_group(f, &mdns, "\1\0\x5e\0\0\xfb"), FIXTURE_WAN);
	assert_null(fixture_punted(f));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_RULE), 1);
	mdns.iface = FIXTURE_LAN;
	mdns.src = FIXTURE_PC;
	fixture_rx(f, to_group(f, &mdns, "\1\0\x5e\0\0\xfb"), FIXTURE_LAN);
	m = fixture_punted(f);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

static void groups_hear_only_sources_that_could_be_there(void **state)
{
	static const char all[] = "\xff\xff\xff\xff\xff\xff", mdns[] = "\1\0\x5e\0\0\xfb";
	static const struct {
		uint32_t src, dst;
		const char *mac;
		uint8_t protocol;
		uint16_t sport, dport;
		enum counter end; // COUNTER_COUNT: it is heard
	} rows[] = {
		{FIXTURE_GATEWAY, IP(224, 0, 0, 251), mdns, 17, 5353, 5353, COUNTER_COUNT},
		{FIXTURE_PC, IP(224, 0, 0, 251), mdns, 17, 5353, 5353, COUNTER_DROP_REVERSE_PATH},
		{FIXTURE_OWN_WAN, IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_OWN_SOURCE},
		{FIXTURE_OWN_LAN, IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_OWN_SOURCE},
		{IP(127, 0, 0, 1), IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_MARTIAN_SOURCE},
		{IP(240, 0, 0, 1), IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_MARTIAN_SOURCE},
		{IP(224, 0, 0, 9), IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_MARTIAN_SOURCE},
		{UINT32_MAX, IP(224, 0, 0, 251), mdns, 17, 5353, 5353,
			COUNTER_DROP_BROADCAST_SOURCE},
		{IP(169, 254, 7, 7), IP(224, 0, 0, 251), mdns, 17, 5353, 5353, COUNTER_COUNT},
		// who has no address yet
		{0, UINT32_MAX, all, 17, 68, 67, COUNTER_COUNT},
		{0, IP(224, 0, 0, 22), "\1\0\x5e\0\0\x16", IPPROTO_IGMP, 0, 0, COUNTER_COUNT},
		{0, IP(224, 0, 0, 251), mdns, 17, 5353, 5353, COUNTER_DROP_MARTIAN_SOURCE},
		// a provider's DHCP server, to a client that has no route yet
		{IP(10, 0, 0, 1), UINT32_MAX, all, 17, 67, 68, COUNTER_COUNT},
		{IP(10, 0, 0, 1), UINT32_MAX, all, 17, 53, 68, COUNTER_DROP_MARTIAN_SOURCE},
	};
	struct fixture *f = *state;
	struct house h;

	house_init(&h);
	house_add(&h, 0, 0, DP_ACCEPT);
	h.policy.hygiene[FIXTURE_WAN] = DP_HYGIENE_RPF_STRICT | DP_HYGIENE_MARTIAN |
					DP_HYGIENE_OWN_SOURCE | DP_HYGIENE_BROADCAST_SOURCE;
	house_apply(&h, f);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct frame frame = {.iface = FIXTURE_WAN,
			.src = rows[i].src,
			.dst = rows[i].dst,
			.sport = rows[i].sport,
			.dport = rows[i].dport,
			.protocol = rows[i].protocol,
			.payload_bytes = 40};
		uint64_t before = 0;

		if (rows[i].end != COUNTER_COUNT)
			before = fixture_counter(f, rows[i].end);
		if (group_reaches_host(f, &frame, rows[i].mac) != (rows[i].end == COUNTER_COUNT))
			fail_msg("row %u", i);
		if (rows[i].end != COUNTER_COUNT)
			assert_int_equal(fixture_counter(f, rows[i].end), before + 1);
	}
}

static void who_has_no_ipv6_address_yet_is_heard_by_groups(void **state)
{
	struct fixture *f = *state;
	struct frame said = solicitation;
	struct house h;

	house_init(&h);
	h.policy.hygiene[FIXTURE_WAN] =
		DP_HYGIENE_RPF_STRICT | DP_HYGIENE_MARTIAN | DP_HYGIENE_OWN_SOURCE;
	house_apply(&h, f);
	said.src6 = "::";
	said.dst6 = "ff02::1:ff00:2";
	assert_true(group_reaches_host(f, &said, "\x33\x33\xff\0\0\2"));
	said.icmp_type = 143;
	said.ttl = 1;
	said.dst6 = "ff02::16";
	assert_true(group_reaches_host(f, &said, "\x33\x33\0\0\0\x16"));
	said.src6 = FIXTURE_PC6; // who lives elsewhere
	assert_false(group_reaches_host(f, &said, "\x33\x33\0\0\0\x16"));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REVERSE_PATH), 1);
}

// --- pieces ---

static void pieces_of_two_interfaces_make_no_packet(void **state)
{
	struct fixture *f = *state;
	struct frame first = fixture_udp_out, last;
	struct rte_mbuf *m = NULL;
	struct house h;

	first.payload_bytes = 64;
	first.fragment = RTE_IPV4_HDR_MF_FLAG;
	first.no_udp_checksum = true;
	last = first;
	last.payload_bytes = 32;
	last.fragment = (64 + sizeof(struct rte_udp_hdr)) / 8;
	house_lan_to_wan(&h, f);
	fixture_rx(f, frame_build(f, &first), FIXTURE_LAN2);
	fixture_rx(f, frame_build(f, &last), FIXTURE_LAN);
	assert_int_equal(rte_ring_dequeue(f->w->inbox, (void **)&m), -ENOENT);
	fixture_rx(f, frame_build(f, &first), FIXTURE_LAN); // for which the last one has waited
	assert_int_equal(rte_ring_dequeue(f->w->inbox, (void **)&m), 0);
	assert_int_equal(m->port, FIXTURE_LAN);
	rte_pktmbuf_free(m);
}

// --- errors ---

static const struct frame own_datagram = {.iface = FIXTURE_WAN,
	.src = FIXTURE_OWN_WAN,
	.dst = FIXTURE_SERVER,
	.sport = 51820,
	.dport = 51820,
	.protocol = IPPROTO_UDP,
	.payload_bytes = 40};

static void redirects_and_source_quench_reach_nobody(void **state)
{
	static const struct {
		uint8_t type;
		bool passes;
	} rows[] = {{3, true}, {4, false}, {5, false}, {11, true}};
	struct fixture *f = *state;
	struct rte_mbuf *own, *client;
	struct frame redirect6 = solicitation;
	struct house h;

	house_lan_to_wan(&h, f);
	fixture_host(f, frame_build(f, &own_datagram), FIXTURE_WAN);
	own = fixture_sent(f, FIXTURE_WAN);
	client = fixture_send(f, &fixture_udp_out, FIXTURE_WAN);
	assert_non_null(own);
	assert_non_null(client);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct frame to_own = frame_refusal(own, FIXTURE_GATEWAY, FIXTURE_WAN);
		struct frame to_client = frame_refusal(client, FIXTURE_GATEWAY, FIXTURE_WAN);

		to_own.icmp_type = to_client.icmp_type = rows[i].type;
		to_own.icmp_code = to_client.icmp_code = 1;
		assert_int_equal(fixture_reaches_host(f, &to_own), rows[i].passes);
		assert_int_equal(fixture_passes(f, &to_client, FIXTURE_LAN), rows[i].passes);
	}
	rte_pktmbuf_free(own);
	rte_pktmbuf_free(client);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_SOURCE_QUENCH), 2);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REDIRECT), 2);

	redirect6.icmp_type = 137;
	assert_false(fixture_reaches_host(
		f, &redirect6)); // whom it should be from has a link-local address
	assert_int_equal(fixture_counter(f, COUNTER_DROP_REDIRECT), 3);
}

static void the_router_learns_of_a_narrow_path_in_a_flood_of_others(void **state)
{
	struct fixture *f = *state;
	struct rte_mbuf *own;
	struct frame error;
	struct house h;
	unsigned n = 0;

	house_lan_to_wan(&h, f);
	fixture_host(f, frame_build(f, &own_datagram), FIXTURE_WAN);
	own = fixture_sent(f, FIXTURE_WAN);
	assert_non_null(own);
	error = frame_refusal(own, FIXTURE_GATEWAY, FIXTURE_WAN);
	error.icmp_code = 1; // what anybody's SYNs count as, too
	while (fixture_reaches_host(f, &error) && n < 10000)
		n++;
	assert_int_equal(fixture_counter(f, COUNTER_DROP_PUNT_SHARE), 1);
	error.icmp_code = 4;
	assert_true(fixture_reaches_host(f, &error));
	rte_pktmbuf_free(own);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup_plain, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH(neighbour_discovery_needs_no_rule_and_yields_to_its_own),
		WITH(what_a_link_says_is_not_heard_from_afar),
		WITH(a_link_local_neighbour_is_not_taken_for_the_router),
		WITH(the_gateway_is_heard_through_a_flood_from_afar),
		WITH(an_offer_of_dhcp_reaches_the_client_past_any_rule),
		WITH(what_is_essential_to_a_link_is_not_so_between_zones),
		WITH(a_renewal_passes_in_a_flow_that_its_server_began),
		WITH(groups_are_judged_by_the_input_rules),
		WITH(groups_hear_only_sources_that_could_be_there),
		WITH(who_has_no_ipv6_address_yet_is_heard_by_groups),
		WITH(pieces_of_two_interfaces_make_no_packet),
		WITH(redirects_and_source_quench_reach_nobody),
		WITH(the_router_learns_of_a_narrow_path_in_a_flood_of_others),
	};
#undef WITH

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
