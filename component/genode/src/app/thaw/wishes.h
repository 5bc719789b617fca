/*
 * \brief  Badges that objects of a restored target must have
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _WISHES_H_
#define _WISHES_H_

#include <base/stdint.h>
#include <parent/parent.h>

namespace Thaw { struct Wishes; }


/**
 * Filled before a target is made; empty for one that starts from the beginning
 */
struct Thaw::Wishes
{
	using Word = Genode::uint32_t;

	struct Session
	{
		unsigned long id { };
		Word badge { };         /* of the session */
		Word dataspace { };     /* of a ROM session's dataspace */
	};

	enum { MAX = 64 };

	Session  sessions[MAX] { };
	unsigned count  = 0;
	Word     parent = 0;

	/* why core did not grant one, 0 if it did: who opens a session learns only that there is none */
	mutable Word refusal = 0;

	void clear() { count = 0; parent = 0; refusal = 0; }

	bool add(Session const &session)
	{
		if (count == MAX) return false;
		sessions[count++] = session;
		return true;
	}

	Session of(Genode::Parent::Client::Id id) const
	{
		for (unsigned i = 0; i < count; i++)
			if (sessions[i].id == id.value)
				return sessions[i];
		return Session { };
	}
};

#endif /* _WISHES_H_ */
