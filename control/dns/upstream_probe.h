// SPDX-License-Identifier: BSD-3-Clause
// Upstreams that fail are asked by the router itself, all the time, for as long as anybody asks
// anything: one that is back serves within a fraction of a second, and no client waits to find that
// out. They are asked what they did not answer: not every server knows the same. DNS thread.
#pragma once

#include "control/dns/upstream.h"

// Begins with those that have failed and are not probed yet; with that question.
void upstream_probe_failing(struct upstream_group *group, const struct dns_question *question);
void upstream_probe_end(struct upstream *upstream);
