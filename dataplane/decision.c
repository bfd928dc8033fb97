// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/decision.h"

#include "dataplane/pipeline_forward.h"

static const struct dp_masquerade *masquerade_for(
	const struct snapshot *snap, uint8_t out_iface, const struct ip_addr *src)
{
	for (unsigned i = 0; i < snap->policy.n_masquerades && src->family == IP_V4; i++) {
		const struct dp_masquerade *rule = &snap->policy.masquerades[i];

		if (rule->interface != out_iface)
			continue;
		if (rule->n_sources == 0)
			return rule;
		for (unsigned s = 0; s < rule->n_sources; s++)
			if (ip_prefix_contains(&rule->sources[s], src))
				return rule;
	}
	return NULL;
}

bool decide_is_hidden(const struct snapshot *snap, uint8_t iface, const struct ip_addr *addr)
{
	return iface != INTERFACE_NONE && snap->interfaces[iface].is_masqueraded &&
	       masquerade_for(snap, iface, addr) != NULL;
}

static uint8_t code_interface(const struct worker *w, uint16_t code)
{
	if (nexthop_is_adjacency(code))
		return w->adjacencies[code - NEXTHOP_ADJACENCY_BASE].iface;
	if (nexthop_is_connected(code))
		return (uint8_t)(code - NEXTHOP_CONNECTED_BASE);
	return INTERFACE_NONE;
}

bool decide_would_translate(const struct worker *w, uint16_t code, const struct ip_addr *src)
{
	return decide_is_hidden(w->snap, code_interface(w, code), src);
}

// Of a flow's own key, not of the packet at hand: both directions and every packet of a flow must
// be led the same way.
static uint32_t tuple_path_hash(const struct flow_tuple *tuple)
{
	uint64_t words[4] = {0}, ports;

	memcpy(words, tuple->src.bytes, 16);
	memcpy(words + 2, tuple->dst.bytes, 16);
	ports = (uint64_t)tuple->dport_be << 16 | tuple->sport_be;
	return path_hash(words[0] << 32 ^ words[1] ^ flow_mix(words[2], words[3] + 1),
		ports << 8 | tuple->protocol);
}

uint16_t decide_way(const struct worker *w, const struct flow_tuple *tuple)
{
	uint16_t code = tuple->dst.family == IP_V6 ? fib_lookup6(w->fib, tuple->dst.v6)
						   : fib_lookup4(w->fib, ip4_be_of(&tuple->dst));

	return nexthop_is_group(code) ? nexthop_resolve(w->fib, code, tuple_path_hash(tuple))
				      : code;
}

struct decision decide(
	const struct worker *w, const struct flow_tuple *original, uint8_t iface, bool from_host)
{
	const struct snapshot *snap = w->snap;
	struct decision d = {
		.code = NEXTHOP_LOCAL,
		.out_iface = iface,
		.src = original->src,
		.refused = COUNTER_COUNT,
	};

	if (!from_host) {
		d.code = decide_way(w, original);
		if (d.code == NEXTHOP_LOCAL) {
			d.out_iface = FLOW_IFACE_HOST;
			return d;
		}
		d.out_iface = code_interface(w, d.code);
		if (d.out_iface == INTERFACE_NONE)
			return d;
		// Nobody reaches past the NAT from outside by knowing an inner address.
		if (decide_is_hidden(snap, iface, &original->dst)) {
			d.refused = COUNTER_DROP_NAT_UNSOLICITED;
			return d;
		}
	}
	if (masquerade_for(snap, d.out_iface, &original->src) != NULL) {
		d.src = ip4_addr_of(snap->interfaces[d.out_iface].primary4_be);
		if (snap->interfaces[d.out_iface].primary4_be == 0)
			d.refused = COUNTER_DROP_NAT_NO_ADDRESS;
	}
	return d;
}
