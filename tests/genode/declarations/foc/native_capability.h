/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_FOC_NATIVE_CAPABILITY_H
#define THAW_DECLARED_FOC_NATIVE_CAPABILITY_H

#include <foc/l4_types.h>

namespace Foc {

	constexpr l4_cap_idx_t THREAD_PAGER_CAP = 1ul << 12;
	constexpr l4_cap_idx_t THREAD_IRQ_CAP   = 2ul << 12;
}

#endif
