/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_LIST_H
#define THAW_DECLARED_UTIL_LIST_H

namespace Genode {

	template <typename T>
	struct List
	{
		struct Element { T *next() const; };

		T *first();
	};
}

#endif
