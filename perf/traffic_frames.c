// SPDX-License-Identifier: BSD-3-Clause
// A capture file (libpcap's savefile(5)): a header of 24 bytes, then 16 bytes before each frame.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "perf/traffic.h"

enum {
	FILE_HEADER_BYTES = 24,
	FRAMES_MAX = 1 << 20,
	FRAME_BYTES_MIN = 14 + 20 + 8 + TRAFFIC_STAMP_BYTES, // Ethernet, IPv4, UDP
};

static const uint32_t pcap_magic = 0xa1b2c3d4;

struct record_header {
	uint32_t sec, usec, captured_bytes, wire_bytes;
};

static struct traffic_frame *frame_read(FILE *f, const struct record_header *record)
{
	struct traffic_frame *frame;

	if (record->captured_bytes < FRAME_BYTES_MIN ||
		record->captured_bytes > TRAFFIC_FRAME_BYTES_MAX)
		return NULL;
	frame = malloc(sizeof(*frame) + record->captured_bytes);
	if (frame == NULL)
		return NULL;
	frame->len = (uint16_t)record->captured_bytes;
	if (fread(frame->bytes, frame->len, 1, f) != 1) {
		free(frame);
		return NULL;
	}
	return frame;
}

static int frames_read(FILE *f, struct traffic_frames *frames)
{
	uint8_t header[FILE_HEADER_BYTES];
	struct record_header record;

	if (fread(header, sizeof(header), 1, f) != 1 ||
		memcmp(header, &pcap_magic, sizeof(pcap_magic)) != 0)
		return -1;
	frames->list = calloc(FRAMES_MAX, sizeof(*frames->list));
	if (frames->list == NULL)
		return -1;
	while (fread(&record, sizeof(record), 1, f) == 1) {
		if (frames->n == FRAMES_MAX)
			return -1;
		frames->list[frames->n] = frame_read(f, &record);
		if (frames->list[frames->n] == NULL)
			return -1;
		frames->n++;
	}
	return frames->n > 0 ? 0 : -1;
}

int traffic_frames_read(const char *path, struct traffic_frames *frames)
{
	FILE *f = fopen(path, "re");
	int rc;

	*frames = (struct traffic_frames){0};
	if (f == NULL) {
		fprintf(stderr, "traffic: %s: %s\n", path, strerror(errno));
		return -1;
	}
	rc = frames_read(f, frames);
	fclose(f);
	if (rc < 0) {
		fprintf(stderr,
			"traffic: %s is no capture file of up to %d frames, %d to %d bytes each\n",
			path, FRAMES_MAX, FRAME_BYTES_MIN, TRAFFIC_FRAME_BYTES_MAX);
		traffic_frames_free(frames);
	}
	return rc;
}

void traffic_frames_free(struct traffic_frames *frames)
{
	for (uint32_t i = 0; i < frames->n; i++)
		free(frames->list[i]);
	free(frames->list);
	*frames = (struct traffic_frames){0};
}
