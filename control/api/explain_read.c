// SPDX-License-Identifier: BSD-3-Clause
// The parameters of `explain`: a whole frame, or what one is to be made of.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/base/endpoint.h"
#include "control/api/explain.h"
#include "control/explain_frame.h"

enum { ICMP4_ECHO = 8, ICMP6_ECHO = 128, TCP_SYN = 2 };

static const struct mac_addr somebody = {{0x02, 0, 0x5e, 0, 0, 1}}; // where the sender is unknown

static bool refuse(struct rpc_failure *failure, const char *what)
{
	rpc_fail(failure, RPC_INVALID_PARAMS, "%s", what);
	return false;
}

// --- values ---

static bool read_number(const json_t *params, const char *key, int64_t max, int64_t *to,
	struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);

	if (value == NULL)
		return true;
	*to = json_integer_value(value);
	if (json_is_integer(value) && *to >= 0 && *to <= max)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' is a number from 0 to %lld", key,
		(long long)max);
	return false;
}

static bool read_truth(const json_t *params, const char *key, bool *to, struct rpc_failure *failure)
{
	const json_t *value = json_object_get(params, key);

	*to = json_is_true(value);
	if (value == NULL || json_is_boolean(value))
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS, "'%s' is true or false", key);
	return false;
}

static bool read_endpoint(
	const json_t *params, const char *key, struct ip_endpoint *to, struct rpc_failure *failure)
{
	const char *text = json_string_value(json_object_get(params, key));

	if (text != NULL && ip_endpoint_parse(text, to) == 0)
		return true;
	rpc_fail(failure, RPC_INVALID_PARAMS,
		"'%s' is an address, with a port for tcp and udp: 198.18.0.7:5000 or "
		"[2001:db8::7]:5000",
		key);
	return false;
}

static bool read_protocol(
	const json_t *params, struct explain_frame *to, struct rpc_failure *failure)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP},
		{"icmp6", IPPROTO_ICMPV6}};
	const char *text = json_string_value(json_object_get(params, "protocol"));
	char *end;
	unsigned long number;

	if (text == NULL)
		return refuse(failure, "'protocol' is tcp, udp, icmp, icmp6 or a number");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		to->protocol = names[i].number;
		if (strcmp(names[i].name, text) == 0)
			return true;
	}
	number = strtoul(text, &end, 10);
	to->protocol = (uint8_t)number;
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && number <= UINT8_MAX)
		return true;
	return refuse(failure, "'protocol' is tcp, udp, icmp, icmp6 or a number up to 255");
}

static bool read_flags(const json_t *params, struct explain_frame *to, struct rpc_failure *failure)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	const json_t *flags = json_object_get(params, "flags");

	to->tcp_flags = flags == NULL ? TCP_SYN : 0;
	if (flags != NULL && (!json_is_array(flags) || to->protocol != IPPROTO_TCP))
		return refuse(failure, "'flags' is a list, of tcp");
	for (size_t i = 0; i < json_array_size(flags); i++) {
		const char *word = json_string_value(json_array_get(flags, i));
		unsigned bit = 0;

		while (bit < 8 && (word == NULL || strcmp(word, names[bit]) != 0))
			bit++;
		if (bit == 8)
			return refuse(
				failure, "'flags' are fin, syn, rst, psh, ack, urg, ece, cwr");
		to->tcp_flags |= (uint8_t)(1 << bit);
	}
	return true;
}

// --- the frame ---

static bool read_ends(const json_t *params, struct explain_frame *to, struct rpc_failure *failure)
{
	bool has_ports = to->protocol == IPPROTO_TCP || to->protocol == IPPROTO_UDP;
	struct ip_endpoint src, dst;

	if (!read_endpoint(params, "source", &src, failure) ||
		!read_endpoint(params, "destination", &dst, failure))
		return false;
	if (src.addr.family != dst.addr.family)
		return refuse(failure, "'source' and 'destination' are of one family");
	if (src.has_port != has_ports || dst.has_port != has_ports)
		return refuse(failure, has_ports ? "tcp and udp have a port at both ends"
						 : "only tcp and udp have ports");
	to->src = src.addr;
	to->dst = dst.addr;
	to->sport = src.port;
	to->dport = dst.port;
	return true;
}

static bool read_numbers(
	const json_t *params, struct explain_frame *to, struct rpc_failure *failure)
{
	int64_t type = to->src.family == IP_V6 ? ICMP6_ECHO : ICMP4_ECHO, code = 0, id = 1;
	int64_t hops = EXPLAIN_HOPS, dscp = 0, mss = 0, payload = 0;

	if (!read_number(params, "type", UINT8_MAX, &type, failure) ||
		!read_number(params, "code", UINT8_MAX, &code, failure) ||
		!read_number(params, "id", UINT16_MAX, &id, failure) ||
		!read_number(params, "ttl", UINT8_MAX, &hops, failure) ||
		!read_number(params, "dscp", 63, &dscp, failure) ||
		!read_number(params, "mss", UINT16_MAX, &mss, failure) ||
		!read_number(params, "payload", EXPLAIN_PAYLOAD_MAX, &payload, failure))
		return false;
	to->icmp_type = (uint8_t)type;
	to->icmp_code = (uint8_t)code;
	to->query_id = (uint16_t)id;
	to->hops = (uint8_t)hops;
	to->dscp = (uint8_t)dscp;
	to->mss = (uint16_t)mss;
	to->payload_bytes = (uint16_t)payload;
	return true;
}

// The neighbour that the sender is, if he is one.
static struct mac_addr mac_of(
	const struct router *router, const struct interface *in, const struct ip_addr *src)
{
	const struct neighbour *neighbour =
		neighbour_table_find(router->neighbours.table, in->id, src);

	return neighbour_has_mac(neighbour) ? neighbour->mac : somebody;
}

static bool read_macs(const struct router *router, const json_t *params, const struct interface *in,
	struct explain_frame *to, struct rpc_failure *failure)
{
	const json_t *said = json_object_get(params, "mac");
	const char *text = json_string_value(said);
	const struct mac_addr own = port_info(in->port)->mac;
	bool is_from_router = json_is_true(json_object_get(params, "from_router"));

	to->dst_mac = is_from_router ? somebody : own;
	to->src_mac = is_from_router ? own : mac_of(router, in, &to->src);
	if (said == NULL || (text != NULL && mac_addr_parse(text, &to->src_mac) == 0))
		return true;
	return refuse(failure, "'mac' is the sender's, such as 02:00:00:aa:bb:cc");
}

static int hex_of(char c)
{
	const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static bool read_hex(const json_t *value, struct dp_explain *packet,
	uint8_t frame[EXPLAIN_BYTES_MAX], struct rpc_failure *failure)
{
	const char *text = json_string_value(value);
	size_t n = text == NULL ? 0 : strlen(text);

	if (n == 0 || n % 2 != 0 || n / 2 > EXPLAIN_BYTES_MAX)
		return refuse(failure, "'frame' is 1 to 1600 bytes, as lower hexadecimal digits");
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_of(text[i]), low = hex_of(text[i + 1]);

		if (high < 0 || low < 0)
			return refuse(failure, "'frame' has something else than 0-9 and a-f");
		frame[i / 2] = (uint8_t)(high << 4 | low);
	}
	packet->bytes = (uint16_t)(n / 2);
	return true;
}

static const struct interface *read_interface(
	const struct router *router, const json_t *params, struct rpc_failure *failure)
{
	const char *name = json_string_value(json_object_get(params, "in"));
	const struct interface *in =
		name == NULL ? NULL : interfaces_by_name(&router->interfaces, name);

	if (name == NULL)
		refuse(failure, "'in' is the interface that it comes in by; with from_router, that "
				"it leaves by");
	else if (in == NULL)
		rpc_fail(failure, RPC_INVALID_PARAMS, "there is no interface '%.64s'", name);
	return in;
}

bool explain_read(const struct router *router, const json_t *params, struct dp_explain *packet,
	uint8_t frame[EXPLAIN_BYTES_MAX], struct rpc_failure *failure)
{
	static const char *const keys[] = {"in", "from_router", "frame", "protocol", "source",
		"destination", "flags", "mss", "type", "code", "id", "ttl", "dscp", "payload", "df",
		"fragment", "mac", NULL};
	struct explain_frame from = {0};
	const struct interface *in;

	if (!show_check_names(params, keys, failure))
		return false;
	in = read_interface(router, params, failure);
	if (in == NULL || !read_truth(params, "from_router", &packet->is_from_router, failure))
		return false;
	packet->interface = in->id;
	packet->frame = frame;
	if (json_object_get(params, "frame") != NULL)
		return read_hex(json_object_get(params, "frame"), packet, frame, failure);
	if (!read_protocol(params, &from, failure) || !read_flags(params, &from, failure) ||
		!read_ends(params, &from, failure) || !read_numbers(params, &from, failure) ||
		!read_truth(params, "df", &from.has_df, failure) ||
		!read_truth(params, "fragment", &from.is_fragment, failure) ||
		!read_macs(router, params, in, &from, failure))
		return false;
	packet->bytes = (uint16_t)explain_frame_write(&from, frame);
	return true;
}
