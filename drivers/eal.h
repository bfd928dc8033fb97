// SPDX-License-Identifier: BSD-3-Clause
// What the drivers ask of the DPDK environment that eal.c started: the shared pool's geometry and
// the last thing a library said about a failure. Control thread.
#pragma once

#include <stdint.h>

#include <rte_mempool.h>

enum {
	// Beside the MTU: Ethernet header and two VLAN tags.
	EAL_FRAME_OVERHEAD = 14 + 2 * 4,
};

uint16_t eal_mtu_max(void);
bool eal_is_running(void);
bool eal_takes_pci(void); // it was started so that vfio's cards may come

// A pool of `n` buffers whose objects lie side by side in one piece of memory, as an AF_XDP umem
// must; `room` includes the headroom. NULL when memory does not suffice.
struct rte_mempool *eal_packed_pool_new(const char *name, uint32_t n, uint16_t room);

// Between the two, what DPDK, libbpf and libxdp say at warning level or above is kept rather than
// logged, as the caller makes one sentence of it. The text is "" when nothing was said; it stays
// valid until the next hush.
void eal_hush(void);
const char *eal_unhush(void);
