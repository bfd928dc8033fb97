// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/conntrack.h"
#include "dataplane/helper.h"
#include "tests/unit/foresee.h"
#include "tests/unit/helper_world.h"
#include "tests/unit/ruleset_fixture.h"

static const char port_said[] = "PORT 198,18,0,7,19,137\r\n"; // 5001
static const char port_told[] = "PORT 203,0,113,2,19,137\r\n";

static struct policy_fixture rules;
static struct dp_nat masquerade;

// Only new connections from inside to `port`, and `first` before that, if it decides.
static void build_strict_rules(const struct dp_rule *first, uint16_t port)
{
	struct dp_rule *rule;

	fixture_begin(&rules);
	masquerade = fixture_masquerade(FIXTURE_WAN);
	rules.policy.nats = &masquerade;
	rules.policy.n_nats = 1;
	memset(rules.policy.zones, DP_ZONE_NONE, sizeof(rules.policy.zones));
	rules.policy.zones[FIXTURE_LAN] = ZONE_LAN;
	rules.policy.zones[FIXTURE_WAN] = ZONE_WAN;
	if (first != NULL)
		*fixture_rule(&rules, DP_ACCEPT) = *first;
	rule = fixture_rule(&rules, DP_ACCEPT);
	rule->from_zones = 1u << ZONE_LAN;
	rule->destination_port = in_set(fixture_range(&rules, DP_SET_PORTS, port, port));
	rules.policy.hooks[DP_HOOK_FORWARD] = fixture_list(&rules, 0);
}

static void set_strict_rules(struct fixture *f, const struct dp_rule *first)
{
	build_strict_rules(first, FTP_SERVER_PORT);
	set_helpers(f, &rules.policy);
}

static void say_port(struct fixture *f)
{
	struct frame frame = from_client(ACK, 1, 1);

	assert_becomes(f, &frame, port_said, port_told, CLIENT_SEQ + 1);
}

// The client connects to where the server said.
static struct frame passive_syn(uint16_t port)
{
	struct frame frame = from_client(SYN, 0, 0);

	frame.sport = CLIENT_PORT + 1;
	frame.dport = port;
	frame.tcp_ack = 0;
	return frame;
}

static void say_passive(struct fixture *f)
{
	struct frame ask = from_client(ACK, 1, 1), answer = from_server(ACK, 1, 7);

	assert_becomes(f, &ask, "EPSV\r\n", "EPSV\r\n", CLIENT_SEQ + 1);
	assert_becomes(f, &answer, "229 (|||5001|)\r\n", "229 (|||5001|)\r\n", SERVER_SEQ + 1);
}

static void what_is_announced_passes_strict_rules(void **state)
{
	struct fixture *f = *state;
	struct frame right = passive_syn(5001), wrong = passive_syn(5002);

	set_strict_rules(f, NULL);
	control_open(f);
	assert_false(fixture_passes(f, &right, FIXTURE_WAN));
	say_passive(f);
	assert_false(fixture_passes(f, &wrong, FIXTURE_WAN));
	assert_true(fixture_passes(f, &right, FIXTURE_WAN));
	right.sport++;
	assert_false(fixture_passes(f, &right, FIXTURE_WAN)); // once
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_RELATED), 1);
}

static void rules_may_forbid_what_is_related(void **state)
{
	struct fixture *f = *state;
	struct dp_rule rule = dp_rule_any(DP_DROP);

	rule.states = DP_STATE_RELATED;
	set_strict_rules(f, &rule);
	control_open(f);
	say_port(f);
	assert_int_equal(data_port(f, 5001), 0);
	assert_true(fixture_counter(f, COUNTER_DROP_RULE) > 0);
}

static void a_rule_about_what_is_new_says_nothing_of_it(void **state)
{
	struct fixture *f = *state;
	struct dp_rule rule = dp_rule_any(DP_DROP);

	rule.states = DP_STATE_NEW;
	rule.from_zones = 1u << ZONE_WAN;
	set_strict_rules(f, &rule);
	control_open(f);
	say_port(f);
	assert_int_equal(data_port(f, 5001), 5001);
}

static void it_stays_when_the_policy_changes_and_goes_when_it_is_forbidden(void **state)
{
	struct fixture *f = *state;
	struct dp_rule rule = dp_rule_any(DP_DROP);

	set_strict_rules(f, NULL);
	control_open(f);
	say_port(f);
	assert_int_equal(data_port(f, 5001), 5001);
	set_strict_rules(f, NULL);
	assert_int_equal(data_port(f, 5001), 5001);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 0);
	rule.from_zones = 1u << ZONE_WAN;
	set_strict_rules(f, &rule);
	assert_int_equal(data_port(f, 5001), 0);
	assert_int_equal(fixture_counter(f, COUNTER_FLOW_CUT), 1);
}

struct expected_end {
	uint16_t sport, dport;
	unsigned n;
};

static void note_end(void *ctx, const struct dp_foreseen *foreseen)
{
	struct expected_end *expected = ctx;

	expected->n +=
		foreseen->flow.sport == expected->sport && foreseen->flow.dport == expected->dport;
}

static bool is_foreseen_to_end(
	struct fixture *f, const struct dp_policy *policy, const struct frame *frame)
{
	struct expected_end expected = {.sport = frame->sport, .dport = frame->dport};

	foresee(f, policy, note_end, &expected);
	return expected.n > 0;
}

static void end_all_flows(struct fixture *f)
{
	f->w->now_sec += TIMEOUT_TCP_ESTABLISHED_SEC + 2;
	while (conntrack_expire(f->w, 1000) > 0)
		;
	assert_int_equal(f->w->flows.n_used, 0);
}

static void it_goes_when_its_control_connection_is_forbidden(void **state)
{
	static const struct {
		uint16_t port; // that is let out
		bool has_helpers, is_active, stays;
	} rows[] = {
		{FTP_SERVER_PORT, true, false, true}, {FTP_SERVER_PORT, true, true, true},
		{80, true, false, false}, {80, true, true, false},
		{FTP_SERVER_PORT, false, false, false}, {FTP_SERVER_PORT, false, true, false},
		{5001, false, false, true}, // for its own sake
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame data = rows[i].is_active ? data_syn(5001) : passive_syn(5001);
		uint8_t out = rows[i].is_active ? FIXTURE_LAN : FIXTURE_WAN;
		struct error err;

		set_strict_rules(f, NULL);
		control_open(f);
		if (rows[i].is_active)
			say_port(f);
		else
			say_passive(f);
		assert_true(fixture_passes(f, &data, out));
		build_strict_rules(NULL, rows[i].port);
		if (rows[i].has_helpers)
			name_helpers(&rules.policy);
		assert_int_equal(is_foreseen_to_end(f, &rules.policy, &data), !rows[i].stays);
		assert_int_equal(dataplane_policy_set(f->dp, &rules.policy, &err), 0);
		assert_int_equal(fixture_passes(f, &data, out), rows[i].stays);
		rte_pktmbuf_free(fixture_punted(f));
		end_all_flows(f);
	}
}

static void nor_does_it_come_then(void **state)
{
	static const uint16_t let_out[] = {FTP_SERVER_PORT, 80};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		set_strict_rules(f, NULL);
		control_open(f);
		say_port(f);
		build_strict_rules(NULL, let_out[i]);
		set_helpers(f, &rules.policy);
		assert_int_equal(data_port(f, 5001), i == 0 ? 5001 : 0);
		end_all_flows(f);
	}
}

static void it_goes_when_its_forward_does(void **state)
{
	struct dp_nat forward = forward_to_pc();
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct frame ask, answer, data = data_syn(5001);

		open_helpers(f, &forward);
		control_open_inward(f, CLIENT_PORT, &ask, &answer);
		assert_becomes(f, &ask, "EPSV\r\n", "EPSV\r\n", SERVER_SEQ + 1);
		assert_becomes(
			f, &answer, "229 (|||5001|)\r\n", "229 (|||5001|)\r\n", CLIENT_SEQ + 1);
		assert_true(is_let_in(f, &data));
		open_helpers(f, i == 0 ? &forward : NULL);
		assert_int_equal(is_let_in(f, &data), i == 0);
		end_all_flows(f);
	}
}

static void nothing_is_read_where_no_helper_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);

	control_open(f); // the fixture's own policy has none
	assert_becomes(f, &frame, port_said, port_said, CLIENT_SEQ + 1);
	for (uint32_t i = 0; i < f->w->flows.n_touched; i++)
		assert_int_equal(f->w->flows.flows[i].dir[0].flags & FLOW_HAS_HELPER, 0);
}

static void a_helper_that_is_switched_off_keeps_numbers_right(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct frame next = from_client(ACK, sizeof(port_said), 1);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	fixture_translate(f, &nat, 1);
	assert_becomes(f, &next, "LIST\r\n", "LIST\r\n", CLIENT_SEQ + sizeof(port_told));
	assert_int_equal(data_port(f, 5001), 0);
}

static void without_its_own_helper_nothing_comes(void **state)
{
	struct fixture *f = *state;
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct dp_policy policy = fixture_policy(&nat, 1);
	struct error err;

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	policy.helpers[DP_HELPER_TFTP] = (struct dp_helper_ports){{TFTP_SERVER_PORT}, 1};
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	assert_int_equal(data_port(f, 5001), 0);
}

static void what_a_connection_announced_ends_with_it(void **state)
{
	struct fixture *f = *state;
	struct frame reset = from_client(RTE_TCP_RST_FLAG, sizeof(port_said), 0);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	assert_true(fixture_passes(f, &reset, FIXTURE_WAN));
	f->w->now_sec += TIMEOUT_TCP_CLOSED_SEC + 2;
	conntrack_expire(f->w, 1000);
	assert_int_equal(f->w->flows.n_used, 0);
	assert_int_equal(data_port(f, 5001), 0);
}

// Among many flows the port that it is told to may be another.
static void assert_is_helped(struct fixture *f)
{
	uint64_t before = fixture_counter(f, COUNTER_HELPER_EXPECTED);
	struct frame frame = from_client(ACK, 1, 1);

	rte_pktmbuf_free(say(f, &frame, port_said));
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), before + 1);
}

enum { OTHER_HOSTS = 16 }; // 198.18.0.100 and on

static void know_other_hosts(struct fixture *f)
{
	for (uint8_t i = 0; i < OTHER_HOSTS; i++) {
		struct ip_addr addr = {.family = IP_V4, .v4 = {198, 18, 0, 100 + i}};
		struct mac_addr mac = {{2, 0, 0, 0, 2, i}};

		assert_int_equal(dataplane_neighbour_set(f->dp, FIXTURE_LAN, &addr, &mac), 0);
	}
}

// The handshake of a control connection.
static void connect_from(struct fixture *f, uint32_t host, uint16_t port)
{
	struct frame syn = from_client(SYN, 0, 0), syn_ack = from_server(SYN | ACK, 0, 1);
	struct frame ack = from_client(ACK, 1, 1);
	struct rte_mbuf *m;

	syn.src = ack.src = host;
	syn.sport = ack.sport = port;
	syn.tcp_ack = 0;
	m = fixture_send(f, &syn, FIXTURE_WAN);
	assert_non_null(m);
	syn_ack.dport = frame_sport(m); // it may be another's already
	rte_pktmbuf_free(m);
	assert_true(fixture_passes(f, &syn_ack, FIXTURE_LAN));
	assert_true(fixture_passes(f, &ack, FIXTURE_WAN));
}

static void sessions_are_bounded_by_host_and_come_back(void **state)
{
	struct fixture *f = *state;

	open_helpers(f, NULL);
	for (unsigned round = 0; round < 2; round++) {
		f->w->counters[COUNTER_HELPER_FULL] = 0;
		for (uint16_t i = 0; i < HELPER_SESSIONS_SHARE + 10; i++)
			connect_from(f, FIXTURE_PC2, (uint16_t)(2000 + i));
		assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 10);
		control_open(f);
		assert_is_helped(f); // another host has its own share
		end_all_flows(f);
	}
}

static void sessions_are_bounded_in_all(void **state)
{
	struct fixture *f = *state;

	open_helpers(f, NULL);
	know_other_hosts(f);
	for (uint16_t i = 0; i < HELPER_SESSIONS + 10; i++)
		connect_from(f, IP(198, 18, 0, 100 + i % OTHER_HOSTS), (uint16_t)(2000 + i));
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 10);
	end_all_flows(f);
	control_open(f);
	assert_is_helped(f);
}

static void who_is_not_answered_takes_no_session(void **state)
{
	struct fixture *f = *state;

	open_helpers(f, NULL);
	for (uint16_t i = 0; i < HELPER_SESSIONS; i++) {
		struct frame packet = from_client(SYN, 0, 0);

		packet.sport = (uint16_t)(2000 + i);
		packet.tcp_ack = 0;
		assert_true(fixture_passes(f, &packet, FIXTURE_WAN));
		packet.protocol = IPPROTO_UDP;
		packet.dport = TFTP_SERVER_PORT;
		packet.payload_bytes = 1;
		assert_true(fixture_passes(f, &packet, FIXTURE_WAN));
	}
	control_open(f);
	assert_is_helped(f);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 0);
}

static void what_begins_with_data_is_not_helped(void **state)
{
	struct fixture *f = *state;
	struct frame syn = from_client(SYN, 0, 0), syn_ack = from_server(SYN | ACK, 0, 1);
	struct frame frame = from_client(ACK, 1, 1);

	open_helpers(f, NULL);
	syn.tcp_ack = 0;
	assert_true(fixture_passes(f, &syn, FIXTURE_WAN));
	assert_true(fixture_passes(f, &syn_ack, FIXTURE_LAN));
	assert_becomes(f, &frame, port_said, port_said, CLIENT_SEQ + 1);
	frame.tcp_seq += sizeof(port_said) - 1;
	assert_becomes(f, &frame, port_said, port_said, frame.tcp_seq);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 0);
}

// A TFTP message; it leaves by the other interface.
static void say_tftp(struct fixture *f, struct frame frame, const char *text)
{
	struct rte_mbuf *m;

	frame.protocol = IPPROTO_UDP;
	frame.payload_bytes = 12;
	m = frame_build(f, &frame);
	memcpy((struct rte_udp_hdr *)(packet_ip4(m) + 1) + 1, text, 12);
	fixture_rx(f, m, frame.iface);
	m = fixture_sent(f, frame.iface == FIXTURE_WAN ? FIXTURE_LAN : FIXTURE_WAN);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

// They may have invented their addresses.
static void requests_from_outside_have_a_share(void **state)
{
	struct dp_nat forward = forward_to_pc();
	struct fixture *f = *state;

	forward.first_port = forward.last_port = TFTP_SERVER_PORT;
	open_helpers(f, &forward);
	for (uint32_t i = 0; i < 2 * EXPECT_OUTSIDE; i++) {
		struct frame ask = from_server(0, 0, 0);

		ask.src = IP(198, 51, 100 + i / 250, 1 + i % 250);
		ask.sport = (uint16_t)(2000 + i);
		ask.dport = TFTP_SERVER_PORT;
		say_tftp(f, ask, "\0\1file\0octet");
	}
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), EXPECT_OUTSIDE);
	control_open(f);
	assert_is_helped(f); // those inside have theirs
}

static void the_answer_to_a_tftp_request_comes_from_another_port(void **state)
{
	static const struct {
		const char *text;
		bool is_request;
	} rows[] = {{"\0\1file\0octet", true}, {"\0\2file\0octet", true},
		{"\0\3file\0octet", false}, {"\1\1file\0octet", false}};
	struct fixture *f = *state;

	open_helpers(f, NULL);
	for (unsigned i = 0; i < 4; i++) {
		struct frame ask = from_client(0, 0, 0), answer = from_server(0, 0, 0);

		answer.protocol = IPPROTO_UDP;
		ask.sport = answer.dport = (uint16_t)(CLIENT_PORT + i);
		ask.dport = TFTP_SERVER_PORT;
		answer.sport = 33333;
		say_tftp(f, ask, rows[i].text);
		assert_int_equal(is_let_in(f, &answer), rows[i].is_request);
		answer.sport++; // nobody else
		assert_false(is_let_in(f, &answer));
	}
}

// One socket asks two servers of one host: whichever answers first is let in.
static void what_is_expected_already_is_counted(void **state)
{
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct dp_policy policy = fixture_policy(&nat, 1);
	struct frame ask = from_client(0, 0, 0);
	struct fixture *f = *state;
	struct error err;

	policy.helpers[DP_HELPER_TFTP] =
		(struct dp_helper_ports){{TFTP_SERVER_PORT, TFTP_SERVER_PORT + 1}, 2};
	assert_int_equal(dataplane_policy_set(f->dp, &policy, &err), 0);
	for (uint16_t i = 0; i < 2; i++) {
		ask.dport = TFTP_SERVER_PORT + i;
		say_tftp(f, ask, "\0\1file\0octet");
	}
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 1);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 1);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(what_is_announced_passes_strict_rules),
		NAT(rules_may_forbid_what_is_related),
		NAT(a_rule_about_what_is_new_says_nothing_of_it),
		NAT(it_stays_when_the_policy_changes_and_goes_when_it_is_forbidden),
		NAT(it_goes_when_its_control_connection_is_forbidden),
		NAT(nor_does_it_come_then),
		NAT(it_goes_when_its_forward_does),
		NAT(nothing_is_read_where_no_helper_is_wanted),
		NAT(a_helper_that_is_switched_off_keeps_numbers_right),
		NAT(without_its_own_helper_nothing_comes),
		NAT(what_a_connection_announced_ends_with_it),
		NAT(sessions_are_bounded_by_host_and_come_back),
		NAT(sessions_are_bounded_in_all),
		NAT(who_is_not_answered_takes_no_session),
		NAT(what_begins_with_data_is_not_helped),
		NAT(requests_from_outside_have_a_share),
		NAT(the_answer_to_a_tftp_request_comes_from_another_port),
		NAT(what_is_expected_already_is_counted),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
