// SPDX-License-Identifier: BSD-3-Clause
// What first packets will need is asked for while it is still on its way: all of a burst before the
// first is opened. Nothing here decides; a guess that is wrong costs what it was to save.
#include "dataplane/compiled_policy.h"
#include "dataplane/conntrack.h"
#include "dataplane/decision.h"
#include "dataplane/firewall.h"
#include "dataplane/nat_port.h"
#include "dataplane/ways.h"

// What a guess is made of: most of those that leave by an interface are translated by the same
// rule, and keep their port.
struct usual_source {
	uint8_t in_iface, out_iface;
	bool is_translated;
	struct nat_source source;
};

static void usual_source_of(
	const struct worker *w, uint8_t in_iface, uint8_t out_iface, struct usual_source *usual)
{
	usual->in_iface = in_iface;
	usual->out_iface = out_iface;
	usual->is_translated = !w->snap->interfaces[in_iface].is_outside &&
			       nat_rules_usual_source(w->snap->policy->nat, w->snap, IP_V4,
				       out_iface, &usual->source);
}

// The answers will be known by that key, and who has the port already by that endpoint.
static void prefetch_names4(
	const struct worker *w, const struct packet *p, const struct usual_source *usual)
{
	const struct flow_key4 *key = &p->key4;
	struct ip_addr ours = ip4_addr_of(key->src_be);
	struct flow_key4 answer;

	if (usual->is_translated)
		ours = nat_port_address(&usual->source, &ours, 0);
	answer = flow_key4_make(key->dst_be, ip4_be_of(&ours), key->dport_be, key->sport_be,
		key->protocol, flow_key_kind_reply(key->kind));
	flow_prefetch_bucket(&w->flows, flow_hash4(&w->flows, &answer));
	if (usual->is_translated) {
		struct flow_endpoint outside = {
			.addr = ours, .port_be = key->sport_be, .protocol = key->protocol};

		flow_endpoint_prefetch(
			&w->flows, flow_endpoint_hash(&w->flows, &outside, FLOW_NAME_EXTERNAL));
	}
}

void conntrack_look_ahead(struct worker *w, struct packet *const *list, unsigned n, bool is_ip6)
{
	struct usual_source usual = {.out_iface = INTERFACE_NONE};

	ways_find(w, list, n, is_ip6);
	firewall_look_ahead(w, list, n, is_ip6);
	for (unsigned i = 0; i < n && !is_ip6; i++) {
		uint8_t out_iface = decide_interface(w, list[i]->way);

		if (out_iface == INTERFACE_NONE)
			continue;
		if (out_iface != usual.out_iface || list[i]->iface != usual.in_iface)
			usual_source_of(w, (uint8_t)list[i]->iface, out_iface, &usual);
		prefetch_names4(w, list[i], &usual);
	}
}
