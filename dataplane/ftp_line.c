// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ftp_line.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	EPRT_IP4 = 1, // RFC 2428 section 2
	EPRT_IP6 = 2,
	TELNET_IAC = 255,
	OCTETS = 6,
};

// What is left of a line. A failed step stays failed.
struct cursor {
	const uint8_t *text;
	uint32_t at, n;
	bool is_bad;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t peek(const struct cursor *c)
{
	return c->at < c->n ? c->text[c->at] : 0;
}

// A whole number up to `max`, of as many digits as that has.
static uint32_t take_number(struct cursor *c, uint32_t max)
{
	uint32_t value = 0, n_digits = 0;

	while (is_digit(peek(c)) && n_digits < 6) {
		value = value * 10 + (peek(c) - '0');
		n_digits++;
		c->at++;
	}
	if (n_digits == 0 || value > max || is_digit(peek(c)))
		c->is_bad = true;
	return value;
}

static void take_byte(struct cursor *c, uint8_t byte)
{
	if (peek(c) != byte)
		c->is_bad = true;
	else
		c->at++;
}

// --- h1,h2,h3,h4,p1,p2 (RFC 959 4.1.2) ---

static void read_octets(struct cursor *c, struct ftp_line *line)
{
	uint32_t octets[OCTETS];

	line->first = (uint16_t)c->at;
	for (unsigned i = 0; i < OCTETS; i++) {
		if (i > 0)
			take_byte(c, ',');
		octets[i] = take_number(c, UINT8_MAX);
	}
	line->end = (uint16_t)c->at;
	line->addr.family = IP_V4;
	for (unsigned i = 0; i < 4; i++)
		line->addr.v4[i] = (uint8_t)octets[i];
	line->port = (uint16_t)(octets[4] << 8 | octets[5]);
}

// --- |protocol|address|port| (RFC 2428), any printable character instead of | ---

static uint8_t take_delimiter(struct cursor *c)
{
	uint8_t delimiter = peek(c);

	if (delimiter < 33 || delimiter > 126 || is_digit(delimiter))
		c->is_bad = true;
	else
		c->at++;
	return delimiter;
}

static void take_address(struct cursor *c, uint8_t delimiter, uint8_t family, struct ip_addr *addr)
{
	char text[ADDR_STR_BYTES];
	uint32_t n = 0;

	while (c->at < c->n && peek(c) != delimiter && n < sizeof(text) - 1)
		text[n++] = (char)c->text[c->at++];
	text[n] = '\0';
	if (memchr(text, '\0', n) != NULL || ip_addr_parse(text, addr) != 0 ||
		addr->family != family)
		c->is_bad = true;
}

static void read_extended_port(struct cursor *c, struct ftp_line *line)
{
	uint8_t delimiter;
	uint32_t protocol;

	line->first = (uint16_t)c->at;
	delimiter = take_delimiter(c);
	protocol = take_number(c, EPRT_IP6);
	take_byte(c, delimiter);
	take_address(c, delimiter, protocol == EPRT_IP4 ? IP_V4 : IP_V6, &line->addr);
	take_byte(c, delimiter);
	line->port = (uint16_t)take_number(c, UINT16_MAX);
	take_byte(c, delimiter);
	line->end = (uint16_t)c->at;
	if (protocol == 0)
		c->is_bad = true;
}

static void read_extended_reply(struct cursor *c, struct ftp_line *line)
{
	uint8_t delimiter;

	take_byte(c, '(');
	line->first = (uint16_t)c->at;
	delimiter = take_delimiter(c);
	take_byte(c, delimiter);
	take_byte(c, delimiter);
	line->port = (uint16_t)take_number(c, UINT16_MAX);
	take_byte(c, delimiter);
	line->end = (uint16_t)c->at;
	take_byte(c, ')');
}

// --- lines ---

// Does it begin with `word`, and a space or the line's end after it?
static bool take_word(struct cursor *c, const char *word)
{
	uint32_t n = (uint32_t)strlen(word);

	if (c->n <= n || strncasecmp((const char *)c->text, word, n) != 0 || c->text[n] > ' ')
		return false;
	c->at = n;
	while (peek(c) == ' ')
		c->at++;
	return true;
}

// RFC 1123 4.1.2.6: what stands before the address is for people, "(" may be missing.
static void skip_to(struct cursor *c, bool wants_digit)
{
	while (c->at < c->n && (wants_digit ? !is_digit(peek(c)) : peek(c) != '('))
		c->at++;
}

static void read_reply(struct cursor *c, struct ftp_line *line)
{
	if (take_word(c, "227")) {
		line->kind = FTP_REPLY_PASSIVE;
		skip_to(c, true);
		read_octets(c, line);
	} else if (take_word(c, "229")) {
		line->kind = FTP_REPLY_EXTENDED_PASSIVE;
		skip_to(c, false);
		read_extended_reply(c, line);
	} else if (take_word(c, "234")) {
		line->kind = FTP_REPLY_SECURED;
	}
}

// Nothing but the line's end may follow.
static void take_end(struct cursor *c)
{
	while (peek(c) == ' ' || peek(c) == '\r')
		c->at++;
	take_byte(c, '\n');
}

static void read_command(struct cursor *c, struct ftp_line *line)
{
	if (take_word(c, "PORT")) {
		line->kind = FTP_PORT;
		read_octets(c, line);
		take_end(c);
	} else if (take_word(c, "EPRT")) {
		line->kind = FTP_EPRT;
		read_extended_port(c, line);
		take_end(c);
	} else if (take_word(c, "PASV")) {
		line->kind = FTP_PASV;
	} else if (take_word(c, "EPSV")) {
		line->kind = FTP_EPSV;
	}
}

bool ftp_line_is_command(const uint8_t *text, uint32_t n)
{
	struct cursor c = {.text = text, .n = n};
	uint32_t first;

	// What interrupts a transfer is told ahead of the command (RFC 959 4.1.3, RFC 854).
	while (peek(&c) == TELNET_IAC)
		c.at += 2;
	first = c.at;
	while (c.at < n && (uint8_t)((c.text[c.at] | 32) - 'a') < 26)
		c.at++;
	if (c.at >= n)
		return c.at - first <= 4;
	return (c.at - first == 3 || c.at - first == 4) &&
	       (peek(&c) == ' ' || peek(&c) == '\r' || peek(&c) == '\n');
}

unsigned ftp_line_code(const uint8_t *text, uint32_t n, bool *goes_on)
{
	if (n < 4 || !is_digit(text[0]) || !is_digit(text[1]) || !is_digit(text[2]) ||
		(text[3] > ' ' && text[3] != '-'))
		return 0;
	*goes_on = text[3] == '-';
	return (text[0] - '0') * 100u + (text[1] - '0') * 10u + (text[2] - '0');
}

struct ftp_line ftp_line_read(const uint8_t *text, uint32_t n, bool is_reply)
{
	struct ftp_line line = {.kind = FTP_OTHER};
	struct cursor c = {.text = text, .n = n};

	if (n > FTP_LINE_MAX)
		return line;
	if (is_reply)
		read_reply(&c, &line);
	else
		read_command(&c, &line);
	if (c.is_bad)
		line = (struct ftp_line){.kind = FTP_MALFORMED};
	return line;
}

static unsigned write_octets(const struct ip_addr *addr, uint16_t port, char *out)
{
	return (unsigned)snprintf(out, FTP_TEXT_MAX, "%u,%u,%u,%u,%u,%u", addr->v4[0], addr->v4[1],
		addr->v4[2], addr->v4[3], port / 256u, port % 256u);
}

unsigned ftp_line_write(
	const struct ftp_line *line, const struct ip_addr *addr, uint16_t port, char *out)
{
	char text[ADDR_STR_BYTES];

	switch (line->kind) {
	case FTP_PORT:
	case FTP_REPLY_PASSIVE:
		return write_octets(addr, port, out);
	case FTP_EPRT:
		return (unsigned)snprintf(out, FTP_TEXT_MAX, "|%d|%s|%u|",
			addr->family == IP_V6 ? EPRT_IP6 : EPRT_IP4, ip_addr_str(addr, text), port);
	case FTP_REPLY_EXTENDED_PASSIVE:
		return (unsigned)snprintf(out, FTP_TEXT_MAX, "|||%u|", port);
	case FTP_OTHER:
	case FTP_MALFORMED:
	case FTP_PASV:
	case FTP_EPSV:
	case FTP_REPLY_SECURED:
		break;
	}
	return 0;
}
