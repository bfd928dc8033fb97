// SPDX-License-Identifier: BSD-3-Clause
// A whole dataplane under load, with one, two and four workers on whatever cores there are:
// conversations begin, are answered and end by the thousand while control changes the policy, bans
// hosts and reads statistics. No packet is lost uncounted, none comes out where it does not belong,
// and those of one conversation never overtake each other. `stress [SECONDS]`, of all runs
// together.
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/dataplane_internal.h"
#include "tests/stress/talk.h"
#include "tests/stress/world.h"

enum {
	SECONDS_DEFAULT = 5,
	BURST_AT_ONCE = 32,
	ALIVE = 2048, // conversations at a time
	LENGTH = 24,  // packets of each
	MBUFS_LOW = 2048,
	SETTLE_LIMIT_MS = 20000,
};

struct talk {
	uint32_t id;
	uint32_t sent[2], heard[2]; // sequence numbers; by direction
	uint16_t seen_port;	    // as the far end knows its caller
	bool is_renamed; // that has changed: answers to either name come by different workers
};

struct load {
	struct world *world;
	struct talk talks[ALIVE];
	uint64_t n_given, n_out, n_heard, n_answered;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// A conversation's packets come in by one queue: a card does the same.
static bool give(struct load *load, const struct talk_end *from, const struct talk_end *to,
	const struct talk_packet *packet)
{
	struct world *world = load->world;
	struct rte_mbuf *m = talk_frame(drivers_pool(), from, to, packet);
	uint16_t queue = (uint16_t)((packet->id >> 3) % world->n_workers);

	if (m == NULL || !wire_send(&world->wires[from->iface], queue, m)) {
		rte_pktmbuf_free(m);
		return false;
	}
	load->n_given++;
	return true;
}

static void speak(struct load *load, uint32_t slot)
{
	struct talk *talk = &load->talks[slot];
	struct talk_end from, to, hears;
	struct talk_packet packet;

	if (talk->id == 0 || talk->sent[0] == LENGTH) // of each slot every ALIVE-th number
		*talk = (struct talk){.id = talk->id == 0 ? slot + ALIVE : talk->id + ALIVE};
	packet = (struct talk_packet){.id = talk->id, .seq = talk->sent[0] + 1};
	talk_ends(talk->id, &from, &to, &hears);
	talk->sent[0] += give(load, &from, &to, &packet);
}

static void hear(struct load *load, struct rte_mbuf *m, uint8_t iface)
{
	struct talk_end sender, receiver;
	struct talk_packet packet, answer;
	struct talk *talk;

	load->n_out++;
	if (!talk_read(m, iface, &packet, &sender, &receiver))
		return;
	talk = &load->talks[packet.id % ALIVE];
	if (talk->id != packet.id)
		return; // the last words of one that is over
	if (!packet.is_answer) {
		talk->is_renamed |= talk->seen_port != 0 && talk->seen_port != sender.port;
		talk->seen_port = sender.port;
	}
	assert(packet.seq > talk->heard[packet.is_answer] ||
		(packet.is_answer && talk->is_renamed));
	assert(packet.seq <= talk->sent[packet.is_answer]);
	talk->heard[packet.is_answer] = packet.seq;
	load->n_heard++;
	load->n_answered += packet.is_answer;
	if (packet.is_answer)
		return;
	answer = (struct talk_packet){packet.id, talk->sent[1] + 1, true};
	talk->sent[1] += give(load, &receiver, &sender, &answer);
}

static unsigned hear_all(struct load *load)
{
	struct rte_mbuf *pkts[BURST_AT_ONCE];
	unsigned total = 0;

	for (uint8_t iface = 0; iface < TALK_INTERFACES; iface++)
		for (uint16_t q = 0; q < load->world->n_workers; q++) {
			unsigned n =
				wire_receive(&load->world->wires[iface], q, pkts, BURST_AT_ONCE);

			for (unsigned i = 0; i < n; i++) {
				hear(load, pkts[i], iface);
				rte_pktmbuf_free(pkts[i]);
			}
			total += n;
		}
	return total;
}

// --- control ---

static void *control_main(void *arg)
{
	struct world *world = arg;

	for (unsigned i = 0; !atomic_load(&world->must_stop); i++) {
		world_control(world, i);
		usleep(1000);
	}
	return NULL;
}

// --- accounts ---

static uint64_t counted(const struct dataplane *dp, enum counter counter)
{
	struct dp_counter c;

	assert(dataplane_counter(dp, counter, &c));
	return c.packets;
}

static bool balance(const struct load *load)
{
	const struct dataplane *dp = load->world->dp;
	uint64_t in = load->n_given + counted(dp, COUNTER_ICMP_SENT);
	uint64_t out = load->n_out;

	for (unsigned i = 0; i < COUNTER_PUNT_ARP; i++)
		out += counted(dp, (enum counter)i);
	return in == out;
}

static void describe(const struct load *load, unsigned n_workers)
{
	const struct dataplane *dp = load->world->dp;
	uint64_t n_handed = 0;
	struct dp_counter c;

	for (unsigned i = 0; i < n_workers; i++)
		n_handed += dp->workers[i].handed_over;
	printf("%u workers: %llu in, %llu out, %llu heard, %llu answers, %llu handed over, "
	       "%u policies\n",
		n_workers, (unsigned long long)load->n_given, (unsigned long long)load->n_out,
		(unsigned long long)load->n_heard, (unsigned long long)load->n_answered,
		(unsigned long long)n_handed, load->world->n_policies);
	for (unsigned i = 0; dataplane_counter(dp, i, &c); i++)
		if (c.packets > 0)
			printf("  %s %llu\n", c.name, (unsigned long long)c.packets);
}

static bool run(unsigned n_workers, unsigned ms)
{
	static struct load load;
	static struct world world;
	uint64_t end_ms = now_ms() + ms;
	pthread_t control;
	bool is_even;

	load = (struct load){.world = &world};
	world_open(&world, n_workers);
	assert(pthread_create(&control, NULL, control_main, &world) == 0);
	for (uint32_t slot = 0; now_ms() < end_ms; slot = (slot + 1) % ALIVE) {
		if (slot % BURST_AT_ONCE == 0 && hear_all(&load) == 0)
			sched_yield();
		if (slot % BURST_AT_ONCE == 0 &&
			rte_mempool_avail_count(drivers_pool()) < MBUFS_LOW)
			usleep(100);
		speak(&load, slot);
	}
	atomic_store(&world.must_stop, true);
	pthread_join(control, NULL);
	// Silence would prove nothing: where cores are short a worker with a full inbox may not run
	// for a while, and what it has when it is stopped is nobody's to count.
	for (end_ms = now_ms() + SETTLE_LIMIT_MS; !balance(&load) && now_ms() < end_ms;)
		if (hear_all(&load) == 0)
			usleep(1000);
	dataplane_stop(world.dp);
	describe(&load, n_workers);
	is_even = balance(&load);
	if (!is_even)
		printf("  packets have been lost or made without being counted\n");
	assert(load.n_answered > 0 && world.n_policies > 0);
	world_close(&world);
	if (rte_mempool_in_use_count(drivers_pool()) != 0) {
		printf("  %u buffers are missing\n", rte_mempool_in_use_count(drivers_pool()));
		return false;
	}
	return is_even;
}

int main(int argc, char **argv)
{
	static const unsigned workers[] = {1, 2, 4};
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SECONDS_DEFAULT;
	bool is_good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	world_start();
	for (unsigned i = 0; i < RTE_DIM(workers); i++)
		is_good &= run(workers[i], seconds * 1000 / RTE_DIM(workers));
	return is_good ? 0 : 1;
}
