// SPDX-License-Identifier: BSD-3-Clause
// The loop that sends and receives. First each side's frames, slowly, so that flows begin from the
// LAN before their answers come; then at the plan's rate, at first without counting; then until
// what is on its way has arrived.
//
// A stamp is the clock and its complement, eight bytes each: whatever the time is, they add nothing
// to an Internet checksum, so frames whose last 16 bytes were made for it stay right.
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "perf/traffic.h"

enum {
	OPENING_PPS = 200000,
	OPENING_REST_MS = 50,
	OPENING_TRIES = 60,
	DRAIN_MS = 100,
	PAUSE_US = 20,		 // without a processor
	PAUSE_RESTING_US = 1000, // where it is asleep in between
};

struct run {
	struct traffic_side *sides;
	struct rte_mempool *pool;
	struct traffic_result *result;
	double clk_per_pkt; // 0: no pace
	uint64_t start_clk, offered;
	uint64_t counts_from_clk; // what was stamped earlier was for warming up
	uint64_t pause_clk, looked_clk, ran_ns;
	uint64_t awake_from_clk; // what was stamped earlier waited for us, nobody knows how long
};

static void stamp_write(struct rte_mbuf *m, uint64_t clk)
{
	uint64_t stamp[2] = {clk, ~clk};

	memcpy(rte_pktmbuf_mtod_offset(m, char *, rte_pktmbuf_data_len(m) - TRAFFIC_STAMP_BYTES),
		stamp, sizeof(stamp));
}

// False of what was not sent here, such as the kernel's own ARP and neighbour discovery.
static bool stamp_read(const struct rte_mbuf *m, uint64_t *clk)
{
	uint64_t stamp[2];

	if (rte_pktmbuf_data_len(m) < TRAFFIC_STAMP_BYTES)
		return false;
	memcpy(stamp,
		rte_pktmbuf_mtod_offset(
			m, const char *, rte_pktmbuf_data_len(m) - TRAFFIC_STAMP_BYTES),
		sizeof(stamp));
	*clk = stamp[0];
	return stamp[0] == ~stamp[1];
}

static void receive(struct run *run, struct traffic_side *side)
{
	struct rte_mbuf *pkts[TRAFFIC_BURST_PKTS];
	uint16_t n = rte_eth_rx_burst(side->port, 0, pkts, TRAFFIC_BURST_PKTS);
	uint64_t now = rte_rdtsc();
	uint64_t clk;

	for (uint16_t i = 0; i < n; i++) {
		if (!stamp_read(pkts[i], &clk) || clk < run->counts_from_clk ||
			clk > now + TRAFFIC_BURST_PKTS)
			continue;
		run->result->received++;
		run->result->disordered += clk <= side->seen_clk;
		side->seen_clk = clk;
		if (clk >= run->awake_from_clk)
			histogram_add(&run->result->latency_clk, now > clk ? now - clk : 0);
	}
	rte_pktmbuf_free_bulk(pkts, n);
}

static void send_burst(struct run *run, struct traffic_side *side, uint16_t n, bool is_counted)
{
	struct rte_mbuf *pkts[TRAFFIC_BURST_PKTS];
	uint64_t now;
	uint16_t sent;

	run->offered += n;
	if (rte_pktmbuf_alloc_bulk(run->pool, pkts, n) != 0) {
		run->result->refused += is_counted ? n : 0;
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct traffic_frame *frame = side->frames.list[side->next];

		if (++side->next == side->frames.n)
			side->next = 0;
		pkts[i]->data_len = frame->len;
		pkts[i]->pkt_len = frame->len;
		memcpy(rte_pktmbuf_mtod(pkts[i], void *), frame->bytes, frame->len);
	}
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++) // the next burst is more than n clocks away
		stamp_write(pkts[i], now + i);
	sent = rte_eth_tx_burst(side->port, 0, pkts, n);
	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	if (is_counted) {
		run->result->sent += sent;
		run->result->refused += n - sent;
	}
}

// How many are due now. What a pause left behind is not caught up with: it would come as a flood
// that no sender of that rate makes.
static uint16_t due(struct run *run, uint64_t now)
{
	double behind;

	if (run->clk_per_pkt == 0)
		return TRAFFIC_BURST_PKTS;
	behind = (double)(now - run->start_clk) / run->clk_per_pkt - (double)run->offered;
	if (behind > 2 * TRAFFIC_BURST_PKTS) {
		run->offered += (uint64_t)behind - TRAFFIC_BURST_PKTS;
		behind = TRAFFIC_BURST_PKTS;
	}
	return behind < 1 ? 0 : (uint16_t)RTE_MIN(behind, (double)TRAFFIC_BURST_PKTS);
}

static uint64_t thread_ns(void)
{
	struct timespec ran;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
	return (uint64_t)ran.tv_sec * 1000000000 + (uint64_t)ran.tv_nsec;
}

// A turn took long: the port's driver may have been busy in the kernel, or somebody else had this
// core. The thread's own time tells them apart.
static void look_for_pause(struct run *run, uint64_t now)
{
	uint64_t ran_ns = thread_ns();
	double ran_clk = (double)(ran_ns - run->ran_ns) * (double)rte_get_tsc_hz() / 1e9;
	double away_clk = (double)(now - run->looked_clk) - ran_clk;

	run->looked_clk = now;
	run->ran_ns = ran_ns;
	if (away_clk < (double)run->pause_clk)
		return;
	run->awake_from_clk = now;
	run->result->pause_count++;
	run->result->pause_clk += (uint64_t)away_clk;
	run->result->pause_max_clk = RTE_MAX(run->result->pause_max_clk, (uint64_t)away_clk);
}

static uint64_t turn(struct run *run, unsigned *whose, uint64_t before, bool is_counted)
{
	uint64_t now = rte_rdtsc();
	struct traffic_side *side = &run->sides[*whose];
	uint16_t n = due(run, now);

	if (now - before > run->pause_clk)
		look_for_pause(run, now);
	if (n > 0) {
		if (side->frames.n > 0)
			send_burst(run, side, n, is_counted);
		*whose ^= run->sides[*whose ^ 1].frames.n > 0;
	}
	for (unsigned i = 0; i < 2; i++)
		receive(run, &run->sides[i]);
	return now;
}

static void pace(struct run *run, double rate)
{
	run->clk_per_pkt = rate > 0 ? (double)rte_get_tsc_hz() / rate : 0;
	run->start_clk = rte_rdtsc();
	run->offered = 0;
}

static void listen_for(struct run *run, uint64_t ms)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * ms;

	while (rte_rdtsc() < end)
		for (unsigned i = 0; i < 2; i++)
			receive(run, &run->sides[i]);
}

// Each frame of a side once, and again until all of them have come through: the router needs a
// moment to see that its links are up.
static int open_flows(struct run *run, struct traffic_side *side)
{
	struct traffic_result *result = run->result;

	for (unsigned tries = 0; tries < OPENING_TRIES; tries++) {
		*result = (struct traffic_result){0};
		side->next = 0;
		pace(run, OPENING_PPS);
		run->counts_from_clk = run->start_clk;
		while (result->sent + result->refused < side->frames.n) {
			uint64_t left = side->frames.n - result->sent - result->refused;
			uint16_t n = (uint16_t)RTE_MIN(due(run, rte_rdtsc()), left);

			if (n > 0)
				send_burst(run, side, n, true);
			for (unsigned i = 0; i < 2; i++)
				receive(run, &run->sides[i]);
		}
		listen_for(run, OPENING_REST_MS);
		if (result->received == side->frames.n)
			return 0;
	}
	fprintf(stderr, "traffic: of %u frames sent into device %u, %lu came out of the other\n",
		side->frames.n, side->port, result->received);
	return -1;
}

static bool is_stopped(const struct traffic_plan *plan)
{
	return plan->is_stopped != NULL && *plan->is_stopped;
}

static void traffic_for(
	struct run *run, const struct traffic_plan *plan, double seconds, bool is_counted)
{
	uint64_t before = run->looked_clk = rte_rdtsc();
	uint64_t end = before + (uint64_t)(seconds * (double)rte_get_tsc_hz());
	unsigned whose = run->sides[0].frames.n > 0 ? 0 : 1;

	run->ran_ns = thread_ns();
	while (before < end && !is_stopped(plan)) {
		before = turn(run, &whose, before, is_counted);
		if (plan->rest_us > 0)
			rte_delay_us_sleep(plan->rest_us);
	}
}

int traffic_run(const struct traffic_plan *plan, struct traffic_side *sides,
	struct rte_mempool *pool, struct traffic_result *result)
{
	struct run run = {.sides = sides, .pool = pool, .result = result};

	run.pause_clk = rte_get_tsc_hz() / 1000000 *
			(plan->rest_us > 0 ? plan->rest_us + PAUSE_RESTING_US : PAUSE_US);
	for (unsigned i = 0; i < 2; i++)
		if (open_flows(&run, &sides[i]) < 0)
			return -1;
	run.counts_from_clk = UINT64_MAX;
	pace(&run, plan->rate);
	traffic_for(&run, plan, plan->warm_sec, false);
	*result = (struct traffic_result){0};
	pace(&run, plan->rate);
	run.counts_from_clk = run.start_clk;
	fputs("sending\n", stderr);
	traffic_for(&run, plan, plan->count_sec, true);
	result->seconds = (double)(rte_rdtsc() - run.start_clk) / (double)rte_get_tsc_hz();
	listen_for(&run, DRAIN_MS);
	return 0;
}
