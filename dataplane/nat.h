// SPDX-License-Identifier: BSD-3-Clause
// Source translation: which address and port a new flow takes, and ICMP errors turned inside out
// (RFC 4787, 5382, 5508). The reply key of every flow is entered in the same table, so two flows
// can never share one, nor a translated port collide with one of the router's own. Worker threads.
#pragma once

#include "dataplane/worker.h"

// Chooses the source port for `key` when it leaves as `new_src_be`: its own if the reply key is
// free, else one of the same steering bucket, else any of this worker's. Fills `reply`, the key
// of the answers. False: none is free towards this remote.
bool nat_choose4(struct worker *w, const struct flow_key4 *key, uint32_t new_src_be,
	struct flow_key4 *reply);
// The key of the answers to `key` when it is not translated.
void nat_reply_key4(const struct flow_key4 *key, struct flow_key4 *reply);
// Writes both directions' keys, new addresses and checksum differences.
void nat_fill4(struct flow *flow, const struct flow_key4 *key, const struct flow_key4 *reply);

// Applies a direction's translation to a packet, checksums by difference (RFC 1624). TTL is left.
void nat_translate4(struct rte_mbuf *m, const struct packet *p, const struct flow_dir *dir);

// An ICMP error: finds the flow of the packet it quotes, translates the error and its quote back
// to what the sender knows. 1: done, `dir` is the direction the error travels with; 0: no flow of
// ours; -1: refused, kind and reason say why.
int nat_icmp_error4(struct worker *w, struct packet *p, struct flow_dir **dir);
// The same, only to learn whose it is: the port number of our side, network order; 0: none.
uint16_t nat_icmp_error_port4(const struct packet *p, bool is_outside);
