// SPDX-License-Identifier: BSD-3-Clause
// Spreads a netdev's packets over packet sockets by steering bucket. Control thread.
#pragma once

#include <linux/filter.h>
#include <stdbool.h>

enum { FANOUT_PROGRAM_MAX = 64 };

// Binds the sockets to the netdev; the i-th gets the buckets with steering_worker(b, n) == i.
// 0 or -errno.
int fanout_join(const int *fds, unsigned n, int ifindex, bool is_outside);

// The classic BPF program that computes a frame's bucket modulo n; its length. For tests too.
unsigned fanout_program(struct sock_filter out[FANOUT_PROGRAM_MAX], unsigned n, bool is_outside);
