// SPDX-License-Identifier: BSD-3-Clause
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "control/api/show.h"

static const struct rpc_method *find(const char *name)
{
	for (const struct rpc_method *m = show_methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

// What control/api/README.md has a heading for, and under which of its two chapters.
static void the_document_names_each_method_and_no_other(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/control/api/README.md", "r");
	enum rpc_effect effect = RPC_READS;
	unsigned n_there = 0, n_written = 0;
	char line[512], name[64];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strcmp(line, "## Methods that write\n") == 0)
			effect = RPC_WRITES;
		if (sscanf(line, "### `%63[^`]`", name) != 1)
			continue;
		n_written++;
		if (find(name) == NULL)
			fail_msg("there is no method %s", name);
		if (find(name)->effect != effect)
			fail_msg("%s is in the wrong chapter", name);
	}
	fclose(file);
	for (const struct rpc_method *m = show_methods; m->name != NULL; m++)
		n_there++;
	assert_int_equal(n_written, n_there);
}

static void each_method_has_one_way_to_be_done(void **state)
{
	for (const struct rpc_method *m = show_methods; m->name != NULL; m++) {
		assert_int_equal((m->run != NULL) + (m->walk != NULL) + (m->run_session != NULL) +
					 (m->task != NULL),
			1);
		if (m->walk != NULL)
			assert_int_equal(m->effect, RPC_READS);
		assert_ptr_equal(find(m->name), m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_names_each_method_and_no_other),
		cmocka_unit_test(each_method_has_one_way_to_be_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
