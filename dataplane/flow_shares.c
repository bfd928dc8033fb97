// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_shares.h"

#include <errno.h>
#include <string.h>

#include "dataplane/dataplane.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/memory.h"

enum {
	ROUTER = 0,
	OUTSIDE = 1, // + interface
	OTHERS = OUTSIDE + DP_INTERFACES_MAX,
	FIXED = OTHERS + DP_INTERFACES_MAX,

	// As long as fewer than this part of the flows are spare, they are most likely handshakes
	// on their way, and a host with many established flows pays before they do.
	SPARE_PART = 16,
	IDLE_SAMPLE = 8, // established flows that one is chosen from

	// Of the entries for hosts callers have this part at most: the rest is the house's. Who has
	// only been answered may have invented his address, and leaves half of that to those whose
	// handshake is done.
	CALLERS_PART = 2,
	CALLERS_UNPROVEN_PART = 4,
};

// --- memory ---

static uint32_t hosts_max(uint32_t capacity)
{
	return FIXED + RTE_MAX(capacity / FLOWS_PER_HOST, (uint32_t)FLOW_HOSTS_MIN);
}

static uint64_t hosts_bytes(uint32_t capacity)
{
	return (uint64_t)hosts_max(capacity) * sizeof(struct flow_host);
}

static uint64_t chains_bytes(uint32_t capacity)
{
	return (uint64_t)rte_align32pow2(hosts_max(capacity)) * sizeof(uint32_t);
}

uint64_t flow_shares_bytes(uint32_t capacity)
{
	return hosts_bytes(capacity) + chains_bytes(capacity);
}

static void host_begin(struct flow_host *host, const struct flow_host_key *key)
{
	memset(host, 0, sizeof(*host));
	host->key = *key;
	for (enum flow_list list = 0; list < FLOW_LISTS; list++)
		host->lists[list].first = host->lists[list].last = FLOW_NONE;
}

int flow_shares_init(struct flow_shares *shares, uint32_t capacity)
{
	memset(shares, 0, sizeof(*shares));
	shares->n_hosts_max = hosts_max(capacity);
	shares->n_hosts_touched = FIXED;
	shares->hosts_bytes = hosts_bytes(capacity);
	shares->chains_bytes = chains_bytes(capacity);
	shares->chain_mask = rte_align32pow2(shares->n_hosts_max) - 1;
	shares->hosts = memory_map(shares->hosts_bytes);
	shares->chains = memory_map(shares->chains_bytes);
	if (shares->hosts == NULL || shares->chains == NULL) {
		flow_shares_fini(shares);
		return -ENOMEM;
	}
	host_begin(&shares->hosts[ROUTER], &(struct flow_host_key){.kind = FLOW_HOST_ROUTER});
	for (uint8_t i = 0; i < DP_INTERFACES_MAX; i++) {
		struct flow_host_key outside = {.kind = FLOW_HOST_OUTSIDE, .iface = i};
		struct flow_host_key others = {.kind = FLOW_HOST_OTHERS, .iface = i};

		host_begin(&shares->hosts[OUTSIDE + i], &outside);
		host_begin(&shares->hosts[OTHERS + i], &others);
	}
	return 0;
}

void flow_shares_fini(struct flow_shares *shares)
{
	memory_unmap(shares->hosts, shares->hosts_bytes);
	memory_unmap(shares->chains, shares->chains_bytes);
	shares->hosts = NULL;
	shares->chains = NULL;
}

// --- who is who ---

struct flow_host_key flow_host_key_of(const struct ip_addr *src, uint8_t iface, bool is_outside)
{
	struct flow_host_key key = {.kind = FLOW_HOST_OUTSIDE, .iface = iface};

	if (is_outside)
		return key;
	key.kind = FLOW_HOST_INSIDE;
	key.family = src->family;
	if (src->family == IP_V6)
		memcpy(&key.network, src->bytes, sizeof(key.network));
	else
		key.network = ip4_be_of(src); // in one store: it is read in one load
	return key;
}

// Keyed as the flows' hash is: a sender cannot aim at one chain. Interface and family are left to
// the comparison.
static uint32_t *chain_of(const struct flow_table *table, const struct flow_host_key *key)
{
	uint64_t hash = flow_mix(key->network ^ table->seeds[0], table->seeds[1]);

	return &table->shares.chains[flow_mix(hash, FLOW_HASH_FINAL) & table->shares.chain_mask];
}

static bool key_equal(const struct flow_host_key *a, const struct flow_host_key *b)
{
	return a->network == b->network && a->kind == b->kind && a->iface == b->iface &&
	       a->family == b->family;
}

uint32_t flow_host_find(const struct flow_table *table, const struct flow_host_key *key)
{
	const struct flow_host *hosts = table->shares.hosts;
	uint32_t i = ROUTER;

	if (key->kind == FLOW_HOST_OUTSIDE)
		return OUTSIDE + key->iface;
	if (key->kind == FLOW_HOST_OTHERS)
		return OTHERS + key->iface;
	if (key->kind == FLOW_HOST_INSIDE || key->kind == FLOW_HOST_CALLER) {
		i = *chain_of(table, key);
		while (i != 0 && !key_equal(&hosts[i].key, key))
			i = hosts[i].chain_next;
		return i != 0 ? i : FLOW_HOST_UNKNOWN;
	}
	return i;
}

uint32_t flow_host_open(struct flow_table *table, const struct flow_host_key *key)
{
	struct flow_shares *shares = &table->shares;
	uint32_t i = flow_host_find(table, key);
	uint32_t *chain;

	if (i != FLOW_HOST_UNKNOWN)
		return i;
	if (shares->free_head != 0) {
		i = shares->free_head;
		shares->free_head = shares->hosts[i].chain_next;
	} else if (shares->n_hosts_touched < shares->n_hosts_max) {
		i = shares->n_hosts_touched++;
	} else {
		return OTHERS + key->iface;
	}
	host_begin(&shares->hosts[i], key);
	chain = chain_of(table, key);
	shares->hosts[i].chain_next = *chain;
	*chain = i;
	return i;
}

static void host_close(struct flow_table *table, uint32_t host)
{
	struct flow_shares *shares = &table->shares;
	uint32_t *link = chain_of(table, &shares->hosts[host].key);

	while (*link != host)
		link = &shares->hosts[*link].chain_next;
	*link = shares->hosts[host].chain_next;
	shares->hosts[host].chain_next = shares->free_head;
	shares->free_head = host;
}

// --- ranks ---

static int class_of(uint32_t n)
{
	return n != 0 ? 31 - __builtin_clz(n) : -1;
}

static struct flow_ranking *ranking_of(
	struct flow_shares *shares, enum flow_rank rank, uint32_t host)
{
	return shares->hosts[host].key.kind == FLOW_HOST_CALLER ? &shares->callers
								: &shares->ranks[rank];
}

static void rank_leave(struct flow_shares *shares, enum flow_rank rank, uint32_t host, int class)
{
	struct flow_ranking *ranking = ranking_of(shares, rank, host);
	uint32_t next = shares->hosts[host].rings[rank].next;
	uint32_t prev = shares->hosts[host].rings[rank].prev;

	shares->hosts[prev].rings[rank].next = next;
	shares->hosts[next].rings[rank].prev = prev;
	if (next == host)
		ranking->classes &= ~(UINT32_C(1) << class);
	else if (ranking->first[class] == host)
		ranking->first[class] = next;
}

static void rank_join(struct flow_shares *shares, enum flow_rank rank, uint32_t host, int class)
{
	struct flow_ranking *ranking = ranking_of(shares, rank, host);
	uint32_t next = host, prev = host;

	if (ranking->classes & UINT32_C(1) << class) { // before the first is behind the last
		next = ranking->first[class];
		prev = shares->hosts[next].rings[rank].prev;
	} else {
		ranking->classes |= UINT32_C(1) << class;
		ranking->first[class] = host;
	}
	shares->hosts[host].rings[rank].next = next;
	shares->hosts[host].rings[rank].prev = prev;
	shares->hosts[prev].rings[rank].next = host;
	shares->hosts[next].rings[rank].prev = host;
}

// Seldom: most changes leave a host in its class.
static __rte_noinline void rank_move(
	struct flow_shares *shares, enum flow_rank rank, uint32_t host, int from, int to)
{
	if (from >= 0)
		rank_leave(shares, rank, host, from);
	if (to >= 0)
		rank_join(shares, rank, host, to);
}

static __rte_always_inline void count(
	struct flow_shares *shares, enum flow_rank rank, uint32_t host, uint32_t change)
{
	uint32_t *n = &shares->hosts[host].n[rank];
	int from = class_of(*n), to = class_of(*n + change);

	*n += change;
	if (unlikely(from != to) && host != ROUTER)
		rank_move(shares, rank, host, from, to);
}

// The first of the highest class that there is, or ROUTER.
static uint32_t rank_top(const struct flow_ranking *ranking)
{
	return ranking->classes != 0 ? ranking->first[class_of(ranking->classes)] : ROUTER;
}

// Who has lost one goes behind the others of its class: they take turns.
static void rank_turn(struct flow_shares *shares, enum flow_rank rank, uint32_t host)
{
	const struct flow_host *top = &shares->hosts[host];

	if (host != ROUTER)
		ranking_of(shares, rank, host)->first[class_of(top->n[rank])] =
			top->rings[rank].next;
}

// --- lists ---

static enum flow_list list_of(uint8_t phase)
{
	if (phase == FLOW_FREE)
		return FLOW_LIST_NONE;
	return flow_phase_is_spare(phase) ? FLOW_LIST_SPARE : FLOW_LIST_OPEN;
}

static void list_remove(struct flow_table *table, struct flow *flow, enum flow_list list)
{
	struct flow_state *state = &flow->state;
	struct flow_host *host = &table->shares.hosts[state->host];

	if (state->age_prev != FLOW_NONE)
		table->flows[state->age_prev].state.age_next = state->age_next;
	else
		host->lists[list].first = state->age_next;
	if (state->age_next != FLOW_NONE)
		table->flows[state->age_next].state.age_prev = state->age_prev;
	else
		host->lists[list].last = state->age_prev;
}

static void list_append(struct flow_table *table, struct flow *flow, enum flow_list list)
{
	struct flow_state *state = &flow->state;
	struct flow_host *host = &table->shares.hosts[state->host];
	uint32_t index = flow_index(table, flow);

	state->age_next = FLOW_NONE;
	state->age_prev = host->lists[list].last;
	if (state->age_prev != FLOW_NONE)
		table->flows[state->age_prev].state.age_next = index;
	else
		host->lists[list].first = index;
	host->lists[list].last = index;
}

// --- who is answered outside ---

// What an address outside has open is in its own lists, and counts for its interface as before.
// Without an entry it stays in those of the interface.
static void caller_join(struct flow_table *table, struct flow *flow, enum flow_phase phase)
{
	struct flow_shares *shares = &table->shares;
	const struct flow_dir *dir = &flow->dir[0];
	bool is_ip6 = dir->flags & FLOW_IS_IP6, is_proven = phase != FLOW_ASSURED;
	struct flow_host *outside = &shares->hosts[flow->state.host];
	struct flow_host_key key = {
		.kind = FLOW_HOST_CALLER,
		.iface = outside->key.iface,
		.family = is_ip6 ? IP_V6 : IP_V4,
	};
	uint32_t caller;

	memcpy(&key.network, dir->key_bytes, is_ip6 ? 8 : 4); // the source, of either family
	caller = flow_host_find(table, &key);
	if (caller == FLOW_HOST_UNKNOWN) {
		if (shares->n_callers >=
			shares->n_hosts_max / (is_proven ? CALLERS_PART : CALLERS_UNPROVEN_PART))
			return;
		caller = flow_host_open(table, &key);
		if (caller < FIXED)
			return;
		shares->n_callers++;
	}
	outside->n_of_callers++;
	flow->state.host = caller;
	count(shares, FLOW_RANK_ALL, caller, 1);
}

// Gives the interface that it counts for from now on alone.
static uint32_t caller_leave(struct flow_table *table, struct flow *flow)
{
	struct flow_shares *shares = &table->shares;
	uint32_t caller = flow->state.host;
	uint32_t outside = OUTSIDE + shares->hosts[caller].key.iface;

	shares->hosts[outside].n_of_callers--;
	flow->state.host = outside;
	count(shares, FLOW_RANK_ALL, caller, UINT32_MAX);
	if (shares->hosts[caller].n[FLOW_RANK_ALL] == 0) {
		host_close(table, caller);
		shares->n_callers--;
	}
	return outside;
}

// Inlined, for those who know both lists when they are compiled.
static __rte_always_inline void change_lists(struct flow_table *table, struct flow *flow,
	enum flow_phase phase, const enum flow_list from, const enum flow_list to)
{
	struct flow_shares *shares = &table->shares;
	uint32_t host = flow->state.host;
	uint32_t spare = (uint32_t)(to == FLOW_LIST_SPARE) - (uint32_t)(from == FLOW_LIST_SPARE);
	uint32_t all = (uint32_t)(to != FLOW_LIST_NONE) - (uint32_t)(from != FLOW_LIST_NONE);

	if (from != FLOW_LIST_NONE)
		list_remove(table, flow, from);
	if (from != FLOW_LIST_NONE && shares->hosts[host].key.kind == FLOW_HOST_CALLER)
		host = caller_leave(table, flow);
	else if (to == FLOW_LIST_OPEN && shares->hosts[host].key.kind == FLOW_HOST_OUTSIDE)
		caller_join(table, flow, phase);
	if (to != FLOW_LIST_NONE)
		list_append(table, flow, to);
	if (spare != 0)
		count(shares, FLOW_RANK_SPARE, host, spare);
	if (all != 0)
		count(shares, FLOW_RANK_ALL, host, all);
	if (host != ROUTER)
		shares->n_spare += spare;
	if (to == FLOW_LIST_NONE && host >= FIXED && shares->hosts[host].n[FLOW_RANK_ALL] == 0)
		host_close(table, host);
}

void flow_set_phase(struct flow_table *table, struct flow *flow, enum flow_phase phase)
{
	enum flow_list from = list_of(flow->state.state), to = list_of((uint8_t)phase);

	flow->state.state = (uint8_t)phase;
	if (from == FLOW_LIST_NONE && to == FLOW_LIST_SPARE)
		change_lists(table, flow, phase, FLOW_LIST_NONE, FLOW_LIST_SPARE);
	else if (from == FLOW_LIST_SPARE && to == FLOW_LIST_NONE)
		change_lists(table, flow, phase, FLOW_LIST_SPARE, FLOW_LIST_NONE);
	else if (from != to || to == FLOW_LIST_SPARE)
		change_lists(table, flow, phase, from, to);
}

// --- a full table ---

struct flow *flow_oldest_spare(const struct flow_table *table, uint32_t host)
{
	uint32_t first = table->shares.hosts[host].lists[FLOW_LIST_SPARE].first;

	return first != FLOW_NONE ? &table->flows[first] : NULL;
}

uint32_t flow_greediest(const struct flow_table *table)
{
	if (table->shares.hosts[ROUTER].n[FLOW_RANK_ALL] > table->capacity / 2)
		return ROUTER;
	return rank_top(&table->shares.ranks[FLOW_RANK_ALL]);
}

static uint32_t n_listed_open(const struct flow_host *host)
{
	return host->n[FLOW_RANK_ALL] - host->n[FLOW_RANK_SPARE] - host->n_of_callers;
}

// Whose established flow goes when it is the turn of `top`: outside, of whoever has most there.
static uint32_t payer_of(struct flow_shares *shares, uint32_t top)
{
	uint32_t caller = rank_top(&shares->callers);

	if (shares->hosts[top].n_of_callers == 0 ||
		shares->hosts[caller].n[FLOW_RANK_ALL] < n_listed_open(&shares->hosts[top]))
		return top;
	rank_turn(shares, FLOW_RANK_ALL, caller);
	return caller;
}

// The one that has been idle for longest of a few of the host's. The others go to the back of its
// list, so that the next look is at other ones.
static struct flow *idlest(struct flow_table *table, uint32_t host)
{
	const struct flow_host *of = &table->shares.hosts[host];
	uint32_t n_open = n_listed_open(of);
	struct flow *idle = NULL;

	for (uint32_t i = 0; i < RTE_MIN(n_open, (uint32_t)IDLE_SAMPLE); i++) {
		struct flow *flow = &table->flows[of->lists[FLOW_LIST_OPEN].first];

		list_remove(table, flow, FLOW_LIST_OPEN);
		list_append(table, flow, FLOW_LIST_OPEN);
		if (idle == NULL ||
			(int32_t)(flow_last_seen_sec(flow) - flow_last_seen_sec(idle)) < 0)
			idle = flow;
	}
	return idle;
}

static bool is_full_of_spare(const struct flow_table *table)
{
	return table->shares.n_spare > table->capacity / SPARE_PART;
}

static uint32_t n_flows_of(const struct flow_table *table, uint32_t host)
{
	return host != FLOW_HOST_UNKNOWN ? table->shares.hosts[host].n[FLOW_RANK_ALL] : 0;
}

static bool has_as_many_as_any(const struct flow_table *table, uint32_t host)
{
	uint32_t most = n_flows_of(table, flow_greediest(table));

	return class_of(n_flows_of(table, host)) >= class_of(most);
}

static struct flow *own_spare(const struct flow_table *table, uint32_t host)
{
	return n_flows_of(table, host) != 0 ? flow_oldest_spare(table, host) : NULL;
}

bool flow_has_no_victim(const struct flow_table *table, uint32_t host)
{
	return !is_full_of_spare(table) && has_as_many_as_any(table, host) &&
	       own_spare(table, host) == NULL;
}

// Three cases, in this order:
//
// 1. A flood or a scan has filled it: more than a few flows are spare. Who has most of them loses
//    its oldest: one host alone pushes out itself; many hosts push out each other, and those with
//    a handshake or two on their way stay below them.
// 2. It is full of flows that are answered, and the newcomer has about as many as anybody has: its
//    own spare one goes, or the newcomer is refused.
// 3. It is full of them and somebody else has far more: it is that one's oldest spare flow that
//    goes, or one of its established flows that it has not used for long.
struct flow *flow_victim(struct flow_table *table, uint32_t host)
{
	struct flow_shares *shares = &table->shares;
	uint32_t top;
	struct flow *flow;

	if (is_full_of_spare(table)) {
		top = rank_top(&shares->ranks[FLOW_RANK_SPARE]);
		rank_turn(shares, FLOW_RANK_SPARE, top);
		return flow_oldest_spare(table, top);
	}
	if (has_as_many_as_any(table, host))
		return own_spare(table, host);
	top = flow_greediest(table);
	rank_turn(shares, FLOW_RANK_ALL, top);
	flow = flow_oldest_spare(table, top);
	return flow != NULL ? flow : idlest(table, payer_of(shares, top));
}
