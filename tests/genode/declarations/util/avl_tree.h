/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_AVL_TREE_H
#define THAW_DECLARED_UTIL_AVL_TREE_H

namespace Genode {

	template <typename NODE>
	struct Avl_tree
	{
		void for_each(auto const &fn) const { fn(*find()); }

		private: NODE const *find() const;
	};
}

#endif
