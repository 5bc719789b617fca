/*
 * \brief  Signal handlers that a child gave to its parent
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _PARENT_HANDLERS_H_
#define _PARENT_HANDLERS_H_

#include <base/child.h>

/*
 * Genode keeps them in private members of a child and offers no way to read them. Access is not checked in the
 * arguments of an explicit instantiation; if a member has another name or type, this header does not compile.
 */

namespace Thaw {

	using Handler_member = Genode::Signal_context_capability Genode::Child::*;

	template <typename TAG, Handler_member MEMBER>
	struct Child_member { friend Handler_member handler_member(TAG) { return MEMBER; } };

	struct Resource_handler  { friend Handler_member handler_member(Resource_handler); };
	struct Yield_handler     { friend Handler_member handler_member(Yield_handler); };
	struct Session_handler   { friend Handler_member handler_member(Session_handler); };
	struct Heartbeat_handler { friend Handler_member handler_member(Heartbeat_handler); };

	template struct Child_member<Resource_handler,  &Genode::Child::_resource_avail_sigh>;
	template struct Child_member<Yield_handler,     &Genode::Child::_yield_sigh>;
	template struct Child_member<Session_handler,   &Genode::Child::_session_sigh>;
	template struct Child_member<Heartbeat_handler, &Genode::Child::_heartbeat_sigh>;

	/**
	 * Handler number 'which' of 0..3
	 */
	inline Genode::Signal_context_capability &parent_handler(Genode::Child &child, unsigned which)
	{
		Handler_member const members[] { handler_member(Resource_handler()), handler_member(Yield_handler()),
		                                 handler_member(Session_handler()),  handler_member(Heartbeat_handler()) };
		return child.*members[which & 3];
	}
}

#endif /* _PARENT_HANDLERS_H_ */
