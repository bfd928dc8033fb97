// SPDX-License-Identifier: BSD-3-Clause
#include "control/apply/crew.h"

#include <jansson.h>
#include <stdio.h>

#include "cfg/base/log.h"
#include "control/api/events.h"
#include "control/precedence.h"

static void tell(const struct router *router)
{
	const struct cores *cores = &router->cores;
	char list[128], text[192];

	snprintf(text, sizeof(text), "%u worker%s on core%s %s", cores->n_workers,
		cores->n_workers == 1 ? "" : "s", cores->n_cores == 1 ? "" : "s",
		cores_str(cores, list, sizeof(list)));
	log_info("control", "%s", text);
	if (events_are_heard(router, STREAM_CONFIG))
		events_publish(router, STREAM_CONFIG,
			json_pack(
				"{s:s, s:n, s:s}", "what", "workers", "revision", "message", text));
}

// The daemon's other threads first: where a core becomes a worker's, that one finds it free.
int crew_follow(struct router *router, const struct cores *cores, struct error *err)
{
	int rc;

	precedence_pause();
	cores_leave_to_workers(cores, &router->allowed);
	rc = dataplane_cores_set(router->dp, cores->workers, cores->n_cores, err);
	if (rc == 0)
		router->cores = *cores;
	else
		cores_leave_to_workers(&router->cores, &router->allowed);
	precedence_follow(&router->cores);
	if (rc == 0)
		tell(router);
	return rc;
}
