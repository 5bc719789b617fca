/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_MAP_LOCAL_H
#define THAW_DECLARED_MAP_LOCAL_H

#include <platform.h>

namespace Core { bool map_local(addr_t from, addr_t to, size_t pages); }

#endif
