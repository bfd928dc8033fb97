// SPDX-License-Identifier: BSD-3-Clause
// Which neighbours there are, and which of those that workers want may be asked for: a scan of a
// /8 or a /64 must neither fill the kernel's table nor drown the network in questions. Decides
// only, does no I/O: time and the kernel's news come in as arguments. RFC 4861 7.3.2 names the
// states. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum {
	NEIGHBOURS_TABLE_MAX = 16384,	// all that we keep in mind, as many as the workers hold
	NEIGHBOURS_KERNEL_MAX = 8192,	// of a family: beyond this none is asked for
	NEIGHBOURS_RESOLVING_MAX = 256, // questions open at a time
	NEIGHBOURS_ASK_MAX = 64,	// new questions in each NEIGHBOURS_ASK_MS
	NEIGHBOURS_ASK_MS = 100,
	NEIGHBOURS_RESOLVE_MS =
		5000, // the kernel gives up after 3 s; longer means its news got lost
	NEIGHBOURS_FAILED_MS = 1000, // a failed one is not asked for again so soon
};

enum neighbour_state {
	NEIGHBOUR_NONE = 0,
	NEIGHBOUR_RESOLVING, // we asked, the kernel has not answered
	NEIGHBOUR_VALID,     // has a MAC
	NEIGHBOUR_STALE,     // has a MAC that nobody confirmed lately
	NEIGHBOUR_FAILED,    // did not answer
};

enum neighbour_verdict {
	NEIGHBOUR_ASK = 0, // ask the kernel; counted as open from now on
	NEIGHBOUR_WAIT,	   // asked already
	NEIGHBOUR_KNOWN,   // the worker's question crossed the answer
	NEIGHBOUR_FAILED_LATELY,
	NEIGHBOUR_REFUSED, // over a limit; the worker will ask again
};

struct neighbour {
	struct neighbour *next; // in its bucket, or in the free list
	struct ip_addr addr;
	struct mac_addr mac;
	int interface;
	enum neighbour_state state;
	bool is_permanent; // somebody wrote it down: nobody is asked for it
	uint8_t generation;
	uint64_t since_ms;     // of RESOLVING and FAILED
	uint64_t confirmed_ms; // when it last answered for itself; 0: not since it is known
};

struct neighbour_counters {
	uint64_t asked, failed;
	uint64_t refused_rate, refused_open, refused_full; // by which limit
	uint64_t ignored;				   // the kernel's own, with our table full
};

struct neighbour_table;

// `kernel_max` of IPv4 and of IPv6: what the kernel's tables hold, if less than
// NEIGHBOURS_KERNEL_MAX.
struct neighbour_table *neighbour_table_new(uint32_t kernel_max4, uint32_t kernel_max6);
void neighbour_table_free(struct neighbour_table *table);

// A worker holds a packet for this one.
enum neighbour_verdict neighbour_table_want(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms);

// The kernel has a MAC for it. True when the workers must be told: new, or another MAC.
bool neighbour_table_learn(struct neighbour_table *table, int interface, const struct ip_addr *addr,
	const struct mac_addr *mac, bool is_stale);

// Of one that is there: whether it was learnt or written down.
void neighbour_table_mark(struct neighbour_table *table, int interface, const struct ip_addr *addr,
	bool is_permanent);
// And has just heard from it.
void neighbour_table_confirm(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms);

// What the kernel's failure to resolve means.
struct neighbour_loss {
	bool tell_workers;  // they have its MAC, or hold packets for it
	bool was_our_quest; // so the kernel's entry is ours to remove
};
// The kernel could not resolve it.
struct neighbour_loss neighbour_table_fail(
	struct neighbour_table *table, int interface, const struct ip_addr *addr, uint64_t now_ms);
// The kernel has forgotten it. True when the workers must be told.
bool neighbour_table_forget(
	struct neighbour_table *table, int interface, const struct ip_addr *addr);

// NULL: unknown. Valid until the next call that changes the table.
const struct neighbour *neighbour_table_find(
	const struct neighbour_table *table, int interface, const struct ip_addr *addr);
bool neighbour_has_mac(const struct neighbour *neighbour); // NULL has none

typedef void (*neighbour_fn)(void *ctx, const struct neighbour *neighbour);

// Ends questions without an answer and memories of failure. Calls `fn` for each of the former.
void neighbour_table_expire(
	struct neighbour_table *table, uint64_t now_ms, neighbour_fn fn, void *ctx);

// Those with a MAC that the kernel does not repeat between the two are gone: `fn` for each.
void neighbour_table_sync_start(struct neighbour_table *table);
void neighbour_table_sync_end(struct neighbour_table *table, neighbour_fn fn, void *ctx);

// All of them, and failures too: the interface has gone.
void neighbour_table_forget_interface(struct neighbour_table *table, int interface);

void neighbour_table_each(const struct neighbour_table *table, neighbour_fn fn, void *ctx);
uint32_t neighbour_table_count(const struct neighbour_table *table);
const struct neighbour_counters *neighbour_table_counters(const struct neighbour_table *table);
