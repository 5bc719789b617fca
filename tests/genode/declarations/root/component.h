/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_ROOT_COMPONENT_H
#define THAW_DECLARED_ROOT_COMPONENT_H

#include <base/entrypoint.h>
#include <base/service.h>

namespace Genode {

	template <typename SESSION>
	struct Root_component : Noncopyable, Local_service<SESSION>::Factory
	{
		using Create_result = typename Local_service<SESSION>::Factory::Result;

		Root_component(Rpc_entrypoint *, Allocator *);

		protected:

			virtual Create_result _create_session(char const *args);

			Create_result _alloc_obj(auto &&... args) { return *new (_md_alloc()) SESSION(args...); }

		private: Allocator &_md_alloc();
	};
}

#endif
