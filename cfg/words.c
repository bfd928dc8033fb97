// SPDX-License-Identifier: BSD-3-Clause
#include "cfg/words.h"

#include <string.h>

#define TYPE(type)	 ((type) << 8)
#define CODE(type, code) ((type) << 8 | (code))

const struct word word_services[] = {
	{"ftp", 21},
	{"ssh", 22},
	{"telnet", 23},
	{"smtp", 25},
	{"dns", 53},
	{"dhcp-server", 67},
	{"dhcp-client", 68},
	{"tftp", 69},
	{"http", 80},
	{"pop3", 110},
	{"ntp", 123},
	{"imap", 143},
	{"snmp", 161},
	{"snmp-trap", 162},
	{"bgp", 179},
	{"ldap", 389},
	{"https", 443},
	{"smb", 445},
	{"submissions", 465},
	{"ike", 500},
	{"syslog", 514},
	{"dhcpv6-client", 546},
	{"dhcpv6-server", 547},
	{"rtsp", 554},
	{"submission", 587},
	{"ipp", 631},
	{"ldaps", 636},
	{"dns-tls", 853},
	{"imaps", 993},
	{"pop3s", 995},
	{"openvpn", 1194},
	{"l2tp", 1701},
	{"pptp", 1723},
	{"radius", 1812},
	{"mqtt", 1883},
	{"ssdp", 1900},
	{"nfs", 2049},
	{"rdp", 3389},
	{"stun", 3478},
	{"ipsec-nat", 4500},
	{"sip", 5060},
	{"sips", 5061},
	{"iperf3", 5201},
	{"mdns", 5353},
	{"llmnr", 5355},
	{"vnc", 5900},
	{"mqtts", 8883},
	{"wireguard", 51820},
	{0},
};

const struct word word_protocols[] = {
	{"icmp", 1},
	{"igmp", 2},
	{"ipip", 4},
	{"tcp", 6},
	{"udp", 17},
	{"dccp", 33},
	{"6in4", 41},
	{"gre", 47},
	{"esp", 50},
	{"ah", 51},
	{"icmp6", 58},
	{"ospf", 89},
	{"pim", 103},
	{"vrrp", 112},
	{"sctp", 132},
	{"udp-lite", 136},
	{0},
};

// RFC 792, RFC 950, RFC 1256
const struct word word_icmp_types[] = {
	{"echo-reply", TYPE(0)},
	{"destination-unreachable", TYPE(3)},
	{"source-quench", TYPE(4)},
	{"redirect", TYPE(5)},
	{"echo-request", TYPE(8)},
	{"router-advertisement", TYPE(9)},
	{"router-solicitation", TYPE(10)},
	{"time-exceeded", TYPE(11)},
	{"parameter-problem", TYPE(12)},
	{"timestamp-request", TYPE(13)},
	{"timestamp-reply", TYPE(14)},
	{"address-mask-request", TYPE(17)},
	{"address-mask-reply", TYPE(18)},
	{0},
};

// RFC 792, RFC 1812 section 5.2.7.1
const struct word word_icmp_codes[] = {
	{"net-unreachable", CODE(3, 0)},
	{"host-unreachable", CODE(3, 1)},
	{"protocol-unreachable", CODE(3, 2)},
	{"port-unreachable", CODE(3, 3)},
	{"fragmentation-needed", CODE(3, 4)},
	{"admin-prohibited", CODE(3, 13)},
	{0},
};

// RFC 4443, RFC 4861, RFC 2710, RFC 3810, RFC 4620
const struct word word_icmp6_types[] = {
	{"destination-unreachable", TYPE(1)},
	{"packet-too-big", TYPE(2)},
	{"time-exceeded", TYPE(3)},
	{"parameter-problem", TYPE(4)},
	{"echo-request", TYPE(128)},
	{"echo-reply", TYPE(129)},
	{"mld-query", TYPE(130)},
	{"mld-report", TYPE(131)},
	{"mld-done", TYPE(132)},
	{"router-solicitation", TYPE(133)},
	{"router-advertisement", TYPE(134)},
	{"neighbour-solicitation", TYPE(135)},
	{"neighbour-advertisement", TYPE(136)},
	{"redirect", TYPE(137)},
	{"node-information-query", TYPE(139)},
	{"node-information-reply", TYPE(140)},
	{"mld2-report", TYPE(143)},
	{0},
};

// RFC 4443 section 3.1
const struct word word_icmp6_codes[] = {
	{"no-route", CODE(1, 0)},
	{"admin-prohibited", CODE(1, 1)},
	{"host-unreachable", CODE(1, 3)},
	{"port-unreachable", CODE(1, 4)},
	{0},
};

// RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622
const struct word word_dscps[] = {
	{"cs0", 0},
	{"le", 1},
	{"cs1", 8},
	{"af11", 10},
	{"af12", 12},
	{"af13", 14},
	{"cs2", 16},
	{"af21", 18},
	{"af22", 20},
	{"af23", 22},
	{"cs3", 24},
	{"af31", 26},
	{"af32", 28},
	{"af33", 30},
	{"cs4", 32},
	{"af41", 34},
	{"af42", 36},
	{"af43", 38},
	{"cs5", 40},
	{"va", 44},
	{"ef", 46},
	{"cs6", 48},
	{"cs7", 56},
	{0},
};

// RFC 9293 section 3.1
const struct word word_tcp_flags[] = {
	{"fin", 0x01},
	{"syn", 0x02},
	{"rst", 0x04},
	{"psh", 0x08},
	{"ack", 0x10},
	{"urg", 0x20},
	{"ece", 0x40},
	{"cwr", 0x80},
	{0},
};

const struct word word_days[] = {
	{"sun", 0}, {"mon", 1}, {"tue", 2}, {"wed", 3}, {"thu", 4}, {"fri", 5}, {"sat", 6}, {0}};

const char *word_of(const struct word *words, unsigned value)
{
	for (const struct word *word = words; word->name != NULL; word++) {
		if (word->value == value)
			return word->name;
	}
	return NULL;
}

const struct word *word_find(const struct word *words, const char *text, size_t len)
{
	for (const struct word *word = words; word->name != NULL; word++) {
		if (strncmp(word->name, text, len) == 0 && word->name[len] == '\0')
			return word;
	}
	return NULL;
}
