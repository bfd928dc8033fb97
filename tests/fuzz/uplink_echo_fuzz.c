// SPDX-License-Identifier: BSD-3-Clause
// What a raw ICMP socket may give: any bytes.
#include <stdlib.h>
#include <string.h>

#include "cfg/base/addr.h"
#include "control/uplink/uplink_echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n), again[UPLINK_ECHO_BYTES]; // no byte behind it
	struct uplink_echo echo = {0}, back = {0};

	if (exact == NULL && n > 0)
		abort();
	if (n > 0)
		memcpy(exact, bytes, n);
	if (uplink_echo_read(IP_V4, exact, n, &echo) && n < 28)
		abort();
	if (uplink_echo_read(IP_V6, exact, n, &echo)) {
		if (n < 8)
			abort();
		uplink_echo_write(IP_V6, &echo, again);
		again[0] = 129;
		if (!uplink_echo_read(IP_V6, again, sizeof(again), &back) || back.id != echo.id ||
			back.sequence != echo.sequence)
			abort();
	}
	free(exact);
	return 0;
}
