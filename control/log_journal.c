// SPDX-License-Identifier: BSD-3-Clause
#include "control/log_journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cfg/base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { ENTRY_BYTES = LOG_TEXT_BYTES + 2 * LOG_OBJECT_BYTES + 256 };

static int journal_fd = -1; // for the process's life

// systemd.exec(5): "DEVICE:INODE" of what it connected stdout or stderr to. A child of a service
// inherits the variable too, with its stderr perhaps elsewhere by then.
static bool is_stderr_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat its;
	int end = 0;

	if (stream == NULL || sscanf(stream, "%llu:%llu%n", &device, &inode, &end) != 2 ||
		stream[end] != '\0')
		return false;
	return fstat(STDERR_FILENO, &its) == 0 && its.st_dev == device && its.st_ino == inode;
}

// An entry of the native protocol, NAME=text lines: no text of ours has a newline. The message has
// the object too: most people read nothing else. A journal that does not read is not waited for.
static bool send_line(const struct log_line *line)
{
	static const struct sockaddr_un journal = {
		.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	char entry[ENTRY_BYTES];
	int len = snprintf(entry, sizeof(entry),
		"MESSAGE=%s: %s\nPRIORITY=%d\nMILLRACE_PART=%s\nMILLRACE_OBJECT=%s\n"
		"SYSLOG_IDENTIFIER=%s\n",
		line->object, line->text, log_syslog_level(line->level), log_part_name(line->part),
		line->object, program_invocation_short_name);

	return len > 0 && (size_t)len < sizeof(entry) &&
	       sendto(journal_fd, entry, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
		       (const struct sockaddr *)&journal, sizeof(journal)) == len;
}

// stderr's own stream takes the line: where the socket is out of sight, as in a chroot.
static bool leave_to_stderr(const struct log_line *line)
{
	return false;
}

void log_journal_use(void)
{
	if (!is_stderr_the_journal())
		return;
	if (access(JOURNAL_SOCKET, W_OK) == 0)
		journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	log_set_sink(journal_fd >= 0 ? send_line : leave_to_stderr);
}
