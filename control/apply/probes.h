// SPDX-License-Identifier: BSD-3-Clause
// The probes of a trial (probation.h), made as the machine's own programs would: through the
// kernel's interfaces and the workers. Control thread.
#pragma once

#include "control/apply/probation.h"
#include "control/router.h"

struct probes;

// `passed` is called once, from the loop, when all have: it may end them. NULL: no memory.
struct probes *probes_new(struct router *router, void (*passed)(void *ctx), void *ctx);
void probes_free(struct probes *probes); // NULL is fine

// `name` is what a resolver is asked for; "": the root's name servers. 0, or -1 with the reason.
int probes_begin(struct probes *probes, unsigned asked, const char *name, struct error *err);
void probes_end(struct probes *probes); // safe without
const struct probation *probes_state(const struct probes *probes);
