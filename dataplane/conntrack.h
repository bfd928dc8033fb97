// SPDX-License-Identifier: BSD-3-Clause
// The life of a flow: begun by a first packet that walks the long way (route, NAT), advanced by
// the packets that change its state, judged again when policy or routes have changed, ended by
// time. Timeouts are no shorter than RFC 5382 REQ-5, RFC 4787 REQ-5 and RFC 5508 REQ-2 ask.
#pragma once

#include "dataplane/worker.h"

enum {
	TIMEOUT_TCP_UNREPLIED_SEC = 240,    // RFC 5382 REQ-5: transitory, 4 min
	TIMEOUT_TCP_ESTABLISHED_SEC = 7440, // 2 h 4 min
	TIMEOUT_TCP_CLOSING_SEC = 240,
	TIMEOUT_TCP_CLOSED_SEC = 10,
	TIMEOUT_UDP_UNREPLIED_SEC = 120, // RFC 4787 REQ-5: at least 2 min
	TIMEOUT_UDP_ASSURED_SEC = 300,
	TIMEOUT_ICMP_SEC = 60, // RFC 5508 REQ-2
	TIMEOUT_OTHER_SEC = 600,
};

// The long way for a packet without a flow. Gives the direction to follow, or NULL when the
// packet has gone elsewhere (dropped, answered, to the host).
struct flow_dir *conntrack_open4(struct worker *w, struct packet *p);
// The flow was judged under another epoch: judge again. The same answers as conntrack_open4; the
// flow may have been cut and begun anew.
struct flow_dir *conntrack_review4(struct worker *w, struct packet *p, struct flow_dir *dir);
// A packet that may change the flow's state: TCP SYN, FIN, RST, or the first reply.
void conntrack_watch(struct worker *w, const struct packet *p, struct flow_dir *dir);
// Who is outside that interface may not begin anything with this address: its own packets would be
// translated on their way out.
bool conntrack_is_hidden4(const struct snapshot *snap, uint8_t iface, uint32_t addr_be);
// Would a packet of this source be translated if it left by that nexthop?
bool conntrack_would_translate4(const struct worker *w, uint16_t code, uint32_t src_be);
uint32_t conntrack_timeout_sec(const struct flow_state *state);
const char *conntrack_phase_name(const struct flow_state *state);
