// SPDX-License-Identifier: BSD-3-Clause
// Whatever is read as an address with a port is written so that it is read as the same.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "cfg/base/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct ip_endpoint endpoint, again;
	char *text = malloc(n_bytes + 1), written[ADDR_STR_BYTES];

	memcpy(text, bytes, n_bytes);
	text[n_bytes] = '\0';
	if (ip_endpoint_parse(text, &endpoint) == 0 &&
		(ip_endpoint_parse(ip_endpoint_str(&endpoint, written), &again) != 0 ||
			!ip_addr_equal(&endpoint.addr, &again.addr) ||
			endpoint.port != again.port || endpoint.has_port != again.has_port))
		abort();
	free(text);
	return 0;
}
