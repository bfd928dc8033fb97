// SPDX-License-Identifier: BSD-3-Clause
#include "control/dhcp/dhcp4_scope.h"

#include <string.h>

#include "cfg/base/cursor.h"
#include "control/hash.h"

const char *dhcp4_scope_domain(const struct cfg_dhcp_options *options)
{
	for (unsigned i = 0; i < options->n; i++)
		if (options->list[i].number == DHCP4_OPTION_DOMAIN)
			return options->list[i].values[0];
	return "";
}

// --- subnets ---

int dhcp4_scopes_init(struct dhcp4_scopes *scopes, const struct cfg_dhcp *config)
{
	memset(scopes, 0, sizeof(*scopes));
	for (unsigned i = 0; i < config->n_subnets; i++) {
		struct dhcp4_scope *scope = &scopes->list[scopes->n++];

		scope->config = &config->subnets[i];
		scope->mask = ~UINT32_C(0) << (32 - scope->config->subnet.len);
		scope->network = ip4_number(&scope->config->subnet.addr) & scope->mask;
		scope->router = ip4_number(&scope->config->router);
		if (dhcp4_pool_init(&scope->pool, scope->config) != 0)
			return -1;
	}
	return 0;
}

void dhcp4_scopes_fini(struct dhcp4_scopes *scopes)
{
	for (unsigned i = 0; i < scopes->n; i++)
		dhcp4_pool_fini(&scopes->list[i].pool);
	scopes->n = 0;
}

struct dhcp4_scope *dhcp4_scopes_of_address(struct dhcp4_scopes *scopes, uint32_t address)
{
	for (unsigned i = 0; i < scopes->n; i++)
		if (dhcp4_scope_has(&scopes->list[i], address))
			return &scopes->list[i];
	return NULL;
}

const uint8_t *dhcp4_relay_part(const struct dhcp4_message *message, uint8_t code, size_t *len)
{
	size_t n;
	const uint8_t *bytes = dhcp4_get(message, DHCP4_OPTION_RELAY_AGENT, &n);
	struct cursor c = cursor_of(bytes, n);

	while (c.left > 0) {
		uint8_t part = cursor_u8(&c), part_len = cursor_u8(&c);
		const uint8_t *at = cursor_bytes(&c, part_len);

		if (at != NULL && part == code) {
			*len = part_len;
			return at;
		}
	}
	*len = 0;
	return NULL;
}

// Where the client is, when a relay says so: the link that it names rather than its own address.
static uint32_t relayed_link(const struct dhcp4_message *message)
{
	uint32_t link = message->giaddr, selected;
	struct cursor c;
	size_t len;

	if (dhcp4_get_u32(message, DHCP4_OPTION_SUBNET_SELECTION, &selected))
		link = selected;
	c.at = dhcp4_relay_part(message, DHCP4_RELAY_LINK_SELECTION, &len);
	if (c.at != NULL && len == sizeof(uint32_t)) {
		c = cursor_of(c.at, len);
		link = cursor_u32(&c);
	}
	return link;
}

struct dhcp4_scope *dhcp4_scopes_of_message(
	struct dhcp4_scopes *scopes, const char *interface, const struct dhcp4_message *message)
{
	struct dhcp4_scope *scope = NULL;

	if (message->giaddr != 0)
		scope = dhcp4_scopes_of_address(scopes, relayed_link(message));
	else if (message->ciaddr != 0)
		scope = dhcp4_scopes_of_address(scopes, message->ciaddr);
	if (scope != NULL && strcmp(scope->config->interface, interface) == 0)
		return scope;
	for (unsigned i = 0; i < scopes->n && message->giaddr == 0; i++)
		if (!scopes->list[i].config->is_relayed &&
			strcmp(scopes->list[i].config->interface, interface) == 0)
			return &scopes->list[i];
	return NULL;
}

// --- who asks ---

static bool read_client(struct dhcp4_client *client, const struct dhcp4_message *message)
{
	struct cursor_out c = cursor_out_of(client->bytes, sizeof(client->bytes));
	size_t len;
	const uint8_t *id = dhcp4_get(message, DHCP4_OPTION_CLIENT_ID, &len);

	// RFC 2132 section 9.14: two bytes at least
	if (id != NULL && len >= 2 && len < sizeof(client->bytes)) {
		cursor_put_u8(&c, 1);
		cursor_put(&c, id, len);
	} else if (message->hlen > 0) {
		cursor_put_u8(&c, 0);
		cursor_put_u8(&c, message->htype);
		cursor_put(&c, message->chaddr, message->hlen);
	}
	client->n = (uint8_t)c.n;
	return c.n > 0;
}

// Who makes up names of clients still sends by one card, or by one port of a relay.
static uint64_t read_origin(const struct dhcp4_message *message, const struct mac_addr *source)
{
	size_t len;
	const uint8_t *circuit = dhcp4_relay_part(message, DHCP4_RELAY_CIRCUIT_ID, &len);

	if (circuit != NULL)
		return hash_bytes(message->giaddr, circuit, len) | 1;
	if (message->giaddr != 0) // all that is known of one behind a relay
		return hash_bytes(message->giaddr, message->chaddr, sizeof(message->chaddr)) | 1;
	return hash_bytes(0, source->bytes, sizeof(source->bytes)) | 1;
}

static bool is_id(const struct cfg_dhcp_id *id, const uint8_t *bytes, size_t len)
{
	return id->text == NULL ||
	       (bytes != NULL && len == id->n_bytes && memcmp(bytes, id->bytes, len) == 0);
}

// What a reservation says all has to hold. A client's id may be said with its type or without.
static const struct cfg_dhcp_reservation *find_reservation(const struct dhcp4_scope *scope,
	const struct dhcp4_asker *asker, const struct dhcp4_message *message)
{
	size_t client_len, circuit_len, remote_len;
	const uint8_t *client = dhcp4_get(message, DHCP4_OPTION_CLIENT_ID, &client_len);
	const uint8_t *circuit = dhcp4_relay_part(message, DHCP4_RELAY_CIRCUIT_ID, &circuit_len);
	const uint8_t *remote = dhcp4_relay_part(message, DHCP4_RELAY_REMOTE_ID, &remote_len);

	for (unsigned i = 0; i < scope->config->n_reservations; i++) {
		const struct cfg_dhcp_reservation *one = &scope->config->reservations[i];

		if (one->has_mac && memcmp(&one->mac, &asker->mac, sizeof(one->mac)) != 0)
			continue;
		if (!is_id(&one->client_id, client, client_len) &&
			!(client_len > 1 && is_id(&one->client_id, client + 1, client_len - 1)))
			continue;
		if (is_id(&one->circuit_id, circuit, circuit_len) &&
			is_id(&one->remote_id, remote, remote_len))
			return one;
	}
	return NULL;
}

static bool begins_with(const struct dhcp4_message *message, uint8_t code, const char *text)
{
	size_t len;
	const uint8_t *bytes = dhcp4_get(message, code, &len);
	size_t n = text == NULL ? 0 : strlen(text);

	if (text == NULL)
		return true;
	if (bytes != NULL && len >= n && memcmp(bytes, text, n) == 0)
		return true;
	// RFC 3004 has a length in front of each user class, and many do without
	return code == DHCP4_OPTION_USER_CLASS && bytes != NULL && len > n &&
	       memcmp(bytes + 1, text, n) == 0;
}

static uint32_t find_classes(const struct dhcp4_scope *scope, const struct dhcp4_message *message)
{
	uint32_t found = 0;
	uint16_t architecture = 0;
	bool has_one = dhcp4_get_u16(message, DHCP4_OPTION_ARCHITECTURE, &architecture);

	for (unsigned i = 0; i < scope->config->n_classes; i++) {
		const struct cfg_dhcp_class *class = &scope->config->classes[i];
		bool is_in = class->n_architectures == 0;

		for (unsigned k = 0; k < class->n_architectures && has_one; k++)
			is_in |= class->architectures[k] == architecture;
		if (is_in && begins_with(message, DHCP4_OPTION_VENDOR_CLASS, class->vendor) &&
			begins_with(message, DHCP4_OPTION_USER_CLASS, class->user))
			found |= UINT32_C(1) << i;
	}
	return found;
}

static bool has_mac(const struct cfg_element *list, unsigned n, const struct mac_addr *mac)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(&list[i].mac, mac, sizeof(*mac)) == 0)
			return true;
	return false;
}

bool dhcp4_asker_read(struct dhcp4_asker *asker, const struct dhcp4_scope *scope,
	const struct dhcp4_message *message, const struct mac_addr *source)
{
	const struct cfg_dhcp_subnet *config = scope->config;

	*asker = (struct dhcp4_asker){0};
	if (!read_client(&asker->client, message))
		return false;
	memcpy(asker->mac.bytes, message->chaddr, sizeof(asker->mac.bytes));
	asker->origin = read_origin(message, source);
	asker->reservation = find_reservation(scope, asker, message);
	asker->classes = find_classes(scope, message);
	asker->is_refused = has_mac(config->denied, config->n_denied, &asker->mac) ||
			    (config->n_allowed > 0 &&
				    !has_mac(config->allowed, config->n_allowed, &asker->mac)) ||
			    (config->has_only_reserved && asker->reservation == NULL);
	return true;
}

// --- what the config says ---

const struct cfg_dhcp_reservation *dhcp4_scope_reservation(
	const struct dhcp4_scope *scope, uint32_t address)
{
	for (unsigned i = 0; i < scope->config->n_reservations; i++)
		if (ip4_number(&scope->config->reservations[i].address) == address)
			return &scope->config->reservations[i];
	return NULL;
}

static bool is_in_class(
	const struct dhcp4_scope *scope, const struct dhcp4_asker *asker, const char *name)
{
	for (unsigned i = 0; i < scope->config->n_classes; i++)
		if (strcmp(scope->config->classes[i].name, name) == 0)
			return asker->classes >> i & 1;
	return false;
}

bool dhcp4_scope_allows(
	const struct dhcp4_scope *scope, const struct dhcp4_asker *asker, uint32_t address)
{
	const struct dhcp4_range *range;

	if (asker->reservation != NULL)
		return ip4_number(&asker->reservation->address) == address;
	range = dhcp4_pool_find(&scope->pool, address);
	return range != NULL && address != scope->router &&
	       dhcp4_scope_reservation(scope, address) == NULL &&
	       (range->pool == NULL || range->pool->class == NULL ||
		       is_in_class(scope, asker, range->pool->class));
}

enum { PLACES_MAX = CFG_DHCP_CLASSES_MAX + 3 };

// Where an option may be said, the nearest first.
static unsigned list_places(const struct dhcp4_scope *scope, const struct dhcp4_asker *asker,
	uint32_t address, const struct cfg_dhcp_options *out[PLACES_MAX])
{
	const struct dhcp4_range *range = dhcp4_pool_find(&scope->pool, address);
	unsigned n = 0;

	if (asker->reservation != NULL)
		out[n++] = &asker->reservation->options;
	for (unsigned i = 0; i < scope->config->n_classes; i++)
		if (asker->classes >> i & 1)
			out[n++] = &scope->config->classes[i].options;
	if (range != NULL && range->pool != NULL)
		out[n++] = &range->pool->options;
	out[n++] = &scope->config->options;
	return n;
}

const struct cfg_dhcp_option *dhcp4_scope_option(const struct dhcp4_scope *scope,
	const struct dhcp4_asker *asker, uint32_t address, uint16_t number)
{
	const struct cfg_dhcp_options *places[PLACES_MAX];
	unsigned n = list_places(scope, asker, address, places);

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < places[i]->n; k++)
			if (places[i]->list[k].number == number)
				return &places[i]->list[k];
	return NULL;
}

void dhcp4_scope_each_option(const struct dhcp4_scope *scope, const struct dhcp4_asker *asker,
	uint32_t address, void (*fn)(void *ctx, uint16_t number), void *ctx)
{
	const struct cfg_dhcp_options *places[PLACES_MAX];
	unsigned n = list_places(scope, asker, address, places);

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < places[i]->n; k++)
			fn(ctx, places[i]->list[k].number);
}
