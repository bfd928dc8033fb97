// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/hygiene.h"

#include "dataplane/address_kind.h"
#include "dataplane/flow_tuple.h"
#include "dataplane/parse.h"
#include "dataplane/reverse_path.h"

enum { TCP_MSS_MIN = 500 }; // RFC 879 2: every host takes 536

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2, // RFC 9293 3.2
	TCP_OPTION_MSS_BYTES = 4,
};

enum {
	CHECKS_RPF = DP_HYGIENE_RPF_STRICT | DP_HYGIENE_RPF_FEASIBLE | DP_HYGIENE_RPF_LOOSE,
	CHECKS_WAY_BACK = DP_HYGIENE_OWN_SOURCE | DP_HYGIENE_BROADCAST_SOURCE | DP_HYGIENE_MARTIAN |
			  CHECKS_RPF,
	CHECKS_ADDRESSES = CHECKS_WAY_BACK | DP_HYGIENE_LAND,
};

// Kinds, by bits: all but nowhere, and who only sends.
enum {
	DESTINATIONS = 1 << ADDRESS_GLOBAL | 1 << ADDRESS_PRIVATE | 1 << ADDRESS_TEST |
		       1 << ADDRESS_LINK_LOCAL | 1 << ADDRESS_GROUP,
};

struct ends {
	struct ip_addr src, dst;
	enum address_kind src_kind, dst_kind;
	uint16_t way_back; // to src, as the FIB says
};

// --- TCP ---

enum counter hygiene_tcp_flags(uint8_t flags)
{
	const uint8_t syn_fin = RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG;
	const uint8_t syn_rst = RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG;

	flags &= 63;
	if (!hygiene_tcp_flags_are_odd(flags))
		return COUNTER_COUNT;
	if (flags == 0)
		return COUNTER_DROP_TCP_NO_FLAGS;
	if (flags == 63 || (flags & syn_fin) == RTE_TCP_FIN_FLAG) // the only one with FIN alone
		return COUNTER_DROP_TCP_ALL_FLAGS;
	return (flags & syn_rst) == syn_rst && (flags & syn_fin) != syn_fin
		       ? COUNTER_DROP_TCP_SYN_RST
		       : COUNTER_DROP_TCP_SYN_FIN;
}

// A length of 0 or 1 cannot be stepped over: there the list ends, as it does for receivers.
static enum counter tcp_options(const uint8_t *option, const uint8_t *end)
{
	while (option < end && *option != TCP_OPTION_END) {
		if (*option == TCP_OPTION_NOP) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] > end - option)
			return COUNTER_DROP_TCP_OPTIONS;
		if (option[1] < 2)
			break;
		if (option[0] == TCP_OPTION_MSS && option[1] == TCP_OPTION_MSS_BYTES &&
			(option[2] << 8 | option[3]) < TCP_MSS_MIN)
			return COUNTER_DROP_TCP_MSS;
		option += option[1];
	}
	return COUNTER_COUNT;
}

// Might hygiene_tcp refuse it? Without a branch on the protocol, for TCP and UDP come in no order
// that a branch predictor could learn.
static bool tcp_wants_a_look(const struct packet *p, uint16_t checks)
{
	const uint8_t *l4 = packet_l4(p);
	uint8_t open = p->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG);
	bool is_tcp = (int)(p->protocol == IPPROTO_TCP) & (int)!(p->flags & PACKET_IS_FRAGMENT);
	uint16_t asks = 0;

	asks |= hygiene_tcp_flags_are_odd(p->tcp_flags) ? DP_HYGIENE_TCP_FLAGS : 0;
	asks |= open != RTE_TCP_SYN_FLAG ? DP_HYGIENE_TCP_NEW : 0;
	asks |= l4[is_tcp ? 12 : 0] >> 4 > 5 ? DP_HYGIENE_TCP_MSS : 0; // it has options
	return (checks & asks & -(unsigned)is_tcp) != 0;
}

enum counter hygiene_tcp(const struct packet *p, uint16_t checks)
{
	const struct rte_tcp_hdr *tcp = packet_l4(p);
	uint8_t flags = tcp->tcp_flags;

	if ((checks & DP_HYGIENE_TCP_FLAGS) && hygiene_tcp_flags_are_odd(flags))
		return hygiene_tcp_flags(flags);
	if ((checks & DP_HYGIENE_TCP_NEW) &&
		(flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) != RTE_TCP_SYN_FLAG)
		return COUNTER_DROP_TCP_NEW;
	if ((checks & DP_HYGIENE_TCP_MSS) && (flags & RTE_TCP_SYN_FLAG))
		return tcp_options((const uint8_t *)(tcp + 1),
			(const uint8_t *)tcp + (tcp->data_off >> 4) * 4);
	return COUNTER_COUNT;
}

// --- addresses ---

static uint16_t look_up(const struct worker *w, const struct ip_addr *addr)
{
	uint32_t be;

	if (addr->family == IP_V6)
		return fib_lookup6(w->fib, addr->v6);
	memcpy(&be, addr->v4, sizeof(be));
	return fib_lookup4(w->fib, be);
}

static void read_ends(struct ends *ends, const struct packet *p)
{
	if (p->kind == PACKET_IP6) {
		const struct rte_ipv6_hdr *ip = packet_ip6(p->m);

		ends->src = ip6_addr_of(ip->src_addr);
		ends->dst = ip6_addr_of(ip->dst_addr);
	} else {
		const struct rte_ipv4_hdr *ip = packet_ip4(p->m);

		ends->src = ip4_addr_of(ip->src_addr);
		ends->dst = ip4_addr_of(ip->dst_addr);
	}
	ends->src_kind = address_kind(&ends->src);
	ends->dst_kind = address_kind(&ends->dst);
}

bool hygiene_is_broadcast4(const struct snapshot *snap, uint32_t addr_be)
{
	uint32_t addr = rte_be_to_cpu_32(addr_be);

	for (unsigned i = 0; i < DP_INTERFACES_MAX; i++) {
		const struct interface *iface = &snap->interfaces[i];

		for (unsigned j = 0; iface->is_used && j < iface->n_addresses; j++) {
			const struct ip_prefix *prefix = &iface->addresses[j];
			uint32_t ours_be, host;

			// all ones behind the prefix; a /31 or /32 has no such address (RFC 3021)
			if (prefix->addr.family != IP_V4 || prefix->len > 30)
				continue;
			memcpy(&ours_be, prefix->addr.v4, sizeof(ours_be));
			host = UINT32_MAX >> prefix->len;
			if (addr == (rte_be_to_cpu_32(ours_be) | host))
				return true;
		}
	}
	return false;
}

// The kernel has a local route for each broadcast address: nothing else needs the closer look.
static bool is_broadcast(const struct worker *w, const struct ends *ends)
{
	uint32_t be;

	if (ends->src.family != IP_V4)
		return false;
	memcpy(&be, ends->src.v4, sizeof(be));
	return be == UINT32_MAX ||
	       (ends->way_back == NEXTHOP_LOCAL && hygiene_is_broadcast4(w->snap, be));
}

// All of fe80::/10 goes up to the host stack: there only an address of that link's own interface is
// ours.
bool hygiene_is_own(const struct interface *iface, const struct ip_addr *src, uint16_t way_back)
{
	if (!ip_addr_is_link_local(src))
		return way_back == NEXTHOP_LOCAL;
	for (unsigned i = 0; i < iface->n_addresses; i++)
		if (ip_addr_equal(&iface->addresses[i].addr, src))
			return true;
	return false;
}

// Do addresses of that kind belong to the network behind the interface? It is numbered from them:
// double NAT, a provider's shared space, a laboratory. Or a route says so, and not the default one,
// which says it of everything. A route by the very gateway of the default cannot be told from it.
static bool is_at_home(const struct worker *w, uint8_t iface, const struct ip_addr *addr,
	enum address_kind kind, uint16_t way)
{
	if (w->snap->interfaces[iface].kinds[addr->family == IP_V6] >> kind & 1)
		return true;
	return way != fib_default(w->fib, addr->family) && reverse_path_leaves_by(w, way, iface);
}

// The registries' columns, as they bear on a router between an inside and the internet:
//
//                source from inside   source from outside   destination
//   global       yes                  yes                   yes
//   private      yes                  if at home there      yes; outwards hygiene_is_private_out
//   test         if at home there     if at home there      yes; outwards hygiene_is_private_out
//   link-local   yes: the FIB leads nothing of it beyond its link
//   source       yes                  yes                   no
//   nowhere      no                   no                    no
//   group        no                   no                    yes: the FIB forwards none
static bool source_is_martian(const struct worker *w, uint8_t iface, const struct ends *ends)
{
	switch (ends->src_kind) {
	case ADDRESS_GLOBAL:
	case ADDRESS_LINK_LOCAL:
	case ADDRESS_SOURCE:
		return false;
	case ADDRESS_PRIVATE:
		if (!w->snap->interfaces[iface].is_outside)
			return false;
		break;
	case ADDRESS_TEST:
		break;
	case ADDRESS_NOWHERE:
	case ADDRESS_GROUP:
		return true;
	}
	return !is_at_home(w, iface, &ends->src, ends->src_kind, ends->way_back);
}

// Of which kinds sources need no look at where they are, behind an interface.
static uint8_t plain_sources(const struct interface *iface, uint8_t at_home)
{
	const uint8_t by_address = 1 << ADDRESS_PRIVATE | 1 << ADDRESS_TEST;
	uint8_t plain = 1 << ADDRESS_GLOBAL | 1 << ADDRESS_SOURCE;

	if (!iface->is_outside)
		plain |= 1 << ADDRESS_PRIVATE;
	return plain | (at_home & by_address);
}

void hygiene_derive(struct interface *iface)
{
	iface->kinds[0] = iface->kinds[1] = 0;
	for (unsigned i = 0; i < iface->n_addresses; i++) {
		const struct ip_addr *addr = &iface->addresses[i].addr;

		iface->kinds[addr->family == IP_V6] |= (uint8_t)(1 << address_kind(addr));
	}
	for (unsigned i = 0; i < RTE_DIM(iface->kinds); i++)
		iface->plain_sources[i] = plain_sources(iface, iface->kinds[i]);
}

static bool destination_is_martian(const struct ends *ends)
{
	return (DESTINATIONS >> ends->dst_kind & 1) == 0;
}

// Sources that say nothing of where they are. A host that has no address yet: DHCP and IGMP from
// 0.0.0.0 (RFC 2131 4.1, 3376 4.2.13), duplicate address detection and MLD from ::. Link-local
// ones. And a DHCP server, of the uplink's provider for one, which may answer from any address
// before there is a route: but only to this router, to all of the link, or to an address that it is
// offering to it, not to somebody further in.
static bool is_placeless(const struct worker *w, const struct packet *p, const struct ends *ends)
{
	static const uint8_t unspecified[16];

	if (ends->src_kind == ADDRESS_LINK_LOCAL)
		return true;
	if (memcmp(ends->src.bytes, unspecified, sizeof(unspecified)) == 0) {
		if (ends->src.family == IP_V6)
			return ends->dst_kind == ADDRESS_GROUP;
		return memcmp(ends->dst.v4, "\xff\xff\xff\xff", 4) == 0 ||
		       (p->protocol == IPPROTO_IGMP && ends->dst_kind == ADDRESS_GROUP);
	}
	if (!packet_is_dhcp_answer(p))
		return false;
	return p->way == NEXTHOP_LOCAL || p->way == NEXTHOP_NONE || p->way == NEXTHOP_MULTICAST ||
	       reverse_path_leaves_by(w, p->way, (uint8_t)p->iface);
}

static enum reverse_path reverse_path_mode(uint16_t checks)
{
	if (checks & DP_HYGIENE_RPF_STRICT)
		return REVERSE_PATH_STRICT;
	return checks & DP_HYGIENE_RPF_FEASIBLE ? REVERSE_PATH_FEASIBLE : REVERSE_PATH_LOOSE;
}

static __rte_noinline enum counter check_addresses(
	const struct worker *w, const struct packet *p, uint16_t checks)
{
	uint8_t iface = (uint8_t)p->iface;
	struct ends ends;

	read_ends(&ends, p);
	if ((checks & DP_HYGIENE_LAND) && ip_addr_equal(&ends.src, &ends.dst))
		return COUNTER_DROP_LAND;
	if ((checks & CHECKS_WAY_BACK) == 0)
		return COUNTER_COUNT;
	ends.way_back = p->way_back;
	if ((checks & DP_HYGIENE_BROADCAST_SOURCE) && is_broadcast(w, &ends))
		return COUNTER_DROP_BROADCAST_SOURCE;
	if ((checks & DP_HYGIENE_OWN_SOURCE) &&
		hygiene_is_own(&w->snap->interfaces[iface], &ends.src, ends.way_back))
		return COUNTER_DROP_OWN_SOURCE;
	if ((checks & DP_HYGIENE_MARTIAN) && destination_is_martian(&ends))
		return COUNTER_DROP_MARTIAN_DESTINATION;
	if (is_placeless(w, p, &ends))
		return COUNTER_COUNT;
	if ((checks & DP_HYGIENE_MARTIAN) && source_is_martian(w, iface, &ends))
		return COUNTER_DROP_MARTIAN_SOURCE;
	if ((checks & CHECKS_RPF) && !reverse_path_accepts(w, reverse_path_mode(checks), iface,
					     &ends.src, ends.way_back))
		return COUNTER_DROP_REVERSE_PATH;
	return COUNTER_COUNT;
}

// What nearly all are: one host to another, from where the way back leads, and both addresses are
// of a kind that says enough. Whatever is checked, this passes: all that check_addresses tells
// apart beyond it is ours, a group's, nobody's, of one link, or comes by another interface.
static __rte_noinline bool is_plainly_sound6(const struct worker *w, const struct packet *p)
{
	const struct interface *iface = &w->snap->interfaces[p->iface];
	const struct rte_ipv6_hdr *ip = packet_ip6(p->m);
	enum address_kind src_kind, dst_kind;

	if (memcmp(ip->src_addr, ip->dst_addr, sizeof(ip->src_addr)) == 0)
		return false;
	src_kind = address_kind6(ip->src_addr);
	dst_kind = address_kind6(ip->dst_addr);
	return (iface->plain_sources[1] >> src_kind & DESTINATIONS >> dst_kind & 1) != 0 &&
	       reverse_path_leaves_by(w, p->way_back, (uint8_t)p->iface);
}

static inline bool is_plainly_sound(const struct worker *w, const struct packet *p)
{
	const struct interface *iface = &w->snap->interfaces[p->iface];
	const struct rte_ipv4_hdr *ip = packet_ip4(p->m);
	enum address_kind src_kind, dst_kind;

	if (p->kind == PACKET_IP6)
		return is_plainly_sound6(w, p);
	if (ip->src_addr == ip->dst_addr)
		return false;
	src_kind = address_kind4(rte_be_to_cpu_32(ip->src_addr));
	dst_kind = address_kind4(rte_be_to_cpu_32(ip->dst_addr));
	return (iface->plain_sources[0] >> src_kind & DESTINATIONS >> dst_kind & 1) != 0 &&
	       reverse_path_leaves_by(w, p->way_back, (uint8_t)p->iface);
}

enum counter hygiene_addresses(const struct worker *w, const struct packet *p)
{
	uint16_t checks = w->snap->interfaces[p->iface].hygiene;

	if ((checks & CHECKS_ADDRESSES) == 0 || likely(is_plainly_sound(w, p)))
		return COUNTER_COUNT;
	return check_addresses(w, p, checks);
}

enum counter hygiene_check(const struct worker *w, const struct packet *p)
{
	uint16_t checks = w->snap->interfaces[p->iface].hygiene;

	if (p->flags & PACKET_FROM_HOST)
		return COUNTER_COUNT;
	if (unlikely(tcp_wants_a_look(p, checks))) {
		enum counter refused = hygiene_tcp(p, checks);

		if (refused != COUNTER_COUNT)
			return refused;
	}
	if ((checks & DP_HYGIENE_ROUTING_HEADER) && (p->flags & PACKET_HAS_ROUTING0))
		return COUNTER_DROP_ROUTING_HEADER;
	return hygiene_addresses(w, p);
}

bool hygiene_is_private_out(const struct worker *w, uint8_t out_iface, const struct ip_addr *dst)
{
	const struct interface *iface = &w->snap->interfaces[out_iface];
	enum address_kind kind;

	if (!iface->is_outside || !(iface->hygiene & DP_HYGIENE_PRIVATE_OUT))
		return false;
	kind = address_kind(dst);
	return (kind == ADDRESS_PRIVATE || kind == ADDRESS_TEST) &&
	       !is_at_home(w, out_iface, dst, kind, look_up(w, dst));
}
