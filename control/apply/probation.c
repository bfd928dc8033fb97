// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/probation.h"

#include <stdio.h>
#include <string.h>

static const char *const names[PROBES] = {
	[PROBE_DNS] = "dns",
	[PROBE_UPLINK] = "uplink",
	[PROBE_MANAGEMENT] = "management",
};

const char *probe_name(enum probe probe)
{
	return names[probe];
}

int probation_parse(const char *text, unsigned *asked, struct error *err)
{
	*asked = 0;
	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ",");
		unsigned i = 0;

		while (i < PROBES && (strlen(names[i]) != n || memcmp(names[i], at, n) != 0))
			i++;
		if (i == PROBES)
			return error_set(err,
				"'%.*s' is no probe; there are: dns, uplink, management",
				(int)(n < 64 ? n : 64), at);
		*asked |= 1u << i;
		at += n;
		if (*at == '\0')
			return 0;
	}
}

void probation_begin(struct probation *probation, unsigned asked, uint64_t now_ms)
{
	*probation = (struct probation){.asked = asked, .next_ms = now_ms + PROBATION_BEGINS_MS};
}

void probation_end(struct probation *probation)
{
	*probation = (struct probation){0};
}

unsigned probation_tick(struct probation *probation, uint64_t now_ms)
{
	if (now_ms < probation->next_ms)
		return 0;
	probation->next_ms = now_ms + PROBATION_AGAIN_MS;
	return probation->asked & ~probation->passed;
}

void probation_report(
	struct probation *probation, enum probe probe, bool has_passed, const char *why)
{
	if ((probation->asked >> probe & 1) == 0)
		return;
	if (has_passed)
		probation->passed |= 1u << probe;
	else
		error_set(&probation->why[probe], "%s", why);
}

bool probation_has_passed(const struct probation *probation)
{
	return probation->asked != 0 && probation->passed == probation->asked;
}

void probation_tell(const struct probation *probation, char *out, size_t out_bytes)
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < PROBES && at < out_bytes; i++) {
		const char *why = probation->why[i].text;

		if (((probation->asked & ~probation->passed) >> i & 1) == 0)
			continue;
		at += (size_t)snprintf(out + at, out_bytes - at, "%s%s: %s", at > 0 ? "; " : "",
			names[i], why[0] != '\0' ? why : "no answer yet");
	}
}
