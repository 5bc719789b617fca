/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ALLOCATOR_AVL_H
#define THAW_DECLARED_BASE_ALLOCATOR_AVL_H

#include <base/allocator.h>
#include <util/avl_tree.h>

namespace Genode {

	class Allocator_avl_base;
	template <typename> struct Allocator_avl_tpl;
	struct Allocator_avl;
}

class Genode::Allocator_avl_base : public Range_allocator
{
	protected:

		struct Block
		{
			addr_t addr() const;
			bool   used() const;
		};

	private:

		Avl_tree<Block> _addr_tree;

		Result try_alloc(size_t) override;
		size_t avail() const override;
};

template <typename DATA>
struct Genode::Allocator_avl_tpl : Allocator_avl_base { DATA *metadata(void *) const; };

struct Genode::Allocator_avl : Allocator_avl_base { explicit Allocator_avl(Allocator *); };

#endif
