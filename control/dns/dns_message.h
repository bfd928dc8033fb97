// SPDX-License-Identifier: BSD-3-Clause
// A message of DNS (RFC 1035, section 4), read where it is: header, question and EDNS (RFC 6891) at
// once, records when they are walked. Nothing is allocated; whatever a stranger sent is bounded by
// its bytes. Any thread.
#pragma once

#include "control/dns/dns_name.h"

enum {
	DNS_HEADER_BYTES = 12,
	DNS_UDP_BYTES = 512,	   // RFC 1035, section 2.3.4: without EDNS
	DNS_MESSAGE_BYTES = 65535, // with the length in front, over TCP
};

enum dns_flag { // of the header's second word
	DNS_QR = 1 << 15,
	DNS_OPCODE = 15 << 11,
	DNS_AA = 1 << 10,
	DNS_TC = 1 << 9,
	DNS_RD = 1 << 8,
	DNS_RA = 1 << 7,
	DNS_AD = 1 << 5, // RFC 4035
	DNS_CD = 1 << 4,
	DNS_RCODE = 15,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16,   // RFC 6891, section 6.1.3
	DNS_BADCOOKIE = 23, // RFC 7873, section 8
};

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_DS = 43,
	DNS_SVCB = 64, // RFC 9460
	DNS_HTTPS = 65,
	DNS_ANY = 255,
};

enum { DNS_CLASS_IN = 1, DNS_CLASS_ANY = 255 };

struct dns_question {
	struct dns_name name; // in the case of who asks
	uint16_t type, class;
};

struct dns_edns {
	bool is_there;
	bool is_do; // wants DNSSEC's records
	uint8_t version, rcode_high;
	uint16_t udp_bytes; // as it says; less than 512 means 512
	uint16_t options_at, options_bytes;
};

enum dns_section {
	DNS_ANSWER = 0,
	DNS_AUTHORITY,
	DNS_ADDITIONAL,
	DNS_SECTIONS,
};

struct dns_message {
	const uint8_t *bytes; // borrowed
	size_t n;
	uint16_t id, flags;
	uint16_t n_questions, n_records[DNS_SECTIONS];
	struct dns_question question; // the first one; its name is empty where there is none
	size_t records_at;	      // behind all questions
	struct dns_edns edns;
};

// Takes a query or a response, of at most DNS_MESSAGE_BYTES. 0; -ENOMSG: there is not even a
// header; -EBADMSG: header and maybe question are there, the rest is not what it says, or there is
// more than one OPT. The names of records are looked at by who walks.
int dns_message_parse(const void *bytes, size_t n, struct dns_message *out);

static inline enum dns_rcode dns_message_rcode(const struct dns_message *message)
{
	return (enum dns_rcode)(message->edns.rcode_high << 4 | (message->flags & DNS_RCODE));
}

struct dns_record {
	enum dns_section section;
	uint16_t type, class;
	uint32_t ttl_sec;		 // RFC 2181, section 8: with the top bit set it is 0
	size_t name_at, ttl_at, data_at; // in the message's bytes
	uint16_t data_bytes;
};

struct dns_walk {
	const struct dns_message *message;
	struct cursor in;
	uint16_t left[DNS_SECTIONS];
};

// All records of a parsed message, OPT too, in their order; false behind the last one.
struct dns_walk dns_walk_begin(const struct dns_message *message);
bool dns_walk_next(struct dns_walk *walk, struct dns_record *record);

// 0 or -EBADMSG: the name is none, or its pointers lead astray.
int dns_record_name(
	const struct dns_message *message, const struct dns_record *record, struct dns_name *out);
// The name in the data of CNAME, NS, PTR; of MX, SRV, SVCB and HTTPS behind their numbers. The same
// errors.
int dns_record_target(
	const struct dns_message *message, const struct dns_record *record, struct dns_name *out);
// The address of A and AAAA; false: it has none.
bool dns_record_address(
	const struct dns_message *message, const struct dns_record *record, struct ip_addr *out);

// "AAAA"; "TYPE65280" (RFC 3597) into `out` where it has no name here. The type of either, in any
// case, or 0.
enum { DNS_TYPE_STR_BYTES = 16 };
const char *dns_type_str(uint16_t type, char out[DNS_TYPE_STR_BYTES]);
uint16_t dns_type_parse(const char *text);
