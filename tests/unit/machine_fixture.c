// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/machine_fixture.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/doctor/first_plan.h"

enum { LINE_BYTES = 1024, DIR_BYTES = 64 };

static char dir[DIR_BYTES];

// What DPDK's drivers say of themselves, for the cards of the machines.
static const char pmds[] =
	"PMD_INFO_STRING= {\"name\": \"net_ixgbe\", \"pci_ids\": [[32902, 4347, 65535, 65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_e1000_igb\", \"pci_ids\": [[32902, 5499, 65535, "
	"65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_virtio\", \"pci_ids\": [[6900, 4096, 65535, 65535], "
	"[6900, 4161, 65535, 65535]]}";

static void make_dirs(char *path)
{
	for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755) != 0)
			assert_int_equal(errno, EEXIST);
		*at = '/';
	}
}

static FILE *create(const char *name)
{
	char path[2 * LINE_BYTES + DIR_BYTES];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	make_dirs(path);
	out = fopen(path, "w");
	assert_non_null(out);
	return out;
}

static void put_link(const char *name, const char *target)
{
	char path[2 * LINE_BYTES + DIR_BYTES];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	make_dirs(path);
	assert_int_equal(symlink(target, path), 0);
}

static void put_line(const char *name, const char *text)
{
	FILE *out = create(name);
	const char *base = strrchr(name, '/');
	bool is_cmdline = base != NULL && strcmp(base, "/cmdline") == 0;

	for (; *text != '\0'; text++)
		fputc(is_cmdline && *text == ' ' ? '\0' : *text, out);
	fputc(is_cmdline ? '\0' : '\n', out);
	fclose(out);
}

static void put_lines(const char *name, FILE *in)
{
	char line[LINE_BYTES];
	FILE *out = create(name);

	while (fgets(line, sizeof(line), in) != NULL && strcmp(line, ".\n") != 0)
		fputs(line, out);
	fclose(out);
}

static void unpack(FILE *in)
{
	char line[LINE_BYTES], base[LINE_BYTES] = "", name[2 * LINE_BYTES];

	while (fgets(line, sizeof(line), in) != NULL) {
		char *what = line + (line[0] == ' ' ? 2 : 0), *at;
		size_t len = strcspn(line, "\n");

		line[len] = '\0';
		if (line[0] == '#' || len == 0)
			continue;
		if (line[len - 1] == ':') {
			snprintf(base, sizeof(base), "%.*s/", (int)len - 1, line);
			continue;
		}
		at = strchr(what, ' ');
		assert_non_null(at);
		snprintf(name, sizeof(name), "%s%.*s", line[0] == ' ' ? base : "", (int)(at - what),
			what);
		if (strncmp(at, " -> ", 4) == 0)
			put_link(name, at + 4);
		else if (strcmp(at, " <<") == 0)
			put_lines(name, in);
		else if (strncmp(at, " =", 2) == 0)
			put_line(name, at[2] == ' ' ? at + 3 : "");
		else
			fail_msg("a tree has no such line: %s", line);
	}
}

static void look_at_cards_again(struct machine *machine)
{
	struct pmd_info info = {0};

	pmd_info_add(&info, pmds, sizeof(pmds));
	cards_look(&machine->cards, &machine->tree, &machine->live, &info, NULL);
	pmd_info_fini(&info);
}

void machine_open(struct machine *machine, const char *name)
{
	char path[256];
	FILE *in;

	snprintf(path, sizeof(path), MACHINES "/%s.tree", name);
	in = fopen(path, "r");
	if (in == NULL)
		fail_msg("cannot read %s", path);
	snprintf(dir, sizeof(dir), "/tmp/millrace-machine.XXXXXX");
	assert_non_null(mkdtemp(dir));
	unpack(in);
	fclose(in);
	assert_int_equal(tree_open(&machine->tree, dir), 0);
	look_at_cards_again(machine);
}

void machine_set(struct machine *machine, const char *path, const char *text)
{
	put_line(path, text);
	look_at_cards_again(machine);
}

void machine_link(struct machine *machine, const char *path, const char *target)
{
	put_link(path, target);
	look_at_cards_again(machine);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

void machine_close(struct machine *machine)
{
	tree_close(&machine->tree);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void live_add_address(struct live *live, const char *netdev, const char *prefix, bool is_lasting)
{
	struct live_address *one = &live->addresses[live->n_addresses++];

	snprintf(one->netdev, sizeof(one->netdev), "%s", netdev);
	assert_int_equal(ip_prefix_parse(prefix, &one->prefix), 0);
	one->is_lasting = is_lasting;
}

const struct finding *find(const struct findings *findings, const char *id, const char *about)
{
	for (unsigned i = 0; i < findings->n; i++)
		if (strcmp(findings->list[i].id, id) == 0 &&
			(about == NULL || strcmp(findings->list[i].about, about) == 0))
			return &findings->list[i];
	return NULL;
}

static struct findings findings;

void expect_finding(const struct machine *machine, enum verdict verdict, const char *id,
	const char *about, const char *piece)
{
	const struct finding *one;

	machine_diagnose(machine, &findings);
	one = find(&findings, id, about);
	if (one == NULL) {
		findings_print(&findings, 80, false, stdout);
		fail_msg("nothing is said of %s %s", id, about != NULL ? about : "");
		return;
	}
	if (one->verdict != verdict ||
		(strstr(one->text, piece) == NULL && strstr(one->fix, piece) == NULL))
		fail_msg("%s is of verdict %d: %s\n%s", id, one->verdict, one->text, one->fix);
}

void expect_no_finding(const struct machine *machine, const char *id)
{
	const struct finding *one;

	machine_diagnose(machine, &findings);
	one = find(&findings, id, NULL);
	if (one != NULL)
		fail_msg("%s is said: %s", id, one->text);
}

const struct card *card_of(const struct machine *machine, const char *name)
{
	const struct card *card = first_plan_find(&machine->cards, name);

	if (card == NULL)
		fail_msg("there is no card %s", name);
	return card;
}
