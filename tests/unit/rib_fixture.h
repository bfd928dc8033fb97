// SPDX-License-Identifier: BSD-3-Clause
// A RIB over recording workers, and its routes as words. Include it in one file of a test.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/rib.h"
#include "tests/unit/recording_dataplane.h"

static struct rib *rib;

static inline int setup(void **state)
{
	rib = rib_new(recording_reset());
	return rib == NULL ? -1 : 0;
}

static inline int teardown(void **state)
{
	rib_free(rib);
	return 0;
}

// A route with as many nexthops as `vias` has words: "198.18.0.1@0 198.18.0.2@1", the number being
// the interface; "@0" is on the link. "@p" and "@q" are devices that are none of ours.
static inline struct rib_route make(const char *to, uint32_t metric, const char *vias)
{
	struct rib_route route = {.metric = metric};
	char copy[256], *save, *word;

	assert_int_equal(ip_prefix_parse(to, &route.route.to), 0);
	snprintf(copy, sizeof(copy), "%s", vias);
	for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		struct dp_nexthop *nexthop = &route.route.nexthops[route.route.n_nexthops++];
		char *at = strchr(word, '@');

		nexthop->interface = at[1] - '0';
		*at = '\0';
		if (*word != '\0')
			assert_int_equal(ip_addr_parse(word, &nexthop->via), 0);
	}
	return route;
}

static inline void add(const char *to, uint32_t metric, const char *vias, enum rib_how how)
{
	struct rib_route route = make(to, metric, vias);

	assert_int_equal(rib_add(rib, &route, how), 0);
}

static inline int del(const char *to, uint32_t metric, const char *vias)
{
	struct rib_route route = make(to, metric, vias);

	return rib_remove(rib, &route);
}

// The workers' nexthops in the form of make(), NULL when they have no route.
static inline const char *workers_have(const char *to)
{
	static char out[256];
	const struct dp_route *route = recorded_route(to);
	char text[ADDR_STR_BYTES];
	size_t len = 0;

	if (route == NULL)
		return NULL;
	out[0] = '\0';
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		const struct dp_nexthop *nexthop = &route->nexthops[i];

		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s@%d", i > 0 ? " " : "",
			nexthop->via.family == IP_NONE ? "" : ip_addr_str(&nexthop->via, text),
			nexthop->interface);
	}
	return out;
}

static inline unsigned count(void)
{
	struct rib_counts counts;

	rib_counts(rib, &counts);
	return counts.routes4 + counts.routes6;
}
