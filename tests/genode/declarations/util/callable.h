/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_CALLABLE_H
#define THAW_DECLARED_UTIL_CALLABLE_H

#include <util/interface.h>

namespace Genode {

	template <typename RESULT, typename... ARGS>
	struct Callable
	{
		struct Ft : Interface { virtual RESULT operator () (ARGS &&...) const = 0; };
	};
}

#endif
