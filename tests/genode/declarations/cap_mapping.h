/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CAP_MAPPING_H
#define THAW_DECLARED_CAP_MAPPING_H

#include <base/internal/cap_map.h>
#include <foc/syscall.h>
#include <types.h>

namespace Core {

	class Platform_thread;

	struct Core_cap_index : Native_capability::Data { Platform_thread const *pt() const; };

	struct Cap_mapping : Noncopyable
	{
		Native_capability local;
		Foc::l4_cap_idx_t remote;

		void map(Foc::l4_cap_idx_t task);
	};
}

#endif
