// SPDX-License-Identifier: BSD-3-Clause
// The sockets and BPF objects that a DPDK driver has opened inside this process, found through
// /proc/self: its structs are private, yet two of its habits must be mended (see af_packet.c and
// af_xdp.c). Control thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PMD_SOCKETS_MAX = 128, PMD_MAPPINGS_MAX = 4 };

struct pmd_socket {
	int fd;
	uint64_t inode; // the fd for BPF objects, which have no inode of their own
};

struct pmd_sockets {
	struct pmd_socket list[PMD_SOCKETS_MAX];
	unsigned n;
};

struct pmd_mapping {
	void *addr;
	size_t bytes;
};

// All sockets of this address family that the process has, in the order of their fds.
enum { PMD_BPF = -1 }; // instead of a family: BPF maps and programs
void pmd_sockets_find(int domain, struct pmd_sockets *out);
// Takes from `now` what is also in `before`: what was opened in between.
void pmd_sockets_subtract(struct pmd_sockets *now, const struct pmd_sockets *before);
// Where a socket's rings are mapped; the number found, at most PMD_MAPPINGS_MAX.
unsigned pmd_socket_mappings(const struct pmd_socket *s, struct pmd_mapping out[PMD_MAPPINGS_MAX]);
// Keeps of `list` what is in `now`.
void pmd_sockets_intersect(struct pmd_sockets *list, const struct pmd_sockets *now);
// Unmaps and closes those that are still the sockets they were.
void pmd_sockets_release(const struct pmd_sockets *sockets);
