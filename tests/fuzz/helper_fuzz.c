// SPDX-License-Identifier: BSD-3-Clause
// An FTP control connection through a router with helpers: the input's first byte says whether its
// client is inside, or its server, or both speak IPv6. Each entry after that has one end send
// something: a line, some bytes, what it has sent before from anywhere on, or something ahead of
// what was lost. The other end takes, as TCP does, what it has not yet. Every frame that leaves is
// sound, and what was taken are the lines that were sent, but for the address in some.
#include <stdlib.h>
#include <string.h>

#include "dataplane/conntrack.h"
#include "dataplane/ftp_line.h"
#include "tests/unit/dataplane_fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { CLIENT = 0, SERVER, ENDS, STREAM_MAX = 4096, SEGMENT_MAX = 600, FIRST = 1000000 };

enum { SYN = RTE_TCP_SYN_FLAG, ACK = RTE_TCP_ACK_FLAG };

static const char *const lines[] = {"PORT 198,18,0,7,19,137\r\n", "EPRT |1|198.18.0.7|5001|\r\n",
	"PORT 203,0,113,2,4,1\r\n", "PASV\r\n", "EPSV\r\n", "227 (198,51,100,10,4,1)\r\n",
	"229 (|||5001|)\r\n", "200 OK\r\n", "234 go\r\n", "NOOP\r\n", "\n",
	"PORT 198,18,0,8,9,9\r\n"};

struct end {
	uint8_t sent[STREAM_MAX]; // the stream, as this end knows it
	uint32_t n_sent;
	uint8_t got[STREAM_MAX * 2]; // the other end's, as it arrived here
	bool has_got[STREAM_MAX * 2];
	uint32_t n_got; // without a gap
};

static const struct place {
	uint8_t iface;
	uint32_t src, dst;
	const char *src6, *dst6;
} worlds[][ENDS] = {
	{{FIXTURE_LAN, FIXTURE_PC, FIXTURE_SERVER}, {FIXTURE_WAN, FIXTURE_SERVER, FIXTURE_OWN_WAN}},
	{{FIXTURE_WAN, FIXTURE_SERVER, FIXTURE_OWN_WAN}, {FIXTURE_LAN, FIXTURE_PC, FIXTURE_SERVER}},
	{{FIXTURE_LAN, 0, 0, FIXTURE_PC6, FIXTURE_SERVER6},
		{FIXTURE_WAN, 0, 0, FIXTURE_SERVER6, FIXTURE_OWN_WAN6}},
};

static struct fixture fixture;
static const struct place *world;
static struct end ends[ENDS];
static uint16_t client_port;

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static struct rte_tcp_hdr *tcp_of(struct rte_mbuf *m)
{
	return world->src6 != NULL ? (struct rte_tcp_hdr *)(packet_ip6(m) + 1)
				   : (struct rte_tcp_hdr *)(packet_ip4(m) + 1);
}

static void receive(unsigned to, struct rte_mbuf *m)
{
	const struct rte_tcp_hdr *tcp = tcp_of(m);
	const uint8_t *data = (const uint8_t *)tcp + (size_t)(tcp->data_off >> 4) * 4;
	uint32_t l4_bytes = world->src6 != NULL
				    ? rte_be_to_cpu_16(packet_ip6(m)->payload_len)
				    : rte_be_to_cpu_16(packet_ip4(m)->total_length) - 20u;
	uint32_t n = l4_bytes - (uint32_t)(tcp->data_off >> 4) * 4;
	uint32_t at = rte_be_to_cpu_32(tcp->sent_seq) - FIRST - 1;

	require(frame_is_sound(m));
	for (uint32_t i = 0; i < n; i++) {
		if ((int32_t)(at + i - ends[to].n_got) < 0 || at + i >= sizeof(ends[to].got))
			continue;
		require(!ends[to].has_got[at + i] || ends[to].got[at + i] == data[i]);
		ends[to].has_got[at + i] = true;
		ends[to].got[at + i] = data[i];
	}
	while (ends[to].n_got < sizeof(ends[to].got) && ends[to].has_got[ends[to].n_got])
		ends[to].n_got++;
	// It never acknowledges what this end has not sent.
	if (!(tcp->tcp_flags & SYN))
		require(rte_be_to_cpu_32(tcp->recv_ack) - FIRST - 1 <= ends[to].n_sent);
}

static uint32_t line_bytes(const uint8_t *text, uint32_t n)
{
	const uint8_t *lf = memchr(text, '\n', n);

	return lf != NULL ? (uint32_t)(lf - text) + 1 : n;
}

// Line by line; the last one may not have arrived whole.
static void compare_streams(const struct end *from, const struct end *to, bool is_reply)
{
	uint32_t sent = 0, got = 0;

	while (got < to->n_got) {
		uint32_t n_sent = line_bytes(from->sent + sent, from->n_sent - sent);
		uint32_t n_got = line_bytes(to->got + got, to->n_got - got);
		struct ftp_line was = ftp_line_read(from->sent + sent, n_sent, is_reply);
		struct ftp_line is = ftp_line_read(to->got + got, n_got, is_reply);

		require(n_sent > 0);
		if (n_got == 0 || to->got[got + n_got - 1] != '\n')
			return;
		if (n_got != n_sent || memcmp(to->got + got, from->sent + sent, n_got) != 0)
			require(is.kind == was.kind && was.end > was.first);
		sent += n_sent;
		got += n_got;
	}
}

static void send_segment(unsigned from, uint8_t flags, uint32_t at, uint32_t n)
{
	bool is_syn = flags & SYN;
	struct frame frame = {
		.iface = world[from].iface,
		.src = world[from].src,
		.dst = world[from].dst,
		.src6 = world[from].src6,
		.dst6 = world[from].dst6,
		.sport = from == CLIENT ? client_port : 21,
		.dport = from == CLIENT ? 21 : client_port,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.tcp_seq = FIRST + !is_syn + at,
		.tcp_ack = flags & ACK ? FIRST + 1 + ends[from].n_got : 0,
		.payload_bytes = (uint16_t)n,
	};
	struct rte_mbuf *m = frame_build(&fixture, &frame);
	struct rte_tcp_hdr *tcp = tcp_of(m);

	memcpy(tcp + 1, ends[from].sent + at, n);
	tcp->cksum = 0;
	tcp->cksum = world->src6 != NULL ? rte_ipv6_udptcp_cksum(packet_ip6(m), tcp)
					 : rte_ipv4_udptcp_cksum(packet_ip4(m), tcp);
	fixture_rx(&fixture, m, frame.iface);
	m = fixture_sent(&fixture, world[1 - from].iface);
	if (m != NULL)
		receive(1 - from, m);
	rte_pktmbuf_free(m);
}

static void write_more(struct end *end, const void *text, uint32_t n)
{
	n = RTE_MIN(n, (uint32_t)(STREAM_MAX - SEGMENT_MAX) - end->n_sent);
	memcpy(end->sent + end->n_sent, text, n);
	end->n_sent += n;
}

// Another port each time, so that no connection meets the one before.
static void connect_ends(void)
{
	static const char greeting[] = "220 hi\r\n";

	memset(ends, 0, sizeof(ends));
	client_port = client_port < 30000 ? 30000 : (uint16_t)(client_port + 1);
	send_segment(CLIENT, SYN, 0, 0);
	send_segment(SERVER, SYN | ACK, 0, 0);
	send_segment(CLIENT, ACK, 0, 0);
	write_more(&ends[SERVER], greeting, sizeof(greeting) - 1);
	send_segment(SERVER, ACK, 0, ends[SERVER].n_sent);
}

static void send_something(
	unsigned from, uint8_t how, uint8_t which, const uint8_t **at, const uint8_t *stop)
{
	struct end *end = &ends[from];
	uint32_t before = end->n_sent, first, n;

	switch (how) {
	case 0: // a line, or two
	case 1:
		write_more(end, lines[which % RTE_DIM(lines)],
			(uint32_t)strlen(lines[which % RTE_DIM(lines)]));
		if (how == 1)
			write_more(end, lines[which / 16 % RTE_DIM(lines)],
				(uint32_t)strlen(lines[which / 16 % RTE_DIM(lines)]));
		send_segment(from, ACK, before, end->n_sent - before);
		return;
	case 2: // the input's own bytes
		n = RTE_MIN((uint32_t)which & 63, (uint32_t)(stop - *at));
		write_more(end, *at, n);
		*at += n;
		send_segment(from, ACK, before, end->n_sent - before);
		return;
	case 3: // lost on its way to the router
		write_more(end, lines[which % RTE_DIM(lines)],
			(uint32_t)strlen(lines[which % RTE_DIM(lines)]));
		return;
	case 4: // again, from somewhere on, to the end
	case 5: // or a part of it
		first = before > which ? before - which : 0;
		n = before - first;
		send_segment(from, ACK, first, how == 4 ? n : n / 2);
		return;
	case 6: // all that is not acknowledged
		first = ends[1 - from].n_got < before ? ends[1 - from].n_got : 0;
		send_segment(from, ACK, first, RTE_MIN(before - first, (uint32_t)SEGMENT_MAX));
		return;
	default:
		send_segment(from, ACK, before, 0);
		return;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct dp_nat nats[2];
	struct dp_policy policy;
	struct error err;

	fixture_start_drivers();
	fixture_open(&fixture, 1, true);
	nats[0] = nats[1] = fixture_masquerade(FIXTURE_WAN);
	nats[0].family = IP_NONE;
	nats[1].kind = DP_NAT_FORWARD;
	nats[1].inside = (struct ip_prefix){{.family = IP_V4, .v4 = {198, 18, 0, 7}}, 32};
	nats[1].first_port = nats[1].last_port = 21;
	policy = fixture_policy(nats, 2);
	policy.helpers[DP_HELPER_FTP] = (struct dp_helper_ports){{21}, 1};
	policy.timeouts.tcp_established = policy.timeouts.tcp_unreplied = 1;
	require(dataplane_policy_set(fixture.dp, &policy, &err) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	const uint8_t *at = bytes, *stop = bytes + n_bytes;

	if (n_bytes == 0)
		return 0;
	world = worlds[*at++ % RTE_DIM(worlds)];
	connect_ends();
	while (stop - at >= 2) {
		uint8_t what = at[0], which = at[1];

		at += 2;
		send_something(what & 1, what >> 1 & 7, which, &at, stop);
	}
	compare_streams(&ends[CLIENT], &ends[SERVER], false);
	compare_streams(&ends[SERVER], &ends[CLIENT], true);
	fixture.w->now_sec += 5;
	while (conntrack_expire(fixture.w, 1000) > 0)
		;
	require(fixture.w->flows.n_used == 0);
	return 0;
}
