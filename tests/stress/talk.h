// SPDX-License-Identifier: BSD-3-Clause
// Conversations that all follow from their number: who speaks to whom, by which ports and in which
// form, and where each packet must come out. The number, who speaks and a sequence number are in
// each packet, so whatever arrives anywhere tells whether it belongs there.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum talk_path {
	TALK_OUT = 0, // from the LAN to a server outside; IPv4 is translated
	TALK_ACROSS,  // from one LAN to the other
	TALK_FORWARD, // from outside to a port forward
	TALK_CONE,    // as TALK_OUT, by a full cone that others call
};

enum talk_form {
	TALK_UDP = 0,
	TALK_TCP,    // SYN, data and FIN or RST
	TALK_PIECES, // UDP in two fragments
	TALK_TFTP,   // the answers come from another port than the one that was asked
};

enum talk_interface {
	TALK_WAN = 0,
	TALK_LAN,
	TALK_LAN2,
	TALK_INTERFACES,
};

enum talk_way {
	TALK_ASKS = 0,
	TALK_ANSWERS,
	TALK_CALLS, // somebody else, a cone
	TALK_WAYS,
};

enum {
	TALK_KINDS = 15,
	TALK_HOSTS = 64, // of each LAN: .10 and up
	TALK_HOST_FIRST = 10,
	TALK_CONE_FIRST = 128, // as many behind full cones: .128 and up
	TALK_FORWARDED = 6000, // first port outside
	TALK_FORWARDS = 64,
	TALK_INSIDE = 8001, // first port inside: seldom of the same worker
	TALK_TFTP_PORT = 69,
};

#define TALK_WAN_ADDRESS  "203.0.113.2"
#define TALK_CONE_ADDRESS "203.0.113.3"

struct talk_kind {
	enum talk_path path;
	enum ip_family family;
	enum talk_form form;
};

struct talk_end {
	struct ip_addr addr;
	uint16_t port; // 0: not known, of a later fragment
	uint8_t iface;
};

struct talk_packet {
	uint32_t id, seq;
	enum talk_way way;
};

struct talk_ends {
	struct talk_end from, to; // as who begins sees it
	struct talk_end hears;	  // who is asked
};

const char *talk_way_name(enum talk_way way);
const struct talk_kind *talk_kind(uint32_t id);
// Packets of who begins. Of TCP and TFTP each but the last waits for an answer to the one before.
unsigned talk_length(uint32_t id);
bool talk_waits(uint32_t id);
// Of a packet: those of TFTP change with its second one.
struct talk_ends talk_ends(const struct talk_packet *packet);
// Who calls a cone that is known outside as `cone`: from outside, or from the other LAN.
void talk_caller(uint32_t id, const struct talk_end *cone, struct talk_end *from);

// What came out: an ICMP error has the packet that it quotes, as it was sent.
struct talk_heard {
	struct talk_packet packet;
	struct talk_end sender, receiver;
	uint8_t iface;
	bool is_error, is_later_piece;
};
// False: it came too late, and somebody else has that port by now. Ends the process when it does
// not belong where it came out.
bool talk_judge(const struct talk_heard *heard);
