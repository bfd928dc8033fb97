// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/observe.h"

#include <rte_cycles.h>

#include "dataplane/capture.h"
#include "dataplane/observers.h"
#include "dataplane/recorder.h"
#include "dataplane/snapshot.h"

void observe_turn(struct worker *w)
{
	w->observing.iface = INTERFACE_NONE;
}

void observe_unclaimed(struct worker *w)
{
	w->observing.iface = INTERFACE_NONE;
	w->observing.now_tsc = rte_rdtsc();
}

static void show_all(struct worker *w, enum dp_capture_kind kind, uint8_t iface,
	struct rte_mbuf *const *pkts, unsigned n)
{
	const struct observers *all = w->observers;

	if (all->recorder != NULL)
		recorder_note(w, all->recorder, kind, iface, pkts, n);
	for (unsigned i = 0; i < all->n_captures; i++)
		capture_look(w, all->captures[i], kind, iface, pkts, n);
}

void observe_arrive(
	struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n, bool is_rx)
{
	w->observing.iface = iface;
	w->observing.now_tsc = rte_rdtsc();
	if (w->observers->n_captures > 0)
		capture_earn(w);
	if (is_rx)
		show_all(w, DP_CAPTURE_RX, iface, pkts, n);
}

void observe_leave(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n)
{
	w->observing.now_tsc = rte_rdtsc();
	for (unsigned i = 0; i < n; i += BURST)
		show_all(w, DP_CAPTURE_TX, iface, pkts + i, RTE_MIN(n - i, (unsigned)BURST));
}

static void show_drop(
	struct worker *w, uint8_t iface, const struct rte_mbuf *m, enum counter reason)
{
	const struct observers *all = w->observers;

	if (all->recorder != NULL)
		recorder_note_drop(w, all->recorder, iface, m, reason);
	for (unsigned i = 0; i < all->n_captures; i++)
		capture_look_at_drop(w, all->captures[i], iface, m, reason);
}

void observe_drop(struct worker *w, const struct rte_mbuf *m, enum counter reason)
{
	show_drop(w, w->observing.iface, m, reason);
}

void observe_unsent(struct worker *w, uint8_t iface, struct rte_mbuf *const *pkts, unsigned n,
	enum counter reason)
{
	for (unsigned i = 0; i < n; i++)
		show_drop(w, iface, pkts[i], reason);
}
