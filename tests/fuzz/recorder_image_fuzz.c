// SPDX-License-Identifier: BSD-3-Clause
// The image that a killed router's recorder left, as bytes from anybody: whatever they are, reading
// ends, stays within them, and shows packets of the past under names that can be printed.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "dataplane/dataplane.h"
#include "tests/unit/dataplane_fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { LINE = 64, SLOT_LEAST = 40, LAST_SEC = 1000000 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fixture_start_drivers();
	return 0;
}

static void check(const struct dp_captured *packet, uint8_t *sum)
{
	if (packet->captured_bytes > packet->bytes || packet->interface_name == NULL ||
		packet->interface >= DP_INTERFACES_MAX || packet->is_by_firewall)
		abort();
	for (const char *c = packet->interface_name; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			abort();
	for (uint32_t i = 0; i < packet->captured_bytes; i++)
		*sum ^= packet->data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	struct dp_recording_origin origin;
	struct dp_recording *recording;
	struct dp_captured packet;
	struct error err = {0};
	size_t n = 0;
	static uint8_t sum;
	void *image;

	if (n_bytes == 0 || posix_memalign(&image, LINE, n_bytes) != 0)
		return 0;
	memcpy(image, bytes, n_bytes);
	recording = dataplane_recording_of_image(image, n_bytes, LAST_SEC, &origin, &err);
	if (recording == NULL && err.text[0] == '\0')
		abort();
	while (recording != NULL && dataplane_recording_next(recording, &packet)) {
		check(&packet, &sum);
		if (++n > n_bytes / SLOT_LEAST)
			abort();
	}
	dataplane_recording_free(recording);
	free(image);
	return 0;
}
