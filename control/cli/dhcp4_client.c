// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/dhcp4_client.h"

#include <inttypes.h>

#include "control/cli/answer.h"

static void print_end(const json_t *lease, const char *key, const char *what, FILE *out)
{
	char unit[UNIT_BYTES];

	if (json_is_integer(json_object_get(lease, key)))
		fprintf(out, ", %s in %s", what, unit_seconds(answer_number(lease, key), unit));
}

void print_lease(const json_t *interface, FILE *out)
{
	const json_t *lease = json_object_get(interface, "dhcp4");

	if (!json_is_object(lease))
		return;
	fprintf(out, "%s: DHCP %s",
		answer_text_or(interface, "name", answer_text(interface, "interface")),
		answer_text(lease, "state"));
	if (answer_text(lease, "address")[0] != '\0') {
		fprintf(out, ", %s from %s", answer_text(lease, "address"),
			answer_text(lease, "server"));
		print_end(lease, "renews_sec", "renewed", out);
		print_end(lease, "rebinds_sec", "from any server", out);
		print_end(lease, "expires_sec", "ends", out);
	}
	fputc('\n', out);
}
