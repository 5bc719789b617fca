/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_SYNCED_RANGE_ALLOCATOR_H
#define THAW_DECLARED_SYNCED_RANGE_ALLOCATOR_H

#include <base/allocator.h>
#include <types.h>

namespace Core {

	template <typename ALLOC>
	struct Synced_range_allocator : Range_allocator
	{
		Synced_range_allocator(auto &&... args) requires requires { ALLOC(args...); };

		Alloc_result try_alloc(size_t) override;

		size_t avail() const override;
	};
}

#endif
