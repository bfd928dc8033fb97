// SPDX-License-Identifier: BSD-3-Clause
// Keeps the dataplane's promise and the drivers' assumption, that a frame is one buffer and no
// larger than the port's, where a driver does not see to it. Control thread; the callbacks it
// installs run on workers.
#pragma once

struct port;

// Drops what arrives in several segments or larger than the port's frames.
void guard_rx(struct port *port);
// Makes one buffer of a frame in several segments or with borrowed data. What is too large is cut,
// and no receiver takes it: a callback cannot drop, as the caller would take it for unsent.
void guard_tx(struct port *port);

// Before the DPDK port closes: it would leave the callbacks to the next one of its number.
void guard_remove(struct port *port);
