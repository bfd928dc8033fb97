// SPDX-License-Identifier: BSD-3-Clause
// A reset as one of the fixture's two ends of a connection by its WAN hears it.
#pragma once

#include "tests/unit/dataplane_fixture.h"
#include "tests/unit/tcp_flags.h"

// The oldest frame that left by the interface: `seq` is what its receiver expects next.
static inline void assert_reset(struct fixture *f, uint8_t iface, uint8_t flags, uint32_t seq)
{
	struct rte_mbuf *m = fixture_sent(f, iface);
	const struct rte_tcp_hdr *tcp;

	assert_non_null(m);
	assert_true(frame_is_sound(m));
	tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, L3_OFFSET + 20);
	assert_int_equal(tcp->tcp_flags, flags);
	assert_int_equal(rte_be_to_cpu_32(tcp->sent_seq), seq);
	if (iface == FIXTURE_LAN) {
		assert_int_equal(frame_src(m), FIXTURE_SERVER);
		assert_int_equal(frame_dst(m), FIXTURE_PC);
	} else {
		assert_int_equal(frame_src(m), FIXTURE_OWN_WAN);
		assert_int_equal(frame_dst(m), FIXTURE_SERVER);
	}
	rte_pktmbuf_free(m);
}
