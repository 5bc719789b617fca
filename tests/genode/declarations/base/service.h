/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SERVICE_H
#define THAW_DECLARED_BASE_SERVICE_H

#include <base/allocator.h>
#include <base/registry.h>
#include <base/session_state.h>

namespace Genode {

	struct Service : Interface, Noncopyable
	{
		using Name = Session_state::Name;

		enum class Initiate_error { OUT_OF_CAPS, OUT_OF_RAM };

		using Initiate_result = Attempt<Ok, Initiate_error>;

		Service(Name const &);

		Name const &name() const;

		virtual Initiate_result initiate_request(Session_state &) = 0;
	};

	template <typename SESSION>
	struct Local_service : Service
	{
		struct Factory : Interface
		{
			using Result = Unique_attempt<SESSION &, Session_error>;

			virtual void destroy(SESSION &) = 0;
		};

		Initiate_result initiate_request(Session_state &) override;
	};

	struct Parent_service : Service
	{
		Parent_service(Env &, Name const &);
		Initiate_result initiate_request(Session_state &) override;
	};
}

#endif
