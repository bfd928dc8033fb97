#include "cfg/check.h"
void check_doubts(const struct check *check)
{
}
