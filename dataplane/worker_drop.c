// SPDX-License-Identifier: BSD-3-Clause
// The end of packets that go nowhere, one by one or by the burst. Apart from worker.c, for whatever
// drops needs no more of a worker than this.
#include "dataplane/worker.h"

void worker_drop(struct worker *w, struct rte_mbuf *m, enum counter reason)
{
	w->counters[reason]++;
	if (unlikely(w->observers != NULL))
		observe_drop(w, m, reason);
	rte_pktmbuf_free(m);
}

void worker_free_refused(struct worker *w)
{
	struct rte_mempool *pool = w->refused[0]->pool;
	struct rte_mbuf *whole[BURST];
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_refused; i++) {
		struct rte_mbuf *m = w->refused[i];

		// as ports give them: of one pool, in one piece
		if (unlikely(m->pool != pool || m->nb_segs != 1)) {
			rte_pktmbuf_free(m);
			continue;
		}
		m = rte_pktmbuf_prefree_seg(m);
		if (likely(m != NULL))
			whole[n++] = m;
	}
	rte_mempool_put_bulk(pool, (void **)whole, n);
	w->n_refused = 0;
}
