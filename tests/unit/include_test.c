// SPDX-License-Identifier: BSD-3-Clause
// A config of several files: what they make together, and where a message says that a fault is.
#include "cfg/include.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cfg/print.h"
#include "tests/unit/config_fixture.h"

enum { FILES_MAX = 4, LINE_BYTES = 1024 };

// --- files of a test, in a directory that is the current one ---

static char directory[] = "/tmp/include_test.XXXXXX";

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	return remove(path);
}

static int enter_directory(void **state)
{
	memcpy(strrchr(directory, '.') + 1, "XXXXXX", 6);
	return mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
	return chdir("/") == 0 ? nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

struct file {
	const char *path, *text;
};

// Up to one without a path.
static void write_files(const struct file *files)
{
	for (; files->path != NULL; files++)
		write_file(files->path, files->text);
}

static struct config *load_good(const char *path)
{
	struct cfg_errors errors;
	struct config *config = config_load(path, &errors);
	char line[LINE_BYTES];

	if (config == NULL)
		fail_msg("refused: %s", error_str(&errors.list[0], line, sizeof(line)));
	cfg_errors_free(&errors);
	return config;
}

static void expect_print(const char *expected)
{
	struct config *config = load_good("main.yaml");
	size_t bytes = 0;
	char *text = config_print(config, &bytes);

	assert_string_equal(text, expected);
	free(text);
	config_free(config);
}

// --- what they make together ---

static void files_are_joined_where_the_key_is(void **state)
{
	write_file("main.yaml", "firewall: {input: [{count: first}]}\n"
				"include: [ports.yaml, rules.yaml]\n"
				"interfaces: {wan: {port: p}}\n"
				"workers: {idle: busy}\n");
	write_file("ports.yaml", "ports: {p: {match: {name: eth1}}}\n"
				 "workers: {cores: 1}\n");
	write_file("rules.yaml", "ports: {q: {match: {name: eth2}}}\n"
				 "firewall: {input: [{count: second}], lists: {web: []}}\n");
	expect_print("workers: { cores: 1, idle: busy }\n"
		     "ports:\n"
		     "  p: { match: { name: eth1 } }\n"
		     "  q: { match: { name: eth2 } }\n"
		     "interfaces:\n"
		     "  wan: { port: p }\n"
		     "firewall:\n"
		     "  input:\n"
		     "    - { count: first }\n"
		     "    - { count: second }\n"
		     "  lists:\n"
		     "    web: []\n");
	// the key first: what is included comes first
	write_file("main.yaml", "include: rules.yaml\nfirewall: {input: [{count: third}]}\n");
	expect_print("ports:\n"
		     "  q: { match: { name: eth2 } }\n"
		     "firewall:\n"
		     "  input:\n"
		     "    - { count: second }\n"
		     "    - { count: third }\n"
		     "  lists:\n"
		     "    web: []\n");
}

static void a_directory_is_its_yaml_files_in_their_order(void **state)
{
	assert_int_equal(mkdir("conf.d", 0755), 0);
	assert_int_equal(mkdir("conf.d/more", 0755), 0);
	write_file("main.yaml", "include: conf.d\n");
	write_file("conf.d/20-b.yaml", "firewall: {input: [{count: b}]}\n");
	write_file("conf.d/10-a.yaml", "firewall: {input: [{count: a}]}\ninclude: more/c.yaml\n");
	write_file("conf.d/more/c.yaml", "firewall: {input: [{count: c}]}\n");
	write_file("conf.d/notes.txt", "not: [yaml\n");
	write_file("conf.d/.20-b.yaml", "an editor's copy\n");
	expect_print("firewall:\n"
		     "  input:\n"
		     "    - { count: a }\n"
		     "    - { count: c }\n"
		     "    - { count: b }\n");
}

static void what_is_said_knows_its_file(void **state)
{
	struct config *config;
	struct error err;

	write_file("main.yaml", "include: [a.yaml, b.yaml]\n");
	write_file("a.yaml", "workers:\n");
	write_file("b.yaml", "firewall:\n  input:\n  - {count: here}\n");
	config = load_good("main.yaml");
	assert_string_equal(config->file, "main.yaml");
	assert_int_equal(config->more_files.n, 2);
	config_locate(config, config->firewall.hooks[CFG_HOOK_INPUT].rules[0].place, &err);
	assert_string_equal(err.file, "b.yaml");
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 5);
	config_free(config);
}

// --- what cannot be ---

static void expect_error(const struct file *files, const char *expected)
{
	struct cfg_errors errors;
	char line[LINE_BYTES];

	write_files(files);
	assert_null(config_load("main.yaml", &errors));
	error_str(&errors.list[0], line, sizeof(line));
	if (errors.n != 1 || strstr(line, expected) != line)
		fail_msg("expected %s\ngot %u, first: %s", expected, errors.n, line);
	cfg_errors_free(&errors);
}

static void faults_are_told_with_file_line_and_column(void **state)
{
	static const struct {
		struct file files[FILES_MAX];
		const char *expected;
	} rows[] = {
		{{{"main.yaml", "workers:\ninclude: none.yaml\n"}},
			"main.yaml:2:10: `include`: none.yaml: there is no such file"},
		{{{"main.yaml", "include: none.yaml\ninterfaces: {wan: {port: p}}\n"}},
			"main.yaml:1:10: `include`: none.yaml: there is no such file"},
		{{{"main.yaml", "include: /dev/null\n"}},
			"main.yaml:1:10: `include`: /dev/null: it is no regular file"},
		{{{"main.yaml", "include: {a: b}\n"}},
			"main.yaml:1:10: `include`: expected the path"},
		{{{"main.yaml", "include:\n  - [a.yaml]\n"}},
			"main.yaml:2:5: `include`: expected the path"},
		{{{"main.yaml", "include:\n"}}, "main.yaml:1:9: `include`: expected the path"},
		{{{"main.yaml", "include: \"a,b\"\n"}},
			"main.yaml:1:10: `include`: expected a path of 1 to"},
		{{{"main.yaml", "include: main.yaml\n"}},
			"main.yaml:1:10: `include`: main.yaml: leads back to itself"},
		{{{"main.yaml", "include: a.yaml\n"}, {"a.yaml", "\ninclude: [./main.yaml]\n"}},
			"a.yaml:2:11: `include`: ./main.yaml: leads back to itself"},
		{{{"main.yaml", "include:\n- b.yaml\n- ./b.yaml\n"}, {"b.yaml", "workers:\n"}},
			"main.yaml:3:3: `include`: ./b.yaml is included a second time, the first "
			"is on line 2"},
		{{{"main.yaml", "include: [c.yaml, b.yaml]\n"}, {"b.yaml", "workers:\n"},
			 {"c.yaml", "include: b.yaml\n"}},
			"main.yaml:1:19: `include`: b.yaml is included a second time, the first is "
			"on line 1 of c.yaml"},
		{{{"main.yaml", "include: b.yaml\n"}, {"b.yaml", "- 1\n"}},
			"b.yaml:1:1: expected a mapping"},
		{{{"main.yaml", "include: b.yaml\n"}, {"b.yaml", "# nothing\n"}},
			"b.yaml:1:1: the file says nothing"},
		{{{"main.yaml", "include: b.yaml\n"}, {"b.yaml", "ports: {p: [\n"}},
			"b.yaml:2:1: not YAML"},
		{{{"main.yaml", "include: b.yaml\n"}, {"b.yaml", "\nworkers: {core: 1}\n"}},
			"b.yaml:2:11: workers: unknown key `core`"},
		{{{"main.yaml", "include: b.yaml\n"}, {"b.yaml", "ports: &a {}\n"}},
			"b.yaml:1:8: anchors are not supported"},
		{{{"main.yaml", "workers: {idle: busy}\ninclude: b.yaml\n"},
			 {"b.yaml", "\n\nworkers: {cores: 1, idle: busy}\n"}},
			"b.yaml:3:21: `idle` is here a second time, the first is on line 1 of "
			"main.yaml"},
		{{{"main.yaml", "include: [b.yaml, c.yaml]\n"},
			 {"b.yaml", "ports:\n  p: {driver: tap}\n"},
			 {"c.yaml", "ports:\n\n  p: {driver: tap}\n"}},
			"c.yaml:3:3: `p` is here a second time, the first is on line 2 of b.yaml"},
		{{{"main.yaml", "include: b.yaml\nfirewall: {lists: {x: []}}\n"},
			 {"b.yaml", "firewall: {lists: {x: []}}\n"}},
			"b.yaml:1:20: `x` is here a second time, the first is on line 2 of "
			"main.yaml"},
		{{{"main.yaml", "include: b.yaml\nports: {p: {match: {name: eth1}}}\n"},
			 {"b.yaml", "ports: {q: {match: {name: eth1}}}\n"}},
			"main.yaml:2:20: port p: the same `match` as port q on line 1 of b.yaml"},
		{{{"main.yaml", "include: b.yaml\nports: []\n"},
			 {"b.yaml", "ports: {q: {match: {name: eth1}}}\n"}},
			"main.yaml:2:8: `ports`: expected a mapping"},
		{{{"main.yaml", "include: b.yaml\nports: {q: {match: {name: eth1}}}\n"},
			 {"b.yaml", "ports: no\n"}},
			"b.yaml:1:8: `ports`: expected a mapping"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_error(rows[i].files, rows[i].expected);
}

static void a_link_makes_no_circle(void **state)
{
	write_file("main.yaml", "include: a.yaml\n");
	assert_int_equal(symlink("main.yaml", "a.yaml"), 0);
	expect_error(
		(struct file[]){{0}}, "main.yaml:1:10: `include`: a.yaml: leads back to itself");
}

static void a_pipe_is_not_waited_for(void **state)
{
	write_file("main.yaml", "include: pipe.yaml\n");
	assert_int_equal(mkfifo("pipe.yaml", 0644), 0);
	expect_error((struct file[]){{0}},
		"main.yaml:1:10: `include`: pipe.yaml: it is no regular file");
}

static void it_goes_eight_files_deep(void **state)
{
	char path[32], text[32];

	write_file("main.yaml", "include: 1.yaml\n");
	for (int i = 1; i < INCLUDE_DEPTH_MAX; i++) {
		snprintf(path, sizeof(path), "%d.yaml", i);
		snprintf(text, sizeof(text), "include: %d.yaml\n", i + 1);
		write_file(path, text);
	}
	write_file("8.yaml", "workers: {cores: 1}\n");
	expect_print("workers: { cores: 1 }\n");
	write_file("8.yaml", "include: 9.yaml\n");
	expect_error((struct file[]){{"9.yaml", "workers:\n"}, {0}},
		"8.yaml:1:10: `include`: nested more than 8 deep");
}

static void there_are_255_files_beside_the_first(void **state)
{
	assert_int_equal(mkdir("conf.d", 0755), 0);
	write_file("main.yaml", "include: conf.d\nworkers: {cores: 1}\n");
	for (int i = 0; i < CFG_INCLUDES_MAX; i++) {
		char path[32];

		snprintf(path, sizeof(path), "conf.d/%03d.yaml", i);
		write_file(path, "workers:\n");
	}
	expect_print("workers: { cores: 1 }\n");
	expect_error((struct file[]){{"conf.d/one-more.yaml", "workers:\n"}, {0}},
		"main.yaml:1:10: `include`: conf.d/one-more.yaml: too many files");
}

static void all_files_together_are_as_large_as_one_may_be(void **state)
{
	static char text[YAML_TREE_TEXT_BYTES_MAX / 2 + 1];

	memset(text, '\n', sizeof(text) - 1);
	memcpy(text, "workers:\n", 9);
	write_file("a.yaml", text);
	write_file("b.yaml", text);
	expect_error((struct file[]){{"main.yaml", "include: [a.yaml, b.yaml]\n"}, {0}},
		"main.yaml:1:19: `include`: b.yaml: all files together are larger");
}

static void a_text_includes_nothing(void **state)
{
	struct cfg_errors errors;
	char line[LINE_BYTES];

	write_file("a.yaml", "workers:\n");
	assert_null(parse("workers:\ninclude: a.yaml\n", &errors));
	assert_int_equal(errors.n, 1);
	assert_string_equal(error_str(&errors.list[0], line, sizeof(line)),
		"test.yaml:2:1: `include`: only a file can include others, not a text");
	cfg_errors_free(&errors);
}

// Files in the order they are read, lines within each.
static void errors_of_several_files_are_in_their_order(void **state)
{
	static const char *const expected[] = {
		"main.yaml:3:1: ", "a.yaml:1:1: ", "a.yaml:2:1: ", "b.yaml:1:1: "};
	struct cfg_errors errors;

	write_file("main.yaml", "include: [a.yaml, b.yaml]\n\none: 1\n");
	write_file("a.yaml", "two: 1\nthree: 1\n");
	write_file("b.yaml", "four: 1\n");
	assert_null(config_load("main.yaml", &errors));
	assert_int_equal(errors.n, COUNT(expected));
	for (unsigned i = 0; i < errors.n; i++) {
		char line[LINE_BYTES];

		error_str(&errors.list[i], line, sizeof(line));
		assert_ptr_equal(strstr(line, expected[i]), line);
	}
	cfg_errors_free(&errors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_joined_where_the_key_is),
		TEST(a_directory_is_its_yaml_files_in_their_order),
		TEST(what_is_said_knows_its_file),
		TEST(faults_are_told_with_file_line_and_column),
		TEST(a_link_makes_no_circle),
		TEST(a_pipe_is_not_waited_for),
		TEST(it_goes_eight_files_deep),
		TEST(there_are_255_files_beside_the_first),
		TEST(all_files_together_are_as_large_as_one_may_be),
		TEST(a_text_includes_nothing),
		TEST(errors_of_several_files_are_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
