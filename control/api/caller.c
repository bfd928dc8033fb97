// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/log.h"
#include "control/api/events.h"

void caller_program(const struct rpc_session *session, char out[CALLER_PROGRAM_BYTES])
{
	char path[64], name[32] = "";
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)session->pid);
	comm = fopen(path, "re");
	if (comm != NULL) {
		if (fgets(name, sizeof(name), comm) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(comm);
	}
	snprintf(out, CALLER_PROGRAM_BYTES, "%s[%d]", name, (int)session->pid);
}

void caller_tell(const struct rpc_session *session, const struct router *router, const char *what,
	uint64_t n, const json_t *which)
{
	char program[CALLER_PROGRAM_BYTES];
	char *text = json_object_size(which) == 0 ? NULL : json_dumps(which, JSON_COMPACT);

	caller_program(session, program);
	log_info("control", "%s: %" PRIu64 ", by uid %u, %s%s%s", what, n, (unsigned)session->uid,
		program, text == NULL ? "" : ": ", text == NULL ? "" : text);
	free(text);
	if (!events_are_heard(router, STREAM_COMMANDS))
		return;
	events_publish(router, STREAM_COMMANDS,
		json_pack("{s:s, s:I, s:I, s:s, s:o}", "what", what, "n", (json_int_t)n, "uid",
			(json_int_t)session->uid, "program", program, "which",
			which == NULL ? json_object() : json_deep_copy(which)));
}
