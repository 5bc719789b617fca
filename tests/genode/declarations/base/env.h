/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_ENV_H
#define THAW_DECLARED_BASE_ENV_H

#include <parent/parent.h>
#include <pd_session/pd_session.h>
#include <cpu_session/cpu_session.h>

namespace Genode {

	struct Entrypoint;
	struct Runtime;
	struct Ram_allocator;

	struct Env : Interface
	{
		using Local_rm = Local::Constrained_region_map;

		Parent               &parent();
		Local_rm             &rm();
		Pd_session           &pd();
		Ram_allocator        &ram();
		Entrypoint           &ep();
		Runtime              &runtime();
		Pd_session_capability pd_session_cap();
		void                  exec_static_constructors();
		void                  upgrade(Parent::Client::Id, Parent::Upgrade_args const &);
	};
}

#endif
