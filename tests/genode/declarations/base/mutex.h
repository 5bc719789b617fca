/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_MUTEX_H
#define THAW_DECLARED_BASE_MUTEX_H

#include <util/interface.h>

namespace Genode {

	struct Mutex : Noncopyable
	{
		struct Guard : Noncopyable { explicit Guard(Mutex &); ~Guard(); };
	};
}

#endif
