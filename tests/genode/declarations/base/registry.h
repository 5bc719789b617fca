/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_REGISTRY_H
#define THAW_DECLARED_BASE_REGISTRY_H

#include <util/interface.h>

namespace Genode {

	template <typename T>
	struct Registry : Noncopyable
	{
		void for_each(auto const &fn) { fn(*find()); }

		private: T *find();
	};

	template <typename T>
	struct Registered : T
	{
		Registered(Registry<Registered<T>> &, auto &&... args) : T(args...) { }
	};
}

#endif
