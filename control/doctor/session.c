// SPDX-License-Identifier: BSD-3-Clause
#include "control/doctor/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "SSH_CONNECTION="

enum { ANCESTORS_MAX = 32, ENVIRONMENT_MAX = 256 << 10, STAT_BYTES = 512, PID_BYTES = 16 };

int session_parse(const char *text, struct session *session)
{
	char from[ADDR_STR_BYTES], to[ADDR_STR_BYTES];
	struct session read;
	int used = 0;

	// 63 characters and their end; sshd writes no scope into it
	if (sscanf(text, "%63s %*5[0-9] %63s %*5[0-9]%n", from, to, &used) != 2 || used == 0 ||
		ip_addr_parse(from, &read.peer) != 0 || ip_addr_parse(to, &read.own) != 0)
		return -EINVAL;
	*session = read;
	return 0;
}

// Variables end with a NUL each.
static bool read_environment(const struct tree *tree, const char *pid, struct session *session)
{
	char *text = malloc(ENVIRONMENT_MAX + 1);
	bool is_found = false;
	size_t len;

	if (text == NULL)
		return false;
	len = tree_bytes(tree, text, ENVIRONMENT_MAX, "proc/%s/environ", pid);
	text[len] = '\0';
	for (size_t at = 0; at < len && !is_found; at += strlen(text + at) + 1)
		is_found = strncmp(text + at, KEY, strlen(KEY)) == 0 &&
			   session_parse(text + at + strlen(KEY), session) == 0;
	free(text);
	return is_found;
}

// "100 (name) S 90 ...": the name may have anything in it, so what follows its last bracket counts.
static int parent_of(const struct tree *tree, const char *pid)
{
	char text[STAT_BYTES];
	const char *end;
	int parent = 0;

	tree_line(tree, text, sizeof(text), "proc/%s/stat", pid);
	end = strrchr(text, ')');
	return end != NULL && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

void session_look(const struct tree *tree, struct session *session)
{
	char pid[PID_BYTES] = "self";

	*session = (struct session){0};
	for (unsigned i = 0; i < ANCESTORS_MAX && !read_environment(tree, pid, session); i++) {
		int parent = parent_of(tree, pid);

		if (parent <= 1)
			return;
		snprintf(pid, sizeof(pid), "%d", parent);
	}
}
