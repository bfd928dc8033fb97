// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/stress/frame.h"

enum {
	BURST_AT_ONCE = 128,
	PATIENCE_MS = 1000,
	LAST_PATIENCE_MS = 200, // for a conversation's last packet
	ERROR_EVERY = 13,	// of a conversation's questions
	CALL_EVERY = 3,
};

// All or nothing: half a packet in fragments would wait for the other half. A conversation's
// packets come in by one queue: a card does the same.
static bool put(struct load *load, uint8_t iface, uint32_t id, struct rte_mbuf **pkts, unsigned n)
{
	struct wire *wire = &load->world->wires[iface];
	uint16_t queue = (uint16_t)(id / TALK_KINDS % load->world->n_workers);

	if (n == 0 || !wire_has_room(wire, queue, n)) {
		rte_pktmbuf_free_bulk(pkts, n);
		load->is_blocked = true;
		return false;
	}
	for (unsigned i = 0; i < n; i++)
		wire_send(wire, queue, pkts[i]);
	load->n_given += n;
	return true;
}

static bool give(struct load *load, const struct talk_end *from, const struct talk_end *to,
	const struct talk_packet *packet)
{
	struct rte_mbuf *pieces[FRAME_PIECES];
	unsigned n = frame_make(drivers_pool(), from, to, packet, pieces);

	return put(load, from->iface, packet->id, pieces, n);
}

static bool is_over(const struct load_talk *talk)
{
	return talk->id == 0 || talk->sent[TALK_ASKS] == talk_length(talk->id);
}

// Its last packet may still come out.
static bool is_ending(const struct load *load, const struct load_talk *talk)
{
	return talk->id != 0 && is_over(talk) && talk->heard[TALK_ASKS] < talk->sent[TALK_ASKS] &&
	       load->now_ms - talk->since_ms <= LAST_PATIENCE_MS;
}

void load_speak(struct load *load, uint32_t slot)
{
	struct load_talk *talk = &load->talks[slot];
	struct talk_packet packet;
	struct talk_ends ends;
	bool is_late = load->now_ms - talk->since_ms > PATIENCE_MS;

	if (is_ending(load, talk))
		return;
	if (!is_over(talk) && talk_waits(talk->id) &&
		talk->heard[TALK_ANSWERS] < talk->sent[TALK_ASKS]) {
		if (!is_late)
			return;
		load->n_given_up++;
		talk->sent[TALK_ASKS] = talk_length(talk->id);
	}
	if (is_over(talk)) // of each slot every LOAD_ALIVE-th number
		*talk = (struct load_talk){
			.id = talk->id == 0 ? slot + LOAD_ALIVE : talk->id + LOAD_ALIVE};
	packet = (struct talk_packet){talk->id, talk->sent[TALK_ASKS] + 1, TALK_ASKS};
	ends = talk_ends(&packet);
	if (!give(load, &ends.from, &ends.to, &packet))
		return;
	talk->sent[TALK_ASKS]++;
	talk->since_ms = load->now_ms;
}

// To the port by which a cone is known, from somebody it never spoke to.
static void call(struct load *load, struct load_talk *talk, const struct talk_heard *heard)
{
	struct talk_packet packet = {talk->id, talk->sent[TALK_CALLS] + 1, TALK_CALLS};
	struct talk_ends ends = talk_ends(&heard->packet);
	struct talk_end from;

	if (heard->packet.seq % CALL_EVERY != 0 || talk->is_renamed ||
		heard->sender.port != ends.from.port)
		return;
	talk_caller(talk->id, &heard->sender, &from);
	talk->sent[TALK_CALLS] += give(load, &from, &heard->sender, &packet);
}

static void answer(struct load *load, struct load_talk *talk, const struct talk_heard *heard)
{
	struct talk_packet packet = {talk->id, talk->sent[TALK_ANSWERS] + 1, TALK_ANSWERS};
	struct talk_end from = heard->receiver;

	if (talk_waits(talk->id) &&
		(packet.seq != heard->packet.seq || heard->packet.seq == talk_length(talk->id)))
		return;
	from.port = talk_ends(&packet).hears.port; // of TFTP another one
	talk->sent[TALK_ANSWERS] += give(load, &from, &heard->sender, &packet);
}

static void refuse(struct load *load, const struct rte_mbuf *m, const struct talk_heard *heard)
{
	struct rte_mbuf *error = frame_make_error(drivers_pool(), m, heard);

	put(load, heard->iface, heard->packet.id, &error, error != NULL);
}

// In its conversation's order, and sent at all.
static void must_be_next(const struct load_talk *talk, const struct talk_heard *heard)
{
	const struct talk_packet *packet = &heard->packet;
	bool may_cross = packet->way != TALK_ASKS && talk->is_renamed;

	if (packet->seq <= talk->sent[packet->way] &&
		(packet->seq > talk->heard[packet->way] || may_cross))
		return;
	fprintf(stderr,
		"stress: %s %u of conversation %u (kind %u) after %u, and %u were sent; from port "
		"%u to %u\n",
		talk_way_name(packet->way), packet->seq, packet->id, packet->id % TALK_KINDS,
		talk->heard[packet->way], talk->sent[packet->way], heard->sender.port,
		heard->receiver.port);
	abort();
}

static void hear(struct load *load, const struct rte_mbuf *m, uint8_t iface)
{
	struct talk_heard heard;
	struct talk_end caller;
	const struct talk_packet *packet = &heard.packet;
	const struct talk_kind *kind;
	struct load_talk *talk;

	load->n_out++;
	if (!frame_read(m, iface, &heard) || !talk_judge(&heard))
		return;
	if (heard.is_error) {
		load->n_errors[packet->id % TALK_KINDS]++;
		return;
	}
	talk = &load->talks[packet->id % LOAD_ALIVE];
	if (talk->id != packet->id || heard.is_later_piece)
		return; // the last words of one that is over
	if (packet->way == TALK_ASKS) {
		talk->is_renamed |= talk->seen_port != 0 && talk->seen_port != heard.sender.port;
		talk->seen_port = heard.sender.port;
	}
	must_be_next(talk, &heard);
	talk->heard[packet->way] = packet->seq;
	load->n_heard[packet->id % TALK_KINDS][packet->way]++;
	if (packet->way == TALK_CALLS) {
		talk_caller(packet->id, &heard.receiver, &caller);
		load->n_calls_from[caller.iface]++;
	}
	if (packet->way != TALK_ASKS)
		return;
	load->n_ended[packet->id % TALK_KINDS] += packet->seq == talk_length(packet->id);
	kind = talk_kind(packet->id);
	if (kind->path == TALK_CONE)
		call(load, talk, &heard);
	if (packet->seq % ERROR_EVERY == 1 && kind->form != TALK_PIECES)
		refuse(load, m, &heard);
	answer(load, talk, &heard);
}

unsigned load_hear_all(struct load *load)
{
	struct rte_mbuf *pkts[BURST_AT_ONCE];
	unsigned total = 0;

	for (uint8_t iface = 0; iface < TALK_INTERFACES; iface++) {
		unsigned n = wire_receive(&load->world->wires[iface], pkts, BURST_AT_ONCE);

		for (unsigned i = 0; i < n; i++) {
			hear(load, pkts[i], iface);
			rte_pktmbuf_free(pkts[i]);
		}
		total += n;
	}
	return total;
}
