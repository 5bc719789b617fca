/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_INTERNAL_CAP_ALLOC_H
#define THAW_DECLARED_BASE_INTERNAL_CAP_ALLOC_H

#include <base/internal/cap_map.h>

#endif
