// SPDX-License-Identifier: BSD-3-Clause
// Netdev features and channels by ethtool ioctls: a router must see and send the wire's frames,
// of every VLAN, not merged ones, half-done checksums or stripped tags. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { OFFLOADS_BLOCKS = 4 }; // of 32 features; the kernel has two today

struct offloads {
	uint32_t changed[OFFLOADS_BLOCKS];
	uint32_t before[OFFLOADS_BLOCKS];
	unsigned n_blocks;
	bool filters_vlans; // the card still does, its driver knows no other way
};

// Turns off what merges, splits or rewrites frames and remembers what that changed.
// 0 or -errno; a netdev that knows no features is fine.
int offloads_disable(const char *netdev, struct offloads *state);
void offloads_restore(const char *netdev, const struct offloads *state);

struct channels {
	bool is_combined;
	uint32_t n; // queues frames can arrive on now
};

// What the netdev has; one when it does not say.
struct channels channels_get(const char *netdev);
int channels_set(const char *netdev, uint32_t n); // 0 or -errno
