// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_malloc.h>

#include "dataplane/parse.h"

// Not rte_ip_frag: that takes eight pieces at most and forgets the protocol (RFC 791 3.2 has it in
// the key). A datagram is its pieces in order of offset, none overlapping another; it is whole when
// their bytes add up to where the last one ends. One of whose pieces two disagree is dead: it keeps
// its place, without buffers, until its time is up, and swallows what else arrives for it (RFC 8200
// 4.5). All wait equally long, so the list by age is also the order of deadlines.

enum {
	BUCKETS = 2 * REASSEMBLY_MAX,
	NONE = 0xffff,
	POOL_SHARE = 8, // of the pool, all workers together
};

static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a mask");

struct piece {
	struct rte_mbuf *m;
	uint16_t offset; // in the datagram's payload
	uint16_t bytes;
};

struct datagram {
	uint32_t src_be, dst_be;
	uint16_t id_be;
	uint8_t protocol;
	bool is_dead;
	uint16_t next;	       // in its bucket, or on the free list
	uint16_t newer, older; // by age
	uint16_t n_pieces;
	uint32_t bytes;	      // received
	uint32_t total_bytes; // 0 until the last piece has told
	uint64_t deadline_ms;
	struct piece pieces[REASSEMBLY_PIECES_MAX];
};

struct reassembly {
	uint32_t seed; // senders choose addresses and identifiers
	uint32_t n_buffers, buffers_max;
	uint16_t oldest, newest, free;
	uint16_t buckets[BUCKETS];
	struct datagram datagrams[REASSEMBLY_MAX];
};

// A fragment as its header describes it.
struct fragment {
	struct rte_mbuf *m;
	uint32_t src_be, dst_be;
	uint16_t id_be;
	uint8_t protocol;
	bool is_last;
	uint32_t offset, end;
};

static uint16_t *bucket_of(
	struct reassembly *r, uint32_t src_be, uint32_t dst_be, uint16_t id_be, uint8_t protocol)
{
	uint32_t hash = rte_jhash_3words(src_be, dst_be, (uint32_t)protocol << 16 | id_be, r->seed);

	return &r->buckets[hash & (BUCKETS - 1)];
}

static struct datagram *datagram_find(struct reassembly *r, const struct fragment *f)
{
	uint16_t i = *bucket_of(r, f->src_be, f->dst_be, f->id_be, f->protocol);

	while (i != NONE) {
		struct datagram *d = &r->datagrams[i];

		if (d->src_be == f->src_be && d->dst_be == f->dst_be && d->id_be == f->id_be &&
			d->protocol == f->protocol)
			return d;
		i = d->next;
	}
	return NULL;
}

// There is a free one.
static struct datagram *datagram_new(
	struct reassembly *r, const struct fragment *f, uint64_t deadline_ms)
{
	uint16_t *bucket = bucket_of(r, f->src_be, f->dst_be, f->id_be, f->protocol);
	uint16_t i = r->free;
	struct datagram *d = &r->datagrams[i];

	r->free = d->next;
	d->src_be = f->src_be;
	d->dst_be = f->dst_be;
	d->id_be = f->id_be;
	d->protocol = f->protocol;
	d->is_dead = false;
	d->n_pieces = 0;
	d->bytes = d->total_bytes = 0;
	d->deadline_ms = deadline_ms;
	d->next = *bucket;
	*bucket = i;
	d->newer = NONE;
	d->older = r->newest;
	if (r->newest != NONE)
		r->datagrams[r->newest].newer = i;
	else
		r->oldest = i;
	r->newest = i;
	return d;
}

// Out of every list; its buffers are the caller's.
static void datagram_free(struct reassembly *r, struct datagram *d)
{
	uint16_t i = (uint16_t)(d - r->datagrams);
	uint16_t *link = bucket_of(r, d->src_be, d->dst_be, d->id_be, d->protocol);

	while (*link != i)
		link = &r->datagrams[*link].next;
	*link = d->next;
	*(d->older != NONE ? &r->datagrams[d->older].newer : &r->oldest) = d->newer;
	*(d->newer != NONE ? &r->datagrams[d->newer].older : &r->newest) = d->older;
	d->next = r->free;
	r->free = i;
}

static void datagram_drop_pieces(struct worker *w, struct datagram *d)
{
	for (unsigned i = 0; i < d->n_pieces; i++) {
		w->reassembly->n_buffers -= d->pieces[i].m->nb_segs;
		worker_drop(w, d->pieces[i].m, COUNTER_DROP_REASSEMBLY);
	}
	d->n_pieces = 0;
}

static void oldest_drop(struct worker *w)
{
	struct datagram *d = &w->reassembly->datagrams[w->reassembly->oldest];

	datagram_drop_pieces(w, d);
	datagram_free(w->reassembly, d);
}

// The first piece must hold the headers that decide about the packet, all of them, in its first
// buffer (RFC 1858 3.2.1): for ICMP errors that is what they quote as well.
static bool first_is_long_enough(const uint8_t *l4, uint32_t bytes, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return bytes >= 20 && bytes >= (uint32_t)(l4[12] >> 4) * 4;
	case IPPROTO_ICMP:
		if (bytes < 8 || !icmp4_is_error(l4[0]))
			return bytes >= 8;
		return bytes >= 8 + 20 + 8 && bytes >= 8 + (uint32_t)(l4[8] & 15) * 4 + 8;
	default:
		return bytes >= 8;
	}
}

// False when it is malformed by itself. Cuts off what the frame carries behind the packet.
static bool fragment_read(struct rte_mbuf *m, struct fragment *f)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint32_t header_bytes, total, before;
	uint16_t flags;

	if (m->data_len < L3_OFFSET + sizeof(*ip))
		return false;
	header_bytes = rte_ipv4_hdr_len(ip);
	before = L3_OFFSET + header_bytes;
	total = rte_be_to_cpu_16(ip->total_length);
	if (header_bytes < sizeof(*ip) || total <= header_bytes || m->data_len <= before ||
		m->pkt_len < L3_OFFSET + total)
		return false;
	if (m->pkt_len > L3_OFFSET + total &&
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - L3_OFFSET - total)) != 0)
		return false;
	flags = rte_be_to_cpu_16(ip->fragment_offset);
	*f = (struct fragment){
		.m = m,
		.src_be = ip->src_addr,
		.dst_be = ip->dst_addr,
		.id_be = ip->packet_id,
		.protocol = ip->next_proto_id,
		.is_last = (flags & RTE_IPV4_HDR_MF_FLAG) == 0,
		.offset = (flags & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS,
	};
	f->end = f->offset + total - header_bytes;
	if (f->end > UINT16_MAX - sizeof(*ip) || (!f->is_last && f->end % 8 != 0))
		return false;
	if (f->offset == 0)
		return first_is_long_enough(
			(const uint8_t *)ip + header_bytes, m->data_len - before, f->protocol);
	// RFC 1858 3.2.2: such a piece could only replace flags of a TCP header.
	return f->protocol != IPPROTO_TCP || f->offset != 8;
}

enum fit {
	FIT_NEW = 0,
	FIT_DUPLICATE, // the very same place: the network may do that
	FIT_CONFLICT,
};

// Where a fragment belongs among the pieces there are.
static enum fit piece_place(const struct datagram *d, const struct fragment *f, unsigned *place)
{
	unsigned i = d->n_pieces;
	const struct piece *last = i > 0 ? &d->pieces[i - 1] : NULL;
	uint32_t last_end = last != NULL ? (uint32_t)last->offset + last->bytes : 0;

	while (i > 0 && d->pieces[i - 1].offset > f->offset)
		i--;
	*place = i;
	if (i > 0 && d->pieces[i - 1].offset == f->offset &&
		d->pieces[i - 1].bytes == f->end - f->offset &&
		f->is_last == (d->total_bytes == f->end))
		return FIT_DUPLICATE;
	if (d->n_pieces == REASSEMBLY_PIECES_MAX)
		return FIT_CONFLICT;
	if (f->is_last ? d->total_bytes != 0 || last_end > f->end
		       : d->total_bytes != 0 && f->end >= d->total_bytes)
		return FIT_CONFLICT;
	if (i > 0 && (uint32_t)d->pieces[i - 1].offset + d->pieces[i - 1].bytes > f->offset)
		return FIT_CONFLICT;
	if (i < d->n_pieces && d->pieces[i].offset < f->end)
		return FIT_CONFLICT;
	return FIT_NEW;
}

static void piece_insert(
	struct reassembly *r, struct datagram *d, const struct fragment *f, unsigned place)
{
	memmove(&d->pieces[place + 1], &d->pieces[place],
		(d->n_pieces - place) * sizeof(d->pieces[0]));
	d->pieces[place] = (struct piece){
		.m = f->m,
		.offset = (uint16_t)f->offset,
		.bytes = (uint16_t)(f->end - f->offset),
	};
	d->n_pieces++;
	d->bytes += f->end - f->offset;
	if (f->is_last)
		d->total_bytes = f->end;
	r->n_buffers += f->m->nb_segs;
}

// Chains the pieces behind the first, whose header becomes the packet's. NULL, with everything
// dropped, when options make the whole longer than a packet can be.
static struct rte_mbuf *datagram_join(struct worker *w, struct datagram *d)
{
	struct rte_mbuf *m = d->pieces[0].m;
	struct rte_ipv4_hdr *ip = packet_ip4(m);
	uint32_t total = rte_ipv4_hdr_len(ip) + d->total_bytes;

	if (total > UINT16_MAX) {
		datagram_drop_pieces(w, d);
		return NULL;
	}
	w->reassembly->n_buffers -= m->nb_segs;
	for (unsigned i = 1; i < d->n_pieces; i++) {
		struct rte_mbuf *next = d->pieces[i].m;

		w->reassembly->n_buffers -= next->nb_segs;
		rte_pktmbuf_adj(next, L3_OFFSET + rte_ipv4_hdr_len(packet_ip4(next)));
		rte_pktmbuf_chain(m, next);
	}
	ip->total_length = rte_cpu_to_be_16((uint16_t)total);
	ip->fragment_offset = 0;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	worker_count(w, COUNTER_REASSEMBLED);
	return m;
}

struct rte_mbuf *reassembly_add4(struct worker *w, struct rte_mbuf *m)
{
	struct reassembly *r = w->reassembly;
	struct fragment f;
	struct datagram *d;
	unsigned place;

	if (!fragment_read(m, &f)) {
		worker_drop(w, m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	}
	reassembly_tick(w);
	d = datagram_find(r, &f);
	if (d == NULL && r->free == NONE)
		oldest_drop(w);
	if (d == NULL)
		d = datagram_new(r, &f, w->now_ms + REASSEMBLY_TIMEOUT_MS);
	switch (d->is_dead ? FIT_DUPLICATE : piece_place(d, &f, &place)) {
	case FIT_NEW:
		break;
	case FIT_CONFLICT:
		datagram_drop_pieces(w, d);
		d->is_dead = true;
		worker_drop(w, m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	case FIT_DUPLICATE:
		worker_drop(w, m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	}
	piece_insert(r, d, &f, place);
	if (d->total_bytes == 0 || d->bytes != d->total_bytes) {
		while (r->n_buffers > r->buffers_max)
			oldest_drop(w);
		return NULL;
	}
	m = datagram_join(w, d);
	datagram_free(r, d);
	return m;
}

void reassembly_tick(struct worker *w)
{
	struct reassembly *r = w->reassembly;

	while (r->oldest != NONE && r->datagrams[r->oldest].deadline_ms <= w->now_ms)
		oldest_drop(w);
}

int reassembly_init(struct worker *w)
{
	uint32_t pool = w->pool != NULL ? w->pool->size : 0; // none in a bench
	uint32_t share = pool / POOL_SHARE / RTE_MAX(w->n_workers, 1u);
	struct reassembly *r = rte_zmalloc("reassembly", sizeof(*r), RTE_CACHE_LINE_SIZE);

	w->reassembly = r;
	if (r == NULL)
		return -ENOMEM;
	r->seed = worker_random(w);
	r->buffers_max = RTE_MAX(share, (uint32_t)REASSEMBLY_PIECES_MAX);
	r->oldest = r->newest = NONE;
	memset(r->buckets, 0xff, sizeof(r->buckets));
	for (unsigned i = 0; i < REASSEMBLY_MAX; i++)
		r->datagrams[i].next = i + 1 < REASSEMBLY_MAX ? (uint16_t)(i + 1) : NONE;
	return 0;
}

void reassembly_fini(struct worker *w)
{
	if (w->reassembly == NULL)
		return;
	while (w->reassembly->oldest != NONE)
		oldest_drop(w);
	rte_free(w->reassembly);
	w->reassembly = NULL;
}
