// SPDX-License-Identifier: BSD-3-Clause
#include "control/config_file.h"

#include <stdio.h>

void config_file_tell(const char *path, const struct cfg_errors *errors)
{
	char text[1024];

	for (unsigned i = 0; i < errors->n; i++)
		fprintf(stderr, "%s\n", error_str(&errors->list[i], text, sizeof(text)));
	if (errors->n_more > 0)
		fprintf(stderr, "%s: %u more errors\n", path, errors->n_more);
	for (unsigned i = 0; i < errors->n_warnings; i++)
		fprintf(stderr, "warning: %s\n",
			error_str(&errors->warnings[i], text, sizeof(text)));
	if (errors->n_more_warnings > 0)
		fprintf(stderr, "%s: %u more warnings\n", path, errors->n_more_warnings);
}

struct config *config_file_load(const char *path)
{
	struct cfg_errors errors = {0};
	struct config *config = config_load(path, &errors);

	config_file_tell(path, &errors);
	cfg_errors_free(&errors);
	return config;
}
