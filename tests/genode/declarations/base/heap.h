/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_HEAP_H
#define THAW_DECLARED_BASE_HEAP_H

#include <base/allocator.h>
#include <base/env.h>

namespace Genode {

	struct Heap : Allocator
	{
		Heap(Ram_allocator &, Env::Local_rm &);
		Result try_alloc(size_t) override;
	};

	struct Sliced_heap : Allocator { Result try_alloc(size_t) override; };
}

#endif
