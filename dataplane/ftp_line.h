// SPDX-License-Identifier: BSD-3-Clause
// One line of an FTP control connection (RFC 959, 2428): does it tell where the next data
// connection goes to? Read strictly, from hostile bytes; nothing is remembered. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cfg/base/addr.h"

enum ftp_kind {
	FTP_OTHER = 0, // nothing to us
	FTP_MALFORMED, // one of those below, but not as it must be
	// by the client
	FTP_PORT, // the client waits at an address and port
	FTP_EPRT,
	FTP_PASV, // it asks where the server will wait
	FTP_EPSV,
	// by the server
	FTP_REPLY_PASSIVE,	    // 227: the server waits at an address and port
	FTP_REPLY_EXTENDED_PASSIVE, // 229: at a port of its own address
	FTP_REPLY_SECURED,	    // 234 (RFC 4217 4): all that follows is encrypted
};

struct ftp_line {
	enum ftp_kind kind;
	struct ip_addr addr; // IP_NONE: none is told
	uint16_t port;	     // host order
	uint16_t first, end; // where the text of both stands in the line
};

enum { FTP_LINE_MAX = 512, FTP_TEXT_MAX = 64 };

// Could a client's line begin so? Commands have three or four letters (RFC 959 5.3.1). `n`: what is
// there of it, at least a byte.
bool ftp_line_is_command(const uint8_t *text, uint32_t n);
// The code that a server's line begins with, or 0. `goes_on`: others of the same reply follow, up
// to one where it does not (RFC 959 4.2).
unsigned ftp_line_code(const uint8_t *text, uint32_t n, bool *goes_on);
// `n`: bytes of a whole line, with its LF. Without an address to tell, first and end are 0.
struct ftp_line ftp_line_read(const uint8_t *text, uint32_t n, bool is_reply);
// The same line's text for another address and port, FTP_TEXT_MAX bytes of room in `out`; returns
// how many it takes. The address is of the family that was read.
unsigned ftp_line_write(
	const struct ftp_line *line, const struct ip_addr *addr, uint16_t port, char *out);
