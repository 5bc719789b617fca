/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_INTERFACE_H
#define THAW_DECLARED_UTIL_INTERFACE_H

namespace Genode {

	struct Interface { virtual ~Interface(); };

	struct Noncopyable
	{
		Noncopyable();
		Noncopyable(Noncopyable const &) = delete;
		Noncopyable &operator = (Noncopyable const &) = delete;
	};
}

#endif
