/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_INTERNAL_CAP_MAP_H
#define THAW_DECLARED_BASE_INTERNAL_CAP_MAP_H

#include <base/internal/capability_data.h>
#include <util/avl_tree.h>

namespace Genode {

	using Cap_index = Native_capability::Data;

	struct Spin_lock { void lock(); void unlock(); };

	struct Cap_index_allocator : Noncopyable { Cap_index *alloc_range(size_t); };

	class Capability_map : Noncopyable
	{
		private:

			Avl_tree<Cap_index> _tree;
			Spin_lock           _lock;

		public:

			Cap_index *find(Cap_index::id_t);
			Cap_index *insert(Cap_index::id_t);
	};

	Cap_index_allocator &cap_idx_alloc();
	Capability_map      &cap_map();
}

#endif
