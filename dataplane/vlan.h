// SPDX-License-Identifier: BSD-3-Clause
// IEEE 802.1Q tags: between a port's wire and its interfaces. Inside, every frame is without one,
// as its interface says all that a tag would; a tag is taken off right behind the port, and put on
// right before it. One of VLAN 0 carries a priority and nothing else (6.9.1): it is of no VLAN.
// Worker threads.
#pragma once

#include <string.h>

#include "dataplane/worker.h"

enum {
	VLAN_TAG_BYTES = 4,
	VLAN_TYPE_OFFSET = 12,	// as of any frame; the tag's control information follows
	VLAN_ID_MASK = 0x0fff,	// 9.6: the lower twelve bits
	VLAN_PRIORITY_BIT = 13, // the upper three, PCP; between them DEI, which we leave 0
};

static inline bool vlan_is_tagged(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN);
}

// Has it a whole tag, and what the parser wants of a frame behind that?
static inline bool vlan_has_room(const struct rte_mbuf *m)
{
	return m->data_len >= sizeof(struct rte_ether_hdr) + VLAN_TAG_BYTES + 2;
}

// Type and control information, as they lie in the frame.
static inline uint32_t vlan_tag_be(uint16_t vlan, uint8_t priority)
{
	return rte_cpu_to_be_32((uint32_t)RTE_ETHER_TYPE_VLAN << 16 |
				(uint32_t)priority << VLAN_PRIORITY_BIT | vlan);
}

static inline uint16_t vlan_control(const struct rte_mbuf *m)
{
	rte_be16_t control;

	memcpy(&control, rte_pktmbuf_mtod(m, const uint8_t *) + VLAN_TYPE_OFFSET + 2,
		sizeof(control));
	return rte_be_to_cpu_16(control);
}

// Has a tag been taken off it already?
static inline bool vlan_was_tagged(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
}

// Of one with room for it. Both addresses move, by way of registers: where they go to overlaps.
static inline void vlan_take_off(struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint64_t first;
	uint32_t rest;

	m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
	memcpy(&first, frame, sizeof(first));
	memcpy(&rest, frame + sizeof(first), sizeof(rest));
	frame += VLAN_TAG_BYTES;
	memcpy(frame, &first, sizeof(first));
	memcpy(frame + sizeof(first), &rest, sizeof(rest));
	m->data_off += VLAN_TAG_BYTES;
	m->data_len -= VLAN_TAG_BYTES;
	m->pkt_len -= VLAN_TAG_BYTES;
}

// The other way. Every buffer begins with RTE_PKTMBUF_HEADROOM bytes that nobody else takes.
static inline void vlan_put_on(struct rte_mbuf *m, uint32_t tag_be)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint64_t first;
	uint32_t rest;

	memcpy(&first, frame, sizeof(first));
	memcpy(&rest, frame + sizeof(first), sizeof(rest));
	frame -= VLAN_TAG_BYTES;
	memcpy(frame, &first, sizeof(first));
	memcpy(frame + sizeof(first), &rest, sizeof(rest));
	memcpy(frame + VLAN_TYPE_OFFSET, &tag_be, sizeof(tag_be));
	m->data_off -= VLAN_TAG_BYTES;
	m->data_len += VLAN_TAG_BYTES;
	m->pkt_len += VLAN_TAG_BYTES;
}

// A burst, n <= BURST, of a receiver that has interfaces with a tag: to each its own. Who has none
// is dropped by name.
void vlan_rx(struct worker *w, unsigned receiver, struct rte_mbuf **pkts, unsigned n);
// Before they go to the port.
void vlan_put_on_all(struct rte_mbuf **pkts, unsigned n, uint32_t tag_be);
