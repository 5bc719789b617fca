/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_STDINT_H
#define THAW_DECLARED_BASE_STDINT_H

namespace Genode {

	using uint32_t = __UINT32_TYPE__;
	using uint64_t = __UINT64_TYPE__;
	using size_t   = unsigned long;
	using addr_t   = unsigned long;
}

#endif
