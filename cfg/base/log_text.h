// SPDX-License-Identifier: BSD-3-Clause
// Text for one line of a log, whoever it came from: what could end the line, move a terminal's
// cursor or turn the reading order becomes \xNN, so does what is no UTF-8. Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

// As much of `text` as fits, with "..." where it is cut, never within a character. Returns the
// length. `out_bytes` is 8 or more.
size_t log_text_clean(char *out, size_t out_bytes, const char *text);

// "2026-11-22T19:04:45.123+01:00", local time, into `out`, which it returns.
enum { LOG_TIME_BYTES = 40 };
const char *log_time_str(int64_t time_us, char out[LOG_TIME_BYTES]);
