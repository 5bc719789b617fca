/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_RECONSTRUCTIBLE_H
#define THAW_DECLARED_UTIL_RECONSTRUCTIBLE_H

#include <util/interface.h>

namespace Genode {

	template <typename T>
	struct Constructible : Noncopyable
	{
		Constructible();

		void construct(auto &&... args) requires requires { T(args...); };
		void destruct();
		bool constructed() const;

		T       *operator -> ();
		T const *operator -> () const;
		T &operator * ();
	};
}

#endif
