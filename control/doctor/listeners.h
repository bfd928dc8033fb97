// SPDX-License-Identifier: BSD-3-Clause
// Who listens on a port, by /proc/net/udp, tcp and their like, and /proc/PID/fd. In the network
// namespace of the process. Control thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"
#include "control/doctor/tree.h"

enum { LISTENERS_MAX = 64, LISTENER_COMM_BYTES = 32, LISTENER_UNIT_BYTES = 64 };

struct listener {
	struct ip_addr addr; // all zero: of every address
	uint16_t port;
	bool is_tcp;
	uint64_t inode;
	int pid; // 0: not seen, which takes root
	char comm[LISTENER_COMM_BYTES];
	char unit[LISTENER_UNIT_BYTES]; // of systemd, "dnsmasq.service"; "" when it is none's
};

struct listeners {
	struct listener list[LISTENERS_MAX]; // the first of them
	unsigned n;
};

// Adds those of one file that are on one of these ports. Lines that make no sense are left out.
void listeners_parse(struct listeners *listeners, const char *text, bool is_tcp, bool is_v6,
	const uint16_t *ports, unsigned n_ports);
void listeners_look(struct listeners *listeners, const struct tree *tree, const uint16_t *ports,
	unsigned n_ports);

bool listener_is_everywhere(const struct listener *listener);
bool listener_is_loopback(const struct listener *listener);
