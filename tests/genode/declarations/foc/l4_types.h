/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_FOC_L4_TYPES_H
#define THAW_DECLARED_FOC_L4_TYPES_H

/* words of the kernel's interface; the glue includes foc/syscall.h */
namespace Foc {

	using l4_umword_t  = unsigned long;
	using l4_cap_idx_t = unsigned long;

	struct l4_msgtag_t { long raw; };
}

#endif
