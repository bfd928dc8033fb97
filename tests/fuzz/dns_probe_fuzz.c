// SPDX-License-Identifier: BSD-3-Clause
// What a resolver answers, what resolv.conf says, and a name that is asked for: any bytes.
#include <stdlib.h>
#include <string.h>

#include "control/apply/dns_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct ip_addr servers[DNS_PROBE_SERVERS_MAX];
	uint8_t question[DNS_PROBE_BYTES_MAX], *exact = malloc(n + 1);
	uint16_t id = n < 2 ? 0 : (uint16_t)(bytes[0] << 8 | bytes[1]);
	const char *why;

	if (exact == NULL)
		abort();
	memcpy(exact, bytes, n);
	exact[n] = '\0';
	if (dns_probe_ask(question, id, (const char *)exact) > sizeof(question) ||
		dns_probe_servers((const char *)exact, servers) > DNS_PROBE_SERVERS_MAX)
		abort();
	free(exact);
	exact = malloc(n); // no byte behind it
	if (exact == NULL && n > 0)
		abort();
	if (n > 0)
		memcpy(exact, bytes, n);
	if (dns_probe_is_answered(exact, n, id, &why) && (n < 12 || why != NULL))
		abort();
	free(exact);
	return 0;
}
