// SPDX-License-Identifier: BSD-3-Clause
#include "control/config_file.h"

#include <stdio.h>

void config_file_say(const char *path, const struct cfg_errors *errors)
{
	char text[ERROR_STR_BYTES];

	for (unsigned i = 0; i < errors->n; i++)
		fprintf(stderr, "%s\n", error_str(&errors->list[i], text, sizeof(text)));
	if (errors->n_more > 0)
		fprintf(stderr, "%s: %u more errors\n", path, errors->n_more);
	for (unsigned i = 0; i < errors->n_warnings; i++)
		fprintf(stderr, "%s\n", error_str(&errors->warnings[i], text, sizeof(text)));
	if (errors->n_more_warnings > 0)
		fprintf(stderr, "%s: %u more warnings\n", path, errors->n_more_warnings);
}

static struct config *load(const char *path, bool is_strict)
{
	struct cfg_errors errors = {0};
	struct config *config = config_load(path, &errors);

	config_file_say(path, &errors);
	if (is_strict && errors.n_warnings > 0) {
		config_free(config);
		config = NULL;
	}
	cfg_errors_free(&errors);
	return config;
}

struct config *config_file_load(const char *path)
{
	return load(path, false);
}

struct config *config_file_load_strict(const char *path)
{
	return load(path, true);
}
