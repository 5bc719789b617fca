/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_CACHE_H
#define THAW_DECLARED_CPU_CACHE_H

#include <base/stdint.h>

namespace Genode { void cache_coherent(addr_t, size_t); }

#endif
