// SPDX-License-Identifier: BSD-3-Clause
// Ports that a test cannot do without, and those that must not come to be.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/port.h"

static inline struct port *must_open(const struct port_spec *spec)
{
	struct error err;
	struct port *port = port_open(spec, &err);

	if (port == NULL)
		fail_msg("%s", err.text);
	return port;
}

// The reason has that word in it.
static inline void must_refuse(const struct port_spec *spec, const char *word)
{
	struct error err = {0};

	assert_null(port_open(spec, &err));
	print_message("    %s\n", err.text);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}
