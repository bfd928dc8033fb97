// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include "cfg/base/endpoint.h"
#include "control/api/explain.h"

static void put_macs(json_t *to, const struct ether_header *eth)
{
	struct mac_addr mac;

	memcpy(mac.bytes, eth->ether_shost, sizeof(mac.bytes));
	show_put_mac(to, "source_mac", &mac);
	memcpy(mac.bytes, eth->ether_dhost, sizeof(mac.bytes));
	show_put_mac(to, "destination_mac", &mac);
}

static void put_endpoint(json_t *to, const char *key, const struct ip_endpoint *endpoint)
{
	char text[ADDR_STR_BYTES];

	show_put_text(to, key, ip_endpoint_str(endpoint, text));
}

static void put_ends(json_t *to, struct ip_endpoint *src, struct ip_endpoint *dst, uint8_t protocol,
	const uint8_t *l4, size_t n_bytes)
{
	if ((protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && n_bytes >= 4) {
		src->has_port = dst->has_port = true;
		src->port = (uint16_t)(l4[0] << 8 | l4[1]);
		dst->port = (uint16_t)(l4[2] << 8 | l4[3]);
	}
	put_endpoint(to, "source", src);
	put_endpoint(to, "destination", dst);
	show_put_number(to, "protocol", protocol);
}

static void put_ip4(json_t *to, const uint8_t *bytes, size_t n_bytes)
{
	struct ip_endpoint src = {.addr.family = IP_V4}, dst = {.addr.family = IP_V4};
	struct iphdr ip;
	size_t head;

	if (n_bytes < sizeof(ip))
		return;
	memcpy(&ip, bytes, sizeof(ip));
	head = (size_t)ip.ihl * 4;
	memcpy(src.addr.v4, &ip.saddr, 4);
	memcpy(dst.addr.v4, &ip.daddr, 4);
	put_ends(to, &src, &dst, ip.protocol, bytes + head,
		n_bytes > head && (ntohs(ip.frag_off) & IP_OFFMASK) == 0 ? n_bytes - head : 0);
	show_put_number(to, "ttl", ip.ttl);
	show_put_number(to, "bytes", ntohs(ip.tot_len));
}

static void put_ip6(json_t *to, const uint8_t *bytes, size_t n_bytes)
{
	struct ip_endpoint src = {.addr.family = IP_V6}, dst = {.addr.family = IP_V6};
	struct ip6_hdr ip;

	if (n_bytes < sizeof(ip))
		return;
	memcpy(&ip, bytes, sizeof(ip));
	memcpy(src.addr.v6, &ip.ip6_src, 16);
	memcpy(dst.addr.v6, &ip.ip6_dst, 16);
	put_ends(to, &src, &dst, ip.ip6_nxt, bytes + sizeof(ip), n_bytes - sizeof(ip));
	show_put_number(to, "ttl", ip.ip6_hlim);
	show_put_number(to, "bytes", sizeof(ip) + ntohs(ip.ip6_plen));
}

json_t *explain_left_json(const uint8_t *frame, size_t n_bytes)
{
	json_t *to = json_object();
	struct ether_header eth;

	if (n_bytes < sizeof(eth))
		return to;
	memcpy(&eth, frame, sizeof(eth));
	put_macs(to, &eth);
	if (eth.ether_type == htons(ETHERTYPE_IP))
		put_ip4(to, frame + sizeof(eth), n_bytes - sizeof(eth));
	else if (eth.ether_type == htons(ETHERTYPE_IPV6))
		put_ip6(to, frame + sizeof(eth), n_bytes - sizeof(eth));
	return to;
}
