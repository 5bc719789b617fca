/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ALLOCATOR_H
#define THAW_DECLARED_BASE_ALLOCATOR_H

#include <base/error.h>
#include <base/exception.h>
#include <util/attempt.h>
#include <dataspace/capability.h>
#include <util/string.h>

namespace Genode {

	struct Align { unsigned char log2; };

	namespace Memory { struct Constrained_allocator; }

	struct Allocator;
	struct Range_allocator;
	struct Ram_allocator : Interface, Noncopyable { Ram_dataspace_capability alloc(size_t); };

	template <typename T> void destroy(Allocator &, T *);
}

struct Genode::Memory::Constrained_allocator : Interface, Noncopyable
{
	struct Attr { void *ptr; size_t num_bytes; };

	using Error      = Alloc_error;
	using Allocation = Genode::Allocation<Constrained_allocator>;
	using Result     = Allocation::Attempt;

	virtual Result try_alloc(size_t) = 0;
};

struct Genode::Allocator : Memory::Constrained_allocator
{
	using Alloc_result = Result;

	void *alloc(size_t);
	void  free(void *, size_t);
};

struct Genode::Range_allocator : Allocator
{
	Alloc_result alloc_aligned(size_t, Align);
	Alloc_result alloc_addr(size_t, addr_t);

	virtual size_t avail() const = 0;
};

void *operator new (__SIZE_TYPE__, Genode::Allocator &);
void  operator delete (void *, Genode::Allocator &);

#endif
