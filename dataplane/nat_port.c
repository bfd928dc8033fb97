// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_port.h"

#include <string.h>

#include "dataplane/dataplane_internal.h"
#include "dataplane/owner.h"
#include "drivers/steering.h"

enum {
	PORTS_PER_BUCKET = 65536 / STEERING_BUCKETS,
	LOW_PORTS = 1024,
	LOW_PER_BUCKET = LOW_PORTS / STEERING_BUCKETS,
	ADDRESSES_TRIED = 16, // of a pool
	// Ports looked at for a flow. Of its own: where so many at random are taken, nearly all
	// are. Shared: all there are of one address.
	OWN_TRIES = 16384,
	SHARED_TRIES = 65536,
	QUIET_SEC = 10, // between two events of one kind
};

static_assert(STEERING_BUCKETS == 128, "port_of_bucket inverts the formula for 7 bits");

// Whose an endpoint may be.
enum wanted {
	WANTED_FREE = 0, // nobody's
	WANTED_ANY,	 // anybody's, towards this remote
	WANTED_HELD,	 // somebody's, towards this remote
};

struct search {
	struct worker *w;
	const struct flow_tuple *packet;
	const struct nat_source *source;
	struct nat_reply *reply;
	enum wanted wanted;
	bool is_strict;	    // as to odd and even, below 1024 and above
	bool is_usual_held; // the packet's own port at its host's address
	bool is_abroad;	    // which ports of the packet's own bucket are free another worker knows
	uint16_t home;	    // the worker that answers come to
	uint32_t tries;	    // left
};

// --- addresses ---

// Every worker pairs a host with the same address, so nothing of a worker's is in it.
struct ip_addr nat_port_pool_address(
	const struct nat_source *source, const struct ip_addr *inside, uint32_t i)
{
	struct ip_addr addr = source->first;
	unsigned n_bytes = addr.family == IP_V6 ? 16 : 4;
	uint64_t words[2], sum;

	memcpy(words, inside->bytes, sizeof(words));
	sum = (uint32_t)flow_mix(
		flow_mix(words[0] ^ FLOW_HASH_FINAL, words[1] + 1), FLOW_HASH_FINAL);
	sum = ((sum * source->n_addresses) >> 32) + i;
	if (sum >= source->n_addresses)
		sum -= source->n_addresses;
	for (unsigned byte = n_bytes; byte-- > 0 && sum > 0; sum >>= 8) {
		sum += addr.bytes[byte];
		addr.bytes[byte] = (uint8_t)sum;
	}
	return addr;
}

bool nat_port_pool_has(const struct nat_source *source, const struct ip_addr *addr)
{
	unsigned n_bytes = addr->family == IP_V6 ? 16 : 4;
	unsigned __int128 offset = 0, first = 0;

	if (addr->family != source->first.family)
		return false;
	for (unsigned byte = 0; byte < n_bytes; byte++) {
		offset = offset << 8 | addr->bytes[byte];
		first = first << 8 | source->first.bytes[byte];
	}
	return offset - first < source->n_addresses;
}

// --- who holds how many ---

static uint64_t holder_hash(
	const struct worker *w, const struct ip_addr *addr, bool is_host, uint8_t protocol)
{
	uint64_t words[2];

	memcpy(words, addr->bytes, sizeof(words));
	if (is_host && addr->family == IP_V6)
		words[1] = 0; // a host has all of its /64
	return flow_mix(flow_mix(words[0] ^ w->flows.seeds[0], words[1] ^ w->flows.seeds[1]),
		FLOW_HASH_FINAL + ((uint64_t)is_host << 8 | protocol));
}

void nat_port_hold(struct worker *w, const struct flow_endpoint *inside,
	const struct flow_endpoint *outside, bool holds)
{
	int32_t n = holds ? 1 : -1;

	nat_count_add(&w->nat, holder_hash(w, &outside->addr, false, outside->protocol), n);
	nat_count_add(&w->nat, holder_hash(w, &inside->addr, true, inside->protocol), n);
}

static uint32_t ports_of_worker(uint16_t home, uint16_t n_workers)
{
	uint32_t n_buckets = (uint32_t)(STEERING_BUCKETS - home + n_workers - 1) / n_workers;

	return n_buckets * (PORTS_PER_BUCKET - LOW_PER_BUCKET);
}

// Does its host hold more endpoints than are free where it might get one? What is the router's
// own is nobody's share.
static bool is_over_share(const struct search *s)
{
	uint8_t protocol = s->packet->protocol;
	uint32_t of_host, n_ports, n = RTE_MIN(s->source->n_addresses, (uint32_t)ADDRESSES_TRIED);
	uint32_t n_free = 0;

	if (ip_addr_equal(&s->packet->src, &s->source->first))
		return false;
	of_host = nat_count(&s->w->nat, holder_hash(s->w, &s->packet->src, true, protocol));
	n_ports = ports_of_worker(s->home, s->w->n_workers);
	for (uint32_t i = 0; i < n && of_host > n_free; i++) {
		struct ip_addr addr = nat_port_address(s->source, &s->packet->src, i);
		uint32_t held = nat_count(&s->w->nat, holder_hash(s->w, &addr, false, protocol));

		n_free += n_ports > held ? n_ports - held : 0;
	}
	return of_host > n_free;
}

// --- ports ---

// The i-th port of a bucket, 0 <= i < PORTS_PER_BUCKET: the inverse of steering_bucket. With
// p = h << 7 | l, the bucket reversed is l ^ (h << 1 | l >> 6), taken modulo 128.
static uint16_t port_of_bucket(uint8_t bucket, uint16_t i)
{
	uint8_t reversed = steering_reverse7(bucket);
	uint8_t low = (reversed ^ (uint8_t)(i << 1)) & 126;

	low |= (reversed ^ (low >> 6)) & 1;
	return (uint16_t)(i << 7 | low);
}

bool nat_reply_is_free(const struct worker *w, struct nat_reply *reply)
{
	reply->hash = flow_tuple_hash(&w->flows, &reply->key);
	return flow_find_by(&w->flows, &reply->key, reply->hash) == NULL;
}

// Of the address in the reply key. Leaves the port there.
static bool take_if(struct search *s, uint16_t port_be, bool is_held)
{
	nat_reply_set_port(&s->reply->key, port_be);
	return (s->wanted == WANTED_ANY || is_held == (s->wanted == WANTED_HELD)) &&
	       nat_reply_is_free(s->w, s->reply) &&
	       !(s->source->is_another && owner_elsewhere(s->w, s->reply->hash) >= 0);
}

static bool take(struct search *s, uint16_t port_be)
{
	struct flow_endpoint outside = {
		.addr = s->reply->key.dst,
		.port_be = port_be,
		.protocol = s->packet->protocol,
	};

	s->tries--;
	return take_if(s, port_be,
		s->wanted != WANTED_ANY &&
			flow_find_endpoint(&s->w->flows, &outside, FLOW_NAME_EXTERNAL) != NULL);
}

// At the i-th address.
static bool take_own(struct search *s, uint32_t i)
{
	s->reply->key.dst = nat_port_address(s->source, &s->packet->src, i);
	if (s->source->is_random || s->is_abroad)
		return false;
	return i == 0 ? take_if(s, s->packet->sport_be, s->is_usual_held)
		      : take(s, s->packet->sport_be);
}

// All ports of a bucket, from a random one on.
static bool take_of_bucket(struct search *s, uint8_t bucket)
{
	bool is_id = s->packet->kind != FLOW_KEY_PLAIN; // of ICMP: all are alike
	uint16_t own = rte_be_to_cpu_16(s->packet->sport_be);
	bool is_low = !is_id && own < LOW_PORTS;
	bool keeps_parity = s->is_strict && !is_id && s->source->keeps_parity;
	uint32_t first = is_id || is_low ? 0 : LOW_PER_BUCKET;
	uint32_t n = is_low && s->is_strict ? LOW_PER_BUCKET : PORTS_PER_BUCKET - first;
	uint32_t start = (uint32_t)((uint64_t)worker_random(s->w) * n >> 32);

	for (uint32_t i = 0; i < n && s->tries > 0; i++) {
		uint32_t at = start + i < n ? start + i : start + i - n;
		uint16_t port = port_of_bucket(bucket, (uint16_t)(first + at));

		if ((port == 0 && !is_id) || (keeps_parity && ((port ^ own) & 1) != 0))
			continue;
		if (take(s, rte_cpu_to_be_16(port)))
			return true;
	}
	return false;
}

static uint8_t own_bucket(const struct search *s)
{
	return steering_bucket(rte_be_to_cpu_16(s->packet->sport_be));
}

// Of the other buckets of the same worker, from a random one on: many hosts may crowd in one.
static bool take_of_worker(struct search *s)
{
	unsigned start = worker_random(s->w) % STEERING_BUCKETS;

	for (unsigned i = 0; i < STEERING_BUCKETS && s->tries > 0; i++) {
		uint8_t bucket = (uint8_t)((start + i) % STEERING_BUCKETS);

		if (bucket != own_bucket(s) &&
			steering_worker(bucket, s->w->n_workers) == s->home &&
			take_of_bucket(s, bucket))
			return true;
	}
	return false;
}

static bool take_of_addresses(struct search *s)
{
	uint32_t n = RTE_MIN(s->source->n_addresses, (uint32_t)ADDRESSES_TRIED);

	for (uint32_t i = 0; i < n && s->tries > 0; i++) {
		if (take_own(s, i) || (!s->is_abroad && take_of_bucket(s, own_bucket(s))))
			return true;
	}
	for (uint32_t i = 0; i < n && s->tries > 0; i++) {
		s->reply->key.dst = nat_port_address(s->source, &s->packet->src, i);
		if (take_of_worker(s))
			return true;
	}
	return false;
}

// --- the search ---

// What a search in vain says something about: of endpoints of one's own every remote's, else this
// remote's.
static uint64_t vain_hash(const struct search *s)
{
	uint64_t hash =
		holder_hash(s->w, &s->source->first, false, s->packet->protocol) ^ s->wanted;

	if (s->wanted == WANTED_FREE)
		return flow_mix(hash, FLOW_HASH_FINAL);
	hash ^= holder_hash(s->w, &s->packet->dst, false, s->packet->protocol) << 1;
	return flow_mix(hash + s->packet->dport_be, FLOW_HASH_FINAL);
}

// May it have only some of the ports, unless there is none?
static bool is_restricted(const struct search *s)
{
	return s->packet->kind == FLOW_KEY_PLAIN &&
	       (s->source->keeps_parity || rte_be_to_cpu_16(s->packet->sport_be) < LOW_PORTS);
}

static bool run(struct search *s, enum wanted wanted, uint32_t tries)
{
	s->wanted = wanted;
	s->is_strict = wanted == WANTED_FREE && is_restricted(s);
	s->tries = tries;
	// Neither may a flood make every packet of it pay for a search of its own.
	if (unlikely(nat_may_be_vain(&s->w->nat, s->w->now_ms)) &&
		nat_is_vain(&s->w->nat, vain_hash(s), s->w->now_ms))
		return take_own(s, 0);
	if (take_of_addresses(s))
		return true;
	if (s->is_strict) {
		s->is_strict = false;
		s->tries = tries;
		if (take_of_addresses(s))
			return true;
	}
	nat_set_vain(&s->w->nat, vain_hash(s), s->w->now_ms);
	return false;
}

static void tell(struct worker *w, enum dp_event_kind kind, const struct ip_addr *addr)
{
	struct dp_event event = {.kind = kind, .interface = -1, .addr = *addr};
	uint32_t *quiet_until_sec = &w->nat.quiet_until_sec[kind == DP_EVENT_NAT_OVER_SHARE];

	if ((int32_t)(w->now_sec - *quiet_until_sec) < 0)
		return;
	*quiet_until_sec = w->now_sec + QUIET_SEC;
	dataplane_raise(w, &event);
}

enum nat_port nat_port_search(struct worker *w, const struct flow_tuple *packet,
	const struct nat_source *source, bool is_usual_held, struct nat_reply *reply)
{
	struct search s = {
		.w = w,
		.packet = packet,
		.source = source,
		.reply = reply,
		.is_usual_held = is_usual_held,
	};
	bool is_over;

	s.home = steering_worker(own_bucket(&s), w->n_workers);
	// Begun where another port led: on its way from one outside interface to the other, say.
	// The router's own port is its socket's, and stays.
	s.is_abroad = s.home != w->index &&
		      (source->is_another || !ip_addr_equal(&packet->src, &source->first));
	if (s.is_abroad)
		s.home = w->index;
	is_over = is_over_share(&s);
	if (!is_over && run(&s, WANTED_FREE, OWN_TRIES))
		return NAT_PORT_OWN;
	if (is_over) {
		worker_count(w, COUNTER_NAT_OVER_SHARE);
		tell(w, DP_EVENT_NAT_OVER_SHARE, &packet->src);
	}
	if (run(&s, is_over ? WANTED_HELD : WANTED_ANY, SHARED_TRIES))
		return NAT_PORT_SHARED;
	if (!is_over)
		tell(w, DP_EVENT_NAT_NO_PORT, &source->first);
	return NAT_PORT_NONE;
}
