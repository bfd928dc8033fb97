// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_BYTES = ERROR_STR_BYTES };

struct config *parse(const char *text, struct cfg_errors *errors)
{
	return config_parse("test.yaml", text, strlen(text), errors);
}

struct config *parse_good(const char *text)
{
	struct cfg_errors errors;
	struct config *config = parse(text, &errors);
	char line[LINE_BYTES];

	if (config == NULL)
		fail_msg("refused: %s\n%s", error_str(&errors.list[0], line, sizeof(line)), text);
	assert_int_equal(errors.n, 0);
	cfg_errors_free(&errors);
	return config;
}

static void expect_one(
	const struct fault *fault, const struct error *list, unsigned n, unsigned n_more)
{
	char line[LINE_BYTES];

	for (unsigned i = 0; n != 1 && i < n; i++)
		print_message("%s\n", error_str(&list[i], line, sizeof(line)));
	if (n != 1 || n_more != 0)
		fail_msg("%u messages, not one, for: %s", n, fault->text);
	if (list[0].line != fault->line || list[0].column != fault->column ||
		strstr(error_str(&list[0], line, sizeof(line)), fault->piece) == NULL)
		fail_msg("expected %d:%d: %s\ngot %s\nfor: %s", fault->line, fault->column,
			fault->piece, error_str(&list[0], line, sizeof(line)), fault->text);
	assert_string_equal(list[0].file, "test.yaml");
}

void expect_fault(const struct fault *fault, size_t text_bytes)
{
	struct cfg_errors errors;
	struct config *config = config_parse("test.yaml", fault->text, text_bytes, &errors);

	if (config != NULL)
		fail_msg("not refused: %s", fault->text);
	expect_one(fault, errors.list, errors.n, errors.n_more);
	assert_int_equal(errors.n_warnings, 0);
	cfg_errors_free(&errors);
}

void expect_faults(const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_fault(&faults[i], strlen(faults[i].text));
}

void expect_warnings(const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cfg_errors errors;
		struct config *config = parse(faults[i].text, &errors);
		char line[LINE_BYTES];

		if (config == NULL)
			fail_msg("refused: %s\n%s", error_str(&errors.list[0], line, sizeof(line)),
				faults[i].text);
		expect_one(&faults[i], errors.warnings, errors.n_warnings, errors.n_more_warnings);
		config_free(config);
		cfg_errors_free(&errors);
	}
}

void expect_no_warnings(const char *text)
{
	struct cfg_errors errors;
	struct config *config = parse(text, &errors);
	char line[LINE_BYTES];

	if (config == NULL || errors.n_warnings > 0)
		fail_msg("%s\n%s",
			error_str(
				config == NULL ? errors.list : errors.warnings, line, sizeof(line)),
			text);
	config_free(config);
	cfg_errors_free(&errors);
}
