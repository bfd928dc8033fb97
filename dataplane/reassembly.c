// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment_internal.h"

#include <errno.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_malloc.h>

// Not rte_ip_frag: that takes eight pieces at most and forgets the protocol (RFC 791 3.2 has it in
// the key). A datagram is its pieces in order of offset, none overlapping another; it is whole when
// their bytes add up to where the last one ends. One of whose pieces two disagree is dead: it keeps
// its place, without buffers, until its time is up, and swallows what else arrives for it (RFC 8200
// 4.5).
//
// Each source's datagrams are in one of a few dozen lanes, by age; all wait equally long, so that
// is the order of deadlines too. When places or buffers are short, the lane that has most of them
// loses its oldest: who floods, pushes himself out. An account for each source would be fairer
// only until somebody forges them: then the host with two datagrams would be the greediest of all.
// Whoever shares a lane with a flood gets another as soon as nothing waits.

enum {
	BUCKETS = 2 * REASSEMBLY_MAX,
	NONE = 0xffff,
	LANES = 64,
	POOL_SHARE = 8, // of the pool, all workers together
};

static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a mask");

struct piece {
	struct rte_mbuf *m;
	uint16_t offset; // in the datagram's payload
	uint16_t bytes;
};

struct datagram {
	struct fragment_key key;
	bool is_dead;
	uint8_t ecns;		 // 1 << ECN field, of all pieces
	uint16_t largest;	 // bytes of IP in a piece
	uint16_t largest_df;	 // the same, of those with DF
	uint16_t in_whole_bytes; // of headers; 0 until the first piece has told
	uint16_t next;		 // in its bucket, or on the free list
	uint16_t newer, older;	 // in its lane
	uint16_t n_pieces;
	uint32_t bytes;	      // received
	uint32_t total_bytes; // 0 until the last piece has told
	uint64_t deadline_ms;
	struct piece pieces[REASSEMBLY_PIECES_MAX];
};

struct lane {
	uint16_t oldest, newest;
	uint32_t n_datagrams, n_buffers;
};

struct reassembly {
	uint32_t seed; // senders choose addresses and identifiers
	uint32_t n_datagrams, n_buffers, buffers_max;
	uint16_t free;
	struct lane lanes[LANES];
	uint16_t buckets[BUCKETS];
	struct datagram datagrams[REASSEMBLY_MAX];
};

static uint16_t *bucket_of(struct reassembly *r, const struct fragment_key *key)
{
	return &r->buckets[rte_jhash(key, sizeof(*key), r->seed) & (BUCKETS - 1)];
}

// IPv6: a host has all of its /64 to choose from. What IPv4 leaves unused is zero.
static struct lane *lane_of(struct reassembly *r, const struct fragment_key *key)
{
	return &r->lanes[rte_jhash(key->src, 8,
				 r->seed ^ key->family ^ (uint32_t)key->from_host << 8) %
			 LANES];
}

static struct datagram *datagram_find(struct reassembly *r, const struct fragment_key *key)
{
	uint16_t i = *bucket_of(r, key);

	while (i != NONE && memcmp(&r->datagrams[i].key, key, sizeof(*key)) != 0)
		i = r->datagrams[i].next;
	return i != NONE ? &r->datagrams[i] : NULL;
}

// There is a free one.
static struct datagram *datagram_new(
	struct reassembly *r, const struct fragment_key *key, uint64_t deadline_ms)
{
	uint16_t *bucket = bucket_of(r, key);
	struct lane *lane = lane_of(r, key);
	uint16_t i = r->free;
	struct datagram *d = &r->datagrams[i];

	r->free = d->next;
	d->key = *key;
	d->is_dead = false;
	d->ecns = 0;
	d->largest = d->largest_df = d->in_whole_bytes = 0;
	d->n_pieces = 0;
	d->bytes = d->total_bytes = 0;
	d->deadline_ms = deadline_ms;
	d->next = *bucket;
	*bucket = i;
	d->newer = NONE;
	d->older = lane->newest;
	*(d->older != NONE ? &r->datagrams[d->older].newer : &lane->oldest) = i;
	lane->newest = i;
	lane->n_datagrams++;
	r->n_datagrams++;
	return d;
}

// Out of every list; its buffers are the caller's.
static void datagram_free(struct worker *w, struct datagram *d)
{
	struct reassembly *r = w->reassembly;
	struct lane *lane = lane_of(r, &d->key);
	uint16_t i = (uint16_t)(d - r->datagrams);
	uint16_t *link = bucket_of(r, &d->key);

	while (*link != i)
		link = &r->datagrams[*link].next;
	*link = d->next;
	*(d->older != NONE ? &r->datagrams[d->older].newer : &lane->oldest) = d->newer;
	*(d->newer != NONE ? &r->datagrams[d->newer].older : &lane->newest) = d->older;
	d->next = r->free;
	r->free = i;
	lane->n_datagrams--;
	if (--r->n_datagrams == 0)
		r->seed = worker_random(w);
}

static void buffers_count(struct reassembly *r, const struct datagram *d, int n)
{
	r->n_buffers += (uint32_t)n;
	lane_of(r, &d->key)->n_buffers += (uint32_t)n;
}

static void datagram_drop_pieces(struct worker *w, struct datagram *d)
{
	for (unsigned i = 0; i < d->n_pieces; i++) {
		buffers_count(w->reassembly, d, -d->pieces[i].m->nb_segs);
		worker_drop(w, d->pieces[i].m, COUNTER_DROP_REASSEMBLY);
	}
	d->n_pieces = 0;
}

static void datagram_drop(struct worker *w, struct datagram *d)
{
	datagram_drop_pieces(w, d);
	datagram_free(w, d);
}

// There is one at least.
static void oldest_drop(
	struct worker *w, bool (*has_more)(const struct lane *, const struct lane *))
{
	struct reassembly *r = w->reassembly;
	const struct lane *heaviest = &r->lanes[0];

	for (unsigned i = 1; i < LANES; i++)
		if (has_more(&r->lanes[i], heaviest))
			heaviest = &r->lanes[i];
	datagram_drop(w, &r->datagrams[heaviest->oldest]);
}

static bool has_more_datagrams(const struct lane *a, const struct lane *b)
{
	return a->n_datagrams > b->n_datagrams;
}

static bool has_more_buffers(const struct lane *a, const struct lane *b)
{
	return a->n_buffers > b->n_buffers;
}

enum fit {
	FIT_NEW = 0,
	FIT_DUPLICATE, // the very same place: the network may do that
	FIT_CONFLICT,
};

// The first piece's headers may make the whole longer than its length field can say.
static bool is_too_long(const struct datagram *d, const struct fragment *f)
{
	uint32_t headers = f->offset == 0 ? f->in_whole_bytes : d->in_whole_bytes;
	uint32_t total = f->is_last ? f->end : d->total_bytes;

	return headers + total > UINT16_MAX;
}

// RFC 3168 5.3: a mark on any piece is one on the whole, unless another says that nobody would heed
// it; then the packet must be dropped.
static bool ecns_disagree(uint8_t ecns)
{
	const uint8_t both = 1 << ECN_CE | 1 << ECN_NOT_ECT;

	return (ecns & both) == both;
}

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
	if (d->n_pieces == REASSEMBLY_PIECES_MAX || is_too_long(d, f) ||
		ecns_disagree(d->ecns | f->ecns))
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

// Only the first piece keeps its headers.
static void piece_insert(
	struct reassembly *r, struct datagram *d, const struct fragment *f, unsigned place)
{
	uint16_t bytes = (uint16_t)(f->m->pkt_len - L3_OFFSET);

	memmove(&d->pieces[place + 1], &d->pieces[place],
		(d->n_pieces - place) * sizeof(d->pieces[0]));
	d->pieces[place] = (struct piece){
		.m = f->m,
		.offset = (uint16_t)f->offset,
		.bytes = (uint16_t)(f->end - f->offset),
	};
	d->n_pieces++;
	d->ecns |= f->ecns;
	d->largest = RTE_MAX(d->largest, bytes);
	if (f->has_df)
		d->largest_df = RTE_MAX(d->largest_df, bytes);
	d->bytes += f->end - f->offset;
	if (f->is_last)
		d->total_bytes = f->end;
	if (f->offset == 0)
		d->in_whole_bytes = f->in_whole_bytes;
	else
		rte_pktmbuf_adj(f->m, f->headers_bytes);
	buffers_count(r, d, f->m->nb_segs);
}

static struct rte_mbuf *datagram_join(struct worker *w, struct datagram *d)
{
	struct rte_mbuf *m = d->pieces[0].m;

	for (unsigned i = 1; i < d->n_pieces; i++)
		rte_pktmbuf_chain(m, d->pieces[i].m);
	buffers_count(w->reassembly, d, -m->nb_segs);
	*fragment_memory(m) = (struct fragment_memory){.largest = d->largest};
	datagram_free(w, d);
	return m;
}

struct rte_mbuf *reassembly_add(struct worker *w, struct fragment *f)
{
	struct reassembly *r = w->reassembly;
	struct datagram *d;
	unsigned place;

	d = datagram_find(r, &f->key);
	if (d != NULL && d->deadline_ms <= w->now_ms) {
		datagram_drop(w, d);
		d = NULL;
	}
	if (d == NULL && r->free == NONE)
		oldest_drop(w, has_more_datagrams);
	if (d == NULL)
		d = datagram_new(r, &f->key, w->now_ms + REASSEMBLY_TIMEOUT_MS);
	switch (d->is_dead ? FIT_DUPLICATE : piece_place(d, f, &place)) {
	case FIT_NEW:
		break;
	case FIT_CONFLICT:
		datagram_drop_pieces(w, d);
		d->is_dead = true;
		worker_drop(w, f->m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	case FIT_DUPLICATE:
		worker_drop(w, f->m, COUNTER_DROP_REASSEMBLY);
		return NULL;
	}
	piece_insert(r, d, f, place);
	if (d->total_bytes != 0 && d->bytes == d->total_bytes) {
		worker_count(w, COUNTER_REASSEMBLED);
		f->ecns = d->ecns;
		// A smaller one with DF would have all leave in pieces of its size, or refused.
		f->has_df = d->largest_df == d->largest;
		return datagram_join(w, d);
	}
	while (r->n_buffers > r->buffers_max)
		oldest_drop(w, has_more_buffers);
	return NULL;
}

struct rte_mbuf *reassembly_add4(struct worker *w, struct rte_mbuf *m)
{
	return reassembly_take4(w, m, false);
}

struct rte_mbuf *reassembly_add6(struct worker *w, struct rte_mbuf *m)
{
	return reassembly_take6(w, m, false);
}

struct rte_mbuf *reassembly_add_host(struct worker *w, struct rte_mbuf *m)
{
	if (packet_eth(m)->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return reassembly_take6(w, m, true);
	return reassembly_take4(w, m, true);
}

void reassembly_tick(struct worker *w)
{
	struct reassembly *r = w->reassembly;

	for (unsigned i = 0; i < LANES && r->n_datagrams > 0; i++) {
		const struct lane *lane = &r->lanes[i];

		while (lane->oldest != NONE && r->datagrams[lane->oldest].deadline_ms <= w->now_ms)
			datagram_drop(w, &r->datagrams[lane->oldest]);
	}
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
	for (unsigned i = 0; i < LANES; i++)
		r->lanes[i].oldest = r->lanes[i].newest = NONE;
	memset(r->buckets, 0xff, sizeof(r->buckets));
	for (unsigned i = 0; i < REASSEMBLY_MAX; i++)
		r->datagrams[i].next = i + 1 < REASSEMBLY_MAX ? (uint16_t)(i + 1) : NONE;
	return 0;
}

void reassembly_fini(struct worker *w)
{
	if (w->reassembly == NULL)
		return;
	while (w->reassembly->n_datagrams > 0)
		oldest_drop(w, has_more_datagrams);
	rte_free(w->reassembly);
	w->reassembly = NULL;
}
