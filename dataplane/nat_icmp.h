// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about flows (RFC 5508, RFC 4443): whose they are, by the packet that they quote, and
// the translation of both, so that a sender reads about the packet that it sent. Worker threads.
#pragma once

#include "dataplane/worker.h"

// Finds the flow of the packet that an ICMP error quotes, and translates error and quote back to
// what the quoted packet's sender knows. 1: done, `dir` is the direction the error travels with;
// 0: no flow of ours, `p->hash` is what it would be found by; -1: refused, kind and reason say why.
int nat_icmp_error(struct worker *w, struct packet *p, struct flow_dir **dir);
// The same, only to learn whose it is: the port number of our side, network order; 0: none.
// `ours_is_source`: in a packet that goes where the error goes, as in owner_of.
uint16_t nat_icmp_error_port(const struct packet *p, bool ours_is_source);
