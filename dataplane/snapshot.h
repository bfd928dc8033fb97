// SPDX-License-Identifier: BSD-3-Clause
// What the workers know of interfaces and policy: immutable. Control builds a new one for every
// change, publishes it, waits until every worker has passed by and frees the old one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "dataplane/dataplane.h"

struct compiled_policy;
struct dataplane;

enum { INTERFACE_NONE = 0xff };

struct interface {
	char name[16];
	bool is_used;
	bool is_up; // the port has link
	bool is_outside;
	bool steers_by_rss; // the port delivers each bucket to its worker
	uint16_t mtu;
	uint16_t hygiene;	 // enum dp_hygiene: what is asked of packets that come in
	const struct port *port; // NULL: none (bench)
	uint16_t dpdk_port;
	uint16_t n_rxq, n_txq;
	bool is_tagged;	 // its frames have an 802.1Q tag
	uint16_t vlan;	 // 0, with a tag: of priority alone
	uint32_t tag_be; // what stands in front of the type in what it sends; 0: nothing
	struct rte_ether_addr mac;
	uint64_t mac_word;    // the first eight bytes of a frame to it, shifted left by 16
	uint32_t primary4_be; // 0: none
	uint8_t primary6[16]; // all zero: none
	bool has_primary6;
	struct ip_prefix addresses[DP_INTERFACE_ADDRESSES_MAX];
	unsigned n_addresses;
	// Bits 1 << enum address_kind, of IPv4 and of IPv6: those that its addresses are of, and
	// those of sources that may be behind it wherever the way back to them leads here.
	uint8_t kinds[2], plain_sources[2];
};

// What is given to it now leaves.
static inline bool interface_can_send(const struct interface *iface)
{
	return iface->is_used && iface->is_up && iface->n_txq > 0;
}

// A port that frames come in by, and whose those without a tag are.
struct receiver {
	const struct port *port;
	uint16_t dpdk_port;
	uint16_t n_rxq;
	uint8_t untagged; // INTERFACE_NONE: nobody's
	bool has_tags;	  // an interface of it has one
};

enum { VLAN_SLOTS = 256 }; // four times as many as there can be VLANs

struct snapshot {
	uint32_t serial; // one more than that of the one before; starts at 1
	struct interface interfaces[DP_INTERFACES_MAX];
	uint8_t ids[DP_INTERFACES_MAX]; // those in use, for the workers' rounds
	unsigned n_ids;
	struct receiver receivers[DP_INTERFACES_MAX];
	unsigned n_receivers;
	uint32_t vlans[VLAN_SLOTS];	// hashed: who has which VLAN of which receiver; 0: nobody
	struct compiled_policy *policy; // workers write their own counts only
	bool tracks;			// something keeps state: every packet passes the flow table
	bool may_cross; // the ports of a packet may lead it to another worker than its flow
	// What makes a source worth a closer look, by the first and by the last byte of an IPv4
	// address: ranges that are no hosts', and addresses of ours.
	uint8_t odd_sources4[2][256];
	uint8_t odd_sources6[256];
};

// A place in `vlans` holds what is sought above the interface's byte, and no VLAN that is sought is
// 0.
static inline uint32_t snapshot_vlan_key(unsigned receiver, uint16_t vlan)
{
	return receiver << 12 | vlan;
}

static inline unsigned snapshot_vlan_place(unsigned receiver, uint16_t vlan)
{
	return (vlan + receiver * 37) % VLAN_SLOTS;
}

// The interface of that VLAN, or INTERFACE_NONE.
static inline uint8_t snapshot_vlan(const struct snapshot *snap, unsigned receiver, uint16_t vlan)
{
	uint32_t key = snapshot_vlan_key(receiver, vlan);

	for (unsigned i = snapshot_vlan_place(receiver, vlan);; i = (i + 1) % VLAN_SLOTS) {
		if (snap->vlans[i] >> 8 == key)
			return (uint8_t)snap->vlans[i];
		if (snap->vlans[i] == 0)
			return INTERFACE_NONE;
	}
}

// `ids`: bits 1 << id. INTERFACE_NONE and the host stack are among none.
static inline bool interface_is_among(uint64_t ids, uint8_t iface)
{
	return iface < DP_INTERFACES_MAX && (ids >> iface & 1) != 0;
}

// The byte that stands for an IPv6 address in odd_sources6: of its subnet and of its host.
static inline uint8_t source_byte6(const uint8_t addr[16])
{
	return addr[7] ^ addr[15];
}

// False: certainly an ordinary source. True: look closely, it may be one of ours, or nobody's.
static inline bool snapshot_source_is_odd4(const struct snapshot *snap, uint32_t addr_be)
{
	return (snap->odd_sources4[0][addr_be & 0xff] | snap->odd_sources4[1][addr_be >> 24]) != 0;
}

static inline bool snapshot_source_is_odd6(const struct snapshot *snap, const uint8_t addr[16])
{
	return snap->odd_sources6[source_byte6(addr)] != 0;
}

// Control: a copy of the snapshot in force, to be changed and published; NULL without memory.
struct snapshot *snapshot_copy(struct dataplane *dp);
// Takes ownership. Returns when every worker uses it.
void snapshot_publish(struct dataplane *dp, struct snapshot *snap);
// What follows from interfaces and policy, so that a worker need not work it out.
void snapshot_derive(struct snapshot *snap);
// From the interfaces' addresses.
void snapshot_fill_odd_sources(struct snapshot *snap);
