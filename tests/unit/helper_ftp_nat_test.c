// SPDX-License-Identifier: BSD-3-Clause
// FTP through other translations than a client's masquerade.
#include "tests/unit/helper_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_server_inside_is_called_where_it_says(void **state)
{
	static const struct {
		const char *question, *said, *told;
	} rows[] = {
		{"PASV\r\n", "227 Passive (198,18,0,7,19,137).\r\n",
			"227 Passive (203,0,113,2,19,137).\r\n"},
		{"EPSV\r\n", "229 Passive (|||5001|)\r\n", "229 Passive (|||5001|)\r\n"},
		{"PASV\r\n", "227 Passive (203,0,113,2,19,137).\r\n", // it knows its name outside
			"227 Passive (203,0,113,2,19,137).\r\n"},
		{NULL, "227 Passive (198,18,0,7,19,137).\r\n",
			"227 Passive (198,18,0,7,19,137).\r\n"},
		{"PASV\r\n", "227 Passive (198,18,0,8,19,137).\r\n",
			"227 Passive (198,18,0,8,19,137).\r\n"},
	};
	struct dp_nat forward = forward_to_pc();
	struct fixture *f = *state;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct frame ask, answer, data;

		open_helpers(f, &forward);
		control_open_inward(f, (uint16_t)(CLIENT_PORT + i), &ask, &answer);
		if (rows[i].question != NULL)
			assert_becomes(f, &ask, rows[i].question, rows[i].question, SERVER_SEQ + 1);
		else
			assert_true(fixture_passes(f, &ask, FIXTURE_LAN));
		assert_becomes(f, &answer, rows[i].said, rows[i].told, CLIENT_SEQ + 1);
		data = data_syn(5001);
		data.sport = (uint16_t)(CLIENT_PORT + 100 + i);
		assert_int_equal(is_let_in(f, &data), i < 3);
	}
}

static void a_reply_answers_what_was_asked_last(void **state)
{
	static const struct {
		const char *text;
		bool is_answer;
	} rows[] = {
		{"227 (198,18,0,7,19,137)\r\n", true},
		{"227-At your service\r\n 1\r\n227 (198,18,0,7,19,137)\r\n", true},
		{"530 Please login.\r\n227 (198,18,0,7,19,137)\r\n", false},
		{"214-Help\r\n227 (198,18,0,7,19,137)\r\n214 end\r\n", false},
		{"214-Help\r\n227 (198,18,0,7,19,137)\r\n", false},
	};
	struct dp_nat forward = forward_to_pc();
	struct fixture *f = *state;

	open_helpers(f, &forward);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct frame ask, answer, data = data_syn(5001);

		control_open_inward(f, (uint16_t)(CLIENT_PORT + i), &ask, &answer);
		assert_becomes(f, &ask, "PASV\r\n", "PASV\r\n", SERVER_SEQ + 1);
		rte_pktmbuf_free(say(f, &answer, rows[i].text));
		data.sport = (uint16_t)(CLIENT_PORT + 100 + i);
		assert_int_equal(is_let_in(f, &data), rows[i].is_answer);
	}
}

// What both ends say next after their SYNs.
static void established(struct frame *client, struct frame *server)
{
	client->tcp_flags = server->tcp_flags = ACK;
	client->tcp_seq++;
	server->tcp_seq++;
	client->tcp_ack = SERVER_SEQ + 1;
}

// --- both behind the same address ---

// From a host on the LAN, by the router, to another there.
static struct rte_mbuf *turn(struct fixture *f, const struct frame *frame, const char *text)
{
	struct rte_mbuf *m;

	fixture_rx(f, frame_saying(f, frame, text), FIXTURE_LAN);
	m = fixture_sent(f, FIXTURE_LAN);
	assert_non_null(m);
	return m;
}

static void assert_turns(
	struct fixture *f, const struct frame *frame, const char *text, const char *wanted)
{
	struct rte_mbuf *m = turn(f, frame, text);

	assert_says(m, wanted);
	rte_pktmbuf_free(m);
}

static void assert_comes_to(
	struct fixture *f, const struct frame *frame, uint32_t host, uint16_t port)
{
	struct rte_mbuf *m = turn(f, frame, "");

	assert_true(frame_is_sound(m));
	assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
	assert_int_equal(frame_dst(m), host);
	assert_int_equal(frame_dport(m), port);
	rte_pktmbuf_free(m);
}

static void a_client_inside_reaches_a_server_inside_by_its_outer_address(void **state)
{
	struct dp_nat forward = forward_to_pc();
	struct frame client = from_client(SYN, 0, 0), server = from_server(SYN | ACK, 0, 1), data;
	struct fixture *f = *state;
	struct rte_mbuf *m;

	forward.inside.addr.v4[3] = 8;
	open_helpers(f, &forward);
	client.tcp_ack = 0;
	client.dst = server.dst = FIXTURE_OWN_WAN;
	server.iface = FIXTURE_LAN;
	server.src = FIXTURE_PC2;
	m = turn(f, &client, "");
	server.dport = frame_sport(m);
	rte_pktmbuf_free(m);
	assert_turns(f, &server, "", "");
	established(&client, &server);
	assert_turns(f, &client, "", "");
	assert_turns(f, &server, greeting, greeting);
	server.tcp_seq += GREETED;

	assert_turns(f, &client, "PASV\r\n", "PASV\r\n");
	client.tcp_seq += 6;
	assert_turns(f, &server, "227 (198,18,0,8,19,137)\r\n", "227 (203,0,113,2,19,137)\r\n");
	data = client;
	data.tcp_flags = SYN;
	data.tcp_ack = 0;
	data.sport = CLIENT_PORT + 1;
	data.dport = 5001;
	assert_comes_to(f, &data, FIXTURE_PC2, 5001);

	assert_turns(f, &client, "PORT 198,18,0,7,39,16\r\n", "PORT 203,0,113,2,39,16\r\n");
	data = server;
	data.tcp_flags = SYN;
	data.tcp_ack = 0;
	data.sport = FTP_DATA_PORT;
	data.dport = 10000;
	assert_comes_to(f, &data, FIXTURE_PC, 10000);
}

// --- IPv6 ---

static void assert_becomes6(
	struct fixture *f, const struct frame *frame, const char *text, const char *wanted)
{
	struct rte_mbuf *m = say(f, frame, text);
	struct rte_tcp_hdr *tcp;
	size_t bytes;

	assert_non_null(m);
	assert_true(frame_is_sound(m));
	tcp = (struct rte_tcp_hdr *)(packet_ip6(m) + 1);
	bytes = rte_be_to_cpu_16(packet_ip6(m)->payload_len) - (size_t)(tcp->data_off >> 4) * 4;
	assert_int_equal(bytes, strlen(wanted));
	assert_memory_equal((uint8_t *)tcp + (size_t)(tcp->data_off >> 4) * 4, wanted, bytes);
	rte_pktmbuf_free(m);
}

static void an_active_connection_is_let_in_over_translated_ip6(void **state)
{
	static const char said[] = "EPRT |2|2001:db8:1:0:0:0:0:7|5001|\r\n";
	static const char told[] = "EPRT |2|" FIXTURE_OWN_WAN6 "|5001|\r\n";
	struct frame client = from_client(SYN, 0, 0), server = from_server(SYN | ACK, 0, 1);
	struct dp_nat nat = fixture_masquerade(FIXTURE_WAN);
	struct fixture *f = *state;

	nat.family = IP_V6;
	open_helpers_beside(f, &nat, 1);
	client.src6 = FIXTURE_PC6;
	client.dst6 = server.src6 = FIXTURE_SERVER6;
	server.dst6 = FIXTURE_OWN_WAN6;
	client.tcp_ack = 0;
	assert_becomes6(f, &client, "", "");
	assert_becomes6(f, &server, "", "");
	established(&client, &server);
	assert_becomes6(f, &client, "", "");
	assert_becomes6(f, &server, greeting, greeting);
	client.tcp_ack += GREETED;
	assert_becomes6(f, &client, said, told);
	client.tcp_seq += sizeof(said) - 1;
	assert_becomes6(f, &client, "LIST\r\n", "LIST\r\n");
	server.tcp_flags = SYN;
	server.tcp_ack = 0;
	server.sport = FTP_DATA_PORT;
	server.dport = 5001;
	assert_becomes6(f, &server, "", "");
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_RELATED), 1);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(a_server_inside_is_called_where_it_says),
		NAT(a_reply_answers_what_was_asked_last),
		NAT(a_client_inside_reaches_a_server_inside_by_its_outer_address),
		NAT(an_active_connection_is_let_in_over_translated_ip6),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
