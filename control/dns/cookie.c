// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/cookie.h"

#include <errno.h>

enum { LENGTH_BYTES = 2 };

static int read_cookie(struct cursor *in, struct cookie *out)
{
	size_t server_bytes = in->left - COOKIE_CLIENT_BYTES;

	// RFC 7873 section 5.2.2: "a COOKIE option is considered malformed if its length is
	// not 8 or 16 to 40"
	if (in->left < COOKIE_CLIENT_BYTES || server_bytes > COOKIE_SERVER_BYTES_MAX ||
		(server_bytes > 0 && server_bytes < COOKIE_SERVER_BYTES_MIN))
		return -EBADMSG;
	*out = (struct cookie){.server_bytes = (uint8_t)server_bytes};
	cursor_copy(in, out->client, COOKIE_CLIENT_BYTES);
	cursor_copy(in, out->server, server_bytes);
	return 0;
}

int cookie_find(const struct dns_message *message, struct cookie *out)
{
	struct cursor in =
		cursor_of(message->bytes + message->edns.options_at, message->edns.options_bytes);

	while (message->edns.is_there && in.left > 0) {
		uint16_t option = cursor_u16(&in);
		struct cursor data = cursor_part(&in, cursor_u16(&in));

		if (in.is_short)
			return -EBADMSG;
		if (option == COOKIE_OPTION)
			return read_cookie(&data, out);
	}
	return -ENOENT;
}

size_t cookie_option_bytes(const struct cookie *cookie)
{
	return COOKIE_OPTION_HEAD_BYTES + COOKIE_CLIENT_BYTES + cookie->server_bytes;
}

size_t cookie_append(const struct cookie *cookie, uint8_t *message, size_t n, size_t room)
{
	struct cursor_out out = cursor_out_of(message, room);
	struct dns_message parsed;
	size_t options;

	if (dns_message_parse(message, n, &parsed) != 0 || !parsed.edns.is_there ||
		(size_t)parsed.edns.options_at + parsed.edns.options_bytes != n)
		return n;
	out.n = n;
	cursor_put_u16(&out, COOKIE_OPTION);
	cursor_put_u16(&out, (uint16_t)(COOKIE_CLIENT_BYTES + cookie->server_bytes));
	cursor_put(&out, cookie->client, COOKIE_CLIENT_BYTES);
	cursor_put(&out, cookie->server, cookie->server_bytes);
	options = out.n - parsed.edns.options_at;
	if (out.is_full || options > UINT16_MAX)
		return n;
	message[parsed.edns.options_at - LENGTH_BYTES] = (uint8_t)(options >> 8);
	message[parsed.edns.options_at - LENGTH_BYTES + 1] = (uint8_t)options;
	return out.n;
}
