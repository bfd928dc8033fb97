// SPDX-License-Identifier: BSD-3-Clause
#include "control/log_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION // the object says more than a line of the source
#include <systemd/sd-journal.h>

#include "cfg/base/log.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { FIELDS = 4, NAME_BYTES = 24, PRIORITY_BYTES = 12 };

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

// "NAME=text" in memory of the caller's.
static struct iovec field(char *out, size_t out_bytes, const char *name, const char *text)
{
	int len = snprintf(out, out_bytes, "%s=%s", name, text);

	return (struct iovec){
		.iov_base = out,
		.iov_len = (size_t)len < out_bytes ? (size_t)len : out_bytes - 1,
	};
}

// The message has the object too: most people read nothing else.
static bool send_line(const struct log_line *line)
{
	char message[NAME_BYTES + LOG_OBJECT_BYTES + LOG_TEXT_BYTES + 2];
	char text[LOG_OBJECT_BYTES + LOG_TEXT_BYTES + 2];
	char priority[PRIORITY_BYTES], part[NAME_BYTES + LOG_OBJECT_BYTES];
	char object[NAME_BYTES + LOG_OBJECT_BYTES], number[4];
	struct iovec fields[FIELDS];

	snprintf(text, sizeof(text), "%s: %s", line->object, line->text);
	snprintf(number, sizeof(number), "%d", log_syslog_level(line->level));
	fields[0] = field(message, sizeof(message), "MESSAGE", text);
	fields[1] = field(priority, sizeof(priority), "PRIORITY", number);
	fields[2] = field(part, sizeof(part), "MILLRACE_PART", log_part_name(line->part));
	fields[3] = field(object, sizeof(object), "MILLRACE_OBJECT", line->object);
	return sd_journal_sendv(fields, FIELDS) == 0;
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
	// sd_journal_sendv says of a socket that is not there that all went well.
	log_set_sink(access(JOURNAL_SOCKET, W_OK) == 0 ? send_line : leave_to_stderr);
}
