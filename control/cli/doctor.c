// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/cli/style.h"
#include "control/doctor/machine.h"

enum { WIDTH = 80 };

static void print(const struct findings *findings, FILE *out)
{
	unsigned n_problems = findings_count(findings, VERDICT_PROBLEM);
	unsigned n_warnings = findings_count(findings, VERDICT_WARNING);

	findings_print(findings, WIDTH, style_get()->is_coloured, out);
	fprintf(out, "\n%u problem%s, %u warning%s: %s\n", n_problems, n_problems == 1 ? "" : "s",
		n_warnings, n_warnings == 1 ? "" : "s",
		n_problems > 0 ? "the router would not run here as it is."
			       : "the router would run here.");
}

int do_doctor(const struct cli *cli)
{
	static struct findings findings; // more than a stack should hold
	static struct machine machine;
	struct error err;
	bool is_well;

	if (machine_look(&machine, &err) != 0) {
		fprintf(stderr, "millrace: %s\n", err.text);
		return EXIT_FAILURE;
	}
	machine_diagnose(&machine, &findings);
	is_well = findings_count(&findings, VERDICT_PROBLEM) == 0;
	if (cli->is_json) {
		json_t *json = machine_json(&machine, &findings);

		cli_print_json(json);
		json_decref(json);
	} else {
		print(&findings, stdout);
	}
	machine_fini(&machine);
	return fflush(stdout) == 0 && is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
