// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/talk.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SERVERS = 200,
	PORT_FIRST = 1024,
	PORTS = 60000,
	CALLER_PORT = 61500, // up to TALK_HOSTS more
	UDP_LENGTH = 24,
	TFTP_LENGTH = 6,
	TCP_RESET_LENGTH = 5, // SYN, three of data, RST
	TCP_FIN_LENGTH = 6,   // SYN, three of data, FIN, the last ACK
};

static const struct talk_kind kinds[TALK_KINDS] = {
	{TALK_OUT, IP_V4, TALK_UDP},
	{TALK_ACROSS, IP_V4, TALK_UDP},
	{TALK_FORWARD, IP_V4, TALK_UDP},
	{TALK_CONE, IP_V4, TALK_UDP},
	{TALK_OUT, IP_V6, TALK_UDP},
	{TALK_ACROSS, IP_V6, TALK_UDP},
	{TALK_OUT, IP_V4, TALK_TCP},
	{TALK_ACROSS, IP_V4, TALK_TCP},
	{TALK_FORWARD, IP_V4, TALK_TCP},
	{TALK_OUT, IP_V6, TALK_TCP},
	{TALK_OUT, IP_V4, TALK_PIECES},
	{TALK_ACROSS, IP_V4, TALK_PIECES},
	{TALK_OUT, IP_V6, TALK_PIECES},
	{TALK_OUT, IP_V4, TALK_TFTP},
	{TALK_ACROSS, IP_V4, TALK_TFTP},
};

const struct talk_kind *talk_kind(uint32_t id)
{
	return &kinds[id % TALK_KINDS];
}

bool talk_waits(uint32_t id)
{
	return talk_kind(id)->form == TALK_TCP || talk_kind(id)->form == TALK_TFTP;
}

unsigned talk_length(uint32_t id)
{
	switch (talk_kind(id)->form) {
	case TALK_TCP:
		return id / TALK_KINDS % 2 == 0 ? TCP_RESET_LENGTH : TCP_FIN_LENGTH;
	case TALK_TFTP:
		return TFTP_LENGTH;
	case TALK_UDP:
	case TALK_PIECES:
		break;
	}
	return UDP_LENGTH;
}

// --- addresses ---

static uint32_t scatter(uint32_t id)
{
	return (id * 2654435761u) >> 8;
}

// 198.18.0.h, 198.18.1.h; outside 198.51.100.h. The same by IPv6: 2001:db8:1::h, 2001:db8:2::h,
// 2001:db8:f::h.
static struct ip_addr address(enum ip_family family, uint8_t iface, uint32_t host)
{
	static const uint8_t networks4[TALK_INTERFACES][3] = {
		{198, 51, 100}, {198, 18, 0}, {198, 18, 1}};
	static const uint8_t networks6[TALK_INTERFACES] = {15, 1, 2};
	struct ip_addr addr = {.family = (uint8_t)family};

	if (family == IP_V6) {
		memcpy(addr.v6, "\x20\x01\x0d\xb8", 4);
		addr.v6[5] = networks6[iface];
		addr.v6[15] = (uint8_t)host;
	} else {
		memcpy(addr.v4, networks4[iface], 3);
		addr.v4[3] = (uint8_t)host;
	}
	return addr;
}

static struct ip_addr known_as(const char *text)
{
	struct ip_addr addr;

	if (ip_addr_parse(text, &addr) != 0)
		abort();
	return addr;
}

// Behind full cones each port is of one host: who calls it late never reaches another. So it is
// with TFTP, whose server may answer from any port: when a flow has been evicted and its outside
// port is another host's, a late answer would be for that one.
static struct talk_end inside(uint32_t id, uint8_t iface, uint32_t spread)
{
	uint32_t first = TALK_HOST_FIRST;

	if (talk_kind(id)->path == TALK_CONE) {
		first = TALK_CONE_FIRST;
		spread = scatter(id % PORTS);
	} else if (talk_kind(id)->form == TALK_TFTP) {
		spread = scatter(id % PORTS);
	}
	return (struct talk_end){
		.addr = address(talk_kind(id)->family, iface, first + spread % TALK_HOSTS),
		.port = (uint16_t)(PORT_FIRST + id % PORTS),
		.iface = iface,
	};
}

struct talk_ends talk_ends(const struct talk_packet *packet)
{
	const struct talk_kind *kind = talk_kind(packet->id);
	uint32_t id = packet->id;
	uint16_t forward = (uint16_t)(scatter(id) % TALK_FORWARDS);
	struct talk_end server = {address(kind->family, TALK_WAN, 1 + id % SERVERS),
		(uint16_t)(PORT_FIRST + id / SERVERS % PORTS), TALK_WAN};
	struct talk_ends ends = {.from = inside(id, TALK_LAN, scatter(id))};

	switch (kind->path) {
	case TALK_OUT:
	case TALK_CONE:
		ends.to = server;
		break;
	case TALK_ACROSS:
		ends.to = inside(id, TALK_LAN2, id / 7);
		ends.to.port = (uint16_t)(PORT_FIRST + scatter(id) % PORTS);
		break;
	case TALK_FORWARD:
		ends.from = server;
		ends.to = (struct talk_end){
			known_as(TALK_WAN_ADDRESS), (uint16_t)(TALK_FORWARDED + forward), TALK_WAN};
		ends.hears = (struct talk_end){address(IP_V4, TALK_LAN2, TALK_HOST_FIRST),
			(uint16_t)(TALK_INSIDE + forward), TALK_LAN2};
		return ends;
	}
	if (kind->form == TALK_TFTP && packet->way == TALK_ASKS && packet->seq == 1)
		ends.to.port = TALK_TFTP_PORT;
	ends.hears = ends.to;
	return ends;
}

static bool is_called_from_outside(uint32_t id)
{
	return id / TALK_KINDS % 2 == 0;
}

void talk_caller(uint32_t id, const struct talk_end *cone, struct talk_end *from)
{
	uint8_t iface = is_called_from_outside(id) ? TALK_WAN : TALK_LAN2;

	*from = (struct talk_end){
		.addr = address(IP_V4, iface, TALK_HOST_FIRST + scatter(id) % TALK_HOSTS),
		.port = (uint16_t)(CALLER_PORT + cone->port % TALK_HOSTS),
		.iface = iface,
	};
}

// --- judging ---

static bool end_is(const struct talk_end *a, const struct talk_end *b)
{
	return ip_addr_equal(&a->addr, &b->addr) && a->iface == b->iface &&
	       (a->port == b->port || a->port == 0);
}

const char *talk_way_name(enum talk_way way)
{
	static const char *const names[TALK_WAYS] = {"question", "answer", "call"};

	return names[way];
}

static void must_be(const struct talk_end *is, const struct talk_end *should,
	const struct talk_heard *heard, const char *who)
{
	char text[2][ADDR_STR_BYTES];

	if (end_is(is, should))
		return;
	fprintf(stderr,
		"stress: %s%s %u of conversation %u (kind %u): %s %s:%u on %u should be %s:%u on "
		"%u\n",
		heard->is_error ? "error about " : "", talk_way_name(heard->packet.way),
		heard->packet.seq, heard->packet.id, heard->packet.id % TALK_KINDS, who,
		ip_addr_str(&is->addr, text[0]), is->port, is->iface,
		ip_addr_str(&should->addr, text[1]), should->port, should->iface);
	abort();
}

// Whoever asks for a port of the outside address that nobody holds any more asks for the forward:
// a late answer does, and then an error is of that flow, too. `to` is who hears of it.
static bool is_taken_for_a_call(const struct talk_heard *heard, const struct talk_end *to)
{
	struct ip_addr server = address(IP_V4, TALK_LAN2, TALK_HOST_FIRST);

	return talk_kind(heard->packet.id)->path == TALK_OUT && to->iface == TALK_LAN2 &&
	       ip_addr_equal(&to->addr, &server) &&
	       (to->port == 0 ||
		       (to->port >= TALK_INSIDE && to->port < TALK_INSIDE + TALK_FORWARDS));
}

// By which port a host is known outside is the router's to choose.
static struct talk_end seen_as(const struct talk_heard *heard, const struct talk_end *from)
{
	const struct talk_kind *kind = talk_kind(heard->packet.id);
	struct talk_end seen = *from;

	seen.iface = heard->iface;
	if (kind->family == IP_V4 && (kind->path == TALK_OUT || kind->path == TALK_CONE)) {
		seen.addr =
			known_as(kind->path == TALK_CONE ? TALK_CONE_ADDRESS : TALK_WAN_ADDRESS);
		seen.port = heard->sender.port;
	}
	return seen;
}

// Another LAN's host that calls by an outside name is seen by its own.
static struct talk_end caller_seen(const struct talk_heard *heard, const struct talk_end *host)
{
	struct talk_end seen;

	talk_caller(heard->packet.id, host, &seen);
	if (seen.iface != TALK_WAN) {
		seen.addr = known_as(TALK_WAN_ADDRESS);
		seen.port = heard->sender.port;
	}
	seen.iface = heard->iface;
	return seen;
}

bool talk_judge(const struct talk_heard *heard)
{
	struct talk_ends ends = talk_ends(&heard->packet);
	struct talk_end expected;

	if (heard->is_error) { // to who sent it, about what it sent
		if (heard->packet.way != TALK_ASKS)
			return true;
		if (is_taken_for_a_call(heard, &heard->sender))
			return false;
		must_be(&heard->sender, &ends.from, heard, "sender");
		ends.to.iface = heard->iface;
		must_be(&heard->receiver, &ends.to, heard, "receiver");
		return true;
	}
	switch (heard->packet.way) {
	case TALK_ASKS:
		must_be(&heard->receiver, &ends.hears, heard, "receiver");
		expected = seen_as(heard, &ends.from);
		must_be(&heard->sender, &expected, heard, "sender");
		break;
	case TALK_ANSWERS:
		if (is_taken_for_a_call(heard, &heard->receiver))
			return false;
		must_be(&heard->receiver, &ends.from, heard, "receiver");
		ends.to.iface = heard->iface;
		must_be(&heard->sender, &ends.to, heard, "sender");
		break;
	case TALK_CALLS:
		must_be(&heard->receiver, &ends.from, heard, "receiver");
		expected = caller_seen(heard, &ends.from);
		must_be(&heard->sender, &expected, heard, "sender");
		break;
	case TALK_WAYS:
		abort();
	}
	return true;
}
