// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/processes.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 64, ARGUMENTS_MAX = 4096 };

static bool is_here(const struct tree *tree, const char *pid)
{
	char own[TEXT_BYTES], theirs[TEXT_BYTES];

	if (!tree_link(tree, own, sizeof(own), "proc/self/ns/net") ||
		!tree_link(tree, theirs, sizeof(theirs), "proc/%s/ns/net", pid))
		return true;
	return strcmp(own, theirs) == 0;
}

// Arguments end with a NUL each.
static bool has_argument(const struct tree *tree, const char *pid, const char *word)
{
	char text[ARGUMENTS_MAX];
	size_t len = tree_bytes(tree, text, sizeof(text) - 1, "proc/%s/cmdline", pid);

	text[len] = '\0';
	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		if (strcmp(text + at, word) == 0)
			return true;
	return false;
}

int process_find_with(const struct tree *tree, const char *comm, const char *word)
{
	struct tree_names names;
	char text[TEXT_BYTES];
	int found = 0;

	tree_names(tree, &names, "proc");
	for (unsigned i = 0; i < names.n && found == 0; i++) {
		const char *pid = names.list[i];

		if (pid[strspn(pid, "0123456789")] == '\0' &&
			tree_line(tree, text, sizeof(text), "proc/%s/comm", pid) &&
			strcmp(text, comm) == 0 && is_here(tree, pid) &&
			(word == NULL || has_argument(tree, pid, word)))
			found = (int)strtol(pid, NULL, 10);
	}
	tree_names_free(&names);
	return found;
}

int process_find(const struct tree *tree, const char *comm)
{
	return process_find_with(tree, comm, NULL);
}
