// SPDX-License-Identifier: BSD-3-Clause
#include "drivers/steering.h"
#include "tests/unit/helper_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char port_said[] = "PORT 198,18,0,7,19,137\r\n"; // 5001
static const char port_told[] = "PORT 203,0,113,2,19,137\r\n";

enum { SAID = sizeof(port_said) - 1, TOLD = sizeof(port_told) - 1, GROWTH = TOLD - SAID };

// What the client says is told the server in the router's name.
static void say_port(struct fixture *f)
{
	struct frame frame = from_client(ACK, 1, 1);

	assert_becomes(f, &frame, port_said, port_told, CLIENT_SEQ + 1);
}

static void an_active_connection_is_let_in_once(void **state)
{
	struct fixture *f = *state;
	struct frame again = data_syn(5001);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	assert_int_equal(data_port(f, 5002), 0);
	assert_int_equal(data_port(f, 5001), 5001);
	assert_int_equal(data_port(f, 5001), 5001); // sent again: it has a flow
	again.sport = 2000;
	assert_false(is_let_in(f, &again));
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 1);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_RELATED), 1);
}

static void what_may_not_begin_does_not_spend_it(void **state)
{
	struct fixture *f = *state;
	struct frame dying = data_syn(5001);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	dying.ttl = 1;
	assert_false(fixture_passes(f, &dying, FIXTURE_LAN));
	rte_pktmbuf_free(fixture_sent(f, FIXTURE_WAN)); // time exceeded
	assert_int_equal(data_port(f, 5001), 5001);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_RELATED), 1);
}

static void both_ends_keep_their_numbers(void **state)
{
	struct fixture *f = *state;
	struct frame reply = from_server(ACK, 1, 1 + TOLD);
	struct frame next = from_client(ACK, 1 + SAID, 1 + 8);
	struct rte_mbuf *m;

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	m = say(f, &reply, "200 OK\r\n");
	assert_non_null(m);
	assert_says(m, "200 OK\r\n");
	assert_int_equal(rte_be_to_cpu_32(tcp_of(m)->recv_ack), CLIENT_SEQ + 1 + SAID);
	rte_pktmbuf_free(m);
	assert_becomes(f, &next, "LIST\r\n", "LIST\r\n", CLIENT_SEQ + 1 + TOLD);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_TCP_WINDOW), 0);
}

static void an_error_about_it_quotes_its_senders_numbers(void **state)
{
	struct fixture *f = *state;
	struct frame next = from_client(ACK, 1 + SAID, 1);
	struct rte_mbuf *out, *m, *sent;
	struct rte_tcp_hdr *quoted;
	struct frame error;

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	sent = frame_saying(f, &next, "LIST\r\n");
	out = say(f, &next, "LIST\r\n");
	assert_non_null(out);
	error = frame_refusal(out, FIXTURE_SERVER, FIXTURE_WAN);
	error.payload_bytes = rte_be_to_cpu_16(packet_ip4(out)->total_length);
	m = fixture_send(f, &error, FIXTURE_LAN);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	quoted = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, L3_OFFSET + 20 + 8 + 20);
	assert_int_equal(quoted->sent_seq, tcp_of(sent)->sent_seq);
	assert_int_equal(quoted->cksum, tcp_of(sent)->cksum);
	rte_pktmbuf_free(sent);
	rte_pktmbuf_free(out);
	rte_pktmbuf_free(m);
}

static void stretches_add_up_over_a_session(void **state)
{
	struct fixture *f = *state;
	uint32_t said = 1, told = 1;

	open_helpers(f, NULL);
	control_open(f);
	for (unsigned i = 0; i < 50; i++) {
		struct frame command = from_client(ACK, said, 1), reply = from_server(ACK, 1, 0);
		struct rte_mbuf *m;

		assert_becomes(f, &command, port_said, port_told, CLIENT_SEQ + told);
		said += SAID;
		told += TOLD;
		reply.tcp_ack = CLIENT_SEQ + told;
		m = fixture_send(f, &reply, FIXTURE_LAN);
		assert_non_null(m);
		assert_int_equal(rte_be_to_cpu_32(tcp_of(m)->recv_ack), CLIENT_SEQ + said);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 50);
	assert_int_equal(data_port(f, 5001), 5001); // of fifty, the last one stands
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 0);
}

static void what_is_sent_again_is_rewritten_again(void **state)
{
	struct fixture *f = *state;
	struct frame next = from_client(ACK, 1 + SAID, 1);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	say_port(f);
	assert_becomes(f, &next, "LIST\r\n", "LIST\r\n", CLIENT_SEQ + 1 + TOLD);
	say_port(f);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 1);
}

static void what_is_sent_again_with_more_is_rewritten_again(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	assert_becomes(f, &frame, "PORT 198,18,0,7,19,137\r\nLIST\r\n",
		"PORT 203,0,113,2,19,137\r\nLIST\r\n", CLIENT_SEQ + 1);
}

static void until_it_is_acknowledged_nothing_else_is_rewritten(void **state)
{
	struct fixture *f = *state;
	struct frame next = from_client(ACK, 1 + SAID, 1), ack = from_server(ACK, 1, 1 + TOLD - 1);

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	assert_becomes(f, &next, port_said, port_said, CLIENT_SEQ + 1 + TOLD);
	assert_true(fixture_passes(f, &ack, FIXTURE_LAN)); // all but its end
	say_port(f);
	ack.tcp_ack++;
	assert_true(fixture_passes(f, &ack, FIXTURE_LAN));
	next.tcp_seq += SAID;
	assert_becomes(f, &next, port_said, port_told, CLIENT_SEQ + 1 + TOLD + SAID);
}

static void a_piece_of_what_was_rewritten_does_not_pass(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);
	struct rte_mbuf *m;

	open_helpers(f, NULL);
	control_open(f);
	say_port(f);
	m = say(f, &frame, "PORT 198,18,0");
	assert_null(m);
	assert_int_equal(fixture_counter(f, COUNTER_DROP_HELPER), 1);
	say_port(f);
}

static void what_is_ahead_of_what_was_lost_comes_again(void **state)
{
	struct fixture *f = *state;
	struct frame ahead = from_client(ACK, 1 + 6, 1), first = from_client(ACK, 1, 1);

	open_helpers(f, NULL);
	control_open(f);
	assert_null(say(f, &ahead, port_said));
	assert_int_equal(fixture_counter(f, COUNTER_DROP_HELPER), 1);
	assert_becomes(f, &first, "NOOP\r\n", "NOOP\r\n", CLIENT_SEQ + 1);
	assert_becomes(f, &ahead, port_said, port_told, CLIENT_SEQ + 7);
}

static void a_damaged_segment_gets_no_right_checksum(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);
	struct rte_mbuf *m;

	open_helpers(f, NULL);
	control_open(f);
	m = frame_saying(f, &frame, port_said);
	((uint8_t *)(tcp_of(m) + 1))[6] ^= 1;
	fixture_rx(f, m, FIXTURE_LAN);
	assert_null(fixture_sent(f, FIXTURE_WAN));
	say_port(f);
}

static void another_port_is_told_where_the_own_one_is_taken(void **state)
{
	struct fixture *f = *state;
	struct frame other = from_client(SYN, 0, 0), frame = from_client(ACK, 1, 1);
	unsigned high, low, port;
	struct rte_mbuf *m;

	open_helpers(f, NULL);
	other.src = FIXTURE_PC2;
	other.sport = 5001;
	other.dport = 80;
	other.tcp_ack = 0;
	assert_true(fixture_passes(f, &other, FIXTURE_WAN));
	control_open(f);
	m = say(f, &frame, port_said);
	assert_non_null(m);
	assert_true(frame_is_sound(m));
	assert_int_equal(
		sscanf((char *)(tcp_of(m) + 1), "PORT 203,0,113,2,%u,%u\r\n", &high, &low), 2);
	rte_pktmbuf_free(m);
	port = high << 8 | low;
	assert_int_not_equal(port, 5001);
	assert_true(port >= 1024);
	assert_int_equal(steering_bucket((uint16_t)port), steering_bucket(5001));
	assert_int_equal(data_port(f, (uint16_t)port), 5001);
}

// Up to the server's greeting, where nothing is translated.
static void control_open_as_it_is(struct fixture *f, struct frame *client)
{
	struct frame server = from_server(SYN | ACK, 0, 1);

	server.dst = client->src;
	server.dport = client->sport;
	client->tcp_flags = SYN;
	client->tcp_seq--;
	assert_true(fixture_passes(f, client, FIXTURE_WAN));
	assert_true(fixture_passes(f, &server, FIXTURE_LAN));
	client->tcp_flags = server.tcp_flags = ACK;
	client->tcp_seq++;
	client->tcp_ack = ++server.tcp_seq;
	assert_true(fixture_passes(f, client, FIXTURE_WAN));
	rte_pktmbuf_free(say(f, &server, greeting));
	client->tcp_ack += GREETED;
}

static void what_another_connection_expects_already_is_counted(void **state)
{
	struct frame clients[] = {from_client(ACK, 1, 1), from_client(ACK, 1, 1)};
	struct dp_nat none = fixture_masquerade(FIXTURE_WAN);
	struct fixture *f = *state;

	none.kind = DP_NAT_EXEMPT;
	open_helpers_beside(f, &none, 1);
	clients[1].sport++;
	for (unsigned i = 0; i < 2; i++) {
		control_open_as_it_is(f, &clients[i]);
		assert_becomes(f, &clients[i], port_said, port_said, clients[i].tcp_seq);
	}
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 1);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 1);
}

// With all that a host may announce announced, the 63rd line costs what the first does.
static void a_segment_announces_once_however_long(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);
	struct expectation other = {
		.src = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_SERVER)),
		.dst = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_OWN_WAN)),
		.protocol = IPPROTO_TCP,
		.to = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_PC)),
		.owner = 1,
		.control.sent.src = ip4_addr_of(rte_cpu_to_be_32(FIXTURE_PC)),
	};
	char text[60 * SAID + 1];

	open_helpers(f, NULL);
	control_open(f);
	for (uint16_t i = 0; i < EXPECT_PER_HOST; i++) {
		other.dport_be = rte_cpu_to_be_16((uint16_t)(2000 + i));
		assert_true(expect_add(f->dp->expected, &other, f->w->now_sec) >= 0);
	}
	for (unsigned i = 0; i < 60; i++)
		memcpy(text + (size_t)i * SAID, port_said, SAID + 1);
	assert_becomes(f, &frame, text, text, CLIENT_SEQ + 1);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_FULL), 1);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_REFUSED), 59);
}

static void a_session_announces_so_often_a_second(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);

	open_helpers(f, NULL);
	control_open(f);
	for (unsigned i = 0; i < 100; i++) {
		struct frame reply = from_server(ACK, 1, 0);
		struct rte_mbuf *m = say(f, &frame, port_said);

		assert_non_null(m);
		reply.tcp_ack = rte_be_to_cpu_32(tcp_of(m)->sent_seq) + (i < 64 ? TOLD : SAID);
		rte_pktmbuf_free(m);
		assert_true(fixture_passes(f, &reply, FIXTURE_LAN));
		frame.tcp_seq += SAID;
	}
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 64);
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_REFUSED), 36);
	f->w->now_sec++;
	rte_pktmbuf_free(say(f, &frame, port_said));
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 65);
}

static void what_announces_nothing_passes_as_it_is(void **state)
{
	static const struct {
		const char *text;
		bool is_refused;
	} rows[] = {
		{"PORT 198,18,0,8,19,137\r\n", true},		// another host's (RFC 2577)
		{"EPRT |1|198.51.100.10|5001|\r\n", true},	// the server's own
		{"PORT 203,0,113,2,19,137\r\n", true},		// the router's
		{"EPRT |2|2001:db8::1|5001|\r\n", true},	// of another family
		{"PORT 198,18,0,7,3,255\r\n", true},		// port 1023
		{"PORT 198,18,0,7,19,137,\r\n", true},		// malformed
		{"STOR x PORT 198,18,0,7,19,137\r\n", false},	// not where a line begins
		{"PORT 198,18,0,7,19,137", false},		// not a whole line
		{"227 Passive (198,18,0,7,19,137)\r\n", false}, // the server's to say
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct frame frame = from_client(ACK, 1, 1);
		struct fixture *f = *state;

		open_helpers(f, NULL);
		frame.sport = (uint16_t)(CLIENT_PORT + i);
		control_open_at(f, frame.sport);
		f->w->counters[COUNTER_HELPER_REFUSED] = 0;
		assert_becomes(f, &frame, rows[i].text, rows[i].text, CLIENT_SEQ + 1);
		assert_int_equal(fixture_counter(f, COUNTER_HELPER_REFUSED), rows[i].is_refused);
		assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), 0);
		assert_int_equal(data_port(f, 5001), 0);
	}
}

// A browser that is sent to the port by somebody's page (NAT slipstreaming).
static void what_is_not_ftp_is_not_read(void **state)
{
	static const struct {
		bool is_greeted;
		const char *text; // before the line that is to be read
		bool is_read;
	} rows[] = {
		{true, "USER me\r\n", true},
		{true, "\377\364\377\362ABOR\r\n", true},
		{true, "POST / HTTP/1.1\r\nHost: evil.example:21\r\n\r\n", false},
		{true, "POST / HTTP/1.1\r\nHOST\r\n\r\n", false}, // an empty line
		{true, "GET\t/\r\n", false},
		{true, "a=b\r\n", false},
		{true, "SITES x\r\n", false},
		{true, "\026\003\001\r\n", false},
		{false, "USER me\r\n", false},
	};
	struct fixture *f = *state;

	open_helpers(f, NULL);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct frame frame = from_client(ACK, 1, 1);
		uint16_t port = (uint16_t)(CLIENT_PORT + i);
		char text[200];

		frame.sport = port;
		if (rows[i].is_greeted) {
			control_open_at(f, port);
		} else {
			struct frame syn = from_client(SYN, 0, 0),
				     syn_ack = from_server(SYN | ACK, 0, 1);

			syn.sport = syn_ack.dport = port;
			syn.tcp_ack = 0;
			assert_true(fixture_passes(f, &syn, FIXTURE_WAN));
			assert_true(fixture_passes(f, &syn_ack, FIXTURE_LAN));
			assert_true(fixture_passes(f, &frame, FIXTURE_WAN));
		}
		f->w->counters[COUNTER_HELPER_EXPECTED] = 0;
		snprintf(text, sizeof(text), "%s%s", rows[i].text, port_said);
		rte_pktmbuf_free(say(f, &frame, text));
		assert_int_equal(fixture_counter(f, COUNTER_HELPER_EXPECTED), rows[i].is_read);
	}
}

// The piece of a line that a segment begins or ends with is looked at too.
static void nor_is_it_when_it_comes_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct frame first = from_client(ACK, 1, 1), second = from_client(ACK, 1 + 5, 1);

	open_helpers(f, NULL);
	control_open(f);
	assert_becomes(f, &first, "Host:", "Host:", CLIENT_SEQ + 1);
	assert_becomes(f, &second, "evil\r\nPORT 198,18,0,7,19,137\r\n",
		"evil\r\nPORT 198,18,0,7,19,137\r\n", CLIENT_SEQ + 6);
}

static void a_line_in_two_segments_is_not_read(void **state)
{
	struct fixture *f = *state;
	struct frame first = from_client(ACK, 1, 1), second = from_client(ACK, 1 + 5, 1);

	open_helpers(f, NULL);
	control_open(f);
	assert_becomes(f, &first, "SITE ", "SITE ", CLIENT_SEQ + 1);
	assert_becomes(f, &second, port_said, port_said, CLIENT_SEQ + 6);
	second.tcp_seq += SAID; // the next line begins where one ended
	assert_becomes(f, &second, port_said, port_told, CLIENT_SEQ + 6 + SAID);
}

static void without_room_for_it_nothing_is_rewritten(void **state)
{
	struct fixture *f = *state;
	struct frame frame = from_client(ACK, 1, 1);
	char text[1461];

	open_helpers(f, NULL);
	control_open(f);
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "NOOP", 4);
	text[1460 - SAID - 1] = '\n';
	memcpy(text + 1460 - SAID, port_said, SAID + 1);
	assert_becomes(f, &frame, text, text, CLIENT_SEQ + 1); // as long as may be
	assert_int_equal(fixture_counter(f, COUNTER_HELPER_REFUSED), 1);
	assert_int_equal(data_port(f, 5001), 0); // nor is it let in
}

static void after_tls_nothing_is_read(void **state)
{
	struct fixture *f = *state;
	struct frame reply = from_server(ACK, 1, 1), frame = from_client(ACK, 1, 1 + 8);

	open_helpers(f, NULL);
	control_open(f);
	assert_becomes(f, &reply, "234 go\r\n", "234 go\r\n", SERVER_SEQ + 1);
	assert_becomes(f, &frame, port_said, port_said, CLIENT_SEQ + 1);
	frame.tcp_seq += 4000; // nor is anything lost out of order
	assert_becomes(f, &frame, port_said, port_said, CLIENT_SEQ + 4001);
}

#define NAT(name) cmocka_unit_test_setup_teardown(name, fixture_setup_nat, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT(an_active_connection_is_let_in_once),
		NAT(what_may_not_begin_does_not_spend_it),
		NAT(both_ends_keep_their_numbers),
		NAT(an_error_about_it_quotes_its_senders_numbers),
		NAT(stretches_add_up_over_a_session),
		NAT(what_is_sent_again_is_rewritten_again),
		NAT(what_is_sent_again_with_more_is_rewritten_again),
		NAT(until_it_is_acknowledged_nothing_else_is_rewritten),
		NAT(a_piece_of_what_was_rewritten_does_not_pass),
		NAT(what_is_ahead_of_what_was_lost_comes_again),
		NAT(a_damaged_segment_gets_no_right_checksum),
		NAT(another_port_is_told_where_the_own_one_is_taken),
		NAT(what_another_connection_expects_already_is_counted),
		NAT(a_segment_announces_once_however_long),
		NAT(a_session_announces_so_often_a_second),
		NAT(what_announces_nothing_passes_as_it_is),
		NAT(what_is_not_ftp_is_not_read),
		NAT(nor_is_it_when_it_comes_in_pieces),
		NAT(a_line_in_two_segments_is_not_read),
		NAT(without_room_for_it_nothing_is_rewritten),
		NAT(after_tls_nothing_is_read),
	};

	fixture_start_drivers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
