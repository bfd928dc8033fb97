// SPDX-License-Identifier: BSD-3-Clause
// Who is at the other end of the control socket, and what they may do: root, the daemon's own user
// and the group `millrace-admin` everything, the group `millrace` what only reads, others nothing.
// As the kernel saw them when they connected. Control thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PEER_READERS "millrace"
#define PEER_ADMINS  "millrace-admin"

enum peer_right {
	PEER_NOTHING = 0,
	PEER_READS,
	PEER_WRITES,
};

// A group that the machine does not have is nobody's.
struct peer_groups {
	gid_t readers, admins;
	bool has_readers, has_admins;
};

// Asks the machine's list of groups.
void peer_groups_find(struct peer_groups *groups);

enum peer_right peer_right_of(const struct peer_groups *groups, uid_t uid, uid_t daemon_uid,
	const gid_t *gids, size_t n_gids);
// Of who connected to it; PEER_NOTHING when the kernel does not say.
enum peer_right peer_right(const struct peer_groups *groups, int fd);
// Who that is; of the kernel's words only, and untouched when it has none.
void peer_who(int fd, uid_t *uid, pid_t *pid);
