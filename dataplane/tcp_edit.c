// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/tcp_edit.h"

#include <string.h>

#include <rte_byteorder.h>

#include "dataplane/checksum.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_SACK = 5, // RFC 2018 section 3
	SETTLED_BYTES = 1 << 20,
	HEADER_MAX = 60,
};

static uint32_t moved(const struct tcp_edit *edit)
{
	return edit->before + edit->new_bytes - edit->old_bytes;
}

void tcp_edit_begin(struct tcp_edit *edit, uint32_t at, uint16_t old_bytes, const void *text,
	uint16_t new_bytes)
{
	edit->before = moved(edit);
	edit->at = at;
	edit->old_bytes = old_bytes;
	edit->new_bytes = new_bytes;
	memcpy(edit->text, text, new_bytes);
}

uint32_t tcp_edit_forth(const struct tcp_edit *edit, uint32_t seq)
{
	return seq + ((int32_t)(seq - edit->at) <= 0 ? edit->before : moved(edit));
}

uint32_t tcp_edit_back(const struct tcp_edit *edit, uint32_t seq, bool up)
{
	uint32_t first = edit->at + edit->before;

	if ((int32_t)(seq - first) <= 0)
		return seq - edit->before;
	if ((int32_t)(seq - first) >= edit->new_bytes)
		return seq - moved(edit);
	return up ? edit->at + edit->old_bytes : edit->at;
}

void tcp_edit_settle(struct tcp_edit *edit, uint32_t ack)
{
	if ((int32_t)(ack - edit->at) < SETTLED_BYTES)
		return;
	edit->before = moved(edit);
	edit->at = ack;
	edit->old_bytes = edit->new_bytes = 0;
}

enum tcp_edit_part tcp_edit_part(const struct tcp_edit *edit, uint32_t seq, uint32_t bytes)
{
	uint32_t end = seq + bytes, edit_end = edit->at + edit->old_bytes;

	if (edit->old_bytes == 0 || (int32_t)(end - edit->at) <= 0 ||
		(int32_t)(edit_end - seq) <= 0)
		return TCP_EDIT_NOTHING;
	return (int32_t)(edit->at - seq) >= 0 && (int32_t)(end - edit_end) >= 0 ? TCP_EDIT_ALL
										: TCP_EDIT_SOME;
}

// --- headers ---

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return rte_be_to_cpu_32(value);
}

static void put32(uint8_t *at, uint32_t value)
{
	value = rte_cpu_to_be_32(value);
	memcpy(at, &value, sizeof(value));
}

static void edit_sack(uint8_t *option, const struct tcp_edit *other)
{
	for (unsigned at = 2; at + 8 <= option[1]; at += 8) {
		uint32_t left = tcp_edit_back(other, get32(option + at), true);
		uint32_t right = tcp_edit_back(other, get32(option + at + 4), false);

		put32(option + at, left);
		put32(option + at + 4, (int32_t)(right - left) < 0 ? left : right);
	}
}

static void edit_options(uint8_t *options, uint32_t bytes, const struct tcp_edit *other)
{
	uint32_t at = 0;

	while (at < bytes && options[at] != OPTION_END) {
		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (bytes - at < 2 || options[at + 1] < 2 || options[at + 1] > bytes - at)
			return;
		if (options[at] == OPTION_SACK)
			edit_sack(options + at, other);
		at += options[at + 1];
	}
}

void tcp_edit_header(
	struct rte_tcp_hdr *tcp, const struct tcp_edit *own, const struct tcp_edit *other)
{
	uint32_t header_bytes = (uint32_t)(tcp->data_off >> 4) * 4;
	uint8_t was[HEADER_MAX];

	memcpy(was, tcp, header_bytes);
	tcp->sent_seq = rte_cpu_to_be_32(tcp_edit_forth(own, rte_be_to_cpu_32(tcp->sent_seq)));
	if (tcp->tcp_flags & RTE_TCP_ACK_FLAG) {
		tcp->recv_ack = rte_cpu_to_be_32(
			tcp_edit_back(other, rte_be_to_cpu_32(tcp->recv_ack), false));
		edit_options((uint8_t *)(tcp + 1), header_bytes - (uint32_t)sizeof(*tcp), other);
	}
	tcp->cksum = checksum_adjust(
		tcp->cksum, checksum_difference_bytes(was, (const uint8_t *)tcp, header_bytes));
}
