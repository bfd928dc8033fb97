// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/doctor/machine.h"

enum { WIDTH = 80 };

// NO_COLOR: https://no-color.org
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0');
}

static void print(const struct findings *findings, FILE *out)
{
	unsigned n_problems = findings_count(findings, VERDICT_PROBLEM);
	unsigned n_warnings = findings_count(findings, VERDICT_WARNING);

	findings_print(findings, WIDTH, wants_colour(), out);
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

	if (cli->n_words != 1)
		return cli_wrong_usage("doctor takes no words:", cli->words[1]);
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
