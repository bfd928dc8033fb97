// SPDX-License-Identifier: BSD-3-Clause
// Real netdevs for tests of ports: a network namespace of the test's own, a veth pair whose end
// `va` is the port's, frames through rte_eth_{rx,tx}_burst there and a packet socket on `vb`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/port.h"

enum {
	SKIPPED = 77, // meson's word for it
	WAIT_MS = 3000,
	LINK_MS = 1500,
	FRAME_BYTES = 100,
};

// Once for the process, in main(); false: not root, and it has been said.
bool netdev_enter(void);
// For cmocka: DPDK for the group, a veth pair for each test.
int netdev_start(void **state);
int netdev_stop(void **state);
int make_veth(void **state);
int remove_veth(void **state);
#define WITH_VETH(test) cmocka_unit_test_setup_teardown(test, make_veth, remove_veth)

// The test fails with the command that did.
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct port_spec spec_of(enum port_driver driver); // of `va`, one queue

int packet_socket(const char *netdev);
// A UDP packet, IPv4 with `version` 4, 6 otherwise; `frag` is the IPv4 flags and offset field.
void fill(uint8_t *f, size_t bytes, int version, uint16_t sport, uint16_t dport, uint16_t frag);

// One frame from any queue, whose number goes to `queue`; the test fails when none comes.
struct rte_mbuf *must_receive(const struct port *port, uint16_t *queue);
void must_send(const struct port *port, uint16_t queue, const uint8_t *frame, size_t bytes);
void must_get(int fd, const uint8_t *frame, size_t bytes);
// `bytes` of one frame each way, the whole of it compared.
void exchange(const struct port *port, size_t bytes);
