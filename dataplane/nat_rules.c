// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat_rules.h"

#include <string.h>

#include "dataplane/nat_prefix.h"
#include "dataplane/nat_rules_private.h"
#include "dataplane/set.h"
#include "dataplane/snapshot.h"
#include "dataplane/timed_set.h"

// --- matching ---

static bool timed_has(const struct timed_set *timed, const struct ip_addr *addr, uint32_t now_sec)
{
	if (timed == NULL)
		return false;
	return addr->family == IP_V6 ? timed_set_has6(timed, addr->v6, now_sec)
				     : timed_set_has4(timed, ip4_be_of(addr), now_sec);
}

static bool match_addr(const struct nat_match *match, const struct ip_addr *addr, uint32_t now_sec)
{
	bool has;

	if (match->set == NULL)
		return true;
	has = addr->family == IP_V6 ? set_has6(match->set, addr->v6)
				    : set_has4(match->set, ip4_be_of(addr));
	return (has || timed_has(match->timed, addr, now_sec)) != match->is_negated;
}

static bool match_protocol(const struct nat_match *match, uint8_t protocol)
{
	return match->set == NULL || set_has_number(match->set, protocol) != match->is_negated;
}

static bool match_packet(
	const struct nat_rule *rule, const struct flow_tuple *packet, uint32_t now_sec)
{
	return (rule->family == IP_NONE || rule->family == packet->src.family) &&
	       match_protocol(&rule->protocol, packet->protocol) &&
	       match_addr(&rule->source, &packet->src, now_sec) &&
	       match_addr(&rule->destination, &packet->dst, now_sec);
}

// --- addresses ---

// False: the interface has none of that family.
static bool primary_of(
	const struct snapshot *snap, uint8_t iface, uint8_t family, struct ip_addr *out)
{
	const struct interface *interface = &snap->interfaces[iface];

	if (family == IP_V6) {
		*out = ip6_addr_of(interface->primary6);
		return interface->has_primary6;
	}
	*out = ip4_addr_of(interface->primary4_be);
	return interface->primary4_be != 0;
}

static bool interface_has(const struct interface *interface, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < interface->n_addresses; i++)
		if (ip_addr_equal(&interface->addresses[i].addr, addr))
			return true;
	return false;
}

static bool is_ours(const struct snapshot *snap, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < snap->n_ids; i++)
		if (interface_has(&snap->interfaces[snap->ids[i]], addr))
			return true;
	return false;
}

static bool is_inside(const struct snapshot *snap, uint8_t iface)
{
	return iface < DP_INTERFACES_MAX && !snap->interfaces[iface].is_outside;
}

// The prefix of `network` with the host bits of `addr`.
static struct ip_addr with_host_of(const struct ip_prefix *network, const struct ip_addr *addr)
{
	struct ip_addr out = *addr;
	unsigned whole = network->len / 8, rest = network->len % 8;

	memcpy(out.bytes, network->addr.bytes, whole);
	if (rest != 0)
		out.bytes[whole] = (uint8_t)(network->addr.bytes[whole] |
					     (addr->bytes[whole] & (0xff >> rest)));
	return out;
}

// --- destination ---

// An address that stands for somebody, and not for anybody: 0.0.0.0/0 is how a rule says that it
// takes whatever comes by its interface.
static bool is_public_name(const struct nat_rule *rule)
{
	return rule->outside.addr.family == IP_NONE || rule->outside.len > 0;
}

static bool comes_by(const struct nat_rule *rule, const struct snapshot *snap, uint8_t iface)
{
	if (iface == FLOW_IFACE_HOST)
		return rule->action != NAT_REDIRECT && is_public_name(rule);
	if (rule->interface == NAT_INTERFACE_ANY || rule->interface == iface)
		return true;
	// hairpin: by its public name, from inside
	return is_inside(snap, iface) && !is_inside(snap, rule->interface) && is_public_name(rule);
}

static bool goes_to_outside(
	const struct nat_rule *rule, const struct snapshot *snap, const struct ip_addr *dst)
{
	struct ip_addr primary;

	if (rule->outside.addr.family != IP_NONE)
		return ip_prefix_contains(&rule->outside, dst);
	return primary_of(snap, rule->interface, dst->family, &primary) &&
	       ip_addr_equal(&primary, dst);
}

static bool goes_to_ports(const struct nat_rule *rule, const struct flow_tuple *packet)
{
	uint16_t port = rte_be_to_cpu_16(packet->dport_be);

	return rule->first_port == 0 ||
	       (protocol_has_ports(packet->protocol) && port >= rule->first_port &&
		       port <= rule->last_port);
}

static uint16_t inside_port_be(const struct nat_rule *rule, uint16_t dport_be)
{
	uint16_t port = rte_be_to_cpu_16(dport_be);

	if (rule->inside_port == 0)
		return dport_be;
	return rte_cpu_to_be_16((uint16_t)(rule->inside_port + (port - rule->first_port)));
}

// The router's own address that a redirected packet goes to: the one it was sent to, if it is
// ours, else one of the interface it came by.
static bool redirect_to(
	const struct snapshot *snap, const struct ip_addr *dst, uint8_t iface, struct ip_addr *out)
{
	if (is_ours(snap, dst)) {
		*out = *dst;
		return true;
	}
	if (primary_of(snap, iface, dst->family, out))
		return true;
	for (unsigned i = 0; i < snap->n_ids; i++)
		if (primary_of(snap, snap->ids[i], dst->family, out))
			return true;
	return false;
}

static bool destination_by(const struct nat_rule *rule, const struct snapshot *snap,
	const struct flow_tuple *packet, uint8_t iface, struct nat_destination *out)
{
	*out = (struct nat_destination){
		.dst = rule->inside.addr,
		.dport_be = packet->dport_be,
		.rule = rule->index,
	};
	switch (rule->action) {
	case NAT_FORWARD:
		out->dport_be = inside_port_be(rule, packet->dport_be);
		return true;
	case NAT_REDIRECT:
		out->is_redirect = true;
		out->dport_be = inside_port_be(rule, packet->dport_be);
		return redirect_to(snap, &packet->dst, iface, &out->dst);
	case NAT_ONE_TO_ONE:
		out->dst = with_host_of(&rule->inside, &packet->dst);
		return true;
	case NAT_PREFIX:
		out->is_prefix = true;
		return nat_prefix_map(&rule->outside, &rule->inside, &packet->dst, &out->dst);
	case NAT_SOURCE:
	case NAT_EXEMPT:
		break;
	}
	return false;
}

bool nat_rules_destination(const struct nat_rules *rules, const struct snapshot *snap,
	uint32_t now_sec, const struct flow_tuple *packet, uint8_t iface,
	struct nat_destination *out)
{
	for (unsigned i = 0; i < rules->n_destinations; i++) {
		const struct nat_rule *rule = &rules->destinations[i];

		if (goes_to_ports(rule, packet) && comes_by(rule, snap, iface) &&
			goes_to_outside(rule, snap, &packet->dst) &&
			match_packet(rule, packet, now_sec))
			return destination_by(rule, snap, packet, iface, out);
	}
	return false;
}

// --- source ---

// One-to-one and prefix rules name the interface that the outside is at; without one, it is any
// outside one, so that two inside networks see each other as they are.
static bool leaves_by(const struct nat_rule *rule, const struct snapshot *snap, uint8_t iface)
{
	if (rule->interface != NAT_INTERFACE_ANY)
		return rule->interface == iface;
	return rule->action == NAT_SOURCE || rule->action == NAT_EXEMPT || !is_inside(snap, iface);
}

static bool has_inside(const struct nat_rule *rule, const struct ip_addr *src)
{
	return (rule->action != NAT_ONE_TO_ONE && rule->action != NAT_PREFIX) ||
	       ip_prefix_contains(&rule->inside, src);
}

static const struct nat_rule *source_rule(const struct nat_rules *rules,
	const struct snapshot *snap, uint32_t now_sec, const struct flow_tuple *packet,
	uint8_t out_iface)
{
	for (unsigned i = 0; i < rules->n_sources; i++) {
		const struct nat_rule *rule = &rules->sources[i];

		if (leaves_by(rule, snap, out_iface) && has_inside(rule, &packet->src) &&
			match_packet(rule, packet, now_sec))
			return rule;
	}
	return NULL;
}

static uint32_t pool_size(const struct ip_prefix *pool)
{
	unsigned host_bits = ip_family_bits(pool->addr.family) - pool->len;

	return host_bits < 32 ? UINT32_C(1) << host_bits : UINT32_MAX;
}

static void source_by(const struct nat_rule *rule, const struct snapshot *snap,
	const struct flow_tuple *packet, uint8_t out_iface, struct nat_source *out)
{
	bool by_interface = rule->outside.addr.family == IP_NONE;

	*out = (struct nat_source){
		.first = rule->outside.addr,
		.n_addresses = 1,
		.is_random = rule->is_random,
		.keeps_parity = rule->keeps_parity,
		.is_full_cone = rule->is_full_cone,
		.rule = rule->index,
	};
	switch (rule->action) {
	case NAT_SOURCE:
		if (by_interface)
			out->n_addresses =
				primary_of(snap, out_iface, packet->src.family, &out->first);
		else
			out->n_addresses = pool_size(&rule->outside);
		break;
	case NAT_ONE_TO_ONE:
		out->keeps_port = true;
		if (by_interface)
			out->n_addresses =
				primary_of(snap, out_iface, packet->src.family, &out->first);
		else
			out->first = with_host_of(&rule->outside, &packet->src);
		break;
	case NAT_PREFIX:
		out->keeps_port = true;
		out->n_addresses =
			nat_prefix_map(&rule->inside, &rule->outside, &packet->src, &out->first);
		break;
	case NAT_EXEMPT:
		out->first = packet->src;
		out->is_none = true;
		break;
	case NAT_FORWARD:
	case NAT_REDIRECT:
		break;
	}
}

// What the router sends with an address that the rule would give anyway keeps it: it may have more
// than the primary one.
static bool has_it_already(const struct nat_rule *rule, const struct snapshot *snap,
	const struct ip_addr *src, uint8_t out_iface)
{
	if (rule->outside.addr.family != IP_NONE)
		return ip_prefix_contains(&rule->outside, src);
	return interface_has(&snap->interfaces[out_iface], src);
}

static void source_of_host(const struct nat_rule *rule, const struct snapshot *snap,
	const struct flow_tuple *packet, uint8_t out_iface, struct nat_source *out)
{
	source_by(rule, snap, packet, out_iface, out);
	if (rule->action == NAT_EXEMPT || has_it_already(rule, snap, &packet->src, out_iface)) {
		out->first = packet->src;
		out->n_addresses = 1;
	}
	out->is_none = false; // its port is to be told from translated ones
}

// The first outside interface by which it would be translated, for that is how it is known there.
static bool source_of_hairpin(const struct nat_rules *rules, const struct snapshot *snap,
	uint32_t now_sec, const struct flow_tuple *packet, struct nat_source *out)
{
	for (unsigned i = 0; i < snap->n_ids; i++) {
		const struct nat_rule *rule;

		if (is_inside(snap, snap->ids[i]))
			continue;
		rule = source_rule(rules, snap, now_sec, packet, snap->ids[i]);
		if (rule == NULL || rule->action == NAT_EXEMPT)
			continue;
		source_by(rule, snap, packet, snap->ids[i], out);
		if (out->n_addresses > 0)
			return true;
	}
	return false;
}

bool nat_rules_source(const struct nat_rules *rules, const struct snapshot *snap, uint32_t now_sec,
	const struct flow_tuple *packet, uint8_t in_iface, uint8_t out_iface, bool is_dnated,
	struct nat_source *out)
{
	bool from_host = in_iface == FLOW_IFACE_HOST;
	bool is_hairpin = is_dnated && is_inside(snap, in_iface) && is_inside(snap, out_iface);
	const struct nat_rule *rule = NULL;

	if (out_iface < DP_INTERFACES_MAX)
		rule = source_rule(rules, snap, now_sec, packet, out_iface);
	if (rule != NULL && from_host) {
		source_of_host(rule, snap, packet, out_iface, out);
		return true;
	}
	if (rule != NULL) {
		source_by(rule, snap, packet, out_iface, out);
		return true;
	}
	if (is_hairpin && source_of_hairpin(rules, snap, now_sec, packet, out))
		return true;
	*out = (struct nat_source){
		.first = packet->src,
		.n_addresses = 1,
		.is_none = !from_host,
		.rule = NAT_RULE_NONE,
	};
	if (!is_hairpin || in_iface != out_iface)
		return false;
	out->n_addresses = primary_of(snap, out_iface, packet->src.family, &out->first);
	out->is_none = false;
	return true;
}

bool nat_rules_usual_source(const struct nat_rules *rules, const struct snapshot *snap,
	uint8_t family, uint8_t out_iface, struct nat_source *out)
{
	const struct flow_tuple nobody = {.src.family = family};

	for (unsigned i = 0; i < rules->n_sources; i++) {
		const struct nat_rule *rule = &rules->sources[i];

		if (rule->action != NAT_SOURCE || !leaves_by(rule, snap, out_iface) ||
			(rule->family != IP_NONE && rule->family != family))
			continue;
		source_by(rule, snap, &nobody, out_iface, out);
		return out->n_addresses > 0;
	}
	return false;
}

bool nat_rules_share(const struct nat_rules *rules, uint8_t iface, uint8_t family)
{
	for (unsigned i = 0; i < rules->n_sources; i++) {
		const struct nat_rule *rule = &rules->sources[i];

		if (rule->action == NAT_SOURCE &&
			(rule->interface == NAT_INTERFACE_ANY || rule->interface == iface) &&
			(rule->family == IP_NONE || rule->family == family))
			return true;
	}
	return false;
}

// Of a rule that asks for something that is not known here, the careful answer: an exemption does
// not hold, a translation does.
static bool may_translate(const struct nat_rule *rule, uint32_t now_sec,
	const struct ip_addr *inside, const struct ip_addr *remote)
{
	bool is_exemption = rule->action == NAT_EXEMPT;

	if ((rule->family != IP_NONE && rule->family != inside->family) ||
		!has_inside(rule, inside) || !match_addr(&rule->source, inside, now_sec))
		return false;
	if (is_exemption && rule->protocol.set != NULL)
		return false;
	if (remote == NULL)
		return !is_exemption || rule->destination.set == NULL;
	return match_addr(&rule->destination, remote, now_sec);
}

bool nat_rules_hides(const struct nat_rules *rules, const struct snapshot *snap, uint32_t now_sec,
	uint8_t iface, const struct ip_addr *inside, const struct ip_addr *remote)
{
	if (iface >= DP_INTERFACES_MAX)
		return false;
	for (unsigned i = 0; i < rules->n_sources; i++) {
		const struct nat_rule *rule = &rules->sources[i];

		// A translation that is none of one interface's is about those outside.
		if ((rule->interface == NAT_INTERFACE_ANY ? !is_inside(snap, iface)
							  : rule->interface == iface) &&
			may_translate(rule, now_sec, inside, remote))
			return rule->action != NAT_EXEMPT;
	}
	return false;
}

// --- why not ---

void nat_rules_misses(const struct nat_rules *rules, const struct snapshot *snap, uint32_t now_sec,
	const struct flow_tuple *packet, uint8_t iface, bool is_source, uint16_t until,
	nat_rules_miss_fn fn, void *ctx)
{
	const struct nat_rule *list = is_source ? rules->sources : rules->destinations;
	unsigned n = is_source ? rules->n_sources : rules->n_destinations;

	for (unsigned i = 0; i < n && list[i].index != until; i++) {
		const struct nat_rule *rule = &list[i];
		const struct {
			bool is_so;
			const char *field;
		} asked[] = {
			{is_source ? leaves_by(rule, snap, iface) : comes_by(rule, snap, iface),
				"interface"},
			{rule->family == IP_NONE || rule->family == packet->src.family, "family"},
			{is_source ? has_inside(rule, &packet->src)
				   : goes_to_outside(rule, snap, &packet->dst),
				is_source ? "inside" : "outside"},
			{is_source || goes_to_ports(rule, packet), "port"},
			{match_protocol(&rule->protocol, packet->protocol), "protocol"},
			{match_addr(&rule->source, &packet->src, now_sec), "from"},
			{match_addr(&rule->destination, &packet->dst, now_sec), "to"},
		};
		const char *first = NULL;
		unsigned n_fields = 0;

		for (unsigned k = 0; k < RTE_DIM(asked); k++) {
			if (asked[k].is_so)
				continue;
			first = first == NULL ? asked[k].field : first;
			n_fields++;
		}
		if (n_fields > 0)
			fn(ctx, rule->index, first, n_fields);
	}
}
