// SPDX-License-Identifier: BSD-3-Clause
// A policy of translations, built rule by rule, for a house with two uplinks. Include it in one
// file of a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/nat_rules.h"
#include "dataplane/policy.h"
#include "dataplane/set.h"
#include "dataplane/snapshot.h"
#include "dataplane/timed_set.h"
#include "tests/unit/text_addr.h"

enum { WAN = 0, LAN = 1, IOT = 2, WAN2 = 3, DOWN = 4 }; // DOWN: outside, without an address
enum { NATS_MAX = 16, NOW_SEC = 1000 };

static struct snapshot snap;
static struct dp_nat nats[NATS_MAX];
static struct dp_set dp_sets[4];
static struct set *sets[4];
static struct timed_set *timed[DP_TIMED_SETS_MAX];
static struct dp_policy policy;
static struct nat_rules *rules;

static inline void add_interface(uint8_t id, bool is_outside, const char *addr4, const char *addr6)
{
	struct interface *iface = &snap.interfaces[id];

	*iface = (struct interface){.is_used = true, .is_outside = is_outside};
	snap.ids[snap.n_ids++] = id;
	if (addr4 != NULL) {
		iface->addresses[iface->n_addresses++] = prefix(addr4);
		iface->primary4_be = ip4_be_of(&iface->addresses[0].addr);
	}
	if (addr6 != NULL) {
		iface->addresses[iface->n_addresses] = prefix(addr6);
		memcpy(iface->primary6, iface->addresses[iface->n_addresses++].addr.v6, 16);
		iface->has_primary6 = true;
	}
}

static const struct ip_prefix lan_prefixes[] = {{{.family = IP_V4, .v4 = {10, 0, 0, 0}}, 16}};
static const struct ip_prefix partner_prefixes[] = {
	{{.family = IP_V4, .v4 = {198, 51, 100, 0}}, 24}};
static const struct dp_range tcp_udp[] = {{IPPROTO_TCP, IPPROTO_TCP}, {IPPROTO_UDP, IPPROTO_UDP}};

enum { SET_LAN = 0, SET_PARTNER, SET_TCP_UDP, SET_TIMED };

static inline int setup(void **state)
{
	memset(&snap, 0, sizeof(snap));
	memset(nats, 0, sizeof(nats));
	add_interface(WAN, true, "203.0.113.2/24", "2001:db8:1::2/64");
	add_interface(LAN, false, "10.0.1.1/24", "fd00:1::1/64");
	add_interface(IOT, false, "10.0.2.1/24", NULL);
	add_interface(WAN2, true, "198.18.9.2/24", NULL);
	add_interface(DOWN, true, NULL, NULL);
	snap.interfaces[WAN].addresses[2] = prefix("203.0.113.3/24");
	snap.interfaces[WAN].n_addresses = 3;
	dp_sets[SET_LAN] = (struct dp_set){.kind = DP_SET_ADDRESSES,
		.prefixes = lan_prefixes,
		.n_prefixes = 1,
		.timed = DP_INDEX_NONE};
	dp_sets[SET_PARTNER] = dp_sets[SET_LAN];
	dp_sets[SET_PARTNER].prefixes = partner_prefixes;
	dp_sets[SET_TCP_UDP] = (struct dp_set){
		.kind = DP_SET_PROTOCOLS, .ranges = tcp_udp, .n_ranges = 2, .timed = DP_INDEX_NONE};
	dp_sets[SET_TIMED] = dp_sets[SET_LAN];
	dp_sets[SET_TIMED].timed = 0;
	timed[0] = timed_set_new(16, NULL);
	assert_non_null(timed[0]);
	for (unsigned i = 0; i < 4; i++) {
		sets[i] = set_new(&dp_sets[i], NULL);
		assert_non_null(sets[i]);
	}
	policy = (struct dp_policy){.nats = nats, .sets = dp_sets, .n_sets = 4};
	return 0;
}

static inline int teardown(void **state)
{
	nat_rules_free(rules);
	rules = NULL;
	for (unsigned i = 0; i < 4; i++)
		set_free(sets[i]);
	timed_set_free(timed[0]);
	return 0;
}

static inline struct dp_nat *add(enum dp_nat_kind kind, int interface)
{
	struct dp_nat *nat = &nats[policy.n_nats++];

	*nat = dp_nat_any(kind);
	nat->interface = interface;
	return nat;
}

// One to one, or one prefix for another.
static inline void add_pair(
	enum dp_nat_kind kind, int interface, const char *outside, const char *inside)
{
	struct dp_nat *nat = add(kind, interface);

	nat->outside = prefix(outside);
	nat->inside = prefix(inside);
}

static inline struct dp_nat *add_forward(
	int interface, const char *outside, uint16_t first, uint16_t last, const char *inside)
{
	struct dp_nat *nat = add(DP_NAT_FORWARD, interface);

	if (outside != NULL)
		nat->outside = prefix(outside);
	nat->inside = prefix(inside);
	nat->first_port = first;
	nat->last_port = last;
	nat->protocol.set = SET_TCP_UDP;
	return nat;
}

static inline void compile(void)
{
	struct error err;

	rules = nat_rules_new(&policy, sets, timed, &err);
	if (rules == NULL)
		fail_msg("%s", err.text);
}

static inline struct flow_tuple packet(
	const char *src, const char *dst, uint16_t dport, uint8_t protocol)
{
	bool has_port = protocol_has_ports(protocol);

	return (struct flow_tuple){.src = address(src),
		.dst = address(dst),
		.sport_be = has_port ? rte_cpu_to_be_16(40000) : 0,
		.dport_be = has_port ? rte_cpu_to_be_16(dport) : 0,
		.protocol = protocol};
}

enum { HOST = FLOW_IFACE_HOST, TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, ICMP = IPPROTO_ICMP };

#define FAR "198.51.100.10"
#define PC  "10.0.1.7"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
