// SPDX-License-Identifier: BSD-3-Clause
// SIP is only noticed: a helper that rewrites it breaks what phones and providers do by themselves
// (RFC 3581 rport, RFC 5626 keep-alives, RFC 8445 ICE), and cannot read it under TLS. Worker
// threads, first packets.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/worker.h"

void sip_advice_tell(struct worker *w, const struct flow *flow, const struct flow_tuple *seen);

// A flow whose source is translated; `seen`: behind destination translation.
static inline void sip_advice_flow_begun(
	struct worker *w, const struct flow *flow, const struct flow_tuple *seen)
{
	enum { SIP_PORT = 5060 }; // RFC 3261 18.1.1

	if (unlikely(seen->dport_be == RTE_BE16(SIP_PORT)) && protocol_has_ports(seen->protocol))
		sip_advice_tell(w, flow, seen);
}
