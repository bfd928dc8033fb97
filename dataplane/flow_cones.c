// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/flow_cones.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <rte_byteorder.h>

#include "dataplane/flow_table.h"
#include "dataplane/memory.h"

enum {
	WAYS = 4,
	WORDS = 5, // outside address, inside address, the rest
	OUTSIDE = 0,
	INSIDE = 2,
	REST = 4, // both ports, protocol, family; 0: free
};

// `turn` is odd while its owner writes, and another one afterwards: who reads the same even number
// before and behind has read what belongs together.
struct flow_cone {
	_Atomic uint32_t turn;
	_Atomic uint64_t words[WORDS];
};

#define OUTSIDE_REST UINT64_C(0xffff0000ffff) // family, protocol and port of the outside

static uint64_t rest_of(const struct flow_endpoint *outside, uint16_t inside_port_be)
{
	return (uint64_t)outside->addr.family << 40 | (uint64_t)outside->protocol << 32 |
	       (uint64_t)inside_port_be << 16 | outside->port_be;
}

uint64_t flow_cones_bytes(uint32_t capacity)
{
	return (uint64_t)(capacity / WAYS + 1) * WAYS * sizeof(struct flow_cone);
}

int flow_cones_init(struct flow_cones *cones, uint32_t capacity, uint64_t seed)
{
	cones->n_sets = capacity / WAYS + 1;
	cones->seed = seed;
	cones->bytes = flow_cones_bytes(capacity);
	cones->cones = memory_map(cones->bytes);
	return cones->cones != NULL ? 0 : -ENOMEM;
}

void flow_cones_fini(struct flow_cones *cones)
{
	memory_unmap(cones->cones, cones->bytes);
	cones->cones = NULL;
}

// The ways that an endpoint may be in.
static struct flow_cone *set_of(const struct flow_cones *cones, const struct flow_endpoint *outside)
{
	uint64_t words[2], hash;

	memcpy(words, outside->addr.bytes, sizeof(words));
	hash = flow_mix(
		flow_mix(words[0] ^ cones->seed, words[1] + FLOW_HASH_FINAL) ^ rest_of(outside, 0),
		FLOW_HASH_FINAL);
	return &cones->cones[((uint64_t)(uint32_t)hash * cones->n_sets >> 32) * WAYS];
}

static uint64_t word(const struct flow_cone *cone, unsigned i)
{
	return atomic_load_explicit(&cone->words[i], memory_order_relaxed);
}

static bool is_of(const struct flow_cone *cone, const struct flow_endpoint *outside)
{
	uint64_t addr[2];

	memcpy(addr, outside->addr.bytes, sizeof(addr));
	return (word(cone, REST) & OUTSIDE_REST) == rest_of(outside, 0) &&
	       word(cone, OUTSIDE) == addr[0] && word(cone, OUTSIDE + 1) == addr[1];
}

// Each word is released behind the odd turn: who reads a new one finds that turn as well.
static void write_down(struct flow_cone *cone, const uint64_t words[WORDS])
{
	uint32_t turn = atomic_load_explicit(&cone->turn, memory_order_relaxed);

	atomic_store_explicit(&cone->turn, turn + 1, memory_order_relaxed);
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&cone->words[i], words[i], memory_order_release);
	atomic_store_explicit(&cone->turn, turn + 2, memory_order_release);
}

void flow_cones_add(struct flow_cones *cones, const struct flow_endpoint *outside,
	const struct flow_endpoint *inside)
{
	struct flow_cone *set = set_of(cones, outside), *chosen = NULL;
	uint64_t words[WORDS] = {[REST] = rest_of(outside, inside->port_be)};

	memcpy(&words[OUTSIDE], outside->addr.bytes, 16);
	memcpy(&words[INSIDE], inside->addr.bytes, 16);
	for (unsigned i = 0; i < WAYS; i++) {
		if (is_of(&set[i], outside)) {
			chosen = &set[i];
			break;
		}
		if (chosen == NULL && word(&set[i], REST) == 0)
			chosen = &set[i];
	}
	if (chosen == NULL) // full: any one, by a number that is the newcomer's
		chosen = &set[rte_be_to_cpu_16(outside->port_be) % WAYS];
	write_down(chosen, words);
}

void flow_cones_remove(struct flow_cones *cones, const struct flow_endpoint *outside)
{
	const uint64_t nothing[WORDS] = {0};
	struct flow_cone *set = set_of(cones, outside);

	for (unsigned i = 0; i < WAYS; i++)
		if (is_of(&set[i], outside))
			write_down(&set[i], nothing);
}

static bool read_whole(const struct flow_cone *cone, const struct flow_endpoint *outside,
	struct flow_endpoint *inside)
{
	uint32_t turn = atomic_load_explicit(&cone->turn, memory_order_acquire);
	uint64_t words[WORDS];

	for (unsigned i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&cone->words[i], memory_order_acquire);
	if ((turn & 1) != 0 || atomic_load_explicit(&cone->turn, memory_order_relaxed) != turn ||
		(words[REST] & OUTSIDE_REST) != rest_of(outside, 0) ||
		memcmp(&words[OUTSIDE], outside->addr.bytes, 16) != 0)
		return false;
	*inside = (struct flow_endpoint){
		.addr.family = outside->addr.family,
		.port_be = (uint16_t)(words[REST] >> 16),
		.protocol = outside->protocol,
	};
	memcpy(inside->addr.bytes, &words[INSIDE], 16);
	return true;
}

bool flow_cones_find(const struct flow_cones *cones, const struct flow_endpoint *outside,
	struct flow_endpoint *inside)
{
	const struct flow_cone *set = set_of(cones, outside);

	for (unsigned i = 0; i < WAYS; i++)
		if (is_of(&set[i], outside) && read_whole(&set[i], outside, inside))
			return true;
	return false;
}
