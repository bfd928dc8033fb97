// SPDX-License-Identifier: BSD-3-Clause
// A line of an FTP control connection, after a byte for the side that sent it: what is found in it
// lies in it, and with another address and port put there it reads as those.
#include <stdlib.h>
#include <string.h>

#include "dataplane/ftp_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static bool announces(enum ftp_kind kind)
{
	return kind == FTP_PORT || kind == FTP_EPRT || kind == FTP_REPLY_PASSIVE ||
	       kind == FTP_REPLY_EXTENDED_PASSIVE;
}

static struct ip_addr another(const struct ip_addr *addr)
{
	struct ip_addr other = *addr;
	unsigned n = addr->family == IP_V6 ? 16 : 4;

	for (unsigned i = 0; i < n && addr->family != IP_NONE; i++)
		other.bytes[i] = (uint8_t)~addr->bytes[i];
	return other;
}

static void rewrite(const uint8_t *text, size_t n, bool is_reply, const struct ftp_line *line)
{
	struct ip_addr addr = another(&line->addr);
	uint16_t port = (uint16_t)~line->port;
	char with[FTP_TEXT_MAX];
	uint8_t now[FTP_LINE_MAX + FTP_TEXT_MAX];
	unsigned n_with = ftp_line_write(line, &addr, port, with);
	size_t n_now = n - (line->end - line->first) + n_with;
	struct ftp_line again;

	require(n_with > 0 && n_with < FTP_TEXT_MAX);
	memcpy(now, text, line->first);
	memcpy(now + line->first, with, n_with);
	memcpy(now + line->first + n_with, text + line->end, n - line->end);
	if (n_now > FTP_LINE_MAX)
		return;
	again = ftp_line_read(now, (uint32_t)n_now, is_reply);
	require(again.kind == line->kind && again.port == port &&
		ip_addr_equal(&again.addr, &addr) && again.first == line->first &&
		again.end == line->first + n_with);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct ftp_line line;
	bool is_reply;
	uint8_t *text;
	size_t n;

	if (n_bytes == 0)
		return 0;
	is_reply = bytes[0] & 1;
	n = n_bytes - 1;
	text = malloc(n != 0 ? n : 1); // no longer than it is: to read past it is an error
	require(text != NULL);
	memcpy(text, bytes + 1, n);
	line = ftp_line_read(text, (uint32_t)n, is_reply);
	if (announces(line.kind)) {
		require(line.first < line.end && line.end <= n);
		rewrite(text, n, is_reply, &line);
	}
	free(text);
	return 0;
}
