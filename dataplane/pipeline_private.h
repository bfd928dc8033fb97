// SPDX-License-Identifier: BSD-3-Clause
// What the pipeline is made of: pipeline.c parses and finds the owner, the others know the way.
// Each takes ownership of its packets. Worker threads.
#pragma once

#include "dataplane/pipeline.h"

// Of one family, parsed: n <= BURST. By flows, where the policy tracks any.
void pipeline_flow4(struct worker *w, struct packet **list, unsigned n);
void pipeline_flow6(struct worker *w, struct packet **list, unsigned n);
// One that the host stack sent.
void pipeline_flow_host(struct worker *w, struct packet *p);

// By the FIB alone.
void pipeline_plain4(struct worker *w, struct packet **list, unsigned n);
void pipeline_plain6(struct worker *w, struct packet **list, unsigned n);
// With the FIB's code in hand, when the straight way will not do: no neighbour, no hops left, too
// large, for ourselves.
void pipeline_plain_slow(struct worker *w, struct packet *p, uint16_t code);
