// SPDX-License-Identifier: BSD-3-Clause
// What helper.c and the helper of each protocol share. Worker threads.
#pragma once

#include "dataplane/helper.h"
#include "dataplane/tcp_edit.h"

// What one end of a control connection has sent.
struct helper_side {
	uint32_t next_seq; // of the first byte that was not read yet
	bool is_known;	   // that is
	bool is_line_start;
	struct tcp_edit edit;
	uint32_t acked; // of what it sent since the stretch began
};

// Of a control connection of FTP.
struct helper_session {
	uint32_t flow; // its index
	uint16_t next; // of the same slot, or of the free ones
	uint16_t host; // whose share it is of
	uint16_t expectation;
	uint16_t open_reply;  // the code of a reply of several lines, until its last one
	uint16_t n_announced; // in that second
	uint8_t asked;	      // the question that is open, enum ftp_kind; FTP_OTHER: none
	bool is_greeted;      // the server has said 220
	bool is_over;	      // nothing is read any more
	uint32_t announced_sec;
	struct helper_side sides[2]; // by direction of the flow
};

// What the sender of direction `dir` announces: the other end may come once to `port_be` of its.
struct expectation helper_announced(
	const struct worker *w, const struct flow_dir *dir, uint16_t port_be);
// From now on that is expected. Its place, or as expect_add; all but -EEXIST, where another port
// may do, was counted.
int helper_expect(struct worker *w, const struct expectation *expected);
// The same, and nothing else that this session announced before. 0, or as helper_expect.
int helper_announce(
	struct worker *w, struct helper_session *session, const struct expectation *expected);
// What this session announced is expected no more.
void helper_forget(struct worker *w, struct helper_session *session);

// `seq`, `ack`: in the client's packet that ends the handshake.
void helper_ftp_begin(struct helper_session *session, uint32_t seq, uint32_t ack);
bool helper_ftp_pass(struct worker *w, struct packet *p, struct flow_dir *dir,
	struct helper_session *session, uint16_t mtu);
void helper_tftp_pass(struct worker *w, const struct packet *p, const struct flow_dir *dir);
