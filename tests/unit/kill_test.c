// SPDX-License-Identifier: BSD-3-Clause
// kill.flows and clear.counters over recording workers: what fits is ended and counted, what was
// counted is taken off.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/show_parts.h"
#include "tests/unit/policy_fixture.h"
#include "tests/unit/rpc_text.h"

static const char config[] =
	LAN_AND_WAN "firewall: {forward: [{from: home, action: accept}, {port: 22, protocol: tcp, "
		    "count: ssh, action: drop}]}\n";

enum { N_FLOWS = 40 };

static const struct rpc_method methods[] = {{"kill", .effect = RPC_WRITES, .task = &kill_flows},
	{"clear", .effect = RPC_WRITES, .run_session = clear_counters},
	{"firewall", NULL, RPC_READS, &show_firewall}, {NULL}};
static const struct rpc rpc = {methods, &fixture};

struct client {
	struct rpc_session session;
	struct evbuffer *in, *out;
};
static struct client one, two;

static void open_client(struct client *client)
{
	client->session = (struct rpc_session){.rpc = &rpc, .may_write = true};
	client->in = evbuffer_new();
	client->out = evbuffer_new();
}

static void close_client(struct client *client)
{
	rpc_session_fini(&client->session);
	evbuffer_free(client->in);
	evbuffer_free(client->out);
}

// N_FLOWS of the LAN's hosts 1 and 2, in turns.
static int setup(void **state)
{
	struct error err = {0};

	if (policy_fixture_open(config, NULL, &err) != 0)
		return -1;
	fixture.firewall.baselines = &fixture.baselines;
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct dp_flow *flow = &recording.flows[i];

		flow->protocol = IPPROTO_TCP;
		flow->src =
			(struct ip_addr){.v4 = {198, 18, 0, (uint8_t)(1 + i % 2)}, .family = IP_V4};
		flow->dst = (struct ip_addr){.v4 = {203, 0, 113, 9}, .family = IP_V4};
		flow->dport = (uint16_t)i;
		flow->place = i;
	}
	recording.n_flows = N_FLOWS;
	open_client(&one);
	open_client(&two);
	return 0;
}

static int teardown(void **state)
{
	close_client(&one);
	close_client(&two);
	baselines_fini(&fixture.baselines);
	policy_fixture_close();
	return 0;
}

static void ask(struct client *client, const char *method, const char *params)
{
	rpc_text_add(
		client->in, "{'jsonrpc':'2.0','id':1,'method':'%s','params':%s}", method, params);
}

// How often it had to wait.
static unsigned run(struct client *client, unsigned waits_max)
{
	unsigned n = 0;

	for (;;) {
		enum rpc_step step = rpc_step(&client->session, client->in, client->out);

		if (step == RPC_NEEDS_MORE || (step == RPC_WAITS && ++n == waits_max))
			return n;
	}
}

static const char *answer(struct client *client)
{
	return rpc_text_next(client->out);
}

static void ends_what_fits_and_says_how_many(void **state)
{
	ask(&one, "kill", "{'from':'198.18.0.1','reset':true}");
	assert_true(
		run(&one, 1000) >= N_FLOWS / 2 - RECORDED_ENDS_ROOM); // there was no room for all
	assert_string_equal(
		answer(&one), "{'jsonrpc':'2.0','result':{'flows':20,'ended_meanwhile':0},'id':1}");
	assert_int_equal(recording.n_ends, N_FLOWS / 2);
	for (unsigned i = 0; i < recording.n_ends; i++) {
		assert_int_equal(recording.ends[i].place, 2 * i);
		assert_true(recording.ends_reset[i]);
	}
}

static void all_must_be_meant(void **state)
{
	static const struct {
		const char *params, *why;
	} rows[] = {
		{"{}", "which flows? 'all' ends every one of them"},
		{"{'all':false}", "which flows? 'all' ends every one of them"},
		{"{'all':true,'to_port':80}", "all of them, or those that fit?"},
		{"{'all':1}", "'all' must be true or false"},
		{"{'to_port':'80'}", "'to_port' must be a number from 0 to 65535"},
		{"{'sort':'bytes','to_port':1}", "'sort' orders what is shown"},
		{"{'who':'me'}", "there is no parameter 'who'"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *said;

		ask(&one, "kill", rows[i].params);
		run(&one, 1000);
		said = answer(&one);
		if (strstr(said, rows[i].why) == NULL)
			fail_msg("%s, not %s", said, rows[i].why);
	}
	assert_int_equal(recording.n_ends, 0);
	ask(&one, "kill", "{'all':true}");
	run(&one, 1000);
	assert_non_null(strstr(answer(&one), "'flows':40"));
}

static void a_second_one_waits_for_its_turn_and_goes_on_when_the_first_hangs_up(void **state)
{
	recording.is_stalled = true;
	ask(&one, "kill", "{'to_port':3}");
	assert_int_equal(run(&one, 3), 3);
	ask(&two, "kill", "{'to_port':4}");
	assert_int_equal(run(&two, 3), 3);
	assert_int_equal(recording.n_ends, 1);
	assert_null(answer(&two));
	recording.is_stalled = false;
	close_client(&one);
	open_client(&one);
	run(&two, 1000);
	assert_non_null(strstr(answer(&two), "'result':{'flows':"));
	assert_int_equal(recording.n_ends, 2);
}

static void a_clear_takes_off_what_was_counted_and_another_policy_keeps_it(void **state)
{
	struct dp_interface_stats stats;
	struct dp_counter counter;
	struct dp_count count;
	struct error err = {0};

	recording.counters[1] = 7;
	recording.stats[FIRST_ID].rx_packets = 100;
	recording.interfaces[FIRST_ID].is_used = true;
	recording.rule_counts[1] = (struct dp_count){5, 500};
	ask(&one, "clear", "{}");
	run(&one, 1);
	assert_non_null(strstr(answer(&one), "'result':{'what':'all'}"));
	recording.counters[1] = 9;
	recording.stats[FIRST_ID].rx_packets = 101;
	recording.rule_counts[1] = (struct dp_count){6, 560};
	assert_true(baselines_counter(&fixture.baselines, fixture.dp, 1, &counter));
	assert_int_equal(counter.packets, 2);
	baselines_interface(&fixture.baselines, fixture.dp, FIRST_ID, &stats);
	assert_int_equal(stats.rx_packets, 1);
	baselines_rule(&fixture.baselines, fixture.dp, 1, &count);
	assert_int_equal(count.packets, 1);
	assert_int_equal(count.bytes, 60);
	// made anew of the same config: the rule goes on, and so does what is taken off
	assert_int_equal(firewall_update(&fixture.firewall, POLICY_FIXTURE_NOW, &err), 0);
	baselines_rule(&fixture.baselines, fixture.dp, 1, &count);
	assert_int_equal(count.packets, 1);
	recording.stats[FIRST_ID].rx_packets = 3; // fewer than there were: it began anew
	baselines_interface(&fixture.baselines, fixture.dp, FIRST_ID, &stats);
	assert_int_equal(stats.rx_packets, 3);
}

static void what_comes_in_the_place_of_another_begins_anew(void **state)
{
	struct port *port = port_open(&(struct port_spec){.name = "wan"}, NULL);
	struct dp_interface_stats stats;

	recording.stats[FIRST_ID].rx_packets = 100;
	recording.interfaces[FIRST_ID].is_used = true;
	ask(&one, "clear", "{}");
	run(&one, 1);
	baselines_forget_interface(&fixture.baselines, FIRST_ID);
	baselines_forget_port(&fixture.baselines, port);
	port_close(port);
	recording.stats[FIRST_ID].rx_packets = 101;
	baselines_interface(&fixture.baselines, fixture.dp, FIRST_ID, &stats);
	assert_int_equal(stats.rx_packets, 101);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ends_what_fits_and_says_how_many),
		TEST(all_must_be_meant),
		TEST(a_second_one_waits_for_its_turn_and_goes_on_when_the_first_hangs_up),
		TEST(a_clear_takes_off_what_was_counted_and_another_policy_keeps_it),
		TEST(what_comes_in_the_place_of_another_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
