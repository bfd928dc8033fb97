// SPDX-License-Identifier: BSD-3-Clause
// A sequence of fragments of both families into the engine. Each is one byte of flags, two of
// length, and a frame, whose version, lengths and addresses are mended, so that the search gets
// past them. A whole that comes out must be sound, leave in pieces that break no promise, and come
// out of those again byte by byte; and nothing may leak.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/fragment.h"
#include "dataplane/parse.h"
#include "dataplane/pipeline.h"
#include "tests/unit/eal.h"

enum {
	IS_IP6 = 1 << 0,
	OTHER_SOURCE = 1 << 1,
	PASS_TIME = 1 << 2,
	POOL = 2047,
	SENT_MAX = 1024,
	LEAST_MTU = 68, // RFC 791 3.2
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct worker worker;
static struct rte_mbuf *sent[SENT_MAX];
static unsigned n_sent;

static void must(bool ok)
{
	if (!ok)
		abort();
}

void pipeline_send4(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	must(n_sent < SENT_MAX && (packet_ip4(m)->version_ihl >> 4) == 4);
	must(rte_raw_cksum(packet_ip4(m), rte_ipv4_hdr_len(packet_ip4(m))) == 0xffff);
	sent[n_sent++] = m;
}

void pipeline_send6(struct worker *w, struct rte_mbuf *m, uint16_t code)
{
	must(n_sent < SENT_MAX && rte_be_to_cpu_32(packet_ip6(m)->vtc_flow) >> 28 == 6);
	sent[n_sent++] = m;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	must(eal_start("128") == 0);
	worker.pool = rte_pktmbuf_pool_create(
		"fuzz", POOL, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	must(worker.pool != NULL);
	worker.n_workers = 1;
	worker.random = 1;
	must(reassembly_init(&worker) == 0);
	return 0;
}

static struct rte_mbuf *add(struct rte_mbuf *m, bool is_ip6)
{
	return is_ip6 ? reassembly_add6(&worker, m) : reassembly_add4(&worker, m);
}

static uint32_t flatten(struct rte_mbuf *m, uint8_t *out)
{
	uint32_t bytes = m->pkt_len - L3_OFFSET;
	const void *from = rte_pktmbuf_read(m, L3_OFFSET, bytes, out);

	must(from != NULL);
	if (from != out)
		memcpy(out, from, bytes);
	return bytes;
}

static void check_headers(struct rte_mbuf *m, bool is_ip6)
{
	uint32_t bytes = m->pkt_len - L3_OFFSET;
	struct packet p = {.m = m};

	rte_mbuf_sanity_check(m, 1);
	if (is_ip6) {
		must(packet_parse_ip6(&p, bytes) == PACKET_IP6 && packet_parse_ip6_chain(&p));
		must(!(p.flags & (PACKET_IS_FRAGMENT | PACKET_IS_ATOMIC)));
		must(bytes ==
			sizeof(struct rte_ipv6_hdr) + rte_be_to_cpu_16(packet_ip6(m)->payload_len));
	} else {
		must(packet_parse_ip4(&p, bytes) == PACKET_IP4);
		must((packet_ip4(m)->fragment_offset &
			     RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) == 0);
		must(bytes == p.ip_len);
	}
	must(p.l4_offset < m->data_len);
}

static void check_whole(struct rte_mbuf *m, bool is_ip6)
{
	static uint8_t before[UINT16_MAX + 64], after[UINT16_MAX + 64];
	uint16_t largest = fragment_largest(m), n_in = m->nb_segs;
	struct rte_mbuf *again = NULL;
	uint32_t bytes;
	unsigned n;

	must(largest > 0);
	check_headers(m, is_ip6);
	bytes = flatten(m, before);
	if (is_ip6)
		fragment_send6(&worker, m, 0);
	else
		fragment_send4(&worker, m, 0, 9000);
	n = n_sent;
	n_sent = 0;
	must(n <= n_in + 1u);
	for (unsigned i = 0; i < n; i++) {
		must(sent[i]->pkt_len - L3_OFFSET <= RTE_MAX(largest, (uint32_t)LEAST_MTU));
		must(again == NULL);
		again = add(sent[i], is_ip6);
	}
	must(n == 0 || again != NULL || n > REASSEMBLY_PIECES_MAX);
	if (again != NULL)
		must(flatten(again, after) == bytes && memcmp(before, after, bytes) == 0);
	rte_pktmbuf_free(again);
}

static void mend(uint8_t how, uint8_t *frame, uint16_t bytes)
{
	uint8_t *ip = frame + L3_OFFSET;
	uint16_t total = bytes - L3_OFFSET;

	if (how & IS_IP6) {
		total -= sizeof(struct rte_ipv6_hdr);
		ip[0] = 0x60 | (ip[0] & 15);
		ip[4] = (uint8_t)(total >> 8);
		ip[5] = (uint8_t)total;
		memset(ip + 8, 0x20, 32);
		ip[8 + 7] = how & OTHER_SOURCE;
	} else {
		ip[0] = 0x40 | (ip[0] & 15);
		ip[2] = (uint8_t)(total >> 8);
		ip[3] = (uint8_t)total;
		memset(ip + 12, 0x20, 8);
		ip[12 + 3] = how & OTHER_SOURCE;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= 3) {
		uint8_t how = data[0];
		uint16_t bytes = (uint16_t)((data[1] & 7) << 8 | data[2]);
		struct rte_mbuf *m;
		uint8_t *frame;

		data += 3;
		size -= 3;
		bytes = (uint16_t)RTE_MIN(bytes, size);
		if (bytes < L3_OFFSET + sizeof(struct rte_ipv6_hdr))
			break;
		m = rte_pktmbuf_alloc(worker.pool);
		must(m != NULL);
		frame = (uint8_t *)rte_pktmbuf_append(m, bytes);
		memcpy(frame, data, bytes);
		mend(how, frame, bytes);
		data += bytes;
		size -= bytes;
		if (how & PASS_TIME)
			worker.now_ms += REASSEMBLY_TIMEOUT_MS / 2;
		m = add(m, how & IS_IP6);
		if (m != NULL && m->nb_segs > 1)
			check_whole(m, how & IS_IP6);
		else
			rte_pktmbuf_free(m);
	}
	worker.now_ms += REASSEMBLY_TIMEOUT_MS;
	reassembly_tick(&worker);
	must(rte_mempool_avail_count(worker.pool) == POOL);
	return 0;
}
