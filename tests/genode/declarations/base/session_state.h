/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SESSION_STATE_H
#define THAW_DECLARED_BASE_SESSION_STATE_H

#include <base/env.h>
#include <base/log.h>

namespace Genode {

	struct Service;

	struct Session_state : Noncopyable
	{
		using Name = String<32>;
		using Args = String<256>;

		enum Phase { CREATE_REQUESTED, SERVICE_DENIED, AVAILABLE, CAP_HANDED_OUT, UPGRADE_REQUESTED, CLOSE_REQUESTED, CLOSED };

		struct Factory { size_t session_costs() const; };

		Phase               phase;
		Session            *local_ptr;
		Capability<Session> cap;

		Constructible<Id_space<Parent::Client>::Element> id_at_parent;

		Service           &service();
		Service     const &service() const;
		Parent::Client::Id id_at_client() const;
		Args const        &args() const;
		Session_label      label() const;
		Session_label      client_label() const;
		Ram_quota          donated_ram_quota() const;
		Cap_quota          donated_cap_quota() const;
		void               confirm_ram_upgrade();
	};
}

#endif
