// SPDX-License-Identifier: BSD-3-Clause
// FTP (RFC 959, 2428): the client says PORT or EPRT where it waits for the data connection, or the
// server does in its answer to PASV or EPSV. Where the one who waits is known to the other by
// another address, the line is rewritten, with a port that is free there.
//
// Lines are read where they begin with what TCP delivers in order: a segment that is ahead of one
// that was lost is dropped, and comes again after it. A line in several segments is not read, and
// of one segment at most one line announces; FTP clients and servers send no others. What is
// sent again is rewritten again, as it was the first time; until it has been acknowledged nothing
// else is.
//
// An address that is not the sender's own (RFC 2577: a bounce), a port below 1024 and an answer to
// no question announce nothing. A client whose first word comes before the server's, or who says
// anything but commands, is not read any more: a browser can be made to send what somebody else
// wrote to this port, but not without its own headers before that.
#include <errno.h>

#include "dataplane/checksum.h"
#include "dataplane/dataplane_internal.h"
#include "dataplane/ftp_line.h"
#include "dataplane/helper_private.h"
#include "dataplane/parse.h"
#include "drivers/steering.h"

enum {
	FTP_PORT_MIN = 1024,
	FTP_GREETING = 220,
	PORTS_TRIED = 8,
	DRAWS_MAX = 8192, // at random, until one of 128 is of the bucket
	ANNOUNCED_PER_SEC = 64,
};

static_assert((int)FTP_TEXT_MAX == (int)TCP_EDIT_MAX, "a stretch holds a text");

// A segment of a control connection.
struct reading {
	struct worker *w;
	struct packet *p;
	const struct flow_dir *dir;
	struct helper_session *session;
	struct helper_side *side; // of its sender
	uint16_t mtu;
	uint32_t seq, bytes; // of its data
	uint8_t *data;
	bool is_spent; // one of its lines has announced
};

// --- what is announced ---

// Is somebody known as that port, or has its traffic? Other workers' are looked at from outside, so
// a port may seem taken that is not.
static bool is_taken(const struct worker *w, const struct expectation *expected, uint16_t sport_be)
{
	struct flow_endpoint outside = {
		.addr = expected->dst,
		.port_be = expected->dport_be,
		.protocol = expected->protocol,
	};
	struct flow_tuple packet = {
		.src = expected->src,
		.dst = expected->dst,
		.sport_be = sport_be,
		.dport_be = expected->dport_be,
		.protocol = expected->protocol,
	};
	uint64_t hash = flow_tuple_hash(&w->flows, &packet);

	for (unsigned i = 0; i < w->n_workers; i++) {
		const struct flow_table *flows = &w->dp->workers[i].flows;

		if (flow_endpoint_hints(flows, &outside, FLOW_NAME_EXTERNAL) ||
			flow_index_hints(&flows->keys, hash))
			return true;
	}
	return false;
}

// Of the bucket of `port`, so that both directions come to one worker.
static uint16_t draw_port(struct worker *w, uint16_t port)
{
	uint16_t drawn = port;

	for (unsigned i = 0; i < DRAWS_MAX; i++) {
		drawn = (uint16_t)(FTP_PORT_MIN +
				   worker_random(w) % (UINT16_MAX + 1 - FTP_PORT_MIN));
		if (steering_bucket(drawn) == steering_bucket(port))
			break;
	}
	return drawn;
}

// An active server sends from the port below its control connection's (RFC 959 3.2).
static uint16_t data_port_be(const struct reading *r)
{
	uint16_t sport = rte_be_to_cpu_16(flow_tuple_of(r->dir + 1).sport_be);

	return rte_cpu_to_be_16((uint16_t)(sport - 1));
}

static bool expect_at_some_port(struct reading *r, struct expectation *expected)
{
	bool is_translated = !ip_addr_equal(&expected->dst, &expected->to);
	bool is_client = !(r->dir->flags & FLOW_IS_REPLY);
	uint16_t port = rte_be_to_cpu_16(expected->to_port_be);

	for (unsigned i = 0; i < (is_translated ? PORTS_TRIED : 1u); i++) {
		int error;

		if (i > 0)
			expected->dport_be = rte_cpu_to_be_16(draw_port(r->w, port));
		if (is_translated && is_taken(r->w, expected, is_client ? data_port_be(r) : 0))
			continue;
		error = helper_announce(r->w, r->session, expected);
		if (error != -EEXIST)
			return error == 0;
	}
	worker_count(r->w, COUNTER_HELPER_FULL);
	return false;
}

// May the last stretch have to be sent again still? Then there can be no other: one is remembered.
static bool is_stretch_open(const struct helper_side *side)
{
	const struct tcp_edit *edit = &side->edit;

	return edit->old_bytes != 0 && (int32_t)(edit->at + edit->old_bytes - side->acked) > 0;
}

// What an announcement costs is bounded: by segment, and by second.
static bool may_announce(struct reading *r)
{
	struct helper_session *session = r->session;

	if (r->is_spent || is_stretch_open(r->side))
		return false;
	if (session->announced_sec != r->w->now_sec) {
		session->announced_sec = r->w->now_sec;
		session->n_announced = 0;
	}
	if (session->n_announced >= ANNOUNCED_PER_SEC)
		return false;
	session->n_announced++;
	return true;
}

// Would the packet have room for that much more?
static bool has_room(const struct reading *r, int32_t growth)
{
	uint32_t padding = r->p->m->data_len - (uint32_t)L3_OFFSET - r->p->ip_len;

	return r->p->m->nb_segs == 1 && r->p->ip_len + growth <= r->mtu &&
	       growth <= (int32_t)(rte_pktmbuf_tailroom(r->p->m) + padding);
}

// `at`: of the line in the data.
static void announce(struct reading *r, const struct ftp_line *line, uint32_t at)
{
	struct expectation expected = helper_announced(r->w, r->dir, rte_cpu_to_be_16(line->port));
	bool has_addr = line->addr.family != IP_NONE, is_reply = r->dir->flags & FLOW_IS_REPLY;
	uint16_t old_bytes = line->end - line->first, new_bytes;
	char text[FTP_TEXT_MAX];

	if (line->port < FTP_PORT_MIN ||
		(has_addr && !ip_addr_equal(&line->addr, &expected.to) &&
			!(is_reply && ip_addr_equal(&line->addr, &expected.dst))) ||
		!may_announce(r)) {
		worker_count(r->w, COUNTER_HELPER_REFUSED);
		return;
	}
	r->is_spent = true;
	if (!expect_at_some_port(r, &expected))
		return;
	if (expected.dport_be == expected.to_port_be &&
		(!has_addr || ip_addr_equal(&line->addr, &expected.dst)))
		return;
	new_bytes = (uint16_t)ftp_line_write(
		line, &expected.dst, rte_be_to_cpu_16(expected.dport_be), text);
	if (!has_room(r, new_bytes - old_bytes)) {
		helper_forget(r->w, r->session);
		worker_count(r->w, COUNTER_HELPER_REFUSED);
		return;
	}
	tcp_edit_begin(&r->side->edit, r->seq + at + line->first, old_bytes, text, new_bytes);
	r->side->acked = r->side->edit.at;
}

// --- lines ---

// Does the server's reply end in this line? Those before it are for people.
static bool ends_reply(struct reading *r, uint32_t at, uint32_t n)
{
	struct helper_session *session = r->session;
	bool goes_on = false;
	unsigned code = ftp_line_code(r->data + at, n, &goes_on);

	if (code == 0 || (session->open_reply != 0 && code != session->open_reply))
		return false;
	session->open_reply = goes_on ? (uint16_t)code : 0;
	if (code == FTP_GREETING)
		session->is_greeted = true;
	return !goes_on;
}

// A line that begins; what is not there to its end tells nothing.
static void read_line(struct reading *r, uint32_t at, uint32_t n, bool is_whole)
{
	bool is_reply = r->dir->flags & FLOW_IS_REPLY;
	uint8_t asked = r->session->asked;
	struct ftp_line line;

	if (is_reply) {
		if (!ends_reply(r, at, n))
			return;
		r->session->asked = FTP_OTHER; // this is the answer
	} else if (!r->session->is_greeted || !ftp_line_is_command(r->data + at, n)) {
		r->session->is_over = true;
	}
	if (!is_whole || r->session->is_over)
		return;
	line = ftp_line_read(r->data + at, n, is_reply);
	switch (line.kind) {
	case FTP_OTHER:
		break;
	case FTP_MALFORMED:
		worker_count(r->w, COUNTER_HELPER_REFUSED);
		break;
	case FTP_PASV:
	case FTP_EPSV:
		r->session->asked = (uint8_t)line.kind;
		break;
	case FTP_PORT:
	case FTP_EPRT:
		announce(r, &line, at);
		break;
	case FTP_REPLY_PASSIVE:
	case FTP_REPLY_EXTENDED_PASSIVE:
		if (asked == (line.kind == FTP_REPLY_PASSIVE ? FTP_PASV : FTP_EPSV))
			announce(r, &line, at);
		else
			worker_count(r->w, COUNTER_HELPER_REFUSED);
		break;
	case FTP_REPLY_SECURED:
		r->session->is_over = true;
		break;
	}
}

// What is new from `at` on.
static void read_lines(struct reading *r, uint32_t at)
{
	while (at < r->bytes && !r->session->is_over) {
		const uint8_t *lf = memchr(r->data + at, '\n', r->bytes - at);
		uint32_t end = lf != NULL ? (uint32_t)(lf - r->data) + 1 : r->bytes;

		if (r->side->is_line_start)
			read_line(r, at, end - at, lf != NULL);
		r->side->is_line_start = lf != NULL;
		at = end;
	}
}

// --- segments ---

// False: it must not pass.
static bool read_data(struct reading *r)
{
	struct helper_side *side = r->side;
	enum tcp_edit_part part;
	uint32_t known;

	if (r->p->m->nb_segs > 1 || r->session->is_over) {
		side->is_known = false;
		return true;
	}
	if (!side->is_known) { // past what could not be read
		side->is_known = true;
		side->is_line_start = false;
		side->next_seq = r->seq;
	}
	known = side->next_seq - r->seq;
	if ((int32_t)known < 0 || packet_l4_sum(r->p) != 0xffff)
		return false;
	if (known >= r->bytes) // sent again
		return true;
	part = tcp_edit_part(&side->edit, r->seq, r->bytes);
	if (part == TCP_EDIT_SOME)
		return false;
	r->is_spent = part == TCP_EDIT_ALL;
	read_lines(r, known);
	side->next_seq = r->seq + r->bytes;
	return true;
}

static void set_ip_len(struct packet *p, uint16_t ip_len)
{
	if (p->kind == PACKET_IP6) {
		packet_ip6(p->m)->payload_len =
			rte_cpu_to_be_16((uint16_t)(ip_len - sizeof(struct rte_ipv6_hdr)));
	} else {
		struct rte_ipv4_hdr *ip = packet_ip4(p->m);
		uint16_t was = ip->total_length;

		ip->total_length = rte_cpu_to_be_16(ip_len);
		ip->hdr_checksum = checksum_adjust(
			ip->hdr_checksum, checksum_difference16(was, ip->total_length));
	}
	p->ip_len = ip_len;
}

// Puts the new text where the old one is.
static void write_edit(struct reading *r)
{
	const struct tcp_edit *edit = &r->side->edit;
	struct rte_tcp_hdr *tcp = packet_l4(r->p);
	struct rte_mbuf *m = r->p->m;
	uint32_t at = edit->at - r->seq, behind = r->bytes - at - edit->old_bytes;
	uint16_t ip_len = (uint16_t)(r->p->ip_len + edit->new_bytes - edit->old_bytes);

	m->data_len = (uint16_t)(L3_OFFSET + ip_len); // what padded the frame goes
	m->pkt_len = m->data_len;
	memmove(r->data + at + edit->new_bytes, r->data + at + edit->old_bytes, behind);
	memcpy(r->data + at, edit->text, edit->new_bytes);
	set_ip_len(r->p, ip_len);
	tcp->cksum = 0;
	tcp->cksum = (uint16_t)~packet_l4_sum(r->p);
}

// False: a part of what was rewritten, or no room: its sender will try otherwise.
static bool edit_data(struct reading *r)
{
	const struct tcp_edit *edit = &r->side->edit;

	switch (tcp_edit_part(edit, r->seq, r->bytes)) {
	case TCP_EDIT_NOTHING:
		return true;
	case TCP_EDIT_SOME:
		return false;
	case TCP_EDIT_ALL:
		break;
	}
	if (!has_room(r, edit->new_bytes - edit->old_bytes) || packet_l4_sum(r->p) != 0xffff)
		return false;
	write_edit(r);
	return true;
}

// `ack`: as its sender counts.
static void note_ack(struct helper_side *side, uint32_t ack)
{
	if ((int32_t)(ack - side->acked) > 0)
		side->acked = ack;
	tcp_edit_settle(&side->edit, ack);
}

void helper_ftp_begin(struct helper_session *session, uint32_t seq, uint32_t ack)
{
	session->sides[0].next_seq = seq;
	session->sides[1].next_seq = ack;
	for (unsigned i = 0; i < 2; i++)
		session->sides[i].is_known = session->sides[i].is_line_start = true;
}

bool helper_ftp_pass(struct worker *w, struct packet *p, struct flow_dir *dir,
	struct helper_session *session, uint16_t mtu)
{
	struct rte_tcp_hdr *tcp = packet_l4(p);
	unsigned d = dir->flags & FLOW_IS_REPLY ? 1 : 0;
	struct helper_side *other = &session->sides[1 - d];
	struct reading r = {
		.w = w,
		.p = p,
		.dir = dir,
		.session = session,
		.side = &session->sides[d],
		.mtu = mtu,
		.seq = rte_be_to_cpu_32(tcp->sent_seq),
		.data = (uint8_t *)tcp + (size_t)(tcp->data_off >> 4) * 4,
	};
	bool is_fine = true;

	r.bytes = p->tcp_end - r.seq;
	if (!(p->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG)) && r.bytes > 0)
		is_fine = read_data(&r) && edit_data(&r);
	if (!is_fine) {
		worker_drop(w, p->m, COUNTER_DROP_HELPER);
		return false;
	}
	tcp_edit_header(tcp, &r.side->edit, &other->edit);
	if (p->tcp_flags & RTE_TCP_ACK_FLAG)
		note_ack(other, rte_be_to_cpu_32(tcp->recv_ack));
	return true;
}
