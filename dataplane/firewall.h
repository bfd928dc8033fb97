// SPDX-License-Identifier: BSD-3-Clause
// The firewall as packets meet it: what of a packet, or of a live flow, the rules look at, and what
// they ask for beside a verdict: log lines, additions to sets, resets and ICMP errors. Worker
// threads.
#pragma once

#include "dataplane/flow_tuple.h"
#include "dataplane/rules.h"
#include "dataplane/worker.h"

// All but addresses and ports, which may have been translated, and what follows from the way:
// firewall_subject_route.
void firewall_subject_of_packet(
	const struct worker *w, const struct packet *p, struct rule_subject *s);
// The same for the first packet of a flow, as far as it is remembered.
void firewall_subject_of_flow(const struct flow *flow, struct rule_subject *s);
// Between which interfaces (FLOW_IFACE_HOST: the host stack), and which ends: `tuple` must outlive
// the subject. Returns the hook that is asked.
enum dp_hook firewall_subject_route(const struct worker *w, const struct flow_tuple *tuple,
	uint8_t in_iface, uint8_t out_iface, struct rule_subject *s);

// Fetches what rules keep for each source, for first packets of one family that will be judged.
void firewall_look_ahead(
	const struct worker *w, struct packet *const *list, unsigned n, bool is_ip6);
// Asks the rules, and does what they want done besides.
void firewall_judge(struct worker *w, enum dp_hook hook, const struct rule_subject *s,
	struct rule_verdict *verdict);
// Does that verdict end a connection by a reset?
bool firewall_resets(const struct packet *p, const struct rule_verdict *verdict);
// The end of a packet that was not accepted: dropped, and its sender told if the rule says so.
void firewall_refuse(struct worker *w, struct packet *p, const struct rule_verdict *verdict);
// A packet for the host stack that belongs to no flow: multicast, broadcast, neighbour discovery.
// Its key is filled. False: it was refused, and has gone.
__rte_noinline bool firewall_admits(struct worker *w, struct packet *p);
