/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_ROOT_COMPONENT_H
#define THAW_DECLARED_ROOT_COMPONENT_H

#include <base/entrypoint.h>
#include <base/service.h>

namespace Genode {

	template <typename SESSION> struct Typed_root { using Rpc_functions = Rpc_list<>; };

	template <typename SESSION>
	struct Root_component : Rpc_object<Typed_root<SESSION>>, Local_service<SESSION>::Factory
	{
		using Create_result = typename Local_service<SESSION>::Factory::Result;

		Root_component(Rpc_entrypoint *, Allocator *);
		Root_component(Entrypoint &, Allocator &);

		void destroy(SESSION &) override;

		protected:

			virtual Create_result _create_session(char const *args);

			Create_result _alloc_obj(auto &&... args) { return *new (_md_alloc()) SESSION(args...); }

		private: Allocator &_md_alloc();
	};
}

#endif
