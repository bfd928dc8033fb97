// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sip_advice.h"

#include "dataplane/dataplane_internal.h"

enum {
	AGAIN_SEC = 7 * 86400, // of the same host
	OTHER_SEC = 60,
};

void sip_advice_tell(struct worker *w, const struct flow *flow, const struct flow_tuple *seen)
{
	struct dp_event event = {
		.kind = DP_EVENT_SIP,
		.interface = flow->state.in_iface == FLOW_IFACE_HOST ? -1 : flow->state.in_iface,
		.addr = seen->src,
	};
	struct sip_told *told = &w->sip_told;
	uint64_t words[2], host;
	unsigned cell;

	worker_count(w, COUNTER_SIP_SEEN);
	memcpy(words, seen->src.bytes, sizeof(words));
	host = flow_mix(words[0] ^ FLOW_HASH_FINAL, words[1] ^ FLOW_HASH_FINAL << 1);
	cell = (unsigned)(host % SIP_TOLD_HOSTS);
	if (w->now_sec < (told->hosts[cell].host == host ? told->hosts[cell].again_sec
							 : told->hosts[cell].other_sec))
		return;
	told->hosts[cell].host = host;
	told->hosts[cell].again_sec = w->now_sec + AGAIN_SEC;
	told->hosts[cell].other_sec = w->now_sec + OTHER_SEC;
	dataplane_raise(w, &event);
}
