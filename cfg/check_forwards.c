// SPDX-License-Identifier: BSD-3-Clause
// Translations of destinations: two for the same packets, and those that send packets nowhere.
#include "cfg/check_doubts.h"

#include "cfg/check_match.h"
#include "cfg/check_outside.h"
#include "cfg/check_scope.h"

static const size_t ARENA_BYTES_MAX = (size_t)1024 * 1024 * 1024;
static const uint64_t COST_MAX = 20000000; // pairs, ranges and routes looked at
static const unsigned __int128 NUMBER_MAX = UINT16_MAX;

// What a translation is about.
struct entry {
	const struct cfg_nat *nat;
	uint64_t interfaces; // it comes in by, as bits
	struct scope_match from, to, protocol, ports;
};

struct entries {
	const struct check *check;
	struct scopes scopes;
	struct entry *list;
	unsigned n;
	uint64_t cost;
};

static bool is_about_destinations(const struct cfg_nat *nat)
{
	return nat->kind == CFG_NAT_FORWARD || nat->kind == CFG_NAT_REDIRECT ||
	       nat->kind == CFG_NAT_ONE_TO_ONE;
}

static bool collect(struct entries *entries, struct arena *arena)
{
	const struct config *config = entries->check->config;

	entries->list = arena_alloc_array(arena, config->n_nats, sizeof(*entries->list));
	if (entries->list == NULL || !scopes_init(&entries->scopes, entries->check, arena))
		return false;
	for (unsigned i = 0; i < config->n_nats; i++) {
		const struct cfg_nat *nat = &config->nats[i];
		struct entry *entry = &entries->list[entries->n];

		if (!is_about_destinations(nat))
			continue;
		entries->n++;
		entry->nat = nat;
		entry->interfaces = nat->interfaces.n == 0 ? UINT64_MAX : 0;
		for (unsigned j = 0; j < nat->interfaces.n; j++)
			entry->interfaces |= outside_bit(entries->check,
				check_find_interface(config, nat->interfaces.names[j]));
		entry->from = scope_of(&entries->scopes, &nat->from, CFG_SET_ADDRESSES);
		entry->to = scope_of(&entries->scopes, &nat->to, CFG_SET_ADDRESSES);
		entry->protocol = scope_of(&entries->scopes, &nat->protocol, CFG_SET_PROTOCOLS);
		entry->ports = scope_of(&entries->scopes, &nat->ports, CFG_SET_PORTS);
	}
	return true;
}

// --- two for the same packets ---

// The addresses that packets which came in by the interface are sent to; false: only the router
// knows.
static bool destination_of(const struct cfg_nat *nat, const struct cfg_interface *interface,
	uint8_t family, struct ip_prefix *out)
{
	*out = nat->outside;
	for (unsigned i = 0; i < interface->n_addresses && out->addr.family == IP_NONE; i++) {
		if (interface->addresses[i].addr.family != family)
			continue;
		*out = interface->addresses[i]; // the primary one
		out->len = (uint8_t)ip_family_bits(family);
	}
	return out->addr.family != IP_NONE;
}

static bool contains(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->len <= inner->len && ip_prefix_contains(outer, &inner->addr);
}

// Of each interface and family that both are about, what they say of the destination.
enum relation { APART, MEET, COVER };

static enum relation compare_destinations(
	const struct check *check, const struct entry *a, const struct entry *b)
{
	const struct config *config = check->config;
	uint64_t shared = a->interfaces & b->interfaces;
	enum relation result = APART;
	bool is_all = !(b->interfaces & ~a->interfaces) &&
		      (a->nat->family == IP_NONE || a->nat->family == b->nat->family);

	for (unsigned i = 0; i < config->n_interfaces * 2; i++) {
		const struct cfg_interface *interface = &config->interfaces[i / 2];
		uint8_t family = i % 2 ? IP_V6 : IP_V4;
		bool is_said = a->nat->outside.addr.family != IP_NONE ||
			       b->nat->outside.addr.family != IP_NONE;
		struct ip_prefix of_a, of_b;

		if (!(shared & outside_bit(check, interface)) ||
			(a->nat->family != IP_NONE && a->nat->family != family) ||
			(b->nat->family != IP_NONE && b->nat->family != family))
			continue;
		if (is_said && (!destination_of(a->nat, interface, family, &of_a) ||
				       !destination_of(b->nat, interface, family, &of_b))) {
			is_all = false;
			continue;
		}
		if (!is_said || contains(&of_a, &of_b))
			result = MEET;
		else
			is_all = false;
		if (is_said && contains(&of_b, &of_a))
			result = MEET;
	}
	return result == MEET && is_all ? COVER : result;
}

static bool part_covers(
	struct entries *entries, const struct scope_match *outer, const struct scope_match *inner)
{
	if (outer->scope != NULL && inner->scope == NULL)
		return false;
	return scope_covers(outer, inner, SCOPE_IP4, NUMBER_MAX, &entries->cost);
}

// Ports or protocols, which are never negated in a forward; what is said in a file of its own
// counts as apart.
static bool part_meets(const struct scope_match *a, const struct scope_match *b)
{
	if (a->scope == NULL || b->scope == NULL)
		return true;
	return !a->is_negated && !b->is_negated &&
	       spans_meet(&a->scope->known[0], &b->scope->known[0]);
}

static bool has_all_of(struct entries *entries, const struct entry *a, const struct entry *b)
{
	static const unsigned __int128 max[SCOPE_FAMILIES] = {UINT32_MAX, ~(unsigned __int128)0};

	if (!part_covers(entries, &a->ports, &b->ports) ||
		!part_covers(entries, &a->protocol, &b->protocol))
		return false;
	for (int f = 0; f < SCOPE_FAMILIES; f++) {
		if (!scope_covers(&a->from, &b->from, f, max[f], &entries->cost) ||
			!scope_covers(&a->to, &b->to, f, max[f], &entries->cost))
			return false;
	}
	return compare_destinations(entries->check, a, b) == COVER;
}

static bool is_for_anybody(const struct entry *entry)
{
	return entry->from.scope == NULL && entry->to.scope == NULL;
}

static void doubt_pair(struct entries *entries, const struct entry *a, const struct entry *b)
{
	struct report *report = entries->check->report;
	char line[REPORT_LINE_BYTES];

	bool is_all = has_all_of(entries, a, b);
	bool is_some = !is_all && is_for_anybody(a) && is_for_anybody(b) &&
		       part_meets(&a->ports, &b->ports) && part_meets(&a->protocol, &b->protocol) &&
		       compare_destinations(entries->check, a, b) != APART &&
		       !has_all_of(entries, b, a);

	if (!is_all && !is_some)
		return;
	report_line(report, b->nat->place, a->nat->place, line);
	if (is_all)
		report_fix(report_warn(report, b->nat->place, DOUBT_NAT_SHADOWED,
				   "nat rule: decides about nothing that comes: the one on %s is "
				   "asked first and takes all of it",
				   line),
			"move it before %s, or delete it", line);
	else
		report_warn(report, b->nat->place, DOUBT_NAT_OVERLAP,
			"nat rule: some of these ports go elsewhere by the one on %s, which is "
			"asked first",
			line);
	entries->cost += COST_MAX / 1000; // a file full of them needs no end
}

static void doubt_pairs(struct entries *entries)
{
	for (unsigned i = 1; i < entries->n; i++) {
		for (unsigned j = 0; j < i && entries->cost < COST_MAX; j++) {
			entries->cost++;
			doubt_pair(entries, &entries->list[j], &entries->list[i]);
		}
	}
}

// --- nowhere ---

// Some interface inside has the hosts on its link, or nobody knows here what is on its link.
static bool is_on_link(const struct check *check, const struct ip_prefix *hosts)
{
	const struct config *config = check->config;
	unsigned n_inside = 0;

	for (unsigned i = 0; i < config->n_interfaces; i++) {
		const struct cfg_interface *interface = &config->interfaces[i];
		unsigned n_of_family = 0;

		if (check->default_ways & outside_bit(check, interface))
			continue;
		n_inside++;
		for (unsigned j = 0; j < interface->n_addresses; j++) {
			n_of_family += interface->addresses[j].addr.family == hosts->addr.family;
			if (ip_prefix_overlaps(&interface->addresses[j], hosts))
				return true;
		}
		if (n_of_family == 0)
			return true;
	}
	return n_inside == 0; // one arm: all of it is on one link
}

static bool is_routed(struct entries *entries, const struct ip_prefix *hosts)
{
	const struct config *config = entries->check->config;

	for (unsigned i = 0; i < config->n_routes; i++) {
		const struct cfg_route *route = &config->routes[i];

		entries->cost++;
		if (route->to.len > 0 && route->kind == CFG_ROUTE_UNICAST &&
			ip_prefix_overlaps(&route->to, hosts))
			return true;
	}
	return false;
}

static void doubt_target(struct entries *entries, const struct cfg_nat *nat)
{
	const struct check *check = entries->check;
	char text[ADDR_STR_BYTES];

	if (nat->inside.addr.family == IP_NONE || entries->cost >= COST_MAX ||
		is_on_link(check, &nat->inside) || is_routed(entries, &nat->inside))
		return;
	report_warn(check->report, nat->place, DOUBT_NAT_TARGET_OUTSIDE,
		"nat rule: %s is on no network of your own: what is sent there leaves for the "
		"internet",
		nat->inside.len == ip_family_bits(nat->inside.addr.family)
			? ip_addr_str(&nat->inside.addr, text)
			: ip_prefix_str(&nat->inside, text));
}

void check_forwards(const struct check *check)
{
	struct arena *arena = arena_new(ARENA_BYTES_MAX);
	struct entries entries = {.check = check};

	if (arena != NULL && collect(&entries, arena)) {
		doubt_pairs(&entries);
		for (unsigned i = 0; i < entries.n; i++)
			doubt_target(&entries, entries.list[i].nat);
	}
	if (arena == NULL || arena_is_exhausted(arena))
		report_add(check->report, (struct cfg_place){0}, "not enough memory to read it");
	arena_free(arena);
}
