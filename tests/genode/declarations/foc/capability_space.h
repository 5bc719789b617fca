/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_FOC_CAPABILITY_SPACE_H
#define THAW_DECLARED_FOC_CAPABILITY_SPACE_H

#include <base/capability.h>
#include <foc/native_capability.h>

namespace Genode::Capability_space { Foc::l4_cap_idx_t alloc_kcap(); }

#endif
